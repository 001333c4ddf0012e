//! What several forms of the report say of a client's own retries, and of changes that were tried.

use crate::{
    change::Change,
    fix::{Compared, Tried},
    replay::Replay,
    text::{counted, thousands},
    verdict::Verdict,
};

/// What a client's own retries would have done, in a sentence.
pub(in crate::report) fn replay(replay: &Replay) -> String {
    let Replay { policy, lost, covered, hidden, added, worst, doubled } = replay;
    if *lost == 0 {
        return format!("{}: nothing was lost, so nothing would be different", policy.words());
    }
    let about = |number: f64| {
        let whole = number.round();
        if (number - whole).abs() < 1e-6 { format!("{whole}") } else { format!("about {whole}") }
    };
    let twice = match doubled {
        0 => String::new(),
        doubled => format!("; {} may have been executed already, and would be twice", thousands(*doubled)),
    };
    format!(
        "{}: of {} without a good answer {} would be sent again and {} get one; {} requests more, {worst:.2} times \
         the load in the worst second{twice}",
        policy.words(),
        thousands(*lost),
        thousands(*covered),
        about(*hidden),
        about(*added),
    )
}

/// What was tried, and what it came to, in a sentence.
pub(in crate::report) fn tried(tried: &Tried) -> String {
    let drills: Vec<&str> = tried.drills.iter().map(|drill| drill.label()).collect();
    let verdict = match tried.verdict {
        Verdict::Pass => "seaworthy",
        Verdict::Fail => "still not seaworthy",
        Verdict::Inconclusive | Verdict::Unjudged => "inconclusive",
    };
    let (before, after) = tried.lost;
    let (of_before, of_after) = tried.requests;
    format!(
        "{} ({} made again): {verdict}; {} of {} lost before, {} of {} with it",
        together(&tried.changes),
        drills.join(", "),
        thousands(before),
        counted(of_before, "request"),
        thousands(after),
        thousands(of_after),
    )
}

/// What each round added, in a line; nothing where there was one.
pub(in crate::report) fn rounds(tried: &Tried) -> Vec<String> {
    let lines = (1..).zip(&tried.rounds).map(|(round, new)| format!("round {round}: {}", together(new)));
    lines.filter(|_| tried.rounds.len() > 1).collect()
}

fn together(changes: &[Change]) -> String {
    changes.iter().map(Change::words).collect::<Vec<_>>().join(" and ")
}

/// A cause without and with the changes, in a line.
pub(in crate::report) fn compared(of: &Compared) -> String {
    format!("{}: {} -> {}, {}", of.cause, thousands(of.before), thousands(of.after), of.proof.words())
}
