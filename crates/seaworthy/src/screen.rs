//! Where lines and frames go while a run goes on: through a thread of its own, so that a terminal that is stopped, or
//! a pipe that nobody reads, holds nothing up. What finds no room is left out, and counted.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use rustix::termios::tcgetwinsize;

/// Frames and lines that may wait to be written.
const QUEUE: usize = 64;

enum Item {
    Out(String),
    Err(String),
    Frame(Vec<String>),
}

/// Writes to stdout and stderr, one after the other. Dropping it waits until all is written, and takes the frame away.
pub(crate) struct Screen {
    items: Option<SyncSender<Item>>,
    thread: Option<JoinHandle<()>>,
    left_out: u64,
}

impl Screen {
    pub(crate) fn start() -> io::Result<Self> {
        let (items, queue) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name("screen".into()).spawn(move || write(&queue))?;
        Ok(Self { items: Some(items), thread: Some(thread), left_out: 0 })
    }

    /// A line on stdout.
    pub(crate) fn out(&mut self, line: String) {
        self.put(Item::Out(line));
    }

    /// A line on stderr.
    pub(crate) fn err(&mut self, line: String) {
        self.put(Item::Err(line));
    }

    /// A frame on stderr, in place of the one before.
    pub(crate) fn frame(&mut self, lines: Vec<String>) {
        self.put(Item::Frame(lines));
    }

    fn put(&mut self, item: Item) {
        let is_line = !matches!(item, Item::Frame(_));
        let full = self.items.as_ref().is_some_and(|items| items.try_send(item).is_err());
        self.left_out += u64::from(full && is_line);
    }

    /// Lines that found no room.
    pub(crate) const fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.items.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic over, and if it did there is nothing to be done here.
            let _ended = thread.join();
        }
    }
}

/// Until nobody has anything to write any more. A closed pipe is no reason to complain about it.
fn write(queue: &Receiver<Item>) {
    let mut picture = Picture::default();
    for item in queue {
        let _written = match item {
            Item::Out(line) => writeln!(io::stdout(), "{line}"),
            Item::Err(line) => picture.erase(&mut io::stderr()).and_then(|()| writeln!(io::stderr(), "{line}")),
            Item::Frame(lines) => picture.draw(&lines, &mut io::stderr()),
        };
    }
    let _written = picture.end(&mut io::stderr());
}

/// The terminal's size in columns and lines; 80 by 24 where nobody knows.
pub(crate) fn size() -> (usize, usize) {
    match tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

/// A frame that is drawn again in its place (ECMA-48: CUU, EL, ED; the cursor by DECTCEM).
#[derive(Debug, Default)]
struct Picture {
    /// Lines above the cursor that are ours.
    lines: usize,
    hidden: bool,
}

impl Picture {
    /// In one write, so that no half of it is seen.
    fn draw(&mut self, lines: &[String], to: &mut impl Write) -> io::Result<()> {
        let mut text = String::new();
        if !self.hidden {
            text.push_str("\x1b[?25l");
            self.hidden = true;
        }
        if self.lines > 0 {
            let _infallible = write!(text, "\x1b[{}A", self.lines);
        }
        for line in lines {
            let _infallible = writeln!(text, "\r{line}\x1b[K");
        }
        text.push_str("\x1b[J");
        self.lines = lines.len();
        to.write_all(text.as_bytes())?;
        to.flush()
    }

    /// Takes the frame away, so that something else can stand in its place.
    fn erase(&mut self, to: &mut impl Write) -> io::Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        let text = format!("\x1b[{}A\r\x1b[J", self.lines);
        self.lines = 0;
        to.write_all(text.as_bytes())?;
        to.flush()
    }

    fn end(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.erase(to)?;
        if self.hidden {
            self.hidden = false;
            to.write_all(b"\x1b[?25h")?;
            to.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_the_place_of_the_one_before() {
        let mut picture = Picture::default();
        let mut wrote = |done: &mut dyn FnMut(&mut Picture, &mut Vec<u8>)| {
            let mut bytes = Vec::new();
            done(&mut picture, &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let first = wrote(&mut |picture, to| picture.draw(&lines(&["a", "b"]), to).unwrap());
        assert_eq!(first, "\x1b[?25l\ra\x1b[K\n\rb\x1b[K\n\x1b[J");
        let second = wrote(&mut |picture, to| picture.draw(&lines(&["c"]), to).unwrap());
        assert_eq!(second, "\x1b[2A\rc\x1b[K\n\x1b[J");
        assert_eq!(wrote(&mut |picture, to| picture.erase(to).unwrap()), "\x1b[1A\r\x1b[J");
        assert_eq!(wrote(&mut |picture, to| picture.end(to).unwrap()), "\x1b[?25h");
        assert_eq!(wrote(&mut |picture, to| picture.end(to).unwrap()), "");
    }
}
