//! YAML as a tree that knows its lines, with its comments. What aliases repeat is shared; what it comes to, written out, has a
//! bound, as whoever walks the tree walks it as often.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use granit_parser::{Event, Parser, Placement, ScalarStyle, ScanError};

/// Comments that may stand in a row. A licence has fewer.
const COMMENTS: usize = 10_000;

/// Collections that may be in each other, aliases followed. A manifest has some twenty; what walks them uses the stack.
const DEEPEST: usize = 256;

/// Values that the aliases of a text may repeat in all: each alias counts what it would be, written out. A manifest's come to some
/// hundreds.
const REPEATED: usize = 500_000;

/// Merges that are followed: one in the other, and beside each other.
const MERGES: (usize, usize) = (3, 8);

/// A value, and where it begins.
#[derive(Debug)]
pub(crate) struct Node {
    /// From 1.
    pub(crate) line: usize,
    /// Collections in it, one in the other.
    depth: usize,
    /// Values in it and itself, with what aliases repeat.
    size: usize,
    value: Value,
}

#[derive(Debug, Default)]
enum Value {
    #[default]
    Null,
    Text(String),
    List(Vec<Arc<Node>>),
    Map(Vec<Entry>),
}

/// A key, where it is, and what it leads to.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Arc<Node>,
}

/// A comment, without its `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Whether something stands before it in its line.
    pub(crate) is_beside: bool,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) node: Arc<Node>,
    pub(crate) comments: Vec<Comment>,
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) problem: String,
}

static NOTHING: Node = Node { line: 0, depth: 0, size: 1, value: Value::Null };

impl Value {
    fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Text(_) => 0,
            Self::List(items) => items.iter().map(|item| item.depth).max().unwrap_or(0),
            Self::Map(entries) => entries.iter().map(|entry| entry.node.depth).max().unwrap_or(0),
        }
    }

    /// No more than the text is long, and its aliases may repeat.
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Text(_) => 1,
            Self::List(items) => items.iter().map(|item| item.size).sum::<usize>() + 1,
            Self::Map(entries) => entries.iter().map(|entry| entry.node.size).sum::<usize>() + 1,
        }
    }
}

impl Node {
    /// What a key leads to; nothing where there is no such key, or the value is null: to Kubernetes that is the same.
    pub(crate) fn get(&self, key: &str) -> &Self {
        self.entry(key).map_or(&NOTHING, |entry| &entry.node)
    }

    /// The same along several keys: `spec.template.spec`.
    pub(crate) fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, Self::get)
    }

    /// A key with where it stands: its own, or one that is merged in by `<<`.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entry_within(key, MERGES.0)
    }

    fn entry_within(&self, key: &str, depth: usize) -> Option<&Entry> {
        let Value::Map(entries) = &self.value else { return None };
        let own = entries.iter().find(|entry| entry.key == key);
        own.or_else(|| {
            let depth = depth.checked_sub(1)?;
            let merged = entries.iter().filter(|entry| entry.key == "<<");
            merged.flat_map(|entry| entry.node.merged()).take(MERGES.1).find_map(|map| map.entry_within(key, depth))
        })
    }

    /// The maps that `<<` brings in.
    fn merged(&self) -> Vec<&Self> {
        match &self.value {
            Value::Map(_) => vec![self],
            Value::List(items) => items.iter().map(|item| &**item).collect(),
            Value::Null | Value::Text(_) => Vec::new(),
        }
    }

    /// Where a key stands; where its map does, if it is not there.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.line, |entry| entry.line)
    }

    /// A scalar, as it is written.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// A whole number.
    pub(crate) fn number(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }

    /// Whether it is `true`.
    pub(crate) fn is_true(&self) -> bool {
        self.text() == Some("true")
    }

    /// Whether there is something.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.value, Value::Null)
    }

    /// Whether it is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    /// The items of a list; none where it is no list.
    pub(crate) fn items(&self) -> impl DoubleEndedIterator<Item = &Self> {
        let items: &[Arc<Self>] = if let Value::List(items) = &self.value { items } else { &[] };
        items.iter().map(|item| &**item)
    }

    /// The items that are scalars.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().filter_map(Self::text)
    }

    /// The items of a key's list, to be kept.
    pub(crate) fn shared(&self, key: &str) -> Option<&[Arc<Self>]> {
        let Value::List(items) = &self.get(key).value else { return None };
        Some(items)
    }

    /// The last line that something of it begins in; of what is repeated by an alias, where it is written out.
    pub(crate) fn last_line(&self) -> usize {
        let last = match &self.value {
            Value::Null | Value::Text(_) => None,
            Value::List(items) => items.last().map(|item| item.last_line()),
            Value::Map(entries) => entries.last().map(|entry| entry.line.max(entry.node.last_line())),
        };
        last.map_or(self.line, |last| last.max(self.line))
    }

    /// The entries of a map; none where it is no map.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }
}

/// Reads all documents of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Document>, Problem> {
    let options = granit_parser::options! { max_buffered_comment_events: COMMENTS };
    let mut reader = Reader::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| not_read(&error, text))?;
        reader.take(event, span.start.line())?;
    }
    Ok(reader.documents)
}

/// What is wrong, without any part of the text: it may be a Secret's.
fn not_read(error: &ScanError, text: &str) -> Problem {
    let line = error.marker().line();
    // What is wrong with a line may show only in the next one.
    let near = || text.lines().skip(line.saturating_sub(1)).take(2);
    let problem = if near().any(|line| line.contains("{{")) {
        "is a template, and not YAML yet: render it first (`helm template CHART | seaworthy lint -`)"
    } else if near().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        "is indented by a tab; YAML takes only spaces"
    } else {
        "is neither YAML nor JSON here"
    };
    let problem = problem.to_owned();
    Problem { line, problem }
}

/// A collection that is being read.
#[derive(Debug, Default)]
struct Open {
    line: usize,
    anchor: usize,
    value: Value,
    /// The key that waits for its value.
    key: Option<(String, usize)>,
    /// Those that it has already.
    keys: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Reader {
    documents: Vec<Document>,
    comments: Vec<Comment>,
    anchors: BTreeMap<usize, Arc<Node>>,
    open: Vec<Open>,
    root: Option<Arc<Node>>,
    /// Values that aliases have repeated.
    repeated: usize,
}

impl Reader {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's own kinds, and it may add more")]
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Problem> {
        match event {
            Event::Comment(words, placement) => {
                let is_beside = placement == Placement::Right;
                self.comments.push(Comment { line, text: words.trim().to_owned(), is_beside });
                Ok(())
            }
            Event::Scalar(scalar, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*scalar, "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null { Value::Null } else { Value::Text(scalar.into_owned()) };
                self.done(anchor, Node { line, depth: 0, size: 1, value })
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open { line, anchor, value: Value::List(Vec::new()), ..Open::default() });
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.push(Open { line, anchor, value: Value::Map(Vec::new()), ..Open::default() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { line, anchor, value, .. }) => {
                    let depth = value.depth() + 1;
                    if depth > DEEPEST {
                        let problem = "nests deeper than a manifest does; write its aliases out".to_owned();
                        return Err(Problem { line, problem });
                    }
                    let size = value.size();
                    self.done(anchor, Node { line, depth, size, value })
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => self.repeat(anchor, line),
            Event::DocumentEnd => {
                let comments = std::mem::take(&mut self.comments);
                if let Some(node) = self.root.take() {
                    self.documents.push(Document { node, comments });
                }
                self.anchors.clear();
                Ok(())
            }
            // The rest says nothing of values, and nothing more is emitted unasked.
            _ => Ok(()),
        }
    }

    /// Puts what an anchor names where its alias is.
    fn repeat(&mut self, anchor: usize, line: usize) -> Result<(), Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let problem = "has an alias that refers to itself; write it out".to_owned();
            return Err(Problem { line, problem });
        };
        self.repeated += node.size;
        if self.repeated > REPEATED {
            let problem =
                "has aliases that repeat more than 500,000 values in all; write them out, or give it in parts";
            return Err(Problem { line, problem: problem.to_owned() });
        }
        self.put(node, line)
    }

    fn done(&mut self, anchor: usize, node: Node) -> Result<(), Problem> {
        let (line, node) = (node.line, Arc::new(node));
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.put(node, line)
    }

    /// Puts a value where it belongs.
    fn put(&mut self, mut node: Arc<Node>, line: usize) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => {
                let Some((key, line)) = open.key.take() else {
                    open.key = Some((node.text().unwrap_or_default().to_owned(), line));
                    return Ok(());
                };
                if !open.keys.insert(key.clone()) && key != "<<" {
                    let problem = format!("has a key a second time ({}); remove one of them", shown(&key));
                    return Err(Problem { line, problem });
                }
                // What hangs below a key is told where the key is; what an anchor shares stays where it is written out.
                if let Some(own) = Arc::get_mut(&mut node) {
                    own.line = line;
                }
                entries.push(Entry { key, line, node });
            }
            Value::Null | Value::Text(_) => {}
        }
        Ok(())
    }
}

/// A key, short and without what a terminal would obey.
fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn lines_are_those_of_the_text() {
        let documents = read("# top\na: 1\nb:\n  - c: x # beside\n---\nd: [1, 2]\n").unwrap();
        let [first, second] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!((first.node.line_of("a"), first.node.line_of("b"), second.node.line_of("d")), (2, 3, 6));
        let comments: Vec<_> = first.comments.iter().map(|c| (c.line, c.text.as_str(), c.is_beside)).collect();
        assert_eq!(comments, [(1, "top", false), (4, "beside", true)]);
        assert_eq!(first.node.get("b").items().next().map(|item| item.get("c").line), Some(4));
    }

    #[test]
    fn aliases_and_merges_are_followed() {
        let documents = read("x: &a {p: 1, q: 2}\ny:\n  <<: *a\n  q: 3\nz: *a\n").unwrap();
        let node = &documents[0].node;
        assert_eq!(
            [node.at("y.p").number(), node.at("y.q").number(), node.at("z.q").number()],
            [Some(1), Some(3), Some(2)]
        );
    }

    #[test]
    fn what_multiplies_is_refused_before_it_is_large() {
        let doubled = |times: usize| {
            let mut text = "a0: &a0 [x, x]\n".to_owned();
            for n in 1..times {
                writeln!(text, "a{n}: &a{n} [*a{}, *a{}]", n - 1, n - 1).unwrap();
            }
            text
        };
        assert_eq!(read(&doubled(10)).unwrap()[0].node.entries().len(), 10);
        let problem = read(&doubled(200)).map(|_| ()).unwrap_err();
        assert!(problem.problem.contains("repeat more than 500,000 values") && problem.line == 17, "{problem:?}");
        // What the documents of one text repeat counts together.
        let many = format!("{}---\n", doubled(16)).repeat(10);
        assert!(read(&many).map(|_| ()).unwrap_err().problem.contains("repeat more than"), "{}", many.len());
        // One in the other without end would use up the stack.
        let mut text = "a0: &a0 [x]\n".to_owned();
        for n in 1..100_000 {
            writeln!(text, "a{n}: &a{n} [*a{}]", n - 1).unwrap();
        }
        assert!(read(&text).map(|_| ()).unwrap_err().problem.contains("nests deeper"));
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        for (text, line, words) in [
            ("a: b\n\tc: d\n", 2, "tab"),
            ("a: 1\na: 2\n", 2, "second time (a)"),
            ("a: {{ .Values.x }}\n{{- end }}\n", 2, "helm template"),
            ("a: *nothing\n", 1, "neither"),
            ("a: &x [*x]\n", 1, ""),
            ("a: [1,\n", 2, "neither"),
        ] {
            let problem = read(text).map(|_| ()).unwrap_err();
            assert!(problem.problem.contains(words), "{text:?}: {problem:?}");
            assert!(problem.line.abs_diff(line) <= 1, "{text:?}: {problem:?}");
        }
    }

    #[test]
    fn an_object_of_nothing_is_nothing() {
        for text in ["", "---\n---\n", "# only words\n", "null\n"] {
            assert!(read(text).unwrap().iter().all(|document| !document.node.is_there()), "{text:?}");
        }
    }
}
