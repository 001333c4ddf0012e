//! HTML and SVG, put together so that no text from elsewhere can become a tag.
//!
//! Names of tags and attributes are constants of this crate; everything else is escaped as it is written.

/// Tags that stand within a line.
const INLINE: [&str; 4] = ["a", "code", "span", "svg"];

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// A tag whose attributes are still being written.
#[derive(Debug)]
#[must_use = "a tag that is not closed takes in all that follows"]
pub(super) struct Tag<'a> {
    html: &'a mut Html,
    name: &'static str,
}

impl Html {
    /// Begins a tag.
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.0.push('<');
        self.0.push_str(name);
        Tag { html: self, name }
    }

    /// A tag with this class.
    pub(super) fn class(&mut self, name: &'static str, class: &'static str) -> Tag<'_> {
        self.tag(name).with("class", class)
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        text.chars().for_each(|c| escape(&mut self.0, c));
    }

    /// What a file of ours holds: the style sheet, and the document's first line.
    pub(super) fn constant(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    /// What was put together elsewhere.
    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The document.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl Tag<'_> {
    /// With an attribute.
    pub(super) fn with(self, name: &'static str, value: impl AsRef<str>) -> Self {
        let html = &mut *self.html;
        html.0.push(' ');
        html.0.push_str(name);
        html.0.push_str("=\"");
        html.text(value.as_ref());
        html.0.push('"');
        self
    }

    /// With nothing in it. Only for HTML's void elements and for SVG.
    pub(super) fn empty(self) {
        self.html.0.push_str("/>");
    }

    /// With a text in it.
    pub(super) fn text(self, text: &str) {
        self.holds(|html| html.text(text));
    }

    /// With a constant of ours in it, as it is.
    pub(super) fn constant(self, text: &'static str) {
        self.holds(|html| html.constant(text));
    }

    /// With other things in it.
    pub(super) fn holds(self, inside: impl FnOnce(&mut Html)) {
        let Self { html, name } = self;
        html.0.push('>');
        inside(html);
        html.0.push_str("</");
        html.0.push_str(name);
        html.0.push('>');
        // A space within a line would be seen.
        if !INLINE.contains(&name) {
            html.0.push('\n');
        }
    }
}

/// What would be read as anything but itself: markup, what a parser refuses, and what turns the direction of a line.
fn escape(into: &mut String, c: char) {
    match c {
        '&' => into.push_str("&amp;"),
        '<' => into.push_str("&lt;"),
        '>' => into.push_str("&gt;"),
        '"' => into.push_str("&quot;"),
        '\'' => into.push_str("&#39;"),
        '\n' => into.push('\n'),
        '\t' => into.push(' '),
        c if c.is_control() || is_refused(c) || turns(c) => into.push(char::REPLACEMENT_CHARACTER),
        c => into.push(c),
    }
}

/// Noncharacters: no document may have them.
const fn is_refused(c: char) -> bool {
    let code = c as u32;
    matches!(code, 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe
}

/// Invisible ones that change the order or the look of those around them.
const fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A coordinate: at most two digits after its point, and always a number.
pub(super) fn number(of: f64) -> String {
    if !of.is_finite() {
        return "0".to_owned();
    }
    let shown = format!("{of:.2}");
    let shown = shown.trim_end_matches('0').trim_end_matches('.');
    if matches!(shown, "-0" | "") { "0".to_owned() } else { shown.to_owned() }
}

/// A share of the width, 0 to 1, as SVG has it.
pub(super) fn percent(share: f64) -> String {
    number(share.clamp(0.0, 1.0) * 100.0) + "%"
}
