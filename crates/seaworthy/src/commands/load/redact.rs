//! URLs as they are shown: without what is secret in them.

/// What stands for a secret.
pub(crate) const HIDDEN: &str = "***";

/// A URL, or a path, without the values of the parameters that are secret by their names.
pub(crate) fn url(text: &str) -> String {
    const BETWEEN: [char; 4] = ['?', '#', '&', ';'];
    let (place, parameters) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let shown = parameters.split_inclusive(BETWEEN).map(|part| {
        let (parameter, after) = part.split_at(part.trim_end_matches(BETWEEN).len());
        match parameter.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}={HIDDEN}{after}"),
            _ => part.to_owned(),
        }
    });
    place.to_owned() + &shown.collect::<String>()
}

/// Whether a parameter of this name is one that nobody else should see.
fn is_secret(name: &str) -> bool {
    const TELLING: [&str; 11] =
        ["key", "token", "secret", "pass", "pwd", "auth", "sig", "jwt", "session", "credential", "code"];
    let name = name.to_ascii_lowercase();
    TELLING.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (text, shown) in [
            ("http://h/a?b=c", "http://h/a?b=c"),
            ("http://h/key=1/", "http://h/key=1/"),
            ("/?api_key=hunter2", "/?api_key=***"),
            ("h?a=b&X-Amz-Signature=hunter2&c=d", "h?a=b&X-Amz-Signature=***&c=d"),
            ("h?Token=hunter2;a=b", "h?Token=***;a=b"),
            ("h?pwd=hunter=2", "h?pwd=***"),
            ("h?a=b#access_token=hunter2", "h?a=b#access_token=***"),
            ("h#id_token=hunter2&code=hunter2", "h#id_token=***&code=***"),
            ("h?key&pass=&&a", "h?key&pass=&&a"),
            ("h?secret=hunter2&secret=hunter2", "h?secret=***&secret=***"),
            ("", ""),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }
}
