//! What a user is, and what may become one.
//!
//! Everything here is a function of values: no clock, no database, no HTTP. A [`Name`], an [`Email`] or
//! a [`Password`] that exists is one that API.md allows, so nothing behind this module checks again.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// A stored user, as every route shows it. The password never leaves the store in this type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The store's number for it; never given out twice.
    pub id: i64,
    /// 1 to 255 characters; empty only in a row that was taken over from another application.
    pub name: String,
    /// 3 to 254 characters; may be malformed only in a row that was taken over.
    pub email: String,
    /// When it was created, in microseconds since the Unix epoch (UTC).
    #[serde(rename = "created_at", serialize_with = "as_rfc3339", deserialize_with = "from_rfc3339")]
    pub created_us: i64,
    /// When it was last changed, in microseconds since the Unix epoch (UTC); grows with each change.
    #[serde(rename = "updated_at", serialize_with = "as_rfc3339", deserialize_with = "from_rfc3339")]
    pub updated_us: i64,
}

impl User {
    /// A strong entity tag (RFC 9110, 8.8.3), quotes included.
    ///
    /// It is made from the content and not from a counter, so that a row which another application
    /// changed in place gets a new tag too, and all replicas agree on it.
    #[must_use]
    pub fn etag(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.id.to_be_bytes());
        hash.update(self.updated_us.to_be_bytes());
        hash.update(self.name.as_bytes());
        hash.update([0]);
        hash.update(self.email.as_bytes());
        let digest = hash.finalize();
        format!("\"{}\"", hex(digest.get(..8).unwrap_or(&digest)))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_rfc3339<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    // A stored time outside jiff's years (-9999 to 9999) can only come from another program's hand.
    let time = Timestamp::from_microsecond(*micros).unwrap_or(Timestamp::UNIX_EPOCH);
    serializer.collect_str(&time)
}

fn from_rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<Timestamp>().map(Timestamp::as_microsecond).map_err(de::Error::custom)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The form in which names and emails are compared and searched: lower case, character by character.
///
/// It is computed here and stored, so that both databases find the same users whatever their
/// collations think of case and accents.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The column that `q` searches: the folded name and email. The newline between them is in neither.
pub(crate) fn search_key(name: &str, email: &str) -> String {
    format!("{}\n{}", fold(name), fold(email))
}

/// 1 to 255 characters, at least one of them visible, none a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX: usize = 255;

    /// Checks `text`; the error says what is wrong with it.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        if text.chars().all(char::is_whitespace) {
            return Err("must not be empty");
        }
        if text.chars().count() > Self::MAX {
            return Err("must be at most 255 characters");
        }
        Ok(Self(text))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 3 to 254 characters with exactly one `@` that has something on both sides, without whitespace or
/// control characters. More is not checked: only a mail that arrives proves an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The longest email, in characters (RFC 5321, erratum 1690).
    pub const MAX: usize = 254;

    /// Checks `text`; the error says what is wrong with it.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("must not contain whitespace or control characters");
        }
        if text.chars().count() > Self::MAX {
            return Err("must be at most 254 characters");
        }
        match text.split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') => Ok(Self(text)),
            _ => Err("must have one @ with something on both sides"),
        }
    }

    /// The email as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What must be unique: two emails that differ only in case are the same mailbox to nearly every
    /// mail server.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// A password as a client sent it. It has no `Display` and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The shortest password, in bytes (NIST SP 800-63B, 5.1.1.2).
    pub const MIN: usize = 8;
    /// The longest password, in bytes: room for any passphrase, and a bound on the work of hashing.
    pub const MAX: usize = 1024;

    /// Checks `text`; the error says what is wrong with it and never repeats it.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.len() < Self::MIN {
            return Err("must be at least 8 bytes");
        }
        Self::any(text)
    }

    /// As the tutorials' routes take it: anything that is not empty, up to the same maximum.
    pub fn any(text: String) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.len() > Self::MAX {
            return Err("must be at most 1024 bytes");
        }
        Ok(Self(text))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ada() -> User {
        User { id: 1, name: "Ada".into(), email: "ada@example.org".into(), created_us: 0, updated_us: 5 }
    }

    #[test]
    fn names_as_people_write_them() {
        for name in ["Ada", "ا", "👩‍🚀", "שלום עולם", "O'Brien; DROP TABLE users", &"x".repeat(255)] {
            assert!(Name::new(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["", " ", "\u{3000}", "a\nb", "\0", &"é".repeat(256)] {
            assert!(Name::new(name.to_owned()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn emails_with_one_at() {
        for email in ["a@b", "Ada@Example.org", "用户@例子.公司"] {
            assert!(Email::new(email.to_owned()).is_ok(), "{email}");
        }
        let long = format!("{}@b", "a".repeat(253));
        for email in ["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "ab", &long] {
            assert!(Email::new(email.to_owned()).is_err(), "{email:?}");
        }
        assert_eq!(Email::new("ADA@B".into()).map(|e| e.key()), Ok("ada@b".into()));
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password = Password::new("correct horse".into()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn json_has_the_fields_of_the_contract_in_order() {
        assert_eq!(
            serde_json::to_string(&ada()).unwrap(),
            r#"{"id":1,"name":"Ada","email":"ada@example.org","created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00.000005Z"}"#
        );
    }

    proptest! {
        #[test]
        fn json_there_and_back(name in "\\PC{1,9}", created_us in 0i64..4_000_000_000_000_000, later in 0i64..1_000_000) {
            let user = User { name, created_us, updated_us: created_us + later, ..ada() };
            let json = serde_json::to_string(&user).unwrap();
            prop_assert_eq!(serde_json::from_str::<User>(&json).unwrap(), user);
        }

        #[test]
        fn the_tag_changes_with_every_field(name in "\\PC{1,9}", email in "[a-z]{1,4}@[a-z]{1,4}", id in 2i64.., updated in 6i64..) {
            let tag = ada().etag();
            prop_assert_ne!(&User { id, ..ada() }.etag(), &tag);
            prop_assert_ne!(&User { updated_us: updated, ..ada() }.etag(), &tag);
            prop_assume!(name != "Ada" && email != "ada@example.org");
            prop_assert_ne!(&User { name, ..ada() }.etag(), &tag);
            prop_assert_ne!(&User { email, ..ada() }.etag(), &tag);
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in any::<String>()) {
            let _judged = Name::new(text.clone());
            let _judged = Password::new(text.clone());
            if let Ok(email) = Email::new(text) {
                prop_assert_eq!(email.as_str().matches('@').count(), 1);
                prop_assert!(email.key().len() <= 4 * Email::MAX);
            }
        }
    }
}
