//! Reads what was written, as strictly as a parser may: every tag is closed by its own, and every attribute is quoted.

use crate::report::html::STYLE;

/// A tag with its attributes, as they are written.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

/// A document.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) tags: Vec<Tag>,
    /// The texts between its tags, one after the other.
    pub(super) text: String,
}

impl Read {
    /// The values of an attribute, wherever it is.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.tags.iter().flat_map(|tag| &tag.attributes).filter(move |(of, _)| of == name).map(|(_, value)| &**value)
    }

    /// How many tags have a class.
    pub(super) fn classes(&self, class: &str) -> usize {
        self.all("class").filter(|classes| classes.split(' ').any(|of| of == class)).count()
    }
}

pub(super) fn read(html: &str) -> Read {
    let html = html.replacen(STYLE, "", 1);
    let html = html.strip_prefix("<!DOCTYPE html>").unwrap_or(&html);
    let (mut open, mut page) = (Vec::<String>::new(), Read { tags: Vec::new(), text: String::new() });
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {part}"));
        page.text.push_str(text);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in another order");
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{rest}"));
            let (value, after) = value.split_once('"').unwrap_or_else(|| panic!("{value}"));
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
            attributes.push((name.to_owned(), value.to_owned()));
            rest = after.trim_start();
        }
        if !empty {
            open.push(name.to_owned());
        }
        page.tags.push(Tag { name: name.to_owned(), attributes });
    }
    assert!(open.is_empty(), "{open:?}");
    page
}
