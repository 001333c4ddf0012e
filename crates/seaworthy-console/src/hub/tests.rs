use proptest::{collection::vec, prelude::any, prop_assert, prop_assert_eq, proptest};
use seaworthy_core::event::Revision;

use super::*;
use crate::model::{MarkKind, Signals, Sums};

fn snapshot(second: u64) -> Snapshot {
    Snapshot {
        second,
        wall_ms: 0,
        wanted: 1,
        sums: Sums::default(),
        nodes: Vec::new(),
        edges: Vec::new(),
        overall: Signals::default(),
        replicas: Vec::new(),
        phases: Vec::new(),
        marks: Vec::new(),
        drills: Vec::new(),
        busy: None,
    }
}

fn at(second: u64) -> Moment {
    Moment::from_nanos(second * 1_000_000_000)
}

fn change(second: u64, replica: u32, phase: Phase) -> PhaseChange {
    PhaseChange { at: at(second), replica: Replica(replica), revision: Revision(1), phase }
}

fn kind(event: &[u8]) -> (bool, u64) {
    let text = std::str::from_utf8(event).unwrap();
    let id = text.lines().next().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    (text.contains("event: window"), id)
}

proptest! {
    /// Whoever reads, however seldom, sees each second once and in order, or is given the window in place of what it missed.
    #[test]
    fn no_viewer_has_a_gap_that_it_does_not_know_of(steps in vec((1_u64..200, any::<bool>()), 1..60)) {
        let hub = Hub::new("r".to_owned(), 8);
        let (mut cursor, mut seen, mut second) = (Cursor::Nothing, None, 0);
        for (gap, reads) in steps {
            second += gap;
            prop_assert!(hub.publish(snapshot(second)));
            while let Some(event) = reads.then(|| hub.next(&mut cursor)).flatten() {
                let (is_window, id) = kind(&event);
                if !is_window {
                    prop_assert_eq!(Some(id - 1), seen);
                }
                prop_assert!(seen.is_none_or(|seen| seen < id));
                seen = Some(id);
            }
            if reads {
                prop_assert_eq!(seen, Some(hub.kept().seq));
            }
            let kept = hub.kept();
            prop_assert!(kept.rows.iter().all(|row| row.second + WINDOW_S > second));
            prop_assert!(kept.frames.len() <= kept.rows.len());
        }
    }
}

#[test]
fn what_is_kept_has_bounds_however_much_happens() {
    let hub = Hub::new("r".to_owned(), 8);
    for second in 1..=50 {
        let mut much = snapshot(second);
        let mark = Mark { at: at(second), replica: None, kind: MarkKind::Killed, text: "x".repeat(2_000) };
        much.marks = vec![mark; 200];
        much.phases = (0..200).map(|n| change(second, n, Phase::Ready)).collect();
        hub.publish(much);
    }
    let kept = hub.kept();
    assert_eq!(kept.marks.len(), MAX_MARKS);
    assert!(kept.phases.len() <= MAX_PHASES + 200);
    assert!(kept.frames_bytes <= MAX_FRAMES_BYTES && kept.frames.len() < 50, "{}", kept.frames_bytes);
    assert_eq!(kept.frames.iter().map(Bytes::len).sum::<usize>(), kept.frames_bytes);
}

#[test]
fn who_missed_what_is_no_longer_kept_gets_the_window() {
    let hub = Hub::new("r".to_owned(), 8);
    let mut cursor = Cursor::UpTo(0);
    for second in 1..=3 {
        let mut large = snapshot(second);
        large.busy = Some("x".repeat(MAX_FRAMES_BYTES / 2 + 1));
        hub.publish(large);
    }
    assert_eq!(kind(&hub.next(&mut cursor).unwrap()), (true, 3));
    assert_eq!(hub.next(&mut cursor), None);
}

#[test]
fn what_a_replica_was_doing_before_the_window_is_still_known() {
    let hub = Hub::new("r".to_owned(), 8);
    let mut first = snapshot(10);
    first.phases = vec![
        change(1, 1, Phase::Starting),
        change(2, 1, Phase::Ready),
        change(1, 2, Phase::Ready),
        change(5, 2, Phase::Gone),
        change(10, 3, Phase::Starting),
    ];
    hub.publish(first);
    assert_eq!(hub.kept().phases.len(), 5);
    hub.publish(snapshot(310));
    let left: Vec<_> = hub.kept().phases.iter().map(|change| (change.replica.0, change.phase)).collect();
    assert_eq!(left, [(1, Phase::Ready), (3, Phase::Starting)], "of the one that is gone nothing is left");
}

#[test]
fn the_window_is_written_once_for_all_who_ask_between_two_seconds() {
    let hub = Hub::new("r".to_owned(), 8);
    hub.publish(snapshot(1));
    let first = hub.next(&mut Cursor::Nothing.clone()).unwrap();
    let second = hub.next(&mut Cursor::Nothing.clone()).unwrap();
    assert_eq!(first.as_ptr(), second.as_ptr(), "the same bytes, not the same text");
    assert_eq!(hub.written(), (1, 1));
    hub.publish(snapshot(2));
    assert_ne!(hub.next(&mut Cursor::Nothing.clone()).unwrap(), first);
    assert_eq!(hub.written(), (2, 2));
}

#[test]
fn a_page_that_is_there_before_the_first_second_waits_for_it() {
    let hub = Hub::new("r".to_owned(), 8);
    let mut cursor = hub.resume(None);
    assert_eq!(kind(&hub.next(&mut cursor).unwrap()), (true, 0));
    assert_eq!(hub.next(&mut cursor), None);
    hub.publish(snapshot(1));
    assert_eq!(kind(&hub.next(&mut cursor).unwrap()), (false, 1));
}

#[test]
fn drills_are_replaced_by_their_number_and_the_oldest_go() {
    let drill = |id, what: &str| DrillRecord {
        id,
        drill: seaworthy_core::drill::Drill::Kill,
        what: what.to_owned(),
        asked: at(1),
        by: "the page".to_owned(),
        state: crate::model::DrillState::Running,
        began: None,
        ended: None,
        cost: None,
        findings: Vec::new(),
    };
    let hub = Hub::new("r".to_owned(), 8);
    let mut first = snapshot(1);
    first.drills = (1..=60).map(|id| drill(id, "old")).collect();
    hub.publish(first);
    let mut second = snapshot(2);
    second.drills = vec![drill(60, "new")];
    hub.publish(second);
    let kept = hub.kept();
    assert_eq!((kept.drills.len(), kept.drills.first_key_value().unwrap().0), (MAX_DRILLS, &11));
    assert_eq!(kept.drills[&60].what, "new");
}
