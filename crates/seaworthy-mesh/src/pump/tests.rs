//! What goes in comes out, little is held, and it is said who broke off.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

fn edge() -> std::sync::Arc<Edge> {
    std::sync::Arc::default()
}

/// Writes this in pieces of these sizes, and that it was all.
async fn say(mut to: impl AsyncWrite + Unpin, words: &[u8], sizes: &[usize]) {
    let (mut left, mut sizes) = (words, sizes.iter().cycle());
    while !left.is_empty() {
        let size = sizes.next().map_or(1, |size| *size).min(left.len());
        let (piece, rest) = left.split_at(size);
        to.write_all(piece).await.unwrap();
        left = rest;
    }
    to.shutdown().await.unwrap();
}

async fn hear(mut from: impl AsyncRead + Unpin, size: usize) -> Vec<u8> {
    let (mut heard, mut piece) = (Vec::new(), vec![0; size]);
    loop {
        match from.read(&mut piece).await.unwrap() {
            0 => return heard,
            count => heard.extend_from_slice(&piece[..count]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_goes_in_comes_out(
        question in prop::collection::vec(any::<u8>(), 0..60_000),
        answer in prop::collection::vec(any::<u8>(), 0..60_000),
        sizes in prop::collection::vec(1..20_000_usize, 1..5),
        (near, far, read) in (1..40_000_usize, 1..40_000_usize, 1..20_000_usize),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ((client, mut caller), (mut server, replica)) = (duplex(near), duplex(far));
            let ((from_client, to_client), (from_replica, to_replica)) =
                (tokio::io::split(client), tokio::io::split(replica));
            let edge = edge();
            let (ended, (), (), heard, answered) = tokio::join!(
                pump(&mut caller, &mut server, &edge),
                say(to_client, &question, &sizes),
                say(to_replica, &answer, &sizes),
                hear(from_replica, read),
                hear(from_client, read),
            );
            assert_eq!(ended, Ok(()));
            assert!(heard == question && answered == answer);
            assert_eq!(edge.sent.load(Relaxed), question.len() as u64);
            assert_eq!(edge.received.load(Relaxed), answer.len() as u64);
        });
    }
}

/// Writes until nothing more is taken, and says how much was.
fn fill(stream: &mut DuplexStream, cx: &mut Context<'_>) -> usize {
    let mut taken = 0;
    while let Poll::Ready(Ok(count)) = Pin::new(&mut *stream).poll_write(cx, &[7; 10_000]) {
        taken += count;
    }
    taken
}

#[tokio::test]
async fn who_does_not_read_holds_little() {
    let ((mut client, mut caller), (mut server, mut replica)) = (duplex(50_000), duplex(1_000));
    let edge = edge();
    let mut pumping = std::pin::pin!(pump(&mut caller, &mut server, &edge));
    let taken = poll_fn(|cx| {
        let mut taken = 0;
        loop {
            let more = fill(&mut client, cx);
            assert!(pumping.as_mut().poll(cx).is_pending());
            if more == 0 {
                return Poll::Ready(taken);
            }
            taken += more;
        }
    })
    .await;
    // What the two streams hold themselves, and one piece.
    assert!((51_000..=51_000 + PIECE).contains(&taken), "{taken}");
    assert_eq!(edge.sent.load(Relaxed), 1_000);
    drop(client);
    let (ended, heard) = tokio::join!(pumping, async {
        let mut heard = Vec::new();
        replica.read_to_end(&mut heard).await.unwrap();
        replica.shutdown().await.unwrap();
        heard
    });
    assert_eq!(heard, vec![7; taken]);
    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn who_broke_it_off_is_said() {
    let ((client, mut caller), (mut server, mut replica)) = (duplex(10), duplex(10));
    drop(client);
    replica.write_all(b"late").await.unwrap();
    assert_eq!(pump(&mut caller, &mut server, &edge()).await, Err(Failure::BrokenByCaller));
    let ((mut client, mut caller), (mut server, replica)) = (duplex(10), duplex(10));
    drop(replica);
    client.write_all(b"late").await.unwrap();
    assert_eq!(pump(&mut caller, &mut server, &edge()).await, Err(Failure::BrokenByServer));
}
