//! The command line as a report shows it: so that a run can be repeated, and without its secrets.

use super::{
    headers,
    redact::{self, HIDDEN},
};
use crate::settings::{Setting, Values};

/// The flags that were given, in the words of `--help`.
pub(crate) fn shown(values: &Values<'_>, command: &str, url: Option<&str>) -> String {
    let mut words = vec!["seaworthy".to_owned(), command.to_owned()];
    words.extend(url.map(|url| quoted(&redact::url(url))));
    for (setting, texts) in values.flags() {
        if texts.is_empty() {
            words.push(flag(setting));
        }
        for text in texts {
            words.push(flag(setting));
            words.push(quoted(&harmless(setting.name, text)));
        }
    }
    words.join(" ")
}

fn flag(setting: &Setting) -> String {
    setting.short.map_or_else(|| format!("--{}", setting.name), |letter| format!("-{letter}"))
}

/// A value without what is secret in it.
fn harmless(name: &str, text: &str) -> String {
    match name {
        "header" => match text.split_once(':') {
            Some((name, _)) if headers::may_be_shown(name) => text.to_owned(),
            Some((name, _)) => format!("{name}: {HIDDEN}"),
            None => HIDDEN.to_owned(),
        },
        // A variable of somebody's process.
        "env" => match text.split_once('=') {
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        },
        // A command of somebody's.
        "database" | "bad-release" => redact::command(text),
        "readiness" | "liveness" | "startup" | "pre-stop" if text.contains(" -- ") => redact::command(text),
        "body" if !text.starts_with('@') => HIDDEN.to_owned(),
        // A body may hold a secret, and the rest says what it is about.
        "write" | "read" | "list" | "delete" => request(text),
        "path" | "readiness" | "liveness" | "startup" | "pre-stop" => redact::url(text),
        _ => text.to_owned(),
    }
}

/// `METHOD PATH`, and that there is a body.
fn request(text: &str) -> String {
    let mut words = text.split_whitespace();
    let shown =
        [words.next().map(str::to_owned), words.next().map(redact::url), words.next().map(|_| HIDDEN.to_owned())];
    shown.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// As a shell takes it for one word.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::{command, flags::SETTINGS};

    #[test]
    fn a_command_line_is_shown_without_its_secrets() {
        let line = [
            "load",
            "http://h/?a=b",
            "--rate",
            "500",
            "-z30s",
            "-H",
            "Authorization: Bearer hunter2",
            "-H",
            "X-Pin: hunter2",
            "-H",
            "Accept: text/html",
            "-d",
            "hunter2",
            "--max",
            "-X",
            "PUT",
        ];
        let matches = command().try_get_matches_from(line).unwrap();
        let values = Values::new(SETTINGS, &matches, &|_| None);
        assert_eq!(
            shown(&values, "load", Some("http://h/?a=b&api_key=hunter2")),
            "seaworthy load 'http://h/?a=b&api_key=***' -q 500 --max -z 30s -m PUT -H 'Authorization: ***' -H 'X-Pin: ***' -H 'Accept: text/html' -d '***'"
        );
        let matches = command().try_get_matches_from(["load", "-d", "@body.json"]).unwrap();
        let values = Values::new(SETTINGS, &matches, &|_| None);
        assert_eq!(shown(&values, "load", None), "seaworthy load -d @body.json");
        let line = ["load", "--write", "POST /a?token=hunter2 hunter2 {key}", "--read", "GET /a/{id}"];
        let matches = command().try_get_matches_from(line).unwrap();
        let values = Values::new(SETTINGS, &matches, &|_| None);
        let expected = "seaworthy load --write 'POST /a?token=*** ***' --read 'GET /a/{id}'";
        assert_eq!(shown(&values, "load", None), expected);
    }
}
