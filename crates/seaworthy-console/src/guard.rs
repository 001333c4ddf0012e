//! Who may ask, and from where: decided on the head of a request, before anything else is done with it.
//!
//! Each rule stands against one thing that a web page of somebody else can make a browser do. The sources are in
//! docs/console.md.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, uri::Authority};

use crate::secret::Secret;

/// The header in which the page tells the token that only it can know.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-seaworthy-token");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Why a request is refused: a status, and one line.
pub(crate) type Refusal = (StatusCode, String);

/// What is asked of a request.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Whether the listener can be reached from this machine alone.
    pub(crate) local: bool,
    /// Names of this machine, besides those of the loopback.
    pub(crate) names: Vec<String>,
    /// What everybody must know who asks anything, where there is such a word.
    pub(crate) access: Option<Secret>,
    /// The name of the cookie that has it.
    pub(crate) cookie: String,
    /// What the page must know to ask for a drill.
    pub(crate) page: Secret,
}

impl Guard {
    /// Whether the request is meant for this server. A name of somebody else that leads here is DNS rebinding: to the browser
    /// their page and this server are then one origin, so nothing but the name gives it away.
    pub(crate) fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let misdirected = |what: &str| Err((StatusCode::MISDIRECTED_REQUEST, what.to_owned()));
        let Some(host) = only(headers, &header::HOST) else {
            return misdirected("A request has one Host header; this one has none, or several.");
        };
        if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return misdirected("The address and the Host header name different hosts.");
        }
        let known = host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@') && self.knows(host.host()));
        if known {
            return Ok(());
        }
        misdirected("The Host header is no name of this server: use localhost, or the address that it was started on.")
    }

    fn knows(&self, host: &str) -> bool {
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match address {
            Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        };
        if let Some(address) = address {
            // Nobody can make an address lead elsewhere; only names can be rebound.
            return address.is_loopback() || !self.local;
        }
        host.eq_ignore_ascii_case("localhost") || self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether it comes from the page, or from no page at all. Pages of others may lead here by a link, and nothing else: they could
    /// not read an answer, but they could hold streams open, or measure.
    pub(crate) fn site(uri: &Uri, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let is = |name: &HeaderName, value: &str| said(headers, name).is_some_and(|said| said == value);
        let Some(site) = said(headers, &SITE) else { return Ok(()) };
        let is_link = method == Method::GET && uri.path() == "/" && is(&MODE, "navigate") && is(&DEST, "document");
        if site == "same-origin" || site == "none" || is_link {
            return Ok(());
        }
        Err((StatusCode::FORBIDDEN, "This was asked by a page of another origin.".to_owned()))
    }

    /// Whether somebody knows the word that everybody must know.
    pub(crate) fn access(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(access) = &self.access else { return Ok(()) };
        let bearer = said(headers, &header::AUTHORIZATION).and_then(|said| said.strip_prefix("Bearer "));
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let ours = pairs.filter(|(name, _)| *name == self.cookie).map(|(_, value)| value);
        if bearer.into_iter().chain(ours).any(|word| access.is(word.as_bytes())) {
            return Ok(());
        }
        let what = "The token is missing or wrong: open the address with ?token= that was said at the start, or send it as \
                    Authorization: Bearer.";
        Err((StatusCode::UNAUTHORIZED, what.to_owned()))
    }

    /// The token in an address, and whether it is the right one. `None` where there is none in it, or none is asked for.
    pub(crate) fn token_in(&self, uri: &Uri) -> Option<bool> {
        let access = self.access.as_ref()?;
        let query = uri.query()?;
        let word = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
        Some(access.is(word.as_bytes()))
    }

    /// Whether a request that changes something is the page's own.
    pub(crate) fn change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let kind = said(headers, &header::CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            // A form of another page can send three types without asking (a simple request of CORS), and this is none of them.
            let what = "What is asked for is told as Content-Type: application/json.";
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, what.to_owned()));
        }
        let host = said(headers, &header::HOST).unwrap_or_default();
        let site = headers.get(&SITE).map(|site| site == "same-origin");
        let origin = headers.get(header::ORIGIN).map(|origin| {
            let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
        });
        let forbidden = |what: &str| Err((StatusCode::FORBIDDEN, what.to_owned()));
        match (site, origin) {
            (None, None) => return forbidden("It does not say which page asks: Origin or Sec-Fetch-Site is missing."),
            (Some(false), _) | (_, Some(false)) => return forbidden("This was asked by a page of another origin."),
            (Some(true) | None, Some(true) | None) => {}
        }
        if !headers.get(TOKEN).is_some_and(|token| self.page.is(token.as_bytes())) {
            return forbidden("The page's token is missing or of another run: load the page again.");
        }
        Ok(())
    }
}

/// The value of a header, as text.
fn said<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The same, where it is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(one)
}

#[cfg(test)]
mod tests;
