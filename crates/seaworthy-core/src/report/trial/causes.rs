//! The registry as people and programs read it: a list, an entry, a document.

use std::fmt::Write as _;

use serde::Serialize;

use crate::diagnosis::{self, Rule, WAITING, Waits, rules};
use crate::report::text::layout::Page;

/// Before the text of a label.
const LABEL: usize = 9;

/// All causes by name, and those that wait for something apart.
pub fn list() -> String {
    let mut page = Page::default();
    page.line("causes that a trial can find");
    for rule in by_name() {
        page.line(&format!("  {}", rule.id));
        page.hanging("      ", 6, rule.title);
    }
    page.gap();
    page.line("causes that cannot show on one machine, and what they wait for");
    for waits in &WAITING {
        page.line(&format!("  {}", waits.id));
        page.hanging("      ", 6, &format!("{}; waits for {}", waits.title, waits.waits_for));
    }
    page.gap();
    page.line("`seaworthy causes NAME` has all of one.");
    page.text()
}

fn by_name() -> Vec<&'static Rule> {
    let mut all: Vec<&Rule> = rules().collect();
    all.sort_by_key(|rule| rule.id);
    all
}

/// A cause as it is told.
#[derive(Clone, Copy, Debug)]
pub enum Known {
    /// One that a trial can find.
    Found(&'static Rule),
    /// One that it cannot find yet.
    Waiting(&'static Waits),
}

/// The cause of a name, whether a trial can find it or not.
pub fn named(name: &str) -> Option<Known> {
    diagnosis::rule(name)
        .map(Known::Found)
        .or_else(|| WAITING.iter().find(|waits| waits.id == name).map(Known::Waiting))
}

/// The names most like one that there is not, the nearest first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    // Only as much of what somebody wrote is looked at as a name may have.
    let name: Vec<char> = name.trim().to_lowercase().chars().take(60).collect();
    let ids = rules().map(|rule| rule.id).chain(WAITING.iter().map(|waits| waits.id));
    let mut all: Vec<((usize, usize), &str)> = ids.map(|id| (distance(&name, id), id)).collect();
    all.sort_unstable();
    // A part of a name is in several.
    let near = all.iter().filter(|((part, _), _)| *part <= name.len() / 4).count().min(5);
    all.into_iter().take(near.max(3)).map(|(_, id)| id).collect()
}

/// How many letters have to be changed, put in or left out until a name is a part of the other, and until it is all of it.
fn distance(name: &[char], id: &str) -> (usize, usize) {
    let until = |from: fn(usize) -> usize| {
        let mut row: Vec<usize> = (0..=name.len()).collect();
        let mut least = row.last().copied().unwrap_or(0);
        for (n, letter) in id.chars().enumerate() {
            let mut last = row.first().copied().unwrap_or(0);
            let mut next = vec![from(n + 1)];
            for (place, other) in name.iter().enumerate() {
                let above = row.get(place + 1).copied().unwrap_or(usize::MAX);
                let left = next.last().copied().unwrap_or(usize::MAX);
                next.push((last + usize::from(letter != *other)).min(above.min(left).saturating_add(1)));
                last = above;
            }
            row = next;
            least = least.min(row.last().copied().unwrap_or(0));
        }
        (least, row.last().copied().unwrap_or(0))
    };
    // What comes before it in the other costs nothing, or as much as anything else.
    (until(|_| 0).0, until(|letters| letters).1)
}

/// An entry, for people at a terminal.
pub fn entry(known: Known) -> String {
    let mut page = Page::default();
    let rule = match known {
        Known::Found(rule) => rule,
        Known::Waiting(waits) => {
            page.line(waits.id);
            page.hanging("  ", 2, waits.title);
            page.gap();
            page.hanging("", LABEL, &format!("No trial finds it yet: it waits for {}.", waits.waits_for));
            return page.text();
        }
    };
    page.line(rule.id);
    page.hanging("  ", 2, rule.title);
    let entry = &rule.entry;
    for (label, text) in [
        ("harms", rule.harm.label()),
        ("how", entry.explains),
        ("needs", entry.needs),
        ("apart", entry.apart),
        ("fix", entry.fix),
    ] {
        page.gap();
        page.hanging(&format!("{label:LABEL$}"), LABEL, text);
    }
    for (server, line) in entry.servers {
        page.hanging(&format!("{:LABEL$}{server}: ", ""), LABEL + 2, line);
    }
    page.gap();
    page.hanging(&format!("{:LABEL$}", "check"), LABEL, entry.check);
    if !entry.source.is_empty() {
        page.gap();
        page.line("more");
    }
    for source in entry.source {
        // An address that is broken into lines cannot be followed.
        page.line(&format!("  {source}"));
    }
    page.text()
}

#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    causes: Vec<Cause>,
}

#[derive(Debug, Serialize)]
struct Cause {
    id: &'static str,
    title: &'static str,
    waits_for: Option<&'static str>,
    own: bool,
    harm: Option<&'static str>,
    explains: Option<&'static str>,
    needs: Option<&'static str>,
    apart: Option<&'static str>,
    fix: Option<&'static str>,
    check: Option<&'static str>,
    servers: Vec<Server>,
    source: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct Server {
    name: &'static str,
    line: &'static str,
}

/// Causes for programs: all of them where none is named.
pub fn json(of: &[Known]) -> String {
    let all = || by_name().into_iter().map(Known::Found).chain(WAITING.iter().map(Known::Waiting)).collect();
    let of: Vec<Known> = if of.is_empty() { all() } else { of.to_vec() };
    let document = Document { schema: "seaworthy.causes/1", causes: of.into_iter().map(cause).collect() };
    // Neither a key that is not text nor a type that refuses is in it.
    let mut json = serde_json::to_string_pretty(&document).expect("a document of plain values");
    json.push('\n');
    json
}

fn cause(known: Known) -> Cause {
    match known {
        Known::Found(Rule { id, title, own, harm, entry, .. }) => Cause {
            id,
            title,
            waits_for: None,
            own: *own,
            harm: Some(harm.label()),
            explains: Some(entry.explains),
            needs: Some(entry.needs),
            apart: Some(entry.apart),
            fix: Some(entry.fix),
            check: Some(entry.check),
            servers: entry.servers.iter().map(|(name, line)| Server { name, line }).collect(),
            source: entry.source,
        },
        Known::Waiting(Waits { id, title, waits_for }) => Cause {
            id,
            title,
            waits_for: Some(waits_for),
            own: false,
            harm: None,
            explains: None,
            needs: None,
            apart: None,
            fix: None,
            check: None,
            servers: Vec::new(),
            source: &[],
        },
    }
}

/// All causes, for `docs/causes.md`.
pub fn markdown() -> String {
    let mut markdown =
        "# Causes\n\nWhat a trial can find, and how it tells. `seaworthy causes --markdown` writes this file; \
                        `seaworthy causes NAME` shows one.\n\n| cause | what happened |\n| --- | --- |\n"
            .to_owned();
    for rule in by_name() {
        let _written = writeln!(markdown, "| [{0}](#{0}) | {1} |", rule.id, cell(rule.title));
    }
    for rule in by_name() {
        section(&mut markdown, rule);
    }
    markdown.push_str(
        "\n# Causes that cannot show on one machine\n\n| cause | what happens | waits for |\n| --- | --- | --- |\n",
    );
    for Waits { id, title, waits_for } in &WAITING {
        let _written = writeln!(markdown, "| {id} | {} | {} |", cell(title), cell(waits_for));
    }
    markdown
}

fn section(markdown: &mut String, rule: &Rule) {
    let entry = &rule.entry;
    let own = if rule.own { " It is this tool's own doing, and says nothing of the target." } else { "" };
    let _written = write!(
        markdown,
        "\n## {}\n\nIn short: {}.{own}\n\n{}\n\n- **Harms:** {}\n- **Needs:** {}\n- **Apart:** {}\n- **Fix:** {}\n",
        rule.id,
        prose(rule.title),
        prose(entry.explains),
        rule.harm.label(),
        prose(entry.needs),
        prose(entry.apart),
        prose(entry.fix)
    );
    for (server, line) in entry.servers {
        let _written = writeln!(markdown, "  - {server}: {}", prose(line));
    }
    let _written = writeln!(markdown, "- **Check:** {}", prose(entry.check));
    for source in entry.source {
        let _written = writeln!(markdown, "- **More:** {source}");
    }
}

/// Text in which nothing is a mark but what stands between backticks.
fn prose(text: &str) -> String {
    let mut code = false;
    text.chars().fold(String::new(), |mut written, c| {
        code ^= c == '`';
        if matches!(c, '*' | '_' | '<' | '>' | '[' | ']') && !code {
            written.push('\\');
        }
        written.push(c);
        written
    })
}

fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}
