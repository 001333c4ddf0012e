//! The flags of other load generators: whoever brings one along is told what it is here.

use std::ffi::OsString;

use crate::settings::Setting;

/// A flag that is not ours: its name, whose it is, and what to do here.
type Foreign = (&'static str, &'static str, &'static str);

const TARGETS: &str = "requests with weights come from --targets FILE, and one request from -m, -H and -d";
const ALWAYS_PRINTED: &str = "the latencies are always printed; leave it out";
const RATE: &str = "the rate is -q 500";
const CONNECTIONS: &str = "connections are -c 10, and the rate is -q 500";
const COUNT: &str = "the number of requests is -n 1000";
const FRESH: &str = "a fresh connection for each request is --disable-keepalive";
const NO_REDIRECTS: &str = "redirects are not followed; leave it out";
const STAGES: &str = "a rate that changes is --stages '100 for 30s, 100..1000 for 1m'";
const ANY_CERTIFICATE: &str = "taking any certificate is -k";
const JSON: &str = "a result in JSON is -o FILE.json";
const HTTP2: &str = "HTTP/2 is --http2, and HTTP/1.1 is spoken without it";

/// With a dash and a letter, or two dashes and a word.
const FOREIGN: &[Foreign] = &[
    ("-R", "wrk2", RATE),
    ("--rps", "k6", RATE),
    ("-L", "wrk2", ALWAYS_PRINTED),
    ("--latency", "wrk", ALWAYS_PRINTED),
    ("-U", "wrk2", ALWAYS_PRINTED),
    ("--u_latency", "wrk2", ALWAYS_PRINTED),
    ("-s", "wrk", TARGETS),
    ("--script", "wrk", TARGETS),
    ("-u", "k6", CONNECTIONS),
    ("--vus", "k6", CONNECTIONS),
    ("--users", "locust", CONNECTIONS),
    ("-i", "k6", COUNT),
    ("--iterations", "k6", COUNT),
    ("--stage", "k6", STAGES),
    ("--spawn-rate", "locust", STAGES),
    ("--burst-delay", "oha", STAGES),
    ("--burst-rate", "oha", STAGES),
    ("--run-time", "locust", "the duration is -z 30s"),
    ("-w", "oha", "what is open at the end is always waited for; leave it out"),
    ("-D", "oha", "a body from a file is -d @FILE (and h2load's duration is -z 30s)"),
    ("-A", "hey", "a header is -H 'Accept: application/json'"),
    ("-a", "hey", "a header is -H 'Authorization: Basic ...'"),
    ("-C", "ab", "a header is -H 'Cookie: ...'"),
    ("-x", "hey", "no proxy is spoken to; --connect-to HOST:PORT connects elsewhere"),
    ("-r", "oha", NO_REDIRECTS),
    ("--redirect", "oha", NO_REDIRECTS),
    ("--latency-correction", "oha", "a latency always counts from when the request was due; leave it out"),
    ("-p", "oha", "requests at once on an HTTP/2 connection are --streams 100"),
    ("--http-version", "oha", HTTP2),
    ("--h1", "h2load", HTTP2),
    ("--urls-from-file", "oha", "requests from a file are --targets FILE"),
    ("--no-connection-reuse", "k6", FRESH),
    ("--no-vu-connection-reuse", "k6", FRESH),
    ("--insecure-skip-tls-verify", "k6", ANY_CERTIFICATE),
    ("--json", "oha", JSON),
    ("-j", "oha", JSON),
    ("--summary-export", "k6", JSON),
    ("--output-format", "oha", "the ending of -o FILE says how it is written"),
    ("--disable-color", "oha", "no colours are --no-color"),
    ("--headless", "locust", "no live view is --no-tui"),
];

/// With one dash and a word, as Go's flags are: without the dash.
const GO: &[Foreign] = &[
    ("body", "vegeta", "a body from a file is -d @FILE"),
    ("payload", "fortio", "a body is -d TEXT"),
    ("payload-file", "fortio", "a body from a file is -d @FILE"),
    ("keepalive", "vegeta", "connections are kept; a fresh one for each request is --disable-keepalive"),
    ("connection-reuse", "fortio", "connections are kept; a mix is --fresh PERCENT"),
    ("workers", "vegeta", CONNECTIONS),
    ("max-workers", "vegeta", "the most connections are --max-connections 100"),
    ("root-certs", "vegeta", "authorities are --cacert FILE"),
    ("resolve", "fortio", "connecting elsewhere is --connect-to HOST:PORT"),
    ("redirects", "vegeta", NO_REDIRECTS),
    ("laddr", "vegeta", "an address to connect from is --source-address IP"),
    ("uniform", "fortio", "arrivals are spread evenly, or by --spacing poisson"),
    ("jitter", "fortio", "arrivals are spread evenly, or by --spacing poisson"),
    ("nocatchup", "fortio", "what is due is always sent; leave it out"),
    ("json", "fortio", JSON),
    ("format", "vegeta", "--targets takes vegeta's http format; leave it out"),
    ("lazy", "vegeta", "a targets file is read at once; leave it out"),
    ("name", "vegeta", "leave it out"),
    ("max-body", "vegeta", "bodies are always read to their end; leave it out"),
];

/// The first flag among the arguments that is another tool's, in an error's words.
pub(crate) fn recognise(arguments: &[OsString], settings: &[Setting]) -> Option<String> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            return None;
        }
        let takes_the_next = if let Some(word) = argument.strip_prefix("--") {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            if let Some(message) = foreign(FOREIGN, &format!("--{name}")) {
                return Some(message);
            }
            value.is_none() && with_name(settings, name).is_some_and(|setting| setting.value.is_some())
        } else if let Some(word) = argument.strip_prefix('-') {
            let name = word.split('=').next().unwrap_or_default();
            if let Some(message) = as_in_go(name, settings) {
                return Some(message);
            }
            match letters(word, settings) {
                Letters::Foreign(message) => return Some(message),
                Letters::Ours { takes_the_next } => takes_the_next,
            }
        } else {
            false
        };
        if takes_the_next {
            arguments.next();
        }
    }
    None
}

fn foreign(table: &[Foreign], flag: &str) -> Option<String> {
    let (flag, tool, here) = table.iter().find(|(name, ..)| *name == flag)?;
    Some(format!("{flag} is {tool}'s: here {here}"))
}

/// A word behind one dash. Ours have two, and one would make a letter and its value of it.
fn as_in_go(name: &str, settings: &[Setting]) -> Option<String> {
    // One letter is one of ours.
    name.chars().nth(1)?;
    if let Some(message) = foreign(GO, name) {
        return Some(format!("-{message}"));
    }
    with_name(settings, name)
        .map(|_ours| format!("-{name} has one dash, as flags of vegeta and fortio have: here it is --{name}"))
}

enum Letters {
    Foreign(String),
    /// Whether the last one takes the next argument as its value.
    Ours {
        takes_the_next: bool,
    },
}

/// Letters behind one dash: switches, up to the first that takes what follows as its value.
fn letters(word: &str, settings: &[Setting]) -> Letters {
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        let mut alias = [0; 4];
        let alias: &str = letter.encode_utf8(&mut alias);
        let ours = settings.iter().find(|setting| setting.short == Some(letter) || setting.aliases.contains(&alias));
        match ours {
            Some(setting) if setting.value.is_some() => {
                return Letters::Ours { takes_the_next: letters.as_str().is_empty() };
            }
            Some(_switch) => {}
            None => {
                if let Some(message) = foreign(FOREIGN, &format!("-{letter}")) {
                    return Letters::Foreign(message);
                }
            }
        }
    }
    Letters::Ours { takes_the_next: false }
}

/// Our setting of this name or alias.
fn with_name<'a>(settings: &'a [Setting], name: &str) -> Option<&'a Setting> {
    settings.iter().find(|setting| setting.name == name || setting.aliases.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::flags::SETTINGS;

    fn said(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        recognise(&arguments, SETTINGS)
    }

    #[test]
    fn another_tools_flag_is_named_with_what_does_here() {
        for (line, says) in [
            ("-t4 -c100 -R1000 http://h", "-R is wrk2's: here the rate is -q 500"),
            ("-R 1000 http://h", "-R is wrk2's"),
            ("--latency http://h", "--latency is wrk's: here the latencies are always printed"),
            ("-k -L http://h", "-L is wrk2's"),
            ("-kL http://h", "-L is wrk2's"),
            ("-s post.lua http://h", "-s is wrk's: here requests with weights come from --targets"),
            ("-u 10", "-u is k6's"),
            ("--vus=10", "--vus is k6's"),
            ("-i 10", "-i is k6's: here the number of requests is -n"),
            ("--rps 10", "--rps is k6's"),
            ("-w http://h", "-w is oha's"),
            ("-D body.json", "-D is oha's: here a body from a file is -d @FILE"),
            ("-A text/html", "-A is hey's"),
            ("-a me:secret", "-a is hey's"),
            ("-p 5", "-p is oha's"),
            ("--latency-correction", "leave it out"),
            ("--no-connection-reuse", "--disable-keepalive"),
            ("--http-version 2", "--http2"),
            ("-targets=t.txt", "-targets has one dash, as flags of vegeta and fortio have: here it is --targets"),
            ("-duration=30s", "here it is --duration"),
            ("-duration 30s", "here it is --duration"),
            ("-rate=50/1s", "here it is --rate"),
            ("-header X:y", "here it is --header"),
            ("-qps 100 http://h", "here it is --qps"),
            ("-body=file.json", "-body is vegeta's: here a body from a file is -d @FILE"),
            ("-keepalive=false", "-keepalive is vegeta's"),
            ("-payload-file x", "-payload-file is fortio's"),
        ] {
            let said = said(line).unwrap_or_default();
            assert!(said.contains(says), "{line}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn our_own_flags_and_their_values_are_left_alone() {
        for line in [
            "-q 500 -z 30s -c 10 http://h",
            "-q500 -z30s -c10 -t4 http://h",
            "-d -R http://h",
            "--body -R http://h",
            "-H -u http://h",
            "-k --http2 http://h",
            "--rate=500 http://h",
            "-mPUT -X PUT http://h",
            "http://h -- -R",
            "-h",
            "--help",
            "-",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_called_foreign_is_not_ours() {
        for (flag, ..) in FOREIGN {
            let name = flag.trim_start_matches('-');
            assert!(with_name(SETTINGS, name).is_none(), "{flag}");
            assert!(
                flag.len() != 2 || SETTINGS.iter().all(|setting| !setting.short.is_some_and(|s| name.starts_with(s)))
            );
        }
    }
}
