//! What is sent: one request, those of a file, or the users scenario.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::Authority};
use seaworthy_load::{
    plan::{UsersPlan, Weighted, Workload},
    request::Request,
};

use super::{
    headers, redact,
    target::Target,
    targets::{self, Entry},
    writes,
};
use crate::{
    cli::Failure,
    settings::{self, Values},
};

/// Settings of a single request.
const OF_ONE: [&str; 3] = ["method", "body", "content-type"];

/// Settings of the answer that is expected.
const OF_ANSWERS: [&str; 3] = ["expect-status", "expect-body", "any-body"];

/// What is sent, and in words.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) workload: Workload,
    pub(crate) words: String,
}

/// Requests from the file of `--targets`, if there is one.
pub(crate) fn from_file(values: &Values<'_>) -> Result<Option<Vec<Entry>>, Failure> {
    let Some(path) = values.path("targets")? else { return Ok(None) };
    let text = fs::read_to_string(&path).map_err(|error| cannot_read("targets", &path, &error))?;
    let entries = targets::parse(&text)
        .map_err(|wrong| Failure::usage(format!("{}, line {}: {}", path.display(), wrong.line, wrong.message)))?;
    Ok(Some(entries))
}

/// What is asked to be sent. `mark` is for what the users scenario makes.
pub(crate) fn sent(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    entries: Option<Vec<Entry>>,
    mark: String,
) -> Result<Sent, Failure> {
    let users = values.parse("scenario", |name| match name {
        "url" => Ok(false),
        "users" => Ok(true),
        _ => Err("is no scenario; give url or users"),
    })?;
    if users {
        let others = OF_ONE.iter().chain(&OF_ANSWERS).chain(&["targets", "write"]);
        refuse(values, others, "--scenario users, which makes its own requests and knows their answers")?;
        return self::users(values, target, host, mark);
    }
    let sent = plain(values, target, host, entries)?;
    writes::among(values, target, host, sent, &mark)
}

/// The users scenario.
pub(crate) fn users(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    mark: String,
) -> Result<Sent, Failure> {
    let like = like(values, target, host, Method::GET)?;
    let words = "users: created, read, changed, listed, deleted".to_owned();
    let clean_up = values.switch("clean-up")?;
    Ok(Sent { workload: Workload::Users(Arc::new(UsersPlan { like, run: mark, clean_up })), words })
}

/// A request like those to be sent, with their headers.
pub(crate) fn like(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    method: Method,
) -> Result<Request, Failure> {
    request(values, target, method, url(target, host)?, common_headers(values)?, Bytes::new())
}

/// One request, or those of the file.
pub(crate) fn plain(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    entries: Option<Vec<Entry>>,
) -> Result<Sent, Failure> {
    let headers = common_headers(values)?;
    let Some(entries) = entries else {
        let one = single(values, target, host, headers)?;
        let words = match one.body().len() {
            0 => format!("{} {}", one.method(), target.shown()),
            length => format!("{} {} ({length} bytes)", one.method(), target.shown()),
        };
        return Ok(Sent { workload: Workload::Requests([Weighted { request: one, weight: 1 }].into()), words });
    };
    refuse(values, OF_ONE.iter(), "--targets, which says it for each request")?;
    let weighted = entries
        .iter()
        .map(|entry| Ok(Weighted { request: of_entry(values, entry, target, host, &headers)?, weight: entry.weight }))
        .collect::<Result<Vec<_>, Failure>>()?;
    let words = format!("{} requests of {} by their weights", weighted.len(), values.text("targets"));
    Ok(Sent { workload: Workload::Requests(weighted.into()), words })
}

/// An error where one of these is set together with something else.
fn refuse<'a>(values: &Values<'_>, names: impl Iterator<Item = &'a &'a str>, with: &str) -> Result<(), Failure> {
    for name in names {
        if values.is_given(name) {
            return Err(Failure::usage(format!("--{name} does not go with {with}; leave it out")));
        }
    }
    Ok(())
}

fn url(target: &Target, host: Option<&Authority>) -> Result<Uri, Failure> {
    target.with(target.path(), host).map_err(|error| Failure::usage(format!("{}: {error}", target.shown())))
}

/// Headers that are sent with every request.
fn common_headers(values: &Values<'_>) -> Result<HeaderMap, Failure> {
    let mut all = HeaderMap::new();
    for given in values.all("header") {
        let (name, value) =
            headers::parse(&given.text).map_err(|error| Failure::usage(format!("{}: {error}", given.origin)))?;
        if name == header::HOST && values.is_given("host") {
            return Err(Failure::usage("--host is the Host header; leave out -H 'Host: ...', or --host"));
        }
        all.append(name, value);
    }
    Ok(all)
}

fn request(
    values: &Values<'_>,
    target: &Target,
    method: Method,
    url: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request, Failure> {
    let origin = if values.is_given("targets") { "--targets" } else { "--method" };
    let name = method.clone();
    Request::new(method, url, headers, body)
        .map_err(|invalid| Failure::usage(format!("{origin}: {name} {} {invalid}", target.shown())))
}

/// The request of `-m`, `-H` and `-d`.
fn single(
    values: &Values<'_>,
    target: &Target,
    host: Option<&Authority>,
    mut headers: HeaderMap,
) -> Result<Request, Failure> {
    let body = body(values)?;
    let method = values.optional("method", |text| {
        targets::method(&text.to_ascii_uppercase()).ok_or_else(|| {
            let streams = text.parse::<u64>().map(|_| " (h2load's streams are --streams here)").unwrap_or_default();
            format!("is not a method{streams}; give one such as GET or POST")
        })
    })?;
    let method = method.unwrap_or_else(|| if body.is_some() { Method::POST } else { Method::GET });
    let media_type = values.optional("content-type", |text| {
        text.parse::<HeaderValue>().map_err(|_error| "cannot be sent in a header; give one such as application/json")
    })?;
    if let Some(media_type) = media_type {
        if headers.contains_key(header::CONTENT_TYPE) {
            return Err(Failure::usage(
                "--content-type and -H 'Content-Type: ...' say the same; leave one of them out",
            ));
        }
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    request(values, target, method, url(target, host)?, headers, body.unwrap_or_default())
}

/// The body: text, `@file` or `@-`.
fn body(values: &Values<'_>) -> Result<Option<Bytes>, Failure> {
    let Some(given) = values.given("body") else { return Ok(None) };
    match given.text.strip_prefix('@') {
        Some("") => Err(Failure::usage(format!("{}: names no file after its @", given.origin))),
        Some("-") => {
            let mut all = Vec::new();
            io::stdin()
                .read_to_end(&mut all)
                .map_err(|error| Failure::could_not_run(format!("{}: cannot read stdin: {error}", given.origin)))?;
            Ok(Some(all.into()))
        }
        Some(file) => read("body", Path::new(file)).map(Some),
        None if is_a_duration(&given.text) => Err(Failure::usage(format!(
            "{}: {:?} looks like a duration: here that is -z {}; to send it as a body put it into a file",
            given.origin, given.text, given.text
        ))),
        None => Ok(Some(given.text.into())),
    }
}

/// Whether a text is what `-d` is given for wrk and k6: `30s`, and `30` for short. To send that to a target which was
/// only to be read would be worse than to ask.
fn is_a_duration(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit() || ['s', 'm', 'h'].contains(&c))
        && !text.contains(char::is_whitespace)
        && settings::duration(text).is_ok()
}

fn read(name: &str, path: &Path) -> Result<Bytes, Failure> {
    fs::read(path).map(Bytes::from).map_err(|error| cannot_read(name, path, &error))
}

fn cannot_read(name: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::could_not_run(format!("--{name}: cannot read {}: {error}", path.display()))
}

/// A request of the file, with the headers of `-H` that it does not have itself.
fn of_entry(
    values: &Values<'_>,
    entry: &Entry,
    target: &Target,
    host: Option<&Authority>,
    common: &HeaderMap,
) -> Result<Request, Failure> {
    let wrong = |message: &str| {
        Failure::usage(format!(
            "{}, line {}: {} {message}",
            values.text("targets"),
            entry.line,
            settings::quoted(&redact::url(&entry.url))
        ))
    };
    let path = if entry.url.starts_with('/') {
        entry.url.clone()
    } else {
        let own = Target::parse(&entry.url).map_err(|error| {
            // Whatever follows a user's name may be a password.
            Failure::usage(format!("{}, line {}: its URL {error}", values.text("targets"), entry.line))
        })?;
        if !target.is_origin_of(&own) {
            return Err(wrong(&format!("is not of the target {}; a run has one", target.shown())));
        }
        own.path().to_owned()
    };
    let url = target.with(&path, host).map_err(|_error| wrong("is not a path"))?;
    let body = entry.body.as_deref().map(|file| read("targets", file)).transpose()?;
    let mut headers = common.clone();
    for (name, _) in &entry.headers {
        headers.remove(name);
    }
    for (name, value) in &entry.headers {
        headers.append::<HeaderName>(name.clone(), value.clone());
    }
    request(values, target, entry.method.clone(), url, headers, body.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::{command, flags::SETTINGS};

    fn asked(line: &[&str]) -> Result<Sent, String> {
        let matches = command().try_get_matches_from([&["load"], line].concat()).unwrap();
        let values = Values::new(SETTINGS, &matches, &|_| None);
        let target = Target::parse("http://h:8080/base").unwrap();
        let message = |failure: Failure| failure.message;
        let entries = from_file(&values).map_err(message)?;
        sent(&values, &target, None, entries, "mark".into()).map_err(message)
    }

    fn requests(sent: &Sent) -> Vec<String> {
        let Workload::Requests(all) = &sent.workload else { panic!("not the users") };
        all.iter().map(|one| format!("{:?} {} {}", one.request, one.weight, one.request.body().len())).collect()
    }

    #[test]
    fn a_request_as_people_ask_for_it() {
        for (line, request) in [
            (&[] as &[&str], "GET http://h:8080/base 1 0"),
            (&["-d", "hello"], "POST http://h:8080/base 1 5"),
            (&["-m", "put", "-d", "hello"], "PUT http://h:8080/base 1 5"),
            (&["-X", "HEAD"], "HEAD http://h:8080/base 1 0"),
            (&["--data", "[30]"], "POST http://h:8080/base 1 4"),
        ] {
            assert_eq!(requests(&asked(line).unwrap()), [request], "{line:?}");
        }
        assert_eq!(asked(&["-d", "hello"]).unwrap().words, "POST http://h:8080/base (5 bytes)");
    }

    #[test]
    fn what_cannot_be_sent_says_why() {
        for (line, says) in [
            (
                &["-d", "30s"] as &[&str],
                "--body: \"30s\" looks like a duration: here that is -z 30s; to send it as a body",
            ),
            (&["-d", "1m30s"], "here that is -z 1m30s"),
            (&["-d", "30"], "here that is -z 30;"),
            (&["-d", "@"], "names no file"),
            (&["-d", "@/nowhere/body"], "--body: cannot read /nowhere/body"),
            (&["-m", "10"], "(h2load's streams are --streams here)"),
            (&["-m", "G T"], "is not a method; give one such as GET or POST"),
            (&["-m", "CONNECT"], "CONNECT is not sent"),
            (&["-H", "Authorization hunter2"], "what was given is not a header"),
            (&["-H", "Host: a", "--host", "b"], "leave out -H 'Host: ...', or --host"),
            (&["-H", "Content-Type: a/b", "-T", "a/b", "-d", "x"], "say the same"),
            (&["-T", "a\nb"], "cannot be sent in a header"),
            (&["--scenario", "user"], "is no scenario; give url or users"),
            (&["--scenario", "users", "-d", "x"], "--body does not go with --scenario users"),
            (&["--scenario", "users", "--any-body"], "--any-body does not go with --scenario users"),
            (&["--targets", "/nowhere/targets"], "--targets: cannot read /nowhere/targets"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(
                error.contains(says) && error.lines().count() == 1 && !error.contains("hunter2"),
                "{line:?}: {error}"
            );
        }
    }

    #[test]
    fn requests_of_a_file_go_to_the_target() {
        let dir = tempfile::TempDir::new().unwrap();
        let (file, body) = (dir.path().join("targets"), dir.path().join("body"));
        fs::write(&body, "12345678").unwrap();
        let write = |text: &str| fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        write(&format!("GET / 9\nAccept: a/b\nPOST http://H:8080/x?y\n@{}\n", body.display()));
        let sent = asked(&["--targets", &file, "-H", "Accept: c/d"]).unwrap();
        assert_eq!(requests(&sent), ["GET http://h:8080/ 9 0", "POST http://h:8080/x?y 1 8"]);
        for (text, says) in [
            ("GET https://h:8080/\n", "line 1: \"https://h:8080/\" is not of the target http://h:8080/base"),
            ("\nGET http://other/\n", "line 2:"),
            ("GET http://u:hunter2@h:8080/\n", "has a user in it"),
            ("GET /\n@/nowhere/body\n", "cannot read /nowhere/body"),
        ] {
            write(text);
            let error = asked(&["--targets", &file]).unwrap_err();
            assert!(error.contains(says) && !error.contains("hunter2"), "{text}: {error}");
        }
        assert!(asked(&["--targets", &file, "-m", "PUT"]).unwrap_err().contains("--method does not go with --targets"));
    }
}
