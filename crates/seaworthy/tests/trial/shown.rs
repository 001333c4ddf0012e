//! What is shown while a trial goes on: a picture on a terminal, lines where there is none.

use crate::{
    run::{Place, SHORT, alone},
    shared::{on_a_terminal, plain},
};

#[test]
fn the_live_view_fits_a_terminal() {
    for (columns, rows) in [(80, 24), (50, 12)] {
        let place = Place::new();
        let flags = [SHORT, &["--drills", "scale-up"]].concat().join(" ");
        let runs = place.runs();
        let trial = format!("{} trial {flags} --runs {}", env!("CARGO_BIN_EXE_seaworthy"), runs.display());
        let _alone = alone();
        let written = on_a_terminal(&trial, columns, rows);
        let (live, report) = written.split_at(written.find("\u{1b}[?25h").unwrap_or_else(|| panic!("{written}")));
        let (_, drawn) = live.split_at(live.find("\u{1b}[?25l").unwrap());
        // Each frame ends with what takes away the rest of the one before.
        for frame in drawn.split("\u{1b}[J") {
            assert!(frame.lines().count() < rows, "{frame}");
            let widest = frame.lines().map(|line| plain(line).chars().count()).max();
            assert!(widest <= Some(columns), "{frame}");
        }
        let shown = plain(live);
        for words in ["drill 1 of 2: baseline", "drill 2 of 2: scale-up", "next", "sea trial of"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(report.contains("SEAWORTHY  "), "{report}");
    }
}

#[test]
fn a_pipe_gets_a_line_for_each_step() {
    let done = Place::new().trial(&[SHORT, &["--drills", "scale-down"]].concat(), &[]);
    assert_eq!(done.code, 0, "{done:?}");
    for words in [
        "s the target is ready; the load begins",
        "s baseline: nothing is done",
        "s scale-down: one replica fewer is wanted; nothing may be lost",
        "s scale-down: now",
        "s scale-down: all is as it should be again",
    ] {
        assert!(done.stderr.lines().any(|line| line.contains(words)), "{words}: {}", done.stderr);
    }
    assert!(!done.stderr.contains('\u{1b}') && !done.stdout.contains('\u{1b}'), "{done:?}");
    let quiet = Place::new().trial(&["--drills", "baseline", "--baseline", "1s", "--quiet"], &[]);
    // Nothing but the null run proves nothing.
    assert_eq!((quiet.code, quiet.stdout, quiet.stderr), (3, String::new(), String::new()));
}
