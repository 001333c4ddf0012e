//! What happened in a world, in words.

use super::{super::Standing, world::World};
use crate::{
    deployment::ProbeKind,
    event::{Endpoint, Event, Reason, Replica, Signal},
};

impl World {
    /// What happened to a replica, a line each: milliseconds, and a few words. Without the probes.
    pub(super) fn story(&self, replica: u32) -> Vec<String> {
        let lines = self.log.iter().filter_map(|(when, event)| {
            let (of, words) = words(event)?;
            (of == Replica(replica)).then(|| format!("{} {words}", when.since_start().as_millis()))
        });
        lines.collect()
    }

    /// When such an event happened, in milliseconds.
    pub(super) fn times(&self, such: impl Fn(&Event) -> bool) -> Vec<u128> {
        self.log.iter().filter(|(_, event)| such(event)).map(|(when, _)| when.since_start().as_millis()).collect()
    }

    pub(super) fn asked(&self, kind: ProbeKind, of: u32) -> Vec<u128> {
        let those = self.asked.iter().filter(|(_, probe, replica)| *probe == kind && *replica == Replica(of));
        those.map(|(when, ..)| when.since_start().as_millis()).collect()
    }

    pub(super) fn standing(&self, that: impl Fn(&Standing) -> bool) -> Vec<u32> {
        self.cluster.standings().into_iter().filter(that).map(|standing| standing.replica.0).collect()
    }

    /// The last endpoints, each as its number and `r`eady, `s`erving, `t`erminating.
    pub(super) fn endpoints(&self) -> Vec<String> {
        let last = self.log.iter().rev().find_map(|(_, event)| match event {
            Event::Endpoints { endpoints } => Some(endpoints.clone()),
            _ => None,
        });
        let flag = |set: bool, name| if set { name } else { "" };
        let shown = |Endpoint { replica, ready, serving, terminating }: Endpoint| {
            format!("{}{}{}{}", replica.0, flag(ready, "r"), flag(serving, "s"), flag(terminating, "t"))
        };
        last.unwrap_or_default().into_iter().map(shown).collect()
    }

    pub(super) fn view(&self) -> Vec<u32> {
        self.cluster.view().iter().map(|replica| replica.0).collect()
    }
}

fn words(event: &Event) -> Option<(Replica, String)> {
    let because = |reason: Reason| match reason {
        Reason::Termination => "",
        Reason::GraceOver => " grace over",
        Reason::Liveness => " liveness",
        Reason::Startup => " startup",
        Reason::OutOfMemory | Reason::Drill | Reason::Cleanup => " from outside",
    };
    let (replica, words) = match event {
        Event::Created { replica, .. } => (replica, "created".to_owned()),
        Event::Started { replica, restart, .. } => (replica, format!("started {restart}")),
        Event::NotStarted { replica, .. } => (replica, "not started".to_owned()),
        Event::Ready { replica } => (replica, "ready".to_owned()),
        Event::Unready { replica } => (replica, "unready".to_owned()),
        Event::Available { replica } => (replica, "available".to_owned()),
        Event::Terminating { replica, grace } => (replica, format!("terminating {grace:?}")),
        Event::PreStopBegun { replica } => (replica, "hook".to_owned()),
        Event::PreStopEnded { replica, failed: None } => (replica, "hook over".to_owned()),
        Event::PreStopEnded { replica, failed: Some(why) } => (replica, format!("hook failed: {why}")),
        Event::Signalled { replica, signal: Signal::Kill, reason } => (replica, format!("KILL{}", because(*reason))),
        Event::Signalled { replica, reason, .. } => (replica, format!("TERM{}", because(*reason))),
        Event::Exited { replica, exit } => (replica, format!("exited {}", exit.code())),
        Event::BackingOff { replica, delay } => (replica, format!("waits {delay:?}")),
        Event::Gone { replica } => (replica, "gone".to_owned()),
        _ => return None,
    };
    Some((*replica, words))
}
