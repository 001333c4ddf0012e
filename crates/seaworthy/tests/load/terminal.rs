//! The live view, on a real terminal of 80 columns and 24 lines.

use crate::{
    run::url,
    server::Backend,
    shared::{on_a_terminal, plain},
};

#[test]
fn the_live_view_fits_a_terminal() {
    let database = Backend::sqlite();
    let server = database.start();
    for (columns, rows) in [(80, 24), (40, 12)] {
        let command = format!("{} load {} -z 2s -q 200", env!("CARGO_BIN_EXE_seaworthy"), url(server.address));
        let written = on_a_terminal(&command, columns, rows);
        // The cursor is hidden while it is drawn, and there again afterwards. The summary follows, whatever its verdict is: where
        // others keep the machine busy the generator says that it was late.
        let shown = written.rfind("\u{1b}[?25h").unwrap_or_else(|| panic!("{written}"));
        let (live, summary) = written.split_at(shown);
        assert!(live.contains("\u{1b}[?25l"), "{live:?}");
        let (_, drawn) = live.split_at(live.find("\u{1b}[?25l").unwrap());
        let widest = drawn.lines().map(|line| plain(line).chars().count()).max().unwrap();
        assert!(widest <= columns, "{widest}: {drawn}");
        assert!(plain(live).contains("p99"), "{live}");
        assert!(summary.contains("400 requests"), "{summary}");
    }
}

#[test]
fn no_colours_where_none_are_wanted() {
    let database = Backend::sqlite();
    let server = database.start();
    let load = format!("{} load {} -n 50 -q 100", env!("CARGO_BIN_EXE_seaworthy"), url(server.address));
    let written = on_a_terminal(&format!("env NO_COLOR=1 {load}"), 80, 24);
    // SGR ends with an m.
    let colours = written
        .split("\u{1b}[")
        .skip(1)
        .filter(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
    assert_eq!(colours.count(), 0, "{written:?}");
    let quiet = on_a_terminal(&format!("{load} --quiet"), 80, 24);
    assert_eq!(plain(&quiet), "");
}
