//! What a program writes to a terminal.

use std::process::{Command, Stdio};

/// What a program writes to a terminal of this size.
pub(crate) fn on_a_terminal(command: &str, columns: usize, rows: usize) -> String {
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
pub(crate) fn plain(line: &str) -> String {
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
