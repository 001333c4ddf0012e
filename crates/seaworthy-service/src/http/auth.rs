//! Who may use the users routes.

use std::{path::Path, sync::RwLock};

use http::{HeaderMap, StatusCode, header, request};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::Problem;

/// The shortest token that is taken: a shorter one can be guessed.
const SHORTEST: usize = 16;

/// The bearer tokens (RFC 6750) that open the users routes; none are asked for where none are configured.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Digests: of equal length, so that a comparison takes the same time whatever is sent.
    digests: Option<RwLock<Vec<[u8; 32]>>>,
}

impl Tokens {
    /// Everybody may.
    pub(crate) fn not_asked_for() -> Self {
        Self { digests: None }
    }

    /// The tokens in `text`, one a line; empty lines and lines that begin with # are left out.
    pub(crate) fn from_text(path: &Path, text: &str) -> Result<Self, String> {
        Ok(Self { digests: Some(RwLock::new(digests(path, text)?)) })
    }

    /// Takes over the tokens in `text` from now on. An error leaves them as they are.
    pub(crate) fn reload(&self, path: &Path, text: &str) -> Result<(), String> {
        let new = digests(path, text)?;
        if let Some(digests) = &self.digests {
            *digests.write().unwrap_or_else(std::sync::PoisonError::into_inner) = new;
        }
        Ok(())
    }

    /// 401 without a token that is known.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(digests) = &self.digests else { return Ok(()) };
        let sent = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
        let token = match sent.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
            _ => &[],
        };
        let digest: [u8; 32] = Sha256::digest(token).into();
        let digests = digests.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        // All are compared, so that the time does not tell which of them was nearly right.
        let known = digests.iter().fold(Choice::from(0), |known, one| known | one.ct_eq(&digest));
        if bool::from(known) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::UNAUTHORIZED, "Send Authorization: Bearer with an API token.")
            .with_header(header::WWW_AUTHENTICATE, "Bearer"))
    }
}

fn digests(path: &Path, text: &str) -> Result<Vec<[u8; 32]>, String> {
    let mut digests = Vec::new();
    for (line, token) in (1..).zip(text.lines().map(str::trim)) {
        if token.is_empty() || token.starts_with('#') {
            continue;
        }
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let path = path.display();
            return Err(format!("{path}, line {line}: a token has at least {SHORTEST} visible ASCII characters"));
        }
        digests.push(Sha256::digest(token).into());
    }
    if digests.is_empty() {
        return Err(format!("{} holds no token; write one a line", path.display()));
    }
    Ok(digests)
}

/// 403 for a change that another site's page makes a browser send (Fetch Metadata, `Sec-Fetch-Site`): the
/// service may listen on the loopback of somebody who is browsing.
pub(crate) fn same_site(head: &request::Parts) -> Result<(), Problem> {
    let site = head.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    if head.method.is_safe() || site.is_none_or(|site| matches!(site, b"same-origin" | b"none")) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "A page of another site must not change users here."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(tokens: &Tokens, authorization: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        tokens.check(&headers).is_ok()
    }

    #[test]
    fn only_a_whole_token_opens() {
        let path = Path::new("tokens");
        let tokens = Tokens::from_text(path, "# ours\n\n0123456789abcdef\nfedcba9876543210 \n").unwrap();
        assert!(may(&tokens, "Bearer 0123456789abcdef") && may(&tokens, "bearer fedcba9876543210"));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer # ours",
        ] {
            assert!(!may(&tokens, wrong), "{wrong}");
        }
        assert!(tokens.reload(path, "short").is_err());
        assert!(may(&tokens, "Bearer 0123456789abcdef"), "a bad file changes nothing");
        tokens.reload(path, "a-new-token-that-is-long").unwrap();
        assert!(!may(&tokens, "Bearer 0123456789abcdef") && may(&tokens, "Bearer a-new-token-that-is-long"));
    }

    #[test]
    fn a_bad_file_is_told_without_its_tokens() {
        let path = Path::new("tokens");
        assert_eq!(
            Tokens::from_text(path, "0123456789abcdef\nhunter2\n").unwrap_err(),
            "tokens, line 2: a token has at least 16 visible ASCII characters"
        );
        assert_eq!(Tokens::from_text(path, "# none\n").unwrap_err(), "tokens holds no token; write one a line");
    }
}
