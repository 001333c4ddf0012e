//! Whatever a server sends, reading it ends, and it does not matter how it was cut up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_load::http1::response::ResponseReader;

/// Reads an answer in pieces of so many bytes. What is left of a connection after it is not read.
fn read(bytes: &[u8], piece: usize, to_head: bool) -> Result<(Option<u16>, Vec<u8>, u64, bool, bool, usize), ()> {
    let mut reader = ResponseReader::new();
    reader.begin(to_head, 1 << 16);
    let mut used = 0;
    for piece in bytes.chunks(piece) {
        let fed = reader.feed(piece).map_err(|_malformed| ())?;
        assert!(fed <= piece.len() && (fed == piece.len() || reader.is_done()));
        used += fed;
        if reader.is_done() {
            break;
        }
    }
    let whole = reader.end();
    assert_eq!(whole, reader.is_done());
    Ok((reader.status(), reader.body().to_vec(), reader.length(), reader.keep_alive(), whole, used))
}

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (piece, to_head, bytes) = input;
    let at_once = read(bytes, usize::MAX, to_head);
    let in_pieces = read(bytes, usize::from(piece).max(1), to_head);
    assert_eq!(at_once, in_pieces);
});
