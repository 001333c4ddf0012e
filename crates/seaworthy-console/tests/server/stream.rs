//! `/events`: who has seen what, and what they are told.

use seaworthy_console::Settings;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use crate::{
    client::{Event, Viewer, ask, console, get},
    sample::second,
};

/// Ids and names.
fn told(events: &[Event]) -> Vec<(u64, &str)> {
    events.iter().map(|event| (event.seq(), event.name.as_str())).collect()
}

#[tokio::test]
async fn who_connects_gets_the_window_and_then_each_second() {
    let (console, _asked) = console(Settings::default());
    for n in 1..=3 {
        assert!(console.publish(second(n)));
    }
    let mut viewer = Viewer::new(console.address(), "/events", None).await;
    assert_eq!(viewer.head.headers["content-type"], "text/event-stream");
    assert_eq!(viewer.raw().await.unwrap(), "retry: 1000", "a browser is told when to come again");
    let window = viewer.next().await.unwrap();
    assert_eq!((window.seq(), window.name.as_str()), (3, "window"));
    let window = window.json();
    assert_eq!(window["seconds"], serde_json::json!([1, 2, 3]));
    assert_eq!(window["overall"]["arrivals_per_s"], serde_json::json!([1.0, 2.0, 3.0]));
    assert_eq!(window["replicas"]["1"]["p50_ms"], serde_json::json!([1.23, 1.23, 1.23]), "two decimals are enough");
    assert_eq!(window["phases"][0]["at_ms"], 500);
    assert_eq!(window["marks"].as_array().unwrap().len(), 3);
    assert_eq!(window["now"]["edges"][0]["failures_per_s"]["reset"], 0.3);
    assert!(window["now"]["edges"][0]["p99_ms"].is_null(), "what is no number is not known");
    console.publish(second(4));
    let tick = viewer.next().await.unwrap();
    assert_eq!((tick.seq(), tick.name.as_str()), (4, "tick"));
    assert_eq!(tick.json()["overall"]["arrivals_per_s"], 4.0);
}

#[tokio::test]
async fn who_comes_back_gets_exactly_what_was_missed_while_it_is_kept() {
    let (console, _asked) = console(Settings::default());
    for n in 1..=310 {
        console.publish(second(n));
    }
    let address = console.address();
    let run = Viewer::new(address, "/events", None).await.next().await.unwrap().id;
    let run = run.split(':').next().unwrap().to_owned();
    let ticks = |from: u64| (from..=311).map(|seq| (seq, "tick")).collect::<Vec<_>>();
    let window = || vec![(310, "window"), (311, "tick")];
    let table = [
        ("no id", None, window()),
        ("the last", Some(format!("{run}:310")), ticks(311)),
        ("three missed", Some(format!("{run}:307")), ticks(308)),
        ("the oldest that is kept", Some(format!("{run}:10")), ticks(11)),
        ("older than what is kept", Some(format!("{run}:9")), window()),
        ("nothing seen", Some(format!("{run}:0")), window()),
        ("the future", Some(format!("{run}:311")), window()),
        ("another run", Some("deadbeef:307".to_owned()), window()),
        ("no number", Some(format!("{run}:x")), window()),
        ("a negative number", Some(format!("{run}:-1")), window()),
        ("a huge number", Some(format!("{run}:99999999999999999999999")), window()),
        ("no run", Some("307".to_owned()), window()),
        ("nonsense", Some("{}[]\"'".to_owned()), window()),
    ];
    let mut viewers = Vec::new();
    for (what, id, expected) in table {
        let by_header = Viewer::new(address, "/events", id.as_deref()).await;
        viewers.push((what, by_header, expected.clone()));
        if let Some(id) = id.filter(|id| id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == ':')) {
            viewers.push((what, Viewer::new(address, &format!("/events?after={id}"), None).await, expected));
        }
    }
    // All of them have been answered, and none has read yet what it missed: the window is sent when it is first read.
    let mut first = Vec::new();
    for (what, mut viewer, expected) in viewers {
        let (seq, name) = expected[0];
        if seq <= 310 {
            let event = viewer.next().await.unwrap();
            assert_eq!((event.seq(), event.name.as_str()), (seq, name), "{what}");
            first.push((what, viewer, expected[1..].to_vec()));
        } else {
            first.push((what, viewer, expected));
        }
    }
    console.publish(second(311));
    for (what, mut viewer, expected) in first {
        let events = viewer.up_to(311).await;
        assert_eq!(told(&events), expected, "{what}");
    }
}

#[tokio::test]
async fn a_second_that_is_not_later_is_not_shown() {
    let (console, _asked) = console(Settings::default());
    assert!(console.publish(second(5)));
    assert!(!console.publish(second(5)));
    assert!(!console.publish(second(4)));
    assert!(console.publish(second(9)), "seconds may be missing");
    let state = get(console.address(), "/state").await;
    let state: serde_json::Value = serde_json::from_str(&state.body).unwrap();
    assert_eq!((&state["seq"], &state["now"]["second"]), (&2.into(), &9.into()));
    assert_eq!(state["overall"]["arrivals_per_s"], 9.0);
}

#[tokio::test]
async fn a_hundred_viewers_get_the_same_bytes_which_are_written_once() {
    let (console, _asked) = console(Settings::default());
    console.publish(second(1));
    let address = console.address();
    let mut viewers = JoinSet::new();
    let ready = std::sync::Arc::new(tokio::sync::Barrier::new(101));
    for _ in 0..100 {
        let ready = std::sync::Arc::clone(&ready);
        viewers.spawn(async move {
            let mut viewer = Viewer::new(address, "/events", None).await;
            let mut all = vec![viewer.raw().await.unwrap(), viewer.raw().await.unwrap()];
            ready.wait().await;
            for _ in 2..=20 {
                all.push(viewer.raw().await.unwrap());
            }
            all
        });
    }
    ready.wait().await;
    assert_eq!(console.stats().viewers, 100);
    for n in 2..=20 {
        console.publish(second(n));
    }
    let all = viewers.join_all().await;
    assert!(all.iter().all(|one| *one == all[0]), "all saw the same");
    let stats = console.stats();
    assert_eq!((stats.ticks_written, stats.windows_written), (20, 1));
}

#[tokio::test]
async fn a_viewer_that_does_not_read_holds_nobody_up_and_gets_the_window_later() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    console.publish(second(1));
    let mut slow = Viewer::new(address, "/events", None).await;
    let mut quick = Viewer::new(address, "/events", None).await;
    assert_eq!(slow.next().await.unwrap().name, "window");
    assert_eq!(quick.next().await.unwrap().name, "window");
    // More than any buffer of the kernel's or of the client's takes.
    let mut last = 1;
    for n in 2..=600 {
        let mut large = second(n);
        large.marks[0].text = "x".repeat(100_000);
        console.publish(large);
        last = n;
        assert_eq!(quick.next().await.unwrap().seq(), n, "the other one sees each second at once");
    }
    let events = slow.up_to(last).await;
    let windows: Vec<usize> =
        events.iter().enumerate().filter(|(_, event)| event.name == "window").map(|(index, _)| index).collect();
    assert_eq!(windows.len(), 1, "it missed more than is kept, so it got the window: {:?}", told(&events));
    let (before, after) = events.split_at(windows[0]);
    for part in [before, &after[1..]] {
        assert!(part.windows(2).all(|pair| pair[1].seq() == pair[0].seq() + 1), "no gap that it does not know of");
    }
    assert_eq!(events.last().unwrap().seq(), last);
}

#[tokio::test]
async fn there_is_a_last_place_and_it_is_given_back() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    let mut viewers = Vec::new();
    for _ in 0..256 {
        viewers.push(Viewer::new(address, "/events", None).await);
    }
    let refused = ask(address, "GET", "/events", &[], "").await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "5"), "{refused:?}");
    assert_eq!(get(address, "/state").await.status, 200, "everything else goes on");
    viewers.pop();
    while console.stats().viewers == 256 {
        // A client that has gone is noticed when something is sent to it, at the latest.
        console.publish(second(console.stats().ticks_written + 1));
        tokio::task::yield_now().await;
    }
    let mut late = Viewer::new(address, "/events", None).await;
    assert_eq!(late.next().await.unwrap().name, "window");
}

#[tokio::test]
async fn closing_ends_the_streams() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    let mut viewer = Viewer::new(address, "/events", None).await;
    assert_eq!(viewer.next().await.unwrap().name, "window");
    // Somebody who has not asked anything is no reason to wait.
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET / HT").await.unwrap();
    console.close().await;
    assert_eq!(viewer.next().await, None);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
