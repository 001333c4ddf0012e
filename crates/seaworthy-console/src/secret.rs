//! Words that only some know.

use std::fmt;

use rustix::rand::{GetRandomFlags, getrandom};
use subtle::ConstantTimeEq as _;

/// Something to be known. It is never written, not even for debugging.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The fewest characters of one that people choose: 16 of 64 are 96 bits.
    pub(crate) const MIN: usize = 16;

    /// A new one of 128 bits, from the kernel.
    pub(crate) fn random() -> std::io::Result<Self> {
        random_hex(16).map(Self)
    }

    /// One that was chosen, where it can stand in an address and in a cookie as it is.
    pub(crate) fn chosen(word: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((Self::MIN..=128).contains(&word.len()) && word.bytes().all(plain)).then(|| Self(word.to_owned()))
    }

    /// Whether somebody knows it. How long this takes tells at most how long the secret is (the others' tokens are tried
    /// one by one, and time would say how many characters were right).
    pub(crate) fn is(&self, said: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(said).into()
    }

    /// To be told to who may know.
    pub(crate) fn tell(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// So many random bytes in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> std::io::Result<String> {
    let mut random = vec![0_u8; bytes];
    // Up to 256 bytes come whole (getrandom(2)).
    let filled = getrandom(&mut random[..], GetRandomFlags::empty())?;
    if filled < bytes {
        return Err(std::io::Error::other("the kernel had too few random bytes"));
    }
    Ok(random.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_plain_long_and_never_shown() {
        for (word, fits) in [
            ("0123456789abcdef", true),
            ("0123456789abcde", false),
            ("0123456789abcde;", false),
            ("0123456789abcde ", false),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(Secret::chosen(word).is_some(), fits, "{word}");
        }
        let secret = Secret::random().unwrap();
        assert_eq!(secret.tell().len(), 32);
        assert!(!format!("{secret:?}").contains(secret.tell()));
        assert!(secret.is(secret.tell().as_bytes()));
        assert!(!secret.is(b"") && !secret.is(&secret.tell().as_bytes()[..31]));
        assert_ne!(secret.tell(), Secret::random().unwrap().tell());
    }
}
