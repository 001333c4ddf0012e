//! Where requests go: the URL, and what may stand in for its host.

use std::net::IpAddr;

use bytes::Bytes;
use http::{
    HeaderMap, Method, Uri,
    uri::{Authority, PathAndQuery},
};
use rustls::pki_types::ServerName;
use seaworthy_load::{endpoints::Endpoints, request::Request};

use super::redact;
use crate::{cli::Failure, settings::Values};

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The URL, with its scheme.
    pub(crate) url: Uri,
    /// Its host, an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether it is https.
    pub(crate) tls: bool,
}

impl Target {
    /// A URL; without a scheme it is http.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const WANTED: &str = "is not a URL; give one such as http://127.0.0.1:8080/path";
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = slashed(whole.parse().map_err(|_error| WANTED)?);
        // It knows best what it can send to.
        let asked = Request::new(Method::GET, url.clone(), HeaderMap::new(), Bytes::new());
        asked.map_err(|invalid| invalid.to_string())?;
        let authority = url.authority().ok_or(WANTED)?;
        let tls = url.scheme_str() == Some("https");
        let port = match authority.port() {
            Some(port) if port.as_u16() > 0 => port.as_u16(),
            None if !authority.as_str().ends_with(':') && !has_odd_port(authority) => {
                if tls {
                    443
                } else {
                    80
                }
            }
            _ => return Err("has a port that is none; give a number from 1 to 65535".into()),
        };
        Ok(Self { host: bare(authority.host()).to_owned(), port, tls, url })
    }

    /// The URL's scheme and host, as others that are sent to the same target must have them.
    pub(crate) fn is_origin_of(&self, other: &Self) -> bool {
        (self.tls, self.port) == (other.tls, other.port) && self.host.eq_ignore_ascii_case(&other.host)
    }

    /// Another path of the same target, as a host is asked for by another name.
    pub(crate) fn with(&self, path: &str, host: Option<&Authority>) -> Result<Uri, http::Error> {
        let authority = host.cloned().or_else(|| self.url.authority().cloned());
        let scheme = if self.tls { "https" } else { "http" };
        let mut builder = Uri::builder().scheme(scheme).path_and_query(path);
        if let Some(authority) = authority {
            builder = builder.authority(authority);
        }
        builder.build()
    }

    /// The URL, without what is secret in it.
    pub(crate) fn shown(&self) -> String {
        redact::url(&self.url.to_string())
    }

    /// Its path and query.
    pub(crate) fn path(&self) -> &str {
        self.url.path_and_query().map_or("/", |path| path.as_str())
    }
}

/// `http://host?query` has the path `/`, which HTTP/1.1 has to say.
fn slashed(url: Uri) -> Uri {
    let query = url.path_and_query().map(PathAndQuery::as_str).filter(|path| path.starts_with('?'));
    let Some(path) = query.map(|query| format!("/{query}")) else { return url };
    let mut parts = url.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or(url)
}

/// Whether something stands where a port does, and is none.
fn has_odd_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit_once(']').map_or(authority.as_str(), |(_, rest)| rest);
    after_host.contains(':')
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// What stands in for the URL's host.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) endpoints: Endpoints,
    /// The name that is asked for, where it is not the URL's.
    pub(crate) host: Option<Authority>,
    /// Where connections go, in words, where that is not the URL's host.
    pub(crate) words: Option<String>,
}

/// Where connections to a target go.
pub(crate) fn route(values: &Values<'_>, target: &Target) -> Result<Route, Failure> {
    let other = values.optional("connect-to", |text| connect_to(text, target))?;
    let words = other.as_ref().map(|(host, port)| shown(host, *port));
    let (host, port) = other.unwrap_or_else(|| (target.host.clone(), target.port));
    let endpoints = match host.parse::<IpAddr>() {
        Ok(address) => Endpoints::Fixed((address, port).into()),
        Err(_name) => Endpoints::Name { host, port, each: values.switch("dns-each-connection")? },
    };
    let host = values.optional("host", |text| {
        text.parse::<Authority>()
            .ok()
            .filter(|name| !name.as_str().contains('@') && !name.host().is_empty())
            .ok_or("is not a host's name; give one such as www.example.org")
    })?;
    Ok(Route { endpoints, host, words })
}

/// The name that the target's certificate must have.
pub(crate) fn certificate_name(target: &Target, route: &Route) -> Result<ServerName<'static>, Failure> {
    let name = route.host.as_ref().map_or(&*target.host, |host| bare(host.host()));
    ServerName::try_from(name.to_owned())
        .map_err(|_error| Failure::usage(format!("{name:?} cannot stand in a certificate; name it with --host")))
}

fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `HOST:PORT`, or curl's `HOST1:PORT1:HOST2:PORT2`, in which each may be empty.
fn connect_to(text: &str, target: &Target) -> Result<(String, u16), String> {
    const WANTED: &str = "is not an address to connect to; give HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080";
    // A host's name has none, but a user's name and password before it do.
    let parts = parts(text).filter(|_| !text.contains('@')).ok_or(WANTED)?;
    let port = |text: &str, or: u16| match text {
        "" => Ok(or),
        text => text.parse().ok().filter(|port| *port > 0).ok_or(WANTED),
    };
    let (host, port) = match &*parts {
        [host, given] if !host.is_empty() && !given.is_empty() => (*host, port(given, target.port)?),
        [from_host, from_port, host, given] => {
            let meant = from_host.is_empty() || from_host.eq_ignore_ascii_case(&target.host);
            if !meant || port(from_port, target.port)? != target.port {
                return Err(format!("is not about the target, which is {}", shown(&target.host, target.port)));
            }
            (if host.is_empty() { &*target.host } else { *host }, port(given, target.port)?)
        }
        _ => return Err(WANTED.into()),
    };
    Ok((host.to_owned(), port))
}

/// What stands between colons, except within brackets.
fn parts(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (address, after) = inner.split_once(']')?;
                (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
            }
            None => rest.split_once(':').map_or((rest, None), |(part, after)| (part, Some(after))),
        };
        parts.push(part);
        match after {
            Some(after) => rest = after,
            None => return Some(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_as_people_write_them() {
        for (text, url, host, port, tls) in [
            ("http://h", "http://h/", "h", 80, false),
            ("https://h/a?b=c", "https://h/a?b=c", "h", 443, true),
            ("127.0.0.1:8080/path", "http://127.0.0.1:8080/path", "127.0.0.1", 8080, false),
            ("localhost:8080", "http://localhost:8080/", "localhost", 8080, false),
            ("[::1]:8080", "http://[::1]:8080/", "::1", 8080, false),
            ("http://[::1]", "http://[::1]/", "::1", 80, false),
            ("http://h?a=b", "http://h/?a=b", "h", 80, false),
            ("hello-svc", "http://hello-svc/", "hello-svc", 80, false),
        ] {
            let target = Target::parse(text).unwrap();
            let got = (target.url.to_string(), &*target.host, target.port, target.tls);
            assert_eq!(got, (url.to_owned(), host, port, tls), "{text}");
            assert!(target.path().starts_with('/'), "{text}");
        }
    }

    #[test]
    fn what_is_no_target_says_why() {
        for (text, says) in [
            ("", "is not a URL"),
            ("http://", "is not a URL"),
            ("http://h:99999/", "a port that is none"),
            ("http://h:/", "a port that is none"),
            ("http://h:0/", "a port that is none"),
            ("http://[::1]:x/", "a port that is none"),
            ("ftp://h/", "has the scheme"),
            ("http://me:secret@h/", "has a user in it"),
            ("http://a b/", "is not a URL"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(says) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn another_address_to_connect_to() {
        let target = Target::parse("https://www.example.org/").unwrap();
        for (text, host, port) in [
            ("127.0.0.1:8443", "127.0.0.1", 8443),
            ("[::1]:8443", "::1", 8443),
            ("www.example.org:443:10.0.0.1:8443", "10.0.0.1", 8443),
            ("::10.0.0.1:8443", "10.0.0.1", 8443),
            ("www.example.org:443:[::1]:", "::1", 443),
            (":::8443", "www.example.org", 8443),
        ] {
            assert_eq!(connect_to(text, &target), Ok((host.to_owned(), port)), "{text}");
        }
        for text in
            ["", "host", ":8080", "host:", "h:0", "h:70000", "a:b:c", "me@h:80", "[::1]8080", "[::1", "a:1:b:2:c"]
        {
            assert!(connect_to(text, &target).is_err(), "{text}");
        }
        let other = connect_to("other:443:10.0.0.1:80", &target).unwrap_err();
        assert_eq!(other, "is not about the target, which is www.example.org:443");
    }
}
