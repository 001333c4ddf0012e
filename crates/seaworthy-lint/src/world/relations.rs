//! Who belongs to whom, found once for all rules.
//!
//! Each selector is looked up by the rarest of the labels that it asks for, in its namespace: a label that all have, or a name
//! that each namespace has, would make it compare everything with everything.

use std::collections::BTreeMap;

use super::Workload;
use crate::{
    labels::{matches, selects},
    object::Object,
    yaml::Node,
};

/// Of what belongs to one object, how much is listed. No Service has as many workloads; a selector that is by mistake as wide as
/// the input is long should not be told of as often as that squared.
const LISTED: usize = 20;

/// The label that every workload has: what asks for no other one is looked up by it.
const ANY: usize = 0;

/// Things by a key and by the namespace of what they belong to.
#[derive(Debug)]
pub(super) struct Nearby<'a, K, T> {
    everywhere: BTreeMap<K, Vec<T>>,
    within: BTreeMap<(K, Option<&'a str>), Vec<T>>,
}

impl<K, T> Default for Nearby<'_, K, T> {
    fn default() -> Self {
        Self { everywhere: BTreeMap::new(), within: BTreeMap::new() }
    }
}

impl<'a, K: Ord + Copy, T: Copy> Nearby<'a, K, T> {
    pub(super) fn add(&mut self, key: K, object: &'a Object, thing: T) {
        self.everywhere.entry(key).or_default().push(thing);
        self.within.entry((key, object.namespace.as_deref())).or_default().push(thing);
    }

    /// What an object can meet, as [`Object::is_beside`] says: that of its own namespace first, then that without any.
    pub(super) fn of<'b>(&'b self, key: K, from: &'b Object) -> impl Iterator<Item = T> + 'b
    where
        K: 'b,
    {
        let namespace = from.namespace.as_deref();
        let own = if namespace.is_some() { self.within.get(&(key, namespace)) } else { self.everywhere.get(&key) };
        let without = namespace.and_then(|_| self.within.get(&(key, None)));
        own.into_iter().chain(without).flatten().copied()
    }
}

/// Services, budgets and workloads, by the number of the object that they belong to.
#[derive(Debug, Default)]
pub(super) struct Relations<'a> {
    behind: BTreeMap<usize, Vec<Workload<'a>>>,
    before: BTreeMap<usize, Vec<&'a Object>>,
    budgets: BTreeMap<usize, Vec<&'a Object>>,
    /// How often a selector was held against a workload.
    #[cfg_attr(not(test), expect(dead_code, reason = "what it costs is for a test to see"))]
    compared: usize,
}

impl<'a> Relations<'a> {
    pub(super) fn of(workloads: &[Workload<'a>], services: &[&'a Object], budgets: &[&'a Object]) -> Self {
        let labels = Labels::of(workloads);
        let of_services: Vec<_> =
            services.iter().filter_map(|service| Selector::of_service(service, &labels)).collect();
        let of_budgets: Vec<_> = budgets.iter().filter_map(|budget| Selector::of_budget(budget, &labels)).collect();
        let mut compared = 0;
        Self {
            behind: labels.selected(&of_services, &mut compared),
            before: labels.selecting(&of_services, &mut compared),
            budgets: labels.selecting(&of_budgets, &mut compared),
            compared,
        }
    }

    pub(super) fn behind(&self, service: &Object) -> &[Workload<'a>] {
        self.behind.get(&service.index).map_or(&[], Vec::as_slice)
    }

    pub(super) fn before(&self, workload: Workload<'_>) -> &[&'a Object] {
        self.before.get(&workload.object.index).map_or(&[], Vec::as_slice)
    }

    pub(super) fn budgets(&self, workload: Workload<'_>) -> &[&'a Object] {
        self.budgets.get(&workload.object.index).map_or(&[], Vec::as_slice)
    }
}

/// A workload, with the numbers of its labels, in their order.
#[derive(Debug)]
struct Carrier<'a> {
    workload: Workload<'a>,
    labels: Vec<usize>,
}

/// All labels that workloads have, as numbers: these are quick to compare.
#[derive(Debug, Default)]
struct Labels<'a> {
    numbers: BTreeMap<(&'a str, &'a str), usize>,
    /// How many workloads have each.
    counts: BTreeMap<usize, usize>,
    all: Vec<Carrier<'a>>,
}

impl<'a> Labels<'a> {
    fn of(workloads: &[Workload<'a>]) -> Self {
        let mut all = Self::default();
        for workload in workloads {
            let mut labels = vec![ANY];
            for pair in pairs(workload.metadata.get("labels")) {
                let next = all.numbers.len() + 1;
                let number = *all.numbers.entry(pair).or_insert(next);
                *all.counts.entry(number).or_default() += 1;
                labels.push(number);
            }
            labels.sort_unstable();
            all.all.push(Carrier { workload: *workload, labels });
        }
        all
    }

    /// The numbers of all labels that are asked for, the rarest first; nothing if nobody has one of them.
    fn wanted<'b>(&self, asked: impl Iterator<Item = (&'b str, &'b str)>) -> Option<Vec<usize>> {
        let mut wanted = asked.map(|pair| self.numbers.get(&pair).copied()).collect::<Option<Vec<_>>>()?;
        wanted.sort_unstable_by_key(|number| (self.counts.get(number), *number));
        Some(wanted)
    }

    /// The workloads that each selects, by the number of what selects.
    fn selected(&self, selectors: &[Selector<'a>], compared: &mut usize) -> BTreeMap<usize, Vec<Workload<'a>>> {
        let mut by_label = Nearby::default();
        for carrier in &self.all {
            carrier.labels.iter().for_each(|label| by_label.add(*label, carrier.workload.object, carrier));
        }
        let mut selected = |selector: &Selector<'a>| {
            let carriers = by_label.of(selector.rarest(), selector.object).inspect(|_| *compared += 1);
            carriers.filter(|carrier| selector.fits(carrier)).map(|carrier| carrier.workload).take(LISTED).collect()
        };
        selectors.iter().map(|selector| (selector.object.index, selected(selector))).collect()
    }

    /// What selects each workload, by the workload's number, in the order in which it was read.
    fn selecting(&self, selectors: &[Selector<'a>], compared: &mut usize) -> BTreeMap<usize, Vec<&'a Object>> {
        let mut by_label = Nearby::default();
        for selector in selectors {
            by_label.add(selector.rarest(), selector.object, selector);
        }
        let mut all = BTreeMap::new();
        for carrier in &self.all {
            let object = carrier.workload.object;
            let near = carrier.labels.iter().flat_map(|label| by_label.of(*label, object)).inspect(|_| *compared += 1);
            let fitting = near.filter(|selector| selector.fits(carrier)).map(|selector| selector.object);
            let mut found: Vec<_> = fitting.take(LISTED).collect();
            found.sort_unstable_by_key(|object| object.index);
            all.insert(object.index, found);
        }
        all
    }
}

/// What selects workloads.
#[derive(Debug)]
struct Selector<'a> {
    object: &'a Object,
    /// The labels that it asks for, the rarest first.
    wanted: Vec<usize>,
    /// Asks for the rest, which is not said by labels alone.
    rest: Option<fn(&Node, &Node) -> bool>,
}

impl<'a> Selector<'a> {
    /// Nothing where it selects none, as one without any label does.
    fn of_service(object: &'a Object, labels: &Labels<'_>) -> Option<Self> {
        let asked = object.spec().get("selector");
        let wanted = labels.wanted(pairs(asked)).filter(|wanted| !wanted.is_empty())?;
        let rest = (wanted.len() < asked.entries().len()).then_some(selects as fn(&Node, &Node) -> bool);
        Some(Self { object, wanted, rest })
    }

    fn of_budget(object: &'a Object, labels: &Labels<'_>) -> Option<Self> {
        let selector = object.spec().get("selector");
        let asked = selector.get("matchLabels");
        let wanted = labels.wanted(pairs(asked).chain(only(selector)))?;
        let more = wanted.len() < asked.entries().len() || selector.get("matchExpressions").is_there();
        Some(Self { object, wanted, rest: more.then_some(matches as fn(&Node, &Node) -> bool) })
    }

    fn rarest(&self) -> usize {
        self.wanted.first().copied().unwrap_or(ANY)
    }

    /// Whether it selects one that it can meet.
    fn fits(&self, carrier: &Carrier<'_>) -> bool {
        self.wanted.iter().all(|label| carrier.labels.binary_search(label).is_ok())
            && self
                .rest
                .is_none_or(|asks| asks(self.object.spec().get("selector"), carrier.workload.metadata.get("labels")))
    }
}

/// Expressions that one label alone fits: `In` with one value.
fn only(selector: &Node) -> impl Iterator<Item = (&str, &str)> {
    selector.get("matchExpressions").items().filter_map(|expression| {
        let mut values = expression.get("values").items();
        let (Some(one), None) = (values.next(), values.next()) else { return None };
        let is_in = expression.get("operator").text() == Some("In");
        Some((expression.get("key").text()?, one.text()?)).filter(|_| is_in)
    })
}

/// Keys and values of a map of labels.
fn pairs(labels: &Node) -> impl Iterator<Item = (&str, &str)> {
    labels.entries().iter().filter_map(|entry| Some((&*entry.key, entry.node.text()?)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::LISTED;
    use crate::{contents, object::Object, world::World, yaml};

    const MANY: usize = 500;

    fn objects(text: &str) -> Vec<Object> {
        let mut objects = Vec::new();
        contents::take("app.yaml", text, &yaml::read(text).unwrap(), &mut objects).unwrap();
        objects
    }

    /// As many workloads, Services and budgets; `#` is the number of each.
    fn many(metadata: &str, labels: &str, selector: &str) -> Vec<Object> {
        let mut text = String::new();
        for n in 0..MANY {
            let one = format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: w, labels: {{{labels}}}, {metadata}}}}}\n---\n\
                 {{apiVersion: v1, kind: Service, metadata: {{name: s, {metadata}}}, spec: {{selector: {{{selector}}}}}}}\n---\n\
                 {{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: b, {metadata}}}, spec: {{selector: {{matchLabels: {{{selector}}}}}}}}}\n---\n"
            );
            let _infallible = write!(text, "{}", one.replace('#', &n.to_string()));
        }
        objects(&text)
    }

    /// How often budgets that each select by expressions are held against workloads.
    fn compared_by_budgets(selector: &str) -> usize {
        let mut text = String::new();
        for n in 0..MANY {
            let one = format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: w, labels: {{app: w#}}}}}}\n---\n\
                 {{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: b}}, spec: {{selector: {{{selector}}}}}}}\n---\n"
            );
            let _infallible = write!(text, "{}", one.replace('#', &n.to_string()));
        }
        let objects = objects(&text);
        let world = World::of(&objects);
        let budgets = world.workloads().map(|workload| world.budgets(workload).count());
        assert!(budgets.into_iter().all(|count| count >= 1), "{selector}");
        world.relations.compared
    }

    /// Compares each with its own, and with no more than a few others.
    #[test]
    fn each_is_held_against_few() {
        let one =
            |key: &str, value: &str| format!("matchExpressions: [{{key: {key}, operator: In, values: [{value}]}}]");
        assert!(compared_by_budgets(&one("app", "w#")) <= 2 * MANY);
        assert!(compared_by_budgets("matchExpressions: [{key: app, operator: NotIn, values: [w#]}]") > 2 * MANY);
        for (metadata, labels, selector, listed) in [
            ("namespace: shop", "of: all, app: w#", "of: all, app: w#", 1),
            ("namespace: n#", "app: web", "app: web", 1),
            ("namespace: n#", "app: web", "", 0),
            ("namespace: shop", "of: all, app: w#", "of: all", LISTED),
            ("", "of: all", "of: all", LISTED),
            ("", "app: w#", "app: none", 0),
        ] {
            let objects = many(metadata, labels, selector);
            let world = World::of(&objects);
            for workload in world.workloads() {
                assert_eq!(world.before(workload).count(), listed, "{selector}");
                let next = world.before(workload).next().map(|service| service.index);
                assert!(listed != 1 || next == Some(workload.object.index + 1), "{selector}");
                // A budget that asks for nothing selects all.
                assert_eq!(world.budgets(workload).count(), if selector.is_empty() { 1 } else { listed }, "{selector}");
            }
            for service in world.services() {
                assert_eq!(world.behind(service).count(), listed, "{selector}");
            }
            let compared = world.relations.compared;
            assert!(compared <= 3 * MANY * listed.max(1), "{selector}: {compared}");
        }
    }

    #[test]
    fn what_labels_alone_do_not_say_is_asked() {
        let objects = objects(
            "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: web, tier: front}}}\n---\n\
             {apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: web, tier: back}}}\n---\n\
             {apiVersion: v1, kind: Pod, metadata: {name: c, namespace: x, labels: {app: web, tier: back}}}\n---\n\
             {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: y}, spec: {selector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [back]}]}}}\n---\n\
             {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: all}, spec: {selector: {}}}\n---\n\
             {apiVersion: v1, kind: Service, metadata: {name: s, namespace: y}, spec: {selector: {app: web, other: ~}}}\n---\n\
             {apiVersion: v1, kind: Service, metadata: {name: none}, spec: {selector: {}}}\n",
        );
        let world = World::of(&objects);
        let budgets: Vec<_> = world.workloads().map(|workload| world.budgets(workload).count()).collect();
        let services: Vec<_> = world.workloads().map(|workload| world.before(workload).count()).collect();
        assert_eq!((budgets, services), (vec![1, 2, 1], vec![1, 1, 0]));
    }

    #[test]
    fn what_selects_is_in_the_order_in_which_it_was_read() {
        let service = |name: &str, label: &str| {
            format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{selector: {{{label}}}}}}}\n---\n"
            )
        };
        let budget = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {selector: {matchLabels: {a: x}, matchExpressions: [{key: b, operator: DoesNotExist}]}}}\n---\n";
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {a: x, b: y}}}\n";
        let objects =
            objects(&(service("one", "b: y") + &service("two", "a: x") + &service("three", "b: y") + budget + pod));
        let world = World::of(&objects);
        let workload = world.workloads().next().unwrap();
        let names: Vec<_> = world.before(workload).map(|service| service.name.as_str()).collect();
        assert_eq!((names, world.budgets(workload).count()), (vec!["one", "two", "three"], 0));
    }

    #[test]
    fn an_autoscaler_is_found_by_name_kind_and_namespace() {
        let scaler = |name: &str, target: &str| {
            format!(
                "{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{{name}}}, spec: {{scaleTargetRef: {{{target}}}}}}}\n---\n"
            )
        };
        let objects = objects(
            &(scaler("name: a, namespace: x", "kind: Deployment, name: web")
                + &scaler("name: b", "kind: StatefulSet, name: web")
                + &scaler("name: c", "kind: Deployment, name: web")
                + "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: y}}\n---\n\
                   {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: x}}\n---\n\
                   {apiVersion: apps/v1, kind: Deployment, metadata: {name: www}}\n"),
        );
        let world = World::of(&objects);
        let found: Vec<_> =
            world.workloads().map(|workload| world.scaler(workload).map(|scaler| scaler.name.as_str())).collect();
        assert_eq!(found, [Some("c"), Some("a"), None]);
        let from = &objects[5];
        assert_eq!(world.find("Deployment", "web", from).map(|found| found.index), Some(3));
        assert_eq!(world.find("Deployment", "web", &objects[0]).map(|found| found.index), Some(4));
    }
}
