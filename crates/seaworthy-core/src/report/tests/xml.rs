/// Whether tags are balanced, attributes quoted, and text escaped.
pub(in crate::report) fn assert_well_formed(xml: &str) {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    assert!(body.chars().all(|c| c == '\n' || c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')), "{xml}");
    let mut open: Vec<&str> = Vec::new();
    let mut rest = body;
    while let Some((text, after)) = rest.split_once('<') {
        assert_escaped(text);
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
            continue;
        }
        let (content, empty) = tag.strip_suffix('/').map_or((tag, false), |content| (content, true));
        let (name, attributes) = content.split_once(' ').unwrap_or((content, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        assert_attributes(attributes);
        if !empty {
            open.push(name);
        }
    }
    assert_eq!(rest, "\n");
    assert_eq!(open, [""; 0]);
}

fn assert_attributes(attributes: &str) {
    let mut parts = attributes.split('"');
    // name=, value, name=, value, and nothing.
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let name = name.trim_start().strip_suffix('=').unwrap();
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        assert_escaped(value);
    }
}

fn assert_escaped(text: &str) {
    assert!(!text.contains(['<', '>', '"']), "{text}");
    for after in text.split('&').skip(1) {
        let (entity, _) = after.split_once(';').unwrap();
        assert!(["amp", "lt", "gt", "quot", "apos"].contains(&entity), "{entity}");
    }
}
