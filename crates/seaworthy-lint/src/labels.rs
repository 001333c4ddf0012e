//! Labels, and what selects them.

use crate::yaml::Node;

/// Whether a map of labels (as a Service has it) selects these. An empty one selects nothing.
pub(crate) fn selects(selector: &Node, labels: &Node) -> bool {
    let entries = selector.entries();
    !entries.is_empty() && entries.iter().all(|entry| labels.get(&entry.key).text() == entry.node.text())
}

/// Whether a `LabelSelector` (`matchLabels`, `matchExpressions`) selects these labels. An empty one selects everything.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(crate) fn matches(selector: &Node, labels: &Node) -> bool {
    let wanted = selector.get("matchLabels").entries();
    let all = wanted.iter().all(|entry| labels.get(&entry.key).text() == entry.node.text());
    all && selector.get("matchExpressions").items().all(|expression| {
        let value = expression.get("key").text().and_then(|key| labels.get(key).text());
        let among = || expression.get("values").texts().any(|wanted| Some(wanted) == value);
        match expression.get("operator").text() {
            Some("In") => value.is_some() && among(),
            Some("NotIn") => !among(),
            Some("Exists") => value.is_some(),
            Some("DoesNotExist") => value.is_none(),
            // What nobody knows selects, so that nothing is said of it.
            _ => true,
        }
    })
}
