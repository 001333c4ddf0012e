//! The live view, on a real terminal of 80 columns and 24 lines.

use std::process::{Command, Stdio};

use crate::{run::url, server::Backend};

/// What a program writes to a terminal of this size.
fn on_a_terminal(command: &str, columns: u32, rows: u32) -> String {
    let sized = format!("stty cols {columns} rows {rows}; exec {command}");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &sized, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .expect("script, of bsdutils");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The text without what moves the cursor and sets colours.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // CSI: parameters, then a letter.
            while chars.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
            chars.next();
        } else if !c.is_control() {
            text.push(c);
        }
    }
    text
}

#[test]
fn the_live_view_fits_a_terminal() {
    let database = Backend::sqlite();
    let server = database.start();
    for (columns, rows) in [(80, 24), (40, 12)] {
        let command = format!("{} load {} -z 2s -q 200", env!("CARGO_BIN_EXE_seaworthy"), url(server.address));
        let written = on_a_terminal(&command, columns, rows);
        let (live, summary) = written.split_at(written.find("MEASURED  ").unwrap_or_else(|| panic!("{written}")));
        assert!(live.contains("\u{1b}["), "{live:?}");
        // The cursor is hidden while it is drawn, and there again afterwards.
        assert_eq!(live.rfind("\u{1b}[?25l").is_some(), live.rfind("\u{1b}[?25h").is_some(), "{live:?}");
        assert!(live.rfind("\u{1b}[?25h") > live.rfind("\u{1b}[?25l"), "{live:?}");
        let (_, drawn) = live.split_at(live.find("\u{1b}[?25l").unwrap());
        let widest = drawn.lines().map(|line| plain(line).chars().count()).max().unwrap();
        assert!(widest <= columns as usize, "{widest}: {drawn}");
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
