//! Reads one HTTP/1.1 answer from bytes as they come (RFC 9112), and does no I/O.
//!
//! `httparse` reads heads; what is here is the framing: where an answer ends, and what is wrong with it. Unlike in a
//! browser, being lenient is no virtue here: what is not right is named.

use std::fmt;

use httparse::{EMPTY_HEADER, Status};

/// The longest head that is read.
const MOST_HEAD: usize = 64 << 10;

/// The most headers in it.
const MOST_HEADERS: usize = 128;

/// The most interim answers (1xx) before the answer.
const MOST_INTERIM: u32 = 32;

/// The longest line that says a chunk's size, with its extensions.
const MOST_CHUNK_LINE: usize = 4 << 10;

/// What is kept at least of a body that ends with its connection: whether it ended too early can only be seen by
/// comparing it with others.
pub(crate) const KEPT_OF_UNFRAMED: usize = 64 << 10;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It does not begin as HTTP does.
    NotHttp,
    /// The head is broken.
    Head(httparse::Error),
    /// The head is longer than 64 KiB, or has more than 128 headers.
    HeadTooLarge,
    /// `Content-Length` is no number, or two different ones.
    Length,
    /// A chunk's size is no number, or does not fit its chunk.
    Chunk,
    /// There are more interim answers than anybody needs.
    Interim,
    /// 101, which nobody has asked for.
    Upgrade,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => write!(f, "it does not begin with HTTP/1"),
            Self::Head(error) => write!(f, "{error}"),
            Self::HeadTooLarge => write!(f, "more than 64 KiB or 128 headers"),
            Self::Length => write!(f, "Content-Length is no number, or there are two different ones"),
            Self::Chunk => write!(f, "a chunk's size is wrong"),
            Self::Interim => write!(f, "more than {MOST_INTERIM} interim answers (1xx)"),
            Self::Upgrade => write!(f, "101 Switching Protocols, unasked"),
        }
    }
}

/// Where in an answer the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of the body are missing.
    Length(u64),
    /// In the line that says a chunk's size.
    ChunkSize {
        size: u64,
        digits: usize,
        line: usize,
        extension: bool,
        cr: bool,
    },
    /// So many bytes of the chunk are missing.
    Chunk(u64),
    /// After a chunk: this many bytes of its CRLF were seen.
    ChunkEnd(u8),
    /// In the trailers: bytes of all of them, and of the line.
    Trailers {
        all: usize,
        line: usize,
        cr: bool,
    },
    /// The body ends with the connection.
    UntilClose,
    Done,
}

const CHUNK_SIZE: State = State::ChunkSize { size: 0, digits: 0, line: 0, extension: false, cr: false };

/// Reads answers, one after the other.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    to_head: bool,
    /// What came of a head that is not whole yet.
    partial: Vec<u8>,
    interim: u32,
    status: u16,
    keep_alive: bool,
    framed: bool,
    media_type: Vec<u8>,
    location: Vec<u8>,
    length: u64,
    first: Option<u8>,
    keep: usize,
    body: Vec<u8>,
}

impl ResponseReader {
    /// One that has to be told to [`begin`](Self::begin).
    pub const fn new() -> Self {
        Self {
            state: State::Done,
            to_head: false,
            partial: Vec::new(),
            interim: 0,
            status: 0,
            keep_alive: false,
            framed: true,
            media_type: Vec::new(),
            location: Vec::new(),
            length: 0,
            first: None,
            keep: 0,
            body: Vec::new(),
        }
    }

    /// Begins to read an answer: to a HEAD request or to another one, keeping so many bytes of its body.
    pub fn begin(&mut self, to_head: bool, keep: usize) {
        self.state = State::Head;
        self.to_head = to_head;
        self.partial.clear();
        self.interim = 0;
        self.status = 0;
        self.length = 0;
        self.first = None;
        self.keep = keep;
        self.body.clear();
    }

    /// Reads on, until the answer or the input ends. Returns how many bytes belong to the answer.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let mut rest = input;
        while !rest.is_empty() && self.state != State::Done {
            let used = match self.state {
                State::Head => self.head(rest)?,
                State::Length(missing) => {
                    let used = within(missing, rest);
                    let missing = missing - used as u64;
                    self.data(rest, used);
                    self.state = if missing == 0 { State::Done } else { State::Length(missing) };
                    used
                }
                State::Chunk(missing) => {
                    let used = within(missing, rest);
                    let missing = missing - used as u64;
                    self.data(rest, used);
                    self.state = if missing == 0 { State::ChunkEnd(0) } else { State::Chunk(missing) };
                    used
                }
                State::UntilClose => {
                    self.data(rest, rest.len());
                    rest.len()
                }
                State::ChunkSize { .. } | State::ChunkEnd(_) | State::Trailers { .. } | State::Done => {
                    self.state = between_chunks(self.state, rest[0])?;
                    1
                }
            };
            rest = &rest[used..];
        }
        Ok(input.len() - rest.len())
    }

    /// The connection has ended: whether that is how the answer ends.
    pub fn end(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Done;
        }
        self.state == State::Done
    }

    /// Whether the answer is whole.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether any of it has come.
    pub fn has_begun(&self) -> bool {
        self.status != 0 || self.interim > 0 || !self.partial.is_empty()
    }

    /// The status, once the head is there.
    pub fn status(&self) -> Option<u16> {
        (self.status != 0).then_some(self.status)
    }

    /// Whether the connection can be used again.
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the answer says where it ends. One that ends with the connection may have been cut off.
    pub const fn is_framed(&self) -> bool {
        self.framed
    }

    /// `Content-Type`.
    pub fn media_type(&self) -> &[u8] {
        &self.media_type
    }

    /// `Location`.
    pub fn location(&self) -> &[u8] {
        &self.location
    }

    /// Bytes of the body so far.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The first byte of the body that is no white space.
    pub const fn first_byte(&self) -> Option<u8> {
        self.first
    }

    /// The body, as far as it is kept.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    fn data(&mut self, input: &[u8], used: usize) {
        let data = &input[..used];
        self.length += used as u64;
        if self.first.is_none() {
            self.first = data.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        }
        if self.keep > self.body.len() {
            let room = (self.keep - self.body.len()).min(used);
            self.body.extend_from_slice(&data[..room]);
        }
    }

    /// Reads a head, or the part of it that is there.
    fn head(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let before = self.partial.len();
        // Mostly a head comes in one piece, and is not copied.
        if before == 0
            && let Some(used) = self.whole_head(input)?
        {
            return Ok(used);
        }
        let room = (MOST_HEAD - before).min(input.len());
        self.partial.extend_from_slice(&input[..room]);
        if before > 0 {
            let mut partial = std::mem::take(&mut self.partial);
            let used = self.whole_head(&partial)?;
            if used.is_some() {
                partial.clear();
            }
            self.partial = partial;
            if let Some(used) = used {
                return Ok(used.saturating_sub(before));
            }
        }
        if self.partial.len() >= MOST_HEAD { Err(Malformed::HeadTooLarge) } else { Ok(room) }
    }

    /// Reads a head that is there as a whole; nothing if it is not.
    fn whole_head(&mut self, input: &[u8]) -> Result<Option<usize>, Malformed> {
        // Before any of it is judged, it must look like an answer.
        let start = b"HTTP/1.";
        if !input.starts_with(&start[..start.len().min(input.len())]) {
            return Err(Malformed::NotHttp);
        }
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let used = match response.parse(input) {
            Ok(Status::Complete(used)) => used,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Malformed::HeadTooLarge),
            Err(error) => return Err(Malformed::Head(error)),
        };
        if used > MOST_HEAD {
            return Err(Malformed::HeadTooLarge);
        }
        let status = response.code.unwrap_or(0);
        match status {
            101 => return Err(Malformed::Upgrade),
            // `httparse` takes any three digits.
            0..100 => return Err(Malformed::Head(httparse::Error::Status)),
            100..200 => {
                self.interim += 1;
                return if self.interim > MOST_INTERIM { Err(Malformed::Interim) } else { Ok(Some(used)) };
            }
            _ => {}
        }
        self.media_type.clear();
        self.location.clear();
        let fields = Fields::read(response.headers, &mut self.media_type, &mut self.location)?;
        self.status = status;
        self.keep_alive = if response.version == Some(1) { !fields.close } else { fields.keep_alive };
        self.frame(&fields);
        Ok(Some(used))
    }

    /// Where the body ends (RFC 9112, 6.3).
    fn frame(&mut self, fields: &Fields) {
        self.framed = true;
        self.state = if self.to_head || matches!(self.status, 204 | 304) {
            State::Done
        } else if fields.chunked {
            // With a length as well, somebody on the way may have understood it differently.
            self.keep_alive &= fields.length.is_none();
            CHUNK_SIZE
        } else if let (Some(length), false) = (fields.length, fields.coded) {
            if length == 0 { State::Done } else { State::Length(length) }
        } else {
            self.framed = false;
            self.keep = self.keep.max(KEPT_OF_UNFRAMED);
            self.keep_alive = false;
            State::UntilClose
        };
    }
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self::new()
    }
}

/// How many of the missing bytes are in the input.
fn within(missing: u64, input: &[u8]) -> usize {
    usize::try_from(missing).unwrap_or(usize::MAX).min(input.len())
}

/// The headers that matter to us.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    /// There is a transfer coding.
    coded: bool,
    /// The last one is `chunked`.
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl Fields {
    fn read(
        headers: &[httparse::Header<'_>],
        media_type: &mut Vec<u8>,
        location: &mut Vec<u8>,
    ) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        for header in headers {
            // Names are told apart by their length first: most headers are none of these.
            match header.name.len() {
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    for part in header.value.split(|byte| *byte == b',') {
                        let length = decimal(part.trim_ascii()).ok_or(Malformed::Length)?;
                        if fields.length.is_some_and(|before| before != length) {
                            return Err(Malformed::Length);
                        }
                        fields.length = Some(length);
                    }
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.coded = true;
                    let last = header.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                    fields.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
                }
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    for option in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                        fields.close |= option.eq_ignore_ascii_case(b"close");
                        fields.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                12 if header.name.eq_ignore_ascii_case("content-type") => {
                    media_type.clear();
                    media_type.extend_from_slice(header.value);
                }
                8 if header.name.eq_ignore_ascii_case("location") => {
                    location.clear();
                    location.extend_from_slice(header.value);
                }
                _ => {}
            }
        }
        fields.keep_alive &= !fields.close;
        Ok(fields)
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    // `parse` would take a sign.
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// The next state, after a byte of what is around chunks (RFC 9112, 7.1).
fn between_chunks(state: State, byte: u8) -> Result<State, Malformed> {
    match state {
        State::ChunkSize { size, digits, line, extension, cr } => {
            if cr {
                return match (byte, size) {
                    (b'\n', 0) => Ok(State::Trailers { all: 0, line: 0, cr: false }),
                    (b'\n', size) => Ok(State::Chunk(size)),
                    _ => Err(Malformed::Chunk),
                };
            }
            let line = line + 1;
            match byte {
                _ if line > MOST_CHUNK_LINE => Err(Malformed::Chunk),
                b'\r' if digits > 0 => Ok(State::ChunkSize { size, digits, line, extension, cr: true }),
                b'\r' | b'\n' => Err(Malformed::Chunk),
                _ if extension => Ok(State::ChunkSize { size, digits, line, extension, cr }),
                // White space before an extension is bad, but was always taken.
                b';' | b' ' | b'\t' if digits > 0 => Ok(State::ChunkSize { size, digits, line, extension: true, cr }),
                _ => {
                    let digit = char::from(byte).to_digit(16).ok_or(Malformed::Chunk)?;
                    // Sixteen digits are all that fit.
                    if digits == 16 {
                        return Err(Malformed::Chunk);
                    }
                    Ok(State::ChunkSize { size: size << 4 | u64::from(digit), digits: digits + 1, line, extension, cr })
                }
            }
        }
        State::ChunkEnd(0) if byte == b'\r' => Ok(State::ChunkEnd(1)),
        State::ChunkEnd(1) if byte == b'\n' => Ok(CHUNK_SIZE),
        State::Trailers { all, line, cr } => match byte {
            _ if all > MOST_HEAD => Err(Malformed::HeadTooLarge),
            b'\n' if line == 0 && cr => Ok(State::Done),
            b'\n' if cr => Ok(State::Trailers { all: all + 1, line: 0, cr: false }),
            b'\n' => Err(Malformed::Chunk),
            b'\r' => Ok(State::Trailers { all: all + 1, line, cr: true }),
            _ if cr => Err(Malformed::Chunk),
            _ => Ok(State::Trailers { all: all + 1, line: line + 1, cr: false }),
        },
        State::ChunkEnd(_) | State::Head | State::Length(_) | State::Chunk(_) | State::UntilClose | State::Done => {
            Err(Malformed::Chunk)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader makes of an answer: its status, its body, how many bytes were its own, and whether it is whole.
    type Read = Result<(Option<u16>, Vec<u8>, usize, bool), Malformed>;

    fn read(pieces: &[&[u8]], to_head: bool, then_closes: bool) -> (Read, bool) {
        let mut reader = ResponseReader::new();
        reader.begin(to_head, usize::MAX);
        let mut used = 0;
        for piece in pieces {
            match reader.feed(piece) {
                Ok(more) => used += more,
                Err(error) => return (Err(error), false),
            }
        }
        if then_closes {
            reader.end();
        }
        (Ok((reader.status(), reader.body().to_vec(), used, reader.is_done())), reader.keep_alive())
    }

    fn whole(text: &str) -> Read {
        read(&[text.as_bytes()], false, false).0
    }

    fn keeps(text: &str) -> bool {
        read(&[text.as_bytes()], false, false).1
    }

    #[test]
    fn answers_end_where_they_say() {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(whole(length), Ok((Some(200), b"hello".to_vec(), length.len(), true)));
        let excess = format!("{length}HTTP");
        assert_eq!(whole(&excess), Ok((Some(200), b"hello".to_vec(), length.len(), true)));
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n";
        assert_eq!(whole(chunked), Ok((Some(200), b"hello!".to_vec(), chunked.len(), true)));
        let empty = "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(whole(empty), Ok((Some(204), Vec::new(), empty.len(), true)));
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
        assert_eq!(whole(&format!("{interim}{length}")).unwrap().0, Some(200));
    }

    #[test]
    fn an_answer_without_length_ends_with_the_connection() {
        let text = "HTTP/1.1 200 OK\r\n\r\npart";
        assert!(!read(&[text.as_bytes()], false, false).0.unwrap().3);
        assert!(read(&[text.as_bytes()], false, true).0.unwrap().3);
        let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
        assert!(!read(&[short.as_bytes()], false, true).0.unwrap().3);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n";
        assert!(!read(&[chunked.as_bytes()], false, true).0.unwrap().3);
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert!(read(&[text], true, false).0.unwrap().3);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, wrong) in [
            ("SSH-2.0-OpenSSH\r\n", Malformed::NotHttp),
            ("\u{15}\u{3}\u{1}", Malformed::NotHttp),
            ("HTTP/2 200\r\n\r\n", Malformed::NotHttp),
            ("HTTP/1.1 abc\r\n\r\n", Malformed::Head(httparse::Error::Status)),
            ("HTTP/1.1 099 Low\r\n\r\n", Malformed::Head(httparse::Error::Status)),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Malformed::Head(httparse::Error::HeaderName)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Malformed::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Malformed::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Malformed::Length),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Malformed::Chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", Malformed::Chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", Malformed::Chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", Malformed::Chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n", Malformed::Chunk),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Malformed::Upgrade),
        ] {
            assert_eq!(whole(text), Err(wrong), "{text}");
        }
        let many = "HTTP/1.1 102 Processing\r\n\r\n".repeat(40);
        assert_eq!(whole(&many), Err(Malformed::Interim));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(70_000));
        assert_eq!(whole(&endless), Err(Malformed::HeadTooLarge));
        let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200));
        assert_eq!(whole(&headers), Err(Malformed::HeadTooLarge));
        let trailers =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".to_owned() + &"A: b\r\n".repeat(20_000);
        assert_eq!(whole(&trailers), Err(Malformed::HeadTooLarge));
    }

    #[test]
    fn a_connection_is_kept_when_both_sides_can() {
        let answer =
            |version: &str, headers: &str| format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{headers}\r\n");
        assert!(keeps(&answer("1.1", "")));
        assert!(!keeps(&answer("1.1", "Connection: close\r\n")));
        assert!(!keeps(&answer("1.1", "Connection: foo, Close\r\n")));
        assert!(!keeps(&answer("1.0", "")));
        assert!(keeps(&answer("1.0", "Connection: keep-alive\r\n")));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
        // Two lengths: RFC 9112, 6.3, says to close.
        assert!(!keeps("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_panic(pieces: Vec<Vec<u8>>, to_head: bool) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _read = read(&pieces, to_head, true);
        }

        #[test]
        fn it_does_not_matter_how_an_answer_is_cut_up(
            n in 0..6_usize,
            tail in proptest::collection::vec(any::<u8>(), 0..40),
            mut cuts in proptest::collection::vec(0..300_usize, 0..8),
        ) {
            let start: &[u8] = [
                &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\nContent-Length: 2\n\nno",
                b"HTTP/1.1 200 OK\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"HTTP/1.1 2",
            ][n];
            let answer = [start, &tail].concat();
            cuts.push(0);
            cuts.push(answer.len());
            for cut in &mut cuts {
                *cut = (*cut).min(answer.len());
            }
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|two| &answer[two[0]..two[1]]).collect();
            let (at_once, in_pieces) = (read(&[&answer], false, true), read(&pieces, false, true));
            // A broken head may be noticed at its first bad byte or at its end, and be broken in two ways.
            if at_once.0.is_ok() || in_pieces.0.is_ok() {
                prop_assert_eq!(at_once, in_pieces);
            }
        }
    }
}
