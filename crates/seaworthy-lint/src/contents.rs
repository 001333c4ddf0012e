//! What a text holds: objects, and what is none.

use std::sync::Arc;

use crate::{
    object::{Object, shown},
    yaml::{Document, Node, Problem},
};

/// Objects that one text may hold, its Lists and their aliases written out. A large cluster's manifests have some thousands.
const MOST: usize = 100_000;

/// Documents of one text that are told one by one where they hold no object.
const TOLD: usize = 10;

/// Parts of an object whose kind decides what is read of it, and whether it has to be a list.
const SHAPE: [(&str, bool); 6] = [
    ("metadata", false),
    ("spec", false),
    ("spec.template", false),
    ("spec.template.spec", false),
    ("spec.template.spec.containers", true),
    ("spec.template.spec.initContainers", true),
];

/// The same of a Pod.
const POD: [(&str, bool); 2] = [("spec.containers", true), ("spec.initContainers", true)];

/// What is to be said of a text that could be read.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// What is no object, and so not looked at.
    pub(crate) ignored: Vec<(Option<usize>, String)>,
    /// Objects that are not what their kind is.
    pub(crate) misshapen: Vec<Problem>,
}

/// Reads the objects of a text: its documents, or a List's items.
pub(crate) fn take(
    source: &str,
    text: &str,
    documents: &[Document],
    objects: &mut Vec<Object>,
) -> Result<Contents, Problem> {
    let before = objects.len();
    let mut reader = Reader { source, objects, left: MOST, contents: Contents::default(), others: 0 };
    for document in documents {
        let first = document.comments.iter().map(|comment| comment.line).chain([document.node.line]).min();
        let taken = reader.node(&document.node, first.unwrap_or(1));
        if taken.is_err() {
            reader.objects.truncate(before);
        }
        taken?;
    }
    let Reader { mut contents, others, .. } = reader;
    if others > 0 {
        contents.ignored.push((None, format!("holds {others} more that are no Kubernetes objects, and are ignored")));
    }
    if objects.len() == before && contents.ignored.is_empty() {
        let what = if text.trim().is_empty() {
            "is empty: where a command should have written it, look whether that has failed"
        } else {
            "holds no Kubernetes object"
        };
        contents.ignored.push((None, what.to_owned()));
    }
    Ok(contents)
}

struct Reader<'a> {
    source: &'a str,
    objects: &'a mut Vec<Object>,
    /// What may still be looked at.
    left: usize,
    contents: Contents,
    /// What is ignored, and no longer told one by one.
    others: usize,
}

impl Reader<'_> {
    fn node(&mut self, node: &Arc<Node>, first: usize) -> Result<(), Problem> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let problem = "is where more than 100,000 objects are, Lists and aliases written out: give it in parts";
            Problem { line: node.line, problem: problem.to_owned() }
        })?;
        if !node.is_there() {
            return Ok(());
        }
        let named = |key: &str| node.get(key).text().filter(|text| !text.is_empty());
        let (Some(version), Some(kind)) = (named("apiVersion"), named("kind")) else {
            self.ignore(node.line, format!("is no Kubernetes object, and is ignored: {}", lacks(node)));
            return Ok(());
        };
        if kind.ends_with("List") && node.entry("items").is_some() {
            let items = node.get("items");
            if items.is_there() && !items.is_list() {
                self.ignore(items.line, "is no list of objects, and is ignored: items of a List".to_owned());
            }
            for item in node.shared("items").unwrap_or_default() {
                self.node(item, item.line)?;
            }
            return Ok(());
        }
        let text = |path: &str| node.at(path).text().map(shown);
        let object = Object {
            index: self.objects.len(),
            source: self.source.to_owned(),
            version: shown(version),
            kind: shown(kind),
            name: text("metadata.name").or_else(|| text("metadata.generateName")).unwrap_or_default(),
            namespace: text("metadata.namespace"),
            node: Arc::clone(node),
            lines: (first, node.last_line()),
        };
        self.contents.misshapen.extend(misshapen(&object));
        self.objects.push(object);
        Ok(())
    }

    fn ignore(&mut self, line: usize, what: String) {
        if self.contents.ignored.len() < TOLD {
            self.contents.ignored.push((Some(line), what));
        } else {
            self.others += 1;
        }
    }
}

/// What an object has, and this has not.
fn lacks(node: &Node) -> String {
    if !node.is_map() {
        return "it is no map of apiVersion, kind and more".to_owned();
    }
    let lacking = ["apiVersion", "kind"].into_iter().filter(|key| node.get(key).text().is_none_or(str::is_empty));
    let lacking: Vec<&str> = lacking.collect();
    // Of a key no more is repeated than how it differs in its letters' case.
    let near = node.entries().iter().find_map(|entry| {
        let meant = lacking.iter().find(|key| key.eq_ignore_ascii_case(&entry.key) && **key != entry.key)?;
        Some(format!(" ({} is written {meant})", entry.key))
    });
    format!("it has no {}{}", lacking.join(" and no "), near.unwrap_or_default())
}

/// A part of one of Kubernetes' own objects that cannot be what it is: nothing below it is seen.
fn misshapen(object: &Object) -> Option<Problem> {
    let group = object.group();
    if group.contains('.') && !group.ends_with(".k8s.io") {
        return None;
    }
    let pod: &[(&str, bool)] = if object.kind == "Pod" { &POD } else { &[] };
    SHAPE.iter().chain(pod).find_map(|(path, is_list)| {
        let part = object.node.at(path);
        if !part.is_there() || (if *is_list { part.is_list() } else { part.is_map() }) {
            return None;
        }
        let kind = if *is_list { "list" } else { "map" };
        let problem = format!("is no {kind}, and {path} of {} has to be one: nothing is seen of it", object.title());
        Some(Problem { line: part.line.max(1), problem })
    })
}

#[cfg(test)]
mod tests {
    use crate::{Report, Source, lint};

    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    /// What is told of a text that is read beside an object, as `line words`.
    fn beside(text: &str) -> Report {
        lint(&[Source { name: "a.yaml", text: OBJECT }, Source { name: "b.yaml", text }])
    }

    #[test]
    fn what_is_no_object_is_told_beside_others_and_is_an_error_alone() {
        for (text, line, words) in [
            ("", None, "is empty"),
            ("---\n# words\n", None, "holds no Kubernetes object"),
            ("---\nhello\n", Some(2), "it is no map"),
            ("kind: Pod\n", Some(1), "it has no apiVersion"),
            ("apiVersion: ''\nKind: Pod\n", Some(1), "it has no apiVersion and no kind (Kind is written kind)"),
            ("apiVersion: v1\nkind: List\nitems: x\n", Some(3), "is no list of objects"),
            ("apiVersion: v1\nkind: List\nitems: [~, 1]\n", Some(3), "it is no map"),
        ] {
            let report = beside(text);
            let [ignored] = report.ignored.as_slice() else { panic!("{text:?}: {:?}", report.ignored) };
            assert!((&*ignored.source, ignored.line) == ("b.yaml", line) && ignored.why.contains(words), "{ignored:?}");
            assert_eq!((report.objects, report.unreadable.len()), (1, 0), "{text:?}");
            let alone = lint(&[Source { name: "b.yaml", text }]);
            let [unreadable] = alone.unreadable.as_slice() else { panic!("{text:?}: {:?}", alone.unreadable) };
            assert!(unreadable.line == line && unreadable.problem == ignored.why, "{unreadable:?}");
            assert_eq!(alone.ignored, []);
        }
    }

    #[test]
    fn of_many_that_are_no_objects_some_are_told() {
        let report = beside(&"a: 1\n---\n".repeat(50));
        assert_eq!(report.ignored.len(), 11);
        assert!(report.ignored.iter().any(|ignored| ignored.why.contains("holds 40 more")), "{:?}", report.ignored);
    }

    #[test]
    fn an_object_is_what_its_kind_is() {
        let object = |version: &str, kind: &str, spec: &str| {
            beside(&format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n")).unreadable
        };
        for (kind, spec, path) in [
            ("Deployment", "x", "spec of"),
            ("Deployment", "[]", "spec of"),
            ("Deployment", "{template: []}", "spec.template of"),
            ("Deployment", "{template: {spec: x}}", "spec.template.spec of"),
            ("StatefulSet", "{template: {spec: {containers: {name: x}}}}", "spec.template.spec.containers of"),
            ("Pod", "{containers: x}", "spec.containers of"),
        ] {
            let told = object("apps/v1", kind, spec);
            assert!(told.len() == 1 && told[0].line == Some(4) && told[0].problem.contains(path), "{spec}: {told:?}");
        }
        for (version, kind, spec) in [
            // A part of an object, as a patch is, lacks much.
            ("apps/v1", "Deployment", "{replicas: 3}"),
            ("apps/v1", "Deployment", "~"),
            ("v1", "Pod", "{containers: [{name: x}]}"),
            ("example.com/v1", "Greeting", "hello"),
        ] {
            assert_eq!(object(version, kind, spec), [], "{kind} {spec}");
        }
        assert_eq!(object("gateway.networking.k8s.io/v1", "HTTPRoute", "x").len(), 1);
    }
}
