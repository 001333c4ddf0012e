//! References to variables, as Kubernetes replaces them: `$(NAME)`, and `$$` for a plain `$`.

use std::collections::BTreeSet;

/// Replaces what has a value; a reference that has none stays as it is, and its name is added to `unknown`.
/// None where it grows beyond so many bytes.
pub(super) fn expand<'a>(
    text: &str,
    value: impl Fn(&str) -> Option<&'a str>,
    unknown: &mut BTreeSet<String>,
    longest: usize,
) -> Option<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    // Looked for once only where there is none: else many openings without an end take the square of their number.
    let mut may_close = true;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(escaped) = after.strip_prefix('$') {
            expanded.push('$');
            rest = escaped;
            continue;
        }
        let opened = after.strip_prefix('(').filter(|_| may_close);
        if let Some((name, behind)) = opened.and_then(|opened| opened.split_once(')')) {
            if let Some(value) = value(name) {
                expanded.push_str(value);
            } else {
                expanded.extend(["$(", name, ")"]);
                unknown.insert(name.into());
            }
            rest = behind;
        } else {
            may_close &= opened.is_none();
            expanded.push('$');
        }
        if expanded.len() > longest {
            return None;
        }
    }
    expanded.push_str(rest);
    (expanded.len() <= longest).then_some(expanded)
}

/// Whether it could be a variable's name, so that a reference to it was meant as one.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.len() <= 100
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<&'static str> {
        match name {
            "PORT" => Some("8080"),
            "EMPTY" => Some(""),
            "NESTED" => Some("$(PORT)"),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_as_kubernetes_does_it() {
        for (text, expanded, unknown) in [
            ("--port=$(PORT)", "--port=8080", ""),
            ("$(PORT)$(PORT)", "80808080", ""),
            ("a$(EMPTY)b", "ab", ""),
            ("$(NESTED)", "$(PORT)", ""),
            ("$(NONE)/x", "$(NONE)/x", "NONE"),
            ("$$(PORT)", "$(PORT)", ""),
            ("$$$(PORT)", "$8080", ""),
            ("$$$$", "$$", ""),
            ("price$", "price$", ""),
            ("$PORT ${PORT} $1", "$PORT ${PORT} $1", ""),
            ("$(PORT", "$(PORT", ""),
            ("$($(", "$($(", ""),
            ("x) $(", "x) $(", ""),
            ("$(A$(PORT)", "$(A$(PORT)", "A$(PORT"),
            ("grüße $(PORT) €", "grüße 8080 €", ""),
            ("", "", ""),
        ] {
            let mut seen = BTreeSet::new();
            assert_eq!(expand(text, value, &mut seen, 1000).as_deref(), Some(expanded), "{text}");
            assert_eq!(seen.into_iter().collect::<String>(), unknown, "{text}");
        }
    }

    #[test]
    fn what_grows_too_long_is_none() {
        let mut unknown = BTreeSet::new();
        assert_eq!(expand("$(PORT)$(PORT)", value, &mut unknown, 7), None);
        assert_eq!(expand("$(PORT)", value, &mut unknown, 4).as_deref(), Some("8080"));
        assert_eq!(expand("$(PORT)x", value, &mut unknown, 4), None);
    }

    #[test]
    fn openings_without_an_end_stay_as_they_are() {
        let text = "$(".repeat(1 << 18);
        assert_eq!(expand(&text, value, &mut BTreeSet::new(), 1 << 20), Some(text));
    }
}
