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

/// The words of a command, without the values of what is secret by its name, passwords in URLs, and whatever of `known`
/// stands in them.
pub(crate) fn words(words: &[String], known: &[(String, String)]) -> Vec<String> {
    let mut shown = Vec::with_capacity(words.len());
    let mut value_is_secret = false;
    for word in words {
        let is_scheme = ["Bearer", "Basic"].contains(&word.as_str());
        let hidden =
            if value_is_secret && !word.starts_with('-') && !is_scheme { HIDDEN.to_owned() } else { self::word(word) };
        let hidden = known
            .iter()
            .filter(|(name, value)| value.len() >= if is_secret(name) { SHORTEST } else { TELLING })
            .fold(hidden, |shown, (_, value)| shown.replace(value.as_str(), HIDDEN));
        // `--token`, or a header's name in the words of a shell: `'Authorization: Bearer`.
        let names_it = word.starts_with('-') && !word.contains('=') || word.ends_with(':');
        value_is_secret =
            names_it && is_secret(word) || value_is_secret && ["Bearer", "Basic"].contains(&word.as_str());
        shown.push(hidden);
    }
    shown
}

/// A command as somebody wrote it, in the same way.
pub(crate) fn command(text: &str) -> String {
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    words(&all, &[]).join(" ")
}

/// A value that is shorter stands in too many other words.
const SHORTEST: usize = 4;

/// One of a variable whose name says nothing of a secret may be one all the same, if it is as long as this.
const TELLING: usize = 16;

fn word(word: &str) -> String {
    // What a shell is given.
    if word.contains(char::is_whitespace) {
        return command(word);
    }
    if let Some((name, value)) = word.split_once(':')
        && !value.is_empty()
        && is_secret(name)
        && !name.contains(['/', '?', '='])
        && !value.starts_with("//")
    {
        return format!("{name}:{HIDDEN}");
    }
    if let Some((name, value)) = word.split_once('=')
        && !value.is_empty()
        && is_secret(name)
        && !name.contains(['/', ' ', '?'])
    {
        return format!("{name}={HIDDEN}");
    }
    let Some((scheme, rest)) = word.split_once("://") else { return url(word) };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')) {
        Some((user, password)) => url(&format!(
            "{scheme}://{}",
            rest.replacen(&format!("{user}:{password}@"), &format!("{user}:{HIDDEN}@"), 1)
        )),
        None => url(word),
    }
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

    #[test]
    fn a_command_is_shown_without_its_secrets() {
        let known = [
            ("TOKEN".to_owned(), "hunter2".to_owned()),
            ("A".to_owned(), "a-long-and-odd-value".to_owned()),
            ("HOW".to_owned(), "slow".to_owned()),
        ];
        for (line, shown) in [
            ("serve --port 8080 -x", "serve --port 8080 -x"),
            ("serve --password=hunter3 --x", "serve --password=*** --x"),
            ("serve --api-token hunter3 x", "serve --api-token *** x"),
            ("serve --db postgres://u:hunter3@h/x", "serve --db postgres://u:***@h/x"),
            ("serve http://h/?key=hunter3", "serve http://h/?key=***"),
            ("curl -H Authorization:hunter3 x", "curl -H Authorization:*** x"),
            ("curl -H 'Authorization: Bearer hunter3' x", "curl -H 'Authorization: Bearer *** x"),
            ("serve --x=a-hunter2-b x", "serve --x=a-***-b x"),
            ("serve a-long-and-odd-value slow.py", "serve *** slow.py"),
            ("env DB_PASSWORD=hunter3 serve", "env DB_PASSWORD=*** serve"),
        ] {
            let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(words(&line, &known).join(" "), shown);
        }
    }
}
