//! What became of the writes, in the words that several forms of the report have.

use crate::{
    assessment::Writes,
    audit::{Audit, Harm, Harmed},
    text::{counted, thousands},
};

/// Writes that are shown of those that came to harm.
const MOST_HARMED: usize = 5;

/// All that there is to say, a line each.
pub(in crate::report) fn lines(writes: &Writes) -> Vec<String> {
    let audit = &writes.audit;
    let mut lines = vec![acknowledged(audit)];
    lines.extend(unanswered(audit));
    lines.extend(tested(writes));
    if audit.acknowledged > 0 && audit.duplicated == 0 && !audit.listed && !audit.unlisted {
        lines.push("nobody looked for what is there twice: --list does".to_owned());
    }
    // The worst first; what is only late does not fail.
    let mut harmed: Vec<&Harmed> = audit.harmed.iter().collect();
    harmed.sort_by_key(|harmed| harmed.harm);
    lines.extend(harmed.iter().take(MOST_HARMED).map(|harmed| self::harmed(writes, harmed)));
    let more = (audit.lost + audit.duplicated + audit.stale).saturating_sub(MOST_HARMED as u64);
    if more > 0 {
        lines.push(format!("and {} like that", thousands(more)));
    }
    lines.extend(audit.settings.iter().map(|setting| format!("durability: {setting}")));
    lines
}

fn acknowledged(audit: &Audit) -> String {
    let Audit { acknowledged, kept, lost, stale, unverified, duplicated, .. } = *audit;
    let rest = [
        (stale, "there only when read again"),
        (unverified, "could not be read"),
        (duplicated, "there more than once"),
    ];
    let rest: Vec<String> = rest
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {} {what}", thousands(*count)))
        .collect();
    let (kept, lost) = (thousands(kept), thousands(lost));
    format!("{} acknowledged: {kept} kept, {lost} lost{}", thousands(acknowledged), rest.concat())
}

/// `3 unknown: 2 were executed, 1 was not; 5 refused`.
fn unanswered(audit: &Audit) -> Option<String> {
    let Audit { unknown, recovered, not_executed, refused, .. } = *audit;
    let were = |count: u64| format!("{} {}", thousands(count), if count == 1 { "was" } else { "were" });
    let rest = if recovered + not_executed > 0 { "of the rest nothing is known" } else { "nothing is known of them" };
    let parts = [
        (recovered, format!("{} executed", were(recovered))),
        (not_executed, format!("{} not", were(not_executed))),
        (unknown.saturating_sub(recovered + not_executed), rest.to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    let unknown = (unknown > 0).then(|| format!("{} unknown: {}", thousands(unknown), parts.join(", ")));
    let refused = (refused > 0).then(|| format!("{} refused, or never sent", thousands(refused)));
    let all: Vec<String> = [unknown, refused].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What put them to the test, a line each.
fn tested(writes: &Writes) -> Vec<String> {
    let said = |text: &str| vec![text.to_owned()];
    match (writes.audit.acknowledged, writes.terminations, writes.restarts) {
        (0, ..) => said("nothing was acknowledged, so nothing could be lost"),
        (_, 0, 0) => said("no replica ended after them: what is kept proves nothing"),
        (_, ended, restarts) => {
            let replicas = (ended > 0).then(|| format!("{} ended after the first of them", counted(ended, "replica")));
            let times = counted(restarts, "time");
            let database =
                (restarts > 0).then(|| format!("the database was restarted {times} after the first of them"));
            replicas.into_iter().chain(database).collect()
        }
    }
}

fn harmed(writes: &Writes, harmed: &Harmed) -> String {
    let what = match harmed.harm {
        Harm::Lost => "lost",
        Harm::Duplicated => "twice",
        Harm::Stale => "late",
    };
    let id = harmed.id.as_ref().map_or_else(String::new, |id| format!(" (id {id})"));
    // An address that no replica had is told as it is.
    let who = |endpoint| writes.replicas.get(&endpoint).map_or_else(|| endpoint.to_string(), ToString::to_string);
    let by = harmed.endpoint.map_or_else(String::new, |endpoint| format!(" by {}", who(endpoint)));
    let at = harmed.acknowledged.since_start().as_secs_f64();
    format!("{what}: {}{id}, answered{by} at {at:.1} s; read: {}", harmed.key, harmed.read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(audit: Audit, terminations: u64) -> Vec<String> {
        lines(&of(audit, terminations, 0))
    }

    fn of(audit: Audit, terminations: u64, restarts: u64) -> Writes {
        let replicas = [(([127, 0, 0, 1], 7).into(), crate::event::Replica(2))].into();
        let audit = Audit { listed: true, ..audit };
        Writes { audit, terminations, restarts, replicas, failures: Vec::new(), doubts: Vec::new() }
    }

    #[test]
    fn what_nobody_looked_for_is_said() {
        let audit = Audit { acknowledged: 7, kept: 7, ..Audit::default() };
        let mut writes = of(audit, 1, 0);
        let says = |writes: &Writes| lines(writes).iter().any(|line| line.contains("--list does"));
        assert!(!says(&writes));
        writes.audit.listed = false;
        assert!(says(&writes));
    }

    #[test]
    fn a_database_that_was_restarted_puts_them_to_the_test() {
        let audit = Audit { acknowledged: 7, kept: 7, ..Audit::default() };
        let of = |terminations, restarts| lines(&of(audit.clone(), terminations, restarts))[1..].to_vec();
        assert_eq!(of(0, 1), ["the database was restarted 1 time after the first of them"]);
        assert_eq!(
            of(3, 2),
            ["3 replicas ended after the first of them", "the database was restarted 2 times after the first of them"]
        );
    }

    #[test]
    fn who_acknowledged_it_is_a_replica() {
        let one = |port| Harmed {
            key: "k".into(),
            id: None,
            harm: Harm::Lost,
            acknowledged: crate::time::Moment::from_nanos(0),
            endpoint: Some(([127, 0, 0, 1], port).into()),
            read: "404".into(),
        };
        let writes = of(Audit::default(), 0, 0);
        assert_eq!(harmed(&writes, &one(7)), "lost: k, answered by replica 2 at 0.0 s; read: 404");
        assert_eq!(harmed(&writes, &one(8)), "lost: k, answered by 127.0.0.1:8 at 0.0 s; read: 404");
    }

    #[test]
    fn what_is_kept_is_said_with_what_put_it_to_the_test() {
        let audit = Audit { acknowledged: 7, kept: 7, ..Audit::default() };
        assert_eq!(
            said(audit.clone(), 1),
            ["7 acknowledged: 7 kept, 0 lost", "1 replica ended after the first of them"]
        );
        assert!(said(audit, 0)[1].contains("proves nothing"));
        assert!(said(Audit::default(), 3)[1].contains("nothing was acknowledged"));
    }

    #[test]
    fn unknown_writes_in_words() {
        for (unknown, recovered, not_executed, refused, words) in [
            (0, 0, 0, 0, None),
            (3, 2, 1, 0, Some("3 unknown: 2 were executed, 1 was not")),
            (1, 0, 0, 2, Some("1 unknown: nothing is known of them; 2 refused, or never sent")),
            (3, 1, 0, 0, Some("3 unknown: 1 was executed, of the rest nothing is known")),
            (0, 0, 0, 1, Some("1 refused, or never sent")),
        ] {
            let audit = Audit { unknown, recovered, not_executed, refused, ..Audit::default() };
            assert_eq!(unanswered(&audit).as_deref(), words);
        }
    }

    #[test]
    fn of_many_that_came_to_harm_the_worst_are_shown() {
        let one = |harm| Harmed {
            key: "k".into(),
            id: None,
            harm,
            acknowledged: crate::time::Moment::from_nanos(0),
            endpoint: None,
            read: "404".into(),
        };
        let mut harmed = vec![one(Harm::Stale); 6];
        harmed.push(one(Harm::Lost));
        let audit = Audit { acknowledged: 9, lost: 1, stale: 6, harmed, ..Audit::default() };
        let said = said(audit, 1);
        assert!(said[2].starts_with("lost: k, answered at 0.0 s") && said[3].starts_with("late: k"), "{said:#?}");
        assert_eq!(said.last().map(String::as_str), Some("and 2 like that"));
    }
}
