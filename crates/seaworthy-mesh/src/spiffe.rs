//! SPIFFE IDs: names of workloads, such as `spiffe://seaworthy.local/replica/3`.
//!
//! The rules are those of the SPIFFE ID standard: the trust domain has lower-case letters, digits, dots, dashes and
//! underscores (2.1); a path has segments of letters, digits, dots, dashes and underscores, none of them empty, `.` or
//! `..`, and does not end with a slash (2.2); all of it has 2,048 bytes at most, the trust domain 255 (2.3). So an ID has
//! only one way to be written, and two are equal where their bytes are.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// What each of them begins with.
const SCHEME: &str = "spiffe://";
/// The longest ID (SPIFFE-ID, 2.3), and the longest trust domain in it.
const LONGEST: usize = 2048;
const LONGEST_DOMAIN: usize = 255;

/// Whoever holds one holds a valid one, with a path: the name of a workload, not of a whole trust domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId(Arc<str>);

/// Why something is no SPIFFE ID of a workload.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Invalid {
    /// It is another kind of URI.
    #[error("it does not begin with spiffe://")]
    Scheme,
    /// It is too long.
    #[error("it is longer than 2,048 bytes, or its trust domain longer than 255")]
    Long,
    /// The trust domain has other characters, or none.
    #[error("its trust domain has to be of lower-case letters, digits, dots, dashes and underscores")]
    Domain,
    /// It has no path: it names a trust domain, and nobody in it.
    #[error("it has no path, so it names no workload")]
    NoPath,
    /// The path has other characters, or segments that have to be resolved.
    #[error(
        "its path has to be of letters, digits, dots, dashes and underscores between single slashes, without . and .."
    )]
    Path,
}

impl SpiffeId {
    /// The workload with this path in a trust domain.
    pub fn new(domain: &str, path: &str) -> Result<Self, Invalid> {
        check_domain(domain)?;
        format!("{SCHEME}{domain}/{path}").parse()
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trust domain that it is of.
    pub fn domain(&self) -> &str {
        self.parts().0
    }

    /// The path, without the slash that it begins with: `replica/3`.
    pub fn path(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/')).unwrap_or_default()
    }
}

impl FromStr for SpiffeId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix(SCHEME).ok_or(Invalid::Scheme)?;
        if text.len() > LONGEST {
            return Err(Invalid::Long);
        }
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_domain(domain)?;
        if path.is_empty() {
            return Err(Invalid::NoPath);
        }
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        for segment in path.split('/') {
            if matches!(segment, "" | "." | "..") || !segment.chars().all(good) {
                return Err(Invalid::Path);
            }
        }
        Ok(Self(text.into()))
    }
}

/// Whether this can be the name of a trust domain.
pub(crate) fn check_domain(domain: &str) -> Result<(), Invalid> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if domain.len() > LONGEST_DOMAIN {
        return Err(Invalid::Long);
    }
    if domain.is_empty() || !domain.chars().all(good) { Err(Invalid::Domain) } else { Ok(()) }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_an_id() {
        let id: SpiffeId = "spiffe://seaworthy.local/replica/3".parse().unwrap();
        assert_eq!(
            (id.domain(), id.path(), id.as_str()),
            ("seaworthy.local", "replica/3", "spiffe://seaworthy.local/replica/3")
        );
        assert_eq!(SpiffeId::new("seaworthy.local", "replica/3"), Ok(id));
        let long_domain = "a".repeat(256);
        for (text, why) in [
            ("", Invalid::Scheme),
            ("https://seaworthy.local/x", Invalid::Scheme),
            ("SPIFFE://seaworthy.local/x", Invalid::Scheme),
            ("spiffe://", Invalid::Domain),
            ("spiffe:///x", Invalid::Domain),
            ("spiffe://Seaworthy.local/x", Invalid::Domain),
            ("spiffe://seaworthy.local:443/x", Invalid::Domain),
            ("spiffe://me@seaworthy.local/x", Invalid::Domain),
            (&format!("spiffe://{long_domain}/x"), Invalid::Long),
            ("spiffe://seaworthy.local", Invalid::NoPath),
            ("spiffe://seaworthy.local/", Invalid::NoPath),
            ("spiffe://seaworthy.local/x/", Invalid::Path),
            ("spiffe://seaworthy.local//x", Invalid::Path),
            ("spiffe://seaworthy.local/x/../y", Invalid::Path),
            ("spiffe://seaworthy.local/.", Invalid::Path),
            ("spiffe://seaworthy.local/x?y", Invalid::Path),
            ("spiffe://seaworthy.local/x#y", Invalid::Path),
            ("spiffe://seaworthy.local/%41", Invalid::Path),
            ("spiffe://seaworthy.local/ü", Invalid::Path),
            (&format!("spiffe://seaworthy.local/{}", "x".repeat(2048)), Invalid::Long),
        ] {
            assert_eq!(text.parse::<SpiffeId>(), Err(why), "{text}");
        }
        // What looks like two parts of the domain is not taken for a path of the right one.
        assert_eq!(SpiffeId::new("seaworthy.local/evil", "x"), Err(Invalid::Domain));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_comes_back_the_same(text in "(spiffe://)?[a-z.:/@%A-Z0-9_-]{0,40}") {
            if let Ok(id) = text.parse::<SpiffeId>() {
                prop_assert_eq!(id.to_string(), text);
                prop_assert_eq!(SpiffeId::new(id.domain(), id.path()), Ok(id));
            }
        }
    }
}
