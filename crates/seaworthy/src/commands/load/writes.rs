//! Writes that are followed: what is written, and how it is read back.

use std::sync::Arc;

use http::{Method, uri::Authority};
use seaworthy_core::text;
use seaworthy_load::{
    plan::{Workload, WritesPlan},
    template::{Role, Template},
};

use super::{redact, requests, requests::Sent, target::Target};
use crate::{cli::Failure, settings::Values};

/// Settings that say how the writes of `--write` are sent and found again.
const OF_WRITES: [&str; 5] = ["read", "list", "delete", "id-field", "write-share"];

/// What is sent, with writes among it where that is asked for. `mark` is for their keys.
pub(crate) fn among(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    sent: Sent,
    mark: &str,
) -> Result<Sent, Failure> {
    if values.switch("clean-up")? {
        return Err(Failure::usage(
            "--clean-up goes with the users scenario; what --write made is deleted with --delete 'DELETE /items/{id}'",
        ));
    }
    let Some(write) = template(values, "write", Role::Write)? else {
        return match OF_WRITES.iter().find(|name| values.is_given(name)) {
            Some(name) => Err(Failure::usage(format!("--{name} goes with --write, which says what is written"))),
            None => Ok(sent),
        };
    };
    let Some(read) = template(values, "read", Role::Read)? else {
        return Err(Failure::usage(
            "--write wants to know how what it made is read back; give it with --read 'GET /items/{id}'",
        ));
    };
    let Workload::Requests(requests) = sent.workload else {
        return Err(Failure::usage("--write does not go with the users scenario, which writes by itself"));
    };
    let percent = values.parse("write-share", share)?;
    let plan = WritesPlan {
        like: requests::like(values, target, host, Method::GET)?,
        requests,
        share: percent / 100.0,
        write,
        read,
        list: template(values, "list", Role::List)?,
        delete: template(values, "delete", Role::Delete)?,
        id_field: values.optional("id-field", field)?,
        run: key_mark(mark),
    };
    let words = with_writes(&sent.words, &plan);
    Ok(Sent { workload: Workload::Writes(Arc::new(plan)), words })
}

/// The requests in words, with the writes among them.
pub(crate) fn with_writes(requests: &str, plan: &WritesPlan) -> String {
    let share = text::number(plan.share * 100.0);
    format!("{requests}; {share}% {} {}", plan.write.method(), redact::url(plan.write.path()))
}

/// A request with something to be filled in. Its body may hold a secret, so an error does not repeat it.
fn template(values: &Values<'_>, name: &str, role: Role) -> Result<Option<Template>, Failure> {
    let Some(given) = values.given(name) else { return Ok(None) };
    let read = Template::parse(&given.text, role);
    read.map(Some).map_err(|wrong| Failure::usage(format!("{}: what was given {wrong}", given.origin)))
}

fn share(text: &str) -> Result<f64, &'static str> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    percent.filter(|percent| *percent > 0.0 && *percent <= 100.0).ok_or("is not a share; give more than 0%, up to 100%")
}

fn field(text: &str) -> Result<Box<str>, &'static str> {
    let fits = !text.is_empty() && text.split('.').all(|part| !part.is_empty());
    if fits { Ok(text.into()) } else { Err("names no field; give one such as uuid, or data.id") }
}

/// Keys are words of any API: lower-case letters and digits.
fn key_mark(mark: &str) -> String {
    let plain = mark.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    "sw".chars().chain(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::{command, flags::SETTINGS, requests::from_file};

    fn asked(line: &[&str]) -> Result<Sent, String> {
        let matches = command().try_get_matches_from([&["load"], line].concat()).unwrap();
        let values = Values::new(SETTINGS, &matches, &|_| None);
        let target = Target::parse("http://h:8080/base").unwrap();
        let entries = from_file(&values).unwrap();
        requests::sent(&values, &target, None, entries, "1a-2B".into()).map_err(|failure| failure.message)
    }

    #[test]
    fn writes_among_the_other_requests() {
        let line = ["--write", "POST /items?token=hunter2 {\"a\":\"{key}\"}", "--read", "GET /items/{id}"];
        let sent = asked(&[&line[..], &["--write-share", "50%", "--id-field", "data.id"]].concat()).unwrap();
        assert_eq!(sent.words, "GET http://h:8080/base; 50% POST /items?token=***");
        let Workload::Writes(plan) = &sent.workload else { panic!("writes") };
        assert_eq!((plan.share, &*plan.run, plan.id_field.as_deref()), (0.5, "sw1a2b", Some("data.id")));
        assert!(plan.list.is_none() && plan.delete.is_none() && plan.requests.len() == 1);
        let Workload::Writes(usual) = asked(&line).unwrap().workload else { panic!("writes") };
        assert!((usual.share - 0.2).abs() < f64::EPSILON);
    }

    #[test]
    fn what_cannot_be_followed_says_why() {
        let write = ["--write", "POST /items {key}"];
        let both = [&write[..], &["--read", "GET /items/{id}"]].concat();
        for (line, says) in [
            (&write[..], "--write wants to know how what it made is read back"),
            (&["--read", "GET /items/{id}"], "--read goes with --write"),
            (&["--write-share", "5"], "--write-share goes with --write"),
            (&["--write", "POST items hunter2{key}"], "--write: what was given has no path that begins with a /"),
            (&[&write[..], &["--read", "GET /items"]].concat(), "--read: what was given says neither {id} nor {key}"),
            (&[&both[..], &["--list", "GET /{id}"]].concat(), "--list: what was given lists everything"),
            (&[&both[..], &["--delete", "GET /{id}"]].concat(), "--delete: what was given has the method GET"),
            (&[&both[..], &["--write-share", "0"]].concat(), "is not a share; give more than 0%"),
            (&[&both[..], &["--write-share", "101"]].concat(), "is not a share"),
            (&[&both[..], &["--id-field", "a..b"]].concat(), "names no field"),
            (&[&both[..], &["--scenario", "users"]].concat(), "--write does not go with --scenario users"),
            (&["--clean-up"], "--clean-up goes with the users scenario"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(says) && error.lines().count() == 1, "{line:?}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
