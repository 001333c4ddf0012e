//! The end of a run: it is judged, told, written down, and becomes an exit code.

use std::{
    io::{self, Write as _},
    num::NonZero,
    process::ExitCode,
    thread,
    time::Duration,
};

use jiff::{Timestamp, Unit};
use seaworthy_core::{
    ledger::Ledger,
    report::{Description, Format, Report},
    text,
    verdict::{Evidence, Judgement, Verdict, judge},
};
use seaworthy_load::{Ended, expectation::Expectation, plan::Workload};

use super::{drive::Seen, options::Options, preflight};
use crate::{
    cli::{Failure, exit, printable},
    screen::Screen,
};

/// Judges a run, and tells what it came to.
pub(crate) fn conclude(
    options: &Options,
    began: Timestamp,
    seen: Seen,
    ended: &Ended,
    ledger: Option<&Ledger>,
    screen: Screen,
) -> Result<ExitCode, Failure> {
    let Seen { mut recording, health, asked, unread } = seen;
    recording.not_sent = ended.not_sent;
    recording.unfinished = ended.unfinished;
    // Whatever has no end of its own is ended by a signal as it should be.
    let interrupted = unread || (asked.is_some() && options.paced.ends());
    let generator = health.over(options.plan.threads.get(), recording.cpu, ended.elapsed, ended.backlog);
    let writes = ledger.map(Ledger::writes);
    let description = description(options, began, ended, interrupted);
    let evidence = Evidence {
        recording: &recording,
        duration: ended.duration,
        generator: &generator,
        closed_loop: description.closed_loop,
        interrupted,
        writes: writes.as_ref(),
    };
    let judgement = judge(&evidence, &options.thresholds);
    let report = Report {
        run: &description,
        recording: &recording,
        generator: &generator,
        writes: writes.as_ref(),
        judgement: &judgement,
    };
    // One that cannot be written is no reason to lose the others.
    let written: Vec<Result<(), Failure>> =
        options.outputs.iter().map(|output| output.write(&output.format.render(&report))).collect();
    // After the files: they are there even if nobody reads this. The screen takes its frame away first.
    let left_out = screen.left_out();
    drop(screen);
    if left_out > 0 && !options.quiet {
        let lines = text::counted(left_out, "line");
        // Nobody may be reading; then nobody misses it.
        let _printed = writeln!(io::stderr(), "{lines} found no reader in time and were left out");
    }
    let told = if options.quiet { Ok(()) } else { tell(&Format::Text.render(&report)) };
    written.into_iter().chain([told]).collect::<Result<(), _>>()?;
    // A workload is not asked whether anything holds, unless it was given something to hold.
    let judged = options.paced.ends() || !judgement.thresholds.is_empty() || writes.is_some();
    Ok(if judged { code(&judgement, interrupted) } else { ExitCode::SUCCESS })
}

/// Writes the summary to stdout.
pub(crate) fn tell(summary: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(printable(summary).as_bytes()).and_then(|()| stdout.flush()) {
        // A closed pipe is no reason to complain about it.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::could_not_run(format!("cannot write the summary to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

fn code(judgement: &Judgement, interrupted: bool) -> ExitCode {
    if interrupted {
        return exit::INTERRUPTED.into();
    }
    match judgement.verdict {
        Verdict::Pass | Verdict::Unjudged => ExitCode::SUCCESS,
        Verdict::Fail => exit::FAILED.into(),
        Verdict::Inconclusive => exit::INCONCLUSIVE.into(),
    }
}

fn description(options: &Options, began: Timestamp, ended: &Ended, interrupted: bool) -> Description {
    let plan = &options.plan;
    let by = options.route.words.as_ref().map(|words| format!(" by way of {words}")).unwrap_or_default();
    Description {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: options.command.clone(),
        target: format!("{}{by}", options.target.shown()),
        scenario: options.scenario.clone(),
        profile: options.paced.words(plan.connections.most),
        closed_loop: options.paced.is_closed(),
        seed: plan.seed,
        protocol: preflight::protocol(options),
        connections: preflight::connections(options),
        timeout: plan.timeouts.request,
        connect_timeout: plan.timeouts.connect,
        expected: expected(&plan.workload, &plan.expectation),
        began: began.round(Unit::Millisecond).unwrap_or(began).to_string(),
        unix_began: Duration::try_from(began.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default(),
        duration: ended.duration,
        elapsed: ended.elapsed,
        interrupted,
        machine: machine(),
    }
}

/// Which answers were good, in words.
pub(crate) fn expected(workload: &Workload, expectation: &Expectation) -> String {
    if matches!(workload, Workload::Users(_)) {
        return "what the users API answers".to_owned();
    }
    let statuses: Vec<String> = expectation
        .statuses
        .iter()
        .map(|range| match (range.start(), range.end()) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from}-{to}"),
        })
        .collect();
    let statuses = if statuses.is_empty() { "200-399".to_owned() } else { statuses.join(",") };
    let body = match (&expectation.body, expectation.any_shape) {
        (Some(_), _) => ", a body that contains what was given",
        (None, false) => ", a body of the kind of the first good one",
        (None, true) => ", any body",
    };
    let writes = if matches!(workload, Workload::Writes(_)) { "; of a write 200-299" } else { "" };
    format!("status {statuses}{body}{writes}")
}

/// Where it was measured from.
pub(crate) fn machine() -> String {
    let system = rustix::system::uname();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    format!(
        "{}, {} {} {}, {processors} processors",
        system.nodename().to_string_lossy(),
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        system.machine().to_string_lossy(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_an_exit_code() {
        let of = |verdict, interrupted| {
            let judgement = Judgement { verdict, reasons: Vec::new(), thresholds: Vec::new() };
            format!("{:?}", code(&judgement, interrupted))
        };
        for (verdict, interrupted, number) in [
            (Verdict::Pass, false, 0),
            (Verdict::Unjudged, false, 0),
            (Verdict::Fail, false, 1),
            (Verdict::Inconclusive, false, 3),
            (Verdict::Fail, true, 130),
            (Verdict::Pass, true, 130),
        ] {
            assert_eq!(of(verdict, interrupted), format!("{:?}", ExitCode::from(number)), "{verdict:?}");
        }
    }

    #[test]
    fn what_was_expected_in_words() {
        let workload = Workload::Requests([].into());
        let said = |expectation| expected(&workload, &expectation);
        assert_eq!(said(Expectation::default()), "status 200-399, a body of the kind of the first good one");
        let statuses = vec![200..=200, 400..=499];
        assert_eq!(said(Expectation { statuses, body: None, any_shape: true }), "status 200,400-499, any body");
    }
}
