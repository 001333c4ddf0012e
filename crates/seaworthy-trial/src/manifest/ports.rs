//! Which port serves requests, and what the others are called.

use std::collections::BTreeSet;

use super::{
    document::Document,
    field::{Field, Invalid, Notes, list, shown},
    wire::{self, NumberOrText},
};

/// Ports of a container; each gets a socket of its own in each replica.
const MOST: usize = 100;

/// Names under which a port serves requests, the likeliest first.
const SERVING: [&str; 3] = ["http", "web", "https"];

/// A container's ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    declared: Vec<Port>,
    serving: Option<u16>,
    /// Those that probes and hooks ask and the container does not declare.
    asked: BTreeSet<u16>,
}

#[derive(Clone, Debug)]
struct Port {
    number: u16,
    name: Option<String>,
}

impl Ports {
    /// Those that a container declares.
    pub(super) fn declared(ports: &[wire::Port], container: &Field, notes: &mut Notes) -> Result<Self, Invalid> {
        if ports.len() > MOST {
            return Err(container.of("ports").invalid(format!("has {} ports; up to {MOST} are possible", ports.len())));
        }
        let mut declared: Vec<Port> = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let place = container.nth("ports", index);
            let number = port.container_port.ok_or_else(|| place.of("containerPort").invalid("is missing"))?;
            let number = in_range(number).map_err(|problem| place.of("containerPort").invalid(problem))?;
            if let Some(name) = &port.name {
                is_port_name(name).map_err(|problem| place.of("name").invalid(problem))?;
                if declared.iter().any(|other| other.name.as_ref() == Some(name)) {
                    return Err(place.of("name").invalid(format!("is {name}, as of another port; give each its own")));
                }
            }
            match port.protocol.as_deref() {
                None | Some("TCP") => declared.push(Port { number, name: port.name.clone() }),
                Some(other) => {
                    notes.add(format!("port {number}: {} is not followed, only TCP is", shown(other)));
                }
            }
        }
        Ok(Self { declared, ..Self::default() })
    }

    /// Decides which one serves requests: the one to which a Service sends them, else the one whose name says so,
    /// else the first one, else the one that is probed.
    pub(super) fn decide(&mut self, by_service: Option<u16>, probed: Option<&NumberOrText>) {
        let by_name = SERVING.iter().find_map(|name| self.number_of(name));
        let first = self.declared.first().map(|port| port.number);
        let probed = match probed {
            Some(NumberOrText::Number(number)) => in_range(*number).ok(),
            Some(NumberOrText::Text(_)) | None => None,
        };
        self.serving = by_service.or(by_name).or(first).or(probed);
    }

    /// The number of the one that serves requests, in its container.
    pub(super) const fn serving(&self) -> Option<u16> {
        self.serving
    }

    /// The number of a name.
    pub(super) fn number_of(&self, name: &str) -> Option<u16> {
        self.declared.iter().find(|port| port.name.as_deref() == Some(name)).map(|port| port.number)
    }

    /// What a probe or a hook asks: no name where it is the one that serves requests.
    pub(super) fn ask(&mut self, port: Option<&NumberOrText>, place: &Field) -> Result<Option<String>, Invalid> {
        let place = place.of("port");
        let number = match port {
            None => return Err(place.invalid("is missing; give the container's port, by number or by name")),
            Some(NumberOrText::Number(number)) => in_range(*number).map_err(|problem| place.invalid(problem))?,
            Some(NumberOrText::Text(name)) => {
                is_port_name(name).map_err(|problem| place.invalid(problem))?;
                self.number_of(name).ok_or_else(|| {
                    let names: Vec<&str> = self.declared.iter().filter_map(|port| port.name.as_deref()).collect();
                    let names = if names.is_empty() { "none has a name".into() } else { list(&names) };
                    place.invalid(format!("is {name}, which none of the container's ports is called: {names}"))
                })?
            }
        };
        if self.serving == Some(number) {
            return Ok(None);
        }
        self.asked.insert(number);
        Ok(Some(self.called(number)))
    }

    /// Names of all but the one that serves requests: its own where it has one, else its number.
    pub(super) fn others(&self) -> Vec<String> {
        let mut seen: BTreeSet<u16> = self.serving.into_iter().collect();
        let numbers = self.declared.iter().map(|port| port.number).chain(self.asked.iter().copied());
        numbers.filter(|number| seen.insert(*number)).map(|number| self.called(number)).collect()
    }

    /// A port may be declared twice; it is called by the first name that it has.
    fn called(&self, number: u16) -> String {
        let mut same = self.declared.iter().filter(|port| port.number == number);
        same.find_map(|port| port.name.clone()).unwrap_or_else(|| number.to_string())
    }
}

/// The ports of the Services that select a Deployment's replicas, each with its place.
fn service_ports(
    deployment: &Document,
    template: &wire::Template,
    documents: &[Document],
) -> Result<Vec<(Field, wire::ServicePort)>, Invalid> {
    let mut candidates = Vec::new();
    for document in documents.iter().filter(|document| document.kind == "Service" && document.version == "v1") {
        let wire::Service { spec } = wire::read(&document.value, &document.place)?;
        let labels = &template.metadata.labels;
        let selects = !spec.selector.is_empty()
            && document.is_beside(deployment)
            && spec.selector.iter().all(|(key, value)| labels.get(key) == Some(value));
        if selects {
            let of_service = |(index, port)| (document.place.nth("spec.ports", index), port);
            candidates.extend(spec.ports.into_iter().enumerate().map(of_service));
        }
    }
    candidates.retain(|(_, port)| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
    Ok(candidates)
}

/// Whether a Service leads to one of the ports of a container.
pub(super) fn is_served(
    container: &wire::Container,
    deployment: &Document,
    template: &wire::Template,
    documents: &[Document],
) -> Result<bool, Invalid> {
    let leads = |port: &wire::ServicePort, to: &wire::Port| match (&port.target_port, port.port) {
        (Some(NumberOrText::Text(name)), _) => to.name.as_ref() == Some(name),
        (Some(NumberOrText::Number(number)), _) => to.container_port == Some(*number),
        (None, number) => number.is_some() && to.container_port == number,
    };
    let ports = service_ports(deployment, template, documents)?;
    Ok(ports.iter().any(|(_, port)| container.ports.iter().any(|to| leads(port, to))))
}

/// The port to which the Services in the file send a Deployment's requests, where one selects it.
pub(super) fn by_service(
    deployment: &Document,
    template: &wire::Template,
    ports: &Ports,
    documents: &[Document],
    notes: &mut Notes,
) -> Result<Option<u16>, Invalid> {
    let candidates = service_ports(deployment, template, documents)?;
    let named = |wanted: &str| candidates.iter().find(|(_, port)| port.name.as_deref() == Some(wanted));
    let Some((place, port)) = SERVING.iter().find_map(|name| named(name)).or_else(|| candidates.first()) else {
        return Ok(None);
    };
    target(port, place, ports, template, notes)
}

/// The container's port to which a Service's port leads.
fn target(
    port: &wire::ServicePort,
    place: &Field,
    ports: &Ports,
    template: &wire::Template,
    notes: &mut Notes,
) -> Result<Option<u16>, Invalid> {
    let name = match (&port.target_port, port.port) {
        (Some(NumberOrText::Text(name)), _) => name,
        (Some(NumberOrText::Number(number)), _) => {
            return in_range(*number).map(Some).map_err(|problem| place.of("targetPort").invalid(problem));
        }
        (None, Some(number)) => {
            return in_range(number).map(Some).map_err(|problem| place.of("port").invalid(problem));
        }
        (None, None) => return Err(place.of("port").invalid("is missing")),
    };
    is_port_name(name).map_err(|problem| place.of("targetPort").invalid(problem))?;
    if let Some(number) = ports.number_of(name) {
        return Ok(Some(number));
    }
    let has_it = |container: &&wire::Container| container.ports.iter().any(|port| port.name.as_ref() == Some(name));
    let Some(container) = template.spec.containers.iter().find(has_it) else {
        return Err(place.of("targetPort").invalid(format!("is {name}, and no port of the Deployment is called so")));
    };
    let container = shown(container.name.as_deref().unwrap_or("another container"));
    notes.add(format!("Service: its port {name} is of container {container}, which is not run here"));
    Ok(None)
}

fn in_range(number: i64) -> Result<u16, String> {
    let number = u16::try_from(number).ok().filter(|number| *number > 0);
    number.ok_or_else(|| "is not a port; give one from 1 to 65535".into())
}

/// Names of ports become names of placeholders, so Kubernetes' rule is kept here, too.
fn is_port_name(name: &str) -> Result<(), String> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is a number in quotes, which Kubernetes takes for a name; write it without quotes".into());
    }
    let fits = (1..=15).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if fits { Ok(()) } else { Err("is no port's name: up to 15 of a-z, 0-9 and -, with a letter among them".into()) }
}
