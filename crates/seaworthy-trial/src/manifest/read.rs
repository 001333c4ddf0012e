//! From a Deployment as it is written to one that is run here.

use std::time::Duration;

use seaworthy_core::deployment::{Deployment, Probe, ProbeKind, Template};

use super::{
    Manifest, autoscaler,
    document::Document,
    environment::Environment,
    field::{Field, Invalid, Notes, list, shown},
    ports::{self, Ports},
    probe, rest, rules,
    sources::Sources,
    wire::{self, NumberOrText},
};

/// The container that `kubectl` means where none is named.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// What a Deployment says, with the help of what is beside it in the file.
pub(super) fn manifest(document: &Document, documents: &[Document]) -> Result<Manifest, Invalid> {
    let place = &document.place;
    let name = document.name.clone().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| place.of("metadata.name").invalid("is missing; give the Deployment a name"))?;
    let wire::Deployment { spec } = wire::read(&document.value, place)?;
    let mut notes = Notes::default();

    let pod = place.of("spec.template.spec");
    let (index, container) = main_container(&spec.template, document, documents, &mut notes)?;
    let at = pod.nth("containers", index);
    let mut ports = Ports::declared(&container.ports, &at, &mut notes)?;
    let by_service = ports::by_service(document, &spec.template, &ports, documents, &mut notes)?;
    ports.decide(by_service, probed(container));
    let template = template(container, &spec.template.spec, &pod, &at, &mut ports, &mut notes)?;

    let environment = Environment::of(container, &at, &mut Sources::new(document, documents), &mut notes)?;
    let command = command(container, &environment, &ports, &at, &mut notes)?;
    let replicas = autoscaler::replicas(spec.replicas, document, documents, &place.of("spec.replicas"), &mut notes)?;
    rest::tell(&document.value, index, &container.resources, &mut notes);
    Ok(Manifest {
        name,
        deployment: deployment(&spec, replicas, template, &place.of("spec"))?,
        command,
        environment: environment.into_values(),
        ports: ports.others(),
        not_followed: notes.into_lines(),
    })
}

fn deployment(
    spec: &wire::DeploymentSpec,
    replicas: u32,
    template: Template,
    place: &Field,
) -> Result<Deployment, Invalid> {
    let min_ready = rules::seconds(spec.min_ready_seconds, 0, 0, &place.of("minReadySeconds"))?;
    let of_deadline = place.of("progressDeadlineSeconds");
    let progress_deadline = rules::seconds(spec.progress_deadline_seconds, 600, 1, &of_deadline)?;
    if progress_deadline <= min_ready {
        let (deadline, min_ready) = (progress_deadline.as_secs(), min_ready.as_secs());
        return Err(of_deadline.invalid(format!("is {deadline}; it has to be more than minReadySeconds, {min_ready}")));
    }
    Ok(Deployment {
        replicas,
        strategy: rules::strategy(&spec.strategy, replicas, &place.of("strategy"))?,
        min_ready,
        progress_deadline,
        revision_history: rules::count(
            spec.revision_history_limit,
            10,
            0..=i64::from(i32::MAX),
            &place.of("revisionHistoryLimit"),
        )?,
        template,
    })
}

/// The container that is run here, with its index; the others are told.
fn main_container<'a>(
    template: &'a wire::Template,
    document: &Document,
    documents: &[Document],
    notes: &mut Notes,
) -> Result<(usize, &'a wire::Container), Invalid> {
    let (containers, place) = (&template.spec.containers, &document.place);
    let named = |container: &'a wire::Container| container.name.as_deref().unwrap_or("(without a name)");
    let chosen = match template.metadata.annotations.get(DEFAULT_CONTAINER) {
        // A sidecar may come first: what gets requests has a port that a Service leads to, and is asked whether it is
        // ready.
        None => {
            let mut chosen = None;
            for (index, container) in containers.iter().enumerate() {
                if chosen.is_none() && ports::is_served(container, document, template, documents)? {
                    chosen = Some(index);
                }
            }
            let probed = || containers.iter().position(|container| container.readiness_probe.is_some());
            chosen.or_else(probed).unwrap_or(0)
        }
        Some(wanted) => {
            let found = containers.iter().position(|container| container.name.as_ref() == Some(wanted));
            found.ok_or_else(|| {
                let names: Vec<&str> = containers.iter().map(named).collect();
                let place = place.of("spec.template.metadata.annotations").of(DEFAULT_CONTAINER);
                place.invalid(format!("is {}; the containers are {}", shown(wanted), list(&names)))
            })?
        }
    };
    let main = containers.get(chosen).ok_or_else(|| {
        place.of("spec.template.spec.containers").invalid("is empty; a Deployment needs a container to run")
    })?;
    let others = containers.iter().enumerate().filter(|(index, _)| *index != chosen);
    let others: Vec<&str> = others.map(|(_, container)| named(container)).collect();
    if !others.is_empty() {
        notes.add(format!("containers: {} is run here, {} not", shown(named(main)), list(&others)));
    }
    let first = template.spec.init_containers.iter();
    let first: Vec<&str> = first.map(|container| container.name.as_deref().unwrap_or("(without a name)")).collect();
    if !first.is_empty() {
        notes.add(format!("initContainers: {} not run; do before the trial what they do", list(&first)));
    }
    Ok((chosen, main))
}

/// The port that the probes ask, where nothing else says which one serves requests.
fn probed(container: &wire::Container) -> Option<&NumberOrText> {
    let probes = [&container.readiness_probe, &container.startup_probe, &container.liveness_probe];
    probes.into_iter().flatten().find_map(|probe| {
        let http = probe.http_get.as_ref().and_then(|http| http.port.as_ref());
        http.or_else(|| probe.tcp_socket.as_ref().and_then(|tcp| tcp.port.as_ref()))
    })
}

fn template(
    container: &wire::Container,
    pod: &wire::PodSpec,
    of_pod: &Field,
    at: &Field,
    ports: &mut Ports,
    notes: &mut Notes,
) -> Result<Template, Invalid> {
    let of_grace = of_pod.of("terminationGracePeriodSeconds");
    let grace: Duration = rules::seconds(pod.termination_grace_period_seconds, 30, 0, &of_grace)?;
    let mut read = |kind: ProbeKind| -> Result<Option<Probe>, Invalid> {
        let (written, name) = match kind {
            ProbeKind::Startup => (&container.startup_probe, "startupProbe"),
            ProbeKind::Readiness => (&container.readiness_probe, "readinessProbe"),
            ProbeKind::Liveness => (&container.liveness_probe, "livenessProbe"),
        };
        let Some(written) = written else { return Ok(None) };
        probe::probe(written, kind, &at.of(name), ports, notes)
    };
    let (startup, readiness, liveness) =
        (read(ProbeKind::Startup)?, read(ProbeKind::Readiness)?, read(ProbeKind::Liveness)?);
    let lifecycle = &container.lifecycle;
    let of_hook = at.of("lifecycle.preStop");
    let hook = lifecycle.pre_stop.as_ref().map(|hook| probe::pre_stop(hook, grace, &of_hook, ports, notes));
    let pre_stop = hook.transpose()?.flatten();
    if lifecycle.post_start.is_some() {
        notes.add("postStart: is not done here");
    }
    if let Some(signal) = lifecycle.stop_signal.as_deref().filter(|signal| *signal != "SIGTERM") {
        notes.add(format!("stopSignal: {} is not followed; replicas get SIGTERM", shown(signal)));
    }
    Ok(Template { startup, readiness, liveness, pre_stop, grace })
}

/// The command with its arguments, where the manifest has a command.
fn command(
    container: &wire::Container,
    environment: &Environment,
    ports: &Ports,
    at: &Field,
    notes: &mut Notes,
) -> Result<Vec<String>, Invalid> {
    if container.command.is_empty() {
        if !container.args.is_empty() {
            notes
                .add("args: the image's own command, to which they belong, is not known here; give all of it after --");
        }
        return Ok(Vec::new());
    }
    let mut command = environment.words(&container.command, &at.of("command"), notes)?;
    command.extend(environment.words(&container.args, &at.of("args"), notes)?);
    if command.first().is_none_or(String::is_empty) {
        return Err(at.nth("command", 0).invalid("is empty; give the program to run"));
    }
    if let Some(port) = ports.serving().filter(|port| command.iter().any(|word| has_number(word, *port))) {
        notes.add(format!(
            "command: it names port {port}, and each replica gets its own; give it after -- with {{port}} in its place"
        ));
    }
    Ok(command)
}

/// Whether a number stands in a text by itself: `0.0.0.0:8080`, but not `18080`.
fn has_number(text: &str, number: u16) -> bool {
    let number = number.to_string();
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits == number)
}
