//! The live view, as lines of text. Pure: a snapshot in, a frame out.

use std::time::Duration;

use seaworthy_core::text;

use super::snapshot::{Bar, Ladder, Snapshot};
use crate::canvas::{Line, Style};

/// The most lines: what a terminal of 24 has, with room for the prompt.
const MOST_LINES: usize = 22;

/// Where the second column begins.
const LABEL: usize = 11;

/// The most failures that are shown.
const FAILURES: usize = 4;

/// A line with a label in front.
fn labelled(label: &str) -> Line {
    Line::default().and(Style::Faint, format!("{label:<LABEL$}"))
}

/// Lines that are shown together, or not at all. Of those for which there is no room, the ones that matter least
/// are left out.
struct Group {
    /// The less, the more it matters.
    rank: u8,
    lines: Vec<Line>,
}

/// A frame: at most `height - 1` lines, and none wider than `width`.
pub(crate) fn frame(run: &Snapshot, width: usize, height: usize, colour: bool) -> Vec<String> {
    let most = MOST_LINES.min(height.saturating_sub(1));
    let failures = failures(run);
    let groups = [
        Group { rank: 0, lines: vec![title(run)] },
        Group { rank: 0, lines: vec![progress(run, width)] },
        Group { rank: 9, lines: vec![Line::default()] },
        Group { rank: 1, lines: vec![requests(run)] },
        Group { rank: 2, lines: vec![rate(run)] },
        Group { rank: 3, lines: vec![connections(run)] },
        Group { rank: 5, lines: vec![generator(run)] },
        Group { rank: 10, lines: vec![Line::default()] },
        Group { rank: 2, lines: percentiles(run, width) },
        Group { rank: 11, lines: vec![Line::default()] },
        Group { rank: 6, lines: sparklines(run, width) },
        Group { rank: 7, lines: histogram(&run.histogram, width) },
        // The first of them matters more than the rest.
        Group { rank: 4, lines: failures.iter().take(1).cloned().collect() },
        Group { rank: 8, lines: failures.into_iter().skip(1).collect() },
    ];
    let mut left = most;
    let mut ranks: Vec<usize> = (0..groups.len()).collect();
    ranks.sort_by_key(|index| groups[*index].rank);
    ranks.retain(|index| {
        let fits = groups[*index].lines.len() <= left;
        left -= if fits { groups[*index].lines.len() } else { 0 };
        fits
    });
    ranks.sort_unstable();
    let shown = ranks.iter().flat_map(|index| &groups[*index].lines).map(|line| line.render(width, colour));
    let mut lines: Vec<String> = shown.collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn title(run: &Snapshot) -> Line {
    Line::default().and(Style::Strong, &*run.title)
}

fn progress(run: &Snapshot, width: usize) -> Line {
    let elapsed = Duration::from_secs(run.elapsed.as_secs());
    if run.stopping {
        let open = text::counted(run.gauges.in_flight + run.gauges.waiting, "request");
        let words = format!("{}, stopping: {open} still open; Ctrl-C does not wait", text::long_time(elapsed));
        return Line::default().and(Style::Strong, words);
    }
    let done = run.good + run.failed;
    let (words, share) = match (run.duration, run.limit) {
        (Some(duration), _) => {
            let left = whole_seconds(duration.saturating_sub(run.elapsed));
            let words = format!(
                "{} of {}, {} left",
                text::long_time(elapsed),
                text::long_time(duration),
                text::long_time(left)
            );
            (words, Some(run.elapsed.as_secs_f64() / duration.as_secs_f64()))
        }
        (None, Some(limit)) => {
            let words = format!(
                "{}, {} of {}",
                text::long_time(elapsed),
                text::thousands(done),
                text::counted(limit, "request")
            );
            (words, Some(done as f64 / limit as f64))
        }
        (None, None) => (format!("{}, until it is stopped", text::long_time(elapsed)), None),
    };
    let Some(share) = share else { return Line::default().and(Style::Plain, words) };
    let cells = width.saturating_sub(words.chars().count() + 2).min(40);
    let full = portion(share, cells);
    Line::default()
        .and(Style::Bar, "█".repeat(full))
        .and(Style::Faint, "░".repeat(cells - full))
        .and(Style::Plain, format!("  {words}"))
}

/// What is left, rounded up: nothing is left only at the end.
fn whole_seconds(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

/// A share, 0 to 1, of so many cells.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between none and all of the cells")]
fn portion(share: f64, cells: usize) -> usize {
    ((share.clamp(0.0, 1.0) * cells as f64) as usize).min(cells)
}

fn requests(run: &Snapshot) -> Line {
    let failed = if run.failed == 0 { Style::Plain } else { Style::Bad };
    let mut line = labelled("requests")
        .and(Style::Good, format!("{} good", text::thousands(run.good)))
        .and(Style::Plain, ", ")
        .and(failed, format!("{} failed", text::thousands(run.failed)));
    if run.retried > 0 {
        line = line.and(Style::Plain, format!(", {} sent again", text::thousands(run.retried)));
    }
    line
}

fn rate(run: &Snapshot) -> Line {
    let asked = match run.asked {
        Some(asked) => format!("{}/s asked, ", text::number(asked.round())),
        None => String::new(),
    };
    labelled("rate").and(Style::Plain, format!("{asked}{}/s sent", text::thousands(run.got)))
}

fn connections(run: &Snapshot) -> Line {
    let gauges = run.gauges;
    let mut line = labelled("open").and(
        Style::Plain,
        format!("{}, {} in flight", text::counted(gauges.open, "connection"), text::thousands(gauges.in_flight)),
    );
    if gauges.waiting > 0 {
        line = line.and(Style::Bad, format!(", {} waiting for one", text::thousands(gauges.waiting)));
    }
    line
}

fn generator(run: &Snapshot) -> Line {
    let lag = run.send_lag.map_or_else(|| "-".to_owned(), text::time);
    labelled("generator").and(Style::Plain, format!("send lag p99 {lag}, {:.0}% of a processor", run.cpu * 100.0))
}

fn percentiles(run: &Snapshot, width: usize) -> Vec<Line> {
    const CELL: usize = 9;
    type Column = (&'static str, fn(&Ladder) -> Option<Duration>);
    const ALL: [Column; 5] = [
        ("p50", |ladder| ladder.p50),
        ("p90", |ladder| ladder.p90),
        ("p99", |ladder| ladder.p99),
        ("p99.9", |ladder| ladder.p999),
        ("max", |ladder| ladder.max),
    ];
    const FEW: [Column; 3] = [ALL[0], ALL[2], ALL[4]];
    let columns: &[Column] = if width < LABEL + ALL.len() * CELL { &FEW } else { &ALL };
    let row = |label: &str, style, cell: &dyn Fn(&Column) -> String| {
        columns.iter().fold(labelled(label), |line, column| line.and(style, format!("{:>CELL$}", cell(column))))
    };
    let shown = |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), text::time);
    vec![
        row("response", Style::Faint, &|(name, _)| (*name).to_owned()),
        row("last 10s", Style::Strong, &|(_, of)| shown(of(&run.recent))),
        row("whole run", Style::Plain, &|(_, of)| shown(of(&run.whole))),
    ]
}

fn sparklines(run: &Snapshot, width: usize) -> Vec<Line> {
    const CAPTION: usize = 14;
    let cells = width.saturating_sub(LABEL + CAPTION).min(60);
    let shown = run.seconds.get(run.seconds.len().saturating_sub(cells)..).unwrap_or_default();
    if shown.is_empty() {
        return Vec::new();
    }
    let rates: Vec<Option<f64>> = shown.iter().map(|(begun, _)| Some(*begun as f64)).collect();
    let p99s: Vec<Option<f64>> = shown.iter().map(|(_, p99)| p99.map(|time| time.as_secs_f64())).collect();
    let most = rates.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
    let longest = shown.iter().filter_map(|(_, p99)| *p99).max();
    let line = |label: &str, values: &[Option<f64>], most: String| {
        labelled(label).and(Style::Bar, spark(values)).and(Style::Faint, format!(" to {most}"))
    };
    vec![
        line("rate", &rates, format!("{}/s", text::short(most))),
        line("p99", &p99s, longest.map_or_else(|| "-".to_owned(), text::time)),
    ]
}

/// A character a value, from the lowest bar for nothing to the highest for the most.
fn spark(values: &[Option<f64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
    let bar = |value: &Option<f64>| match value {
        Some(value) if most > 0.0 => BARS[portion(value / most, BARS.len() - 1)],
        Some(_) => BARS[0],
        None => ' ',
    };
    values.iter().map(bar).collect()
}

fn histogram(bars: &[Bar], width: usize) -> Vec<Line> {
    const SHARE: usize = 12;
    let cells = width.saturating_sub(LABEL + SHARE).min(50);
    let all = bars.iter().map(|bar| bar.count).sum();
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let mut before = Duration::ZERO;
    bars.iter()
        .map(|bar| {
            let label = match bar.up_to {
                Some(bound) => format!("to {}", round(bound)),
                None => format!("over {}", round(before)),
            };
            before = bar.up_to.unwrap_or(before);
            // What there is has a cell at least.
            let full = portion(bar.count as f64 / most as f64, cells).max(usize::from(bar.count > 0 && cells > 0));
            labelled(&label)
                .and(Style::Bar, "█".repeat(full))
                .and(Style::Faint, format!(" {}", text::percent(bar.count, all)))
        })
        .collect()
}

/// A round time: `500us`, `2ms`.
fn round(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        n if n < 1_000 => format!("{n}ns"),
        n if n < 1_000_000 => format!("{}us", n / 1_000),
        n if n < 1_000_000_000 => format!("{}ms", n / 1_000_000),
        n => format!("{}s", n / 1_000_000_000),
    }
}

fn failures(run: &Snapshot) -> Vec<Line> {
    let shown = run.failures.iter().take(FAILURES);
    shown
        .map(|(words, count)| {
            labelled("failed").and(Style::Bad, text::thousands(*count)).and(Style::Plain, format!("  {words}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seaworthy_core::interval::Gauges;

    use super::*;

    fn snapshot() -> Snapshot {
        let ladder = |factor: u64| {
            let time = |micros: u64| Some(Duration::from_micros(micros * factor));
            Ladder { p50: time(412), p90: time(900), p99: time(1_500), p999: time(9_000), max: time(12_000) }
        };
        let bar = |micros: Option<u64>, count| Bar { up_to: micros.map(Duration::from_micros), count };
        Snapshot {
            title: "GET http://127.0.0.1:8080/users".into(),
            elapsed: Duration::from_millis(12_250),
            duration: Some(Duration::from_secs(30)),
            asked: Some(1_000.0),
            got: 998,
            good: 12_204,
            failed: 43,
            retried: 2,
            gauges: Gauges { open: 12, in_flight: 3, waiting: 4 },
            recent: ladder(1),
            whole: ladder(2),
            seconds: (0..12).map(|n| (n * 100, (n > 2).then(|| Duration::from_millis(20 - n)))).collect(),
            histogram: vec![
                bar(Some(200), 10),
                bar(Some(500), 9_000),
                bar(Some(1_000), 3_000),
                bar(Some(2_000), 190),
                bar(None, 4),
            ],
            failures: vec![("connection refused".into(), 41), ("answered 503".into(), 2)],
            send_lag: Some(Duration::from_micros(45)),
            cpu: 0.12,
            ..Snapshot::default()
        }
    }

    fn shown(run: &Snapshot, width: usize, height: usize) -> String {
        format!("\n{}\n", frame(run, width, height, false).join("\n"))
    }

    #[test]
    fn a_frame_at_80_by_24() {
        assert_eq!(shown(&snapshot(), 80, 24), include_str!("view/80x24.txt"));
    }

    #[test]
    fn a_frame_on_a_small_terminal() {
        assert_eq!(shown(&snapshot(), 40, 10), include_str!("view/40x10.txt"));
    }

    #[test]
    fn a_frame_before_anything_is_known() {
        let begun = Snapshot { title: "users http://h/".into(), limit: Some(1_000), ..Snapshot::default() };
        assert_eq!(shown(&begun, 80, 24), include_str!("view/begun.txt"));
    }

    #[test]
    fn colours_are_only_added() {
        let coloured = frame(&snapshot(), 80, 24, true);
        let plain: Vec<String> = coloured.iter().map(|line| without_codes(line)).collect();
        assert_eq!(plain, frame(&snapshot(), 80, 24, false));
        assert!(coloured.concat().contains("\x1b[31m43 failed\x1b[0m"));
    }

    #[test]
    fn while_it_stops_it_says_what_it_waits_for() {
        let run = Snapshot { stopping: true, ..snapshot() };
        assert!(shown(&run, 80, 24).contains("12s, stopping: 7 requests still open; Ctrl-C does not wait"));
    }

    fn without_codes(line: &str) -> String {
        let mut parts = line.split('\x1b');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
        }
        out
    }

    fn odd() -> impl Strategy<Value = Snapshot> {
        let times = || proptest::option::of((0..u64::MAX).prop_map(Duration::from_nanos));
        let failures = proptest::collection::vec((".{0,60}", 0..u64::MAX), 0..12);
        let seconds = proptest::collection::vec((0..u64::MAX, times()), 0..130);
        let bars = proptest::collection::vec(times().prop_map(|up_to| Bar { up_to, count: 7 }), 0..7);
        let counts = proptest::array::uniform6(0..u64::MAX / 2);
        (".{0,200}", times(), times(), seconds, bars, failures, counts, any::<(bool, f64)>()).prop_map(
            |(title, elapsed, duration, seconds, histogram, failures, counts, (stopping, cpu))| Snapshot {
                title,
                elapsed: elapsed.unwrap_or_default(),
                duration,
                limit: counts.first().copied(),
                stopping,
                asked: Some(cpu.abs()),
                got: counts[1],
                good: counts[2] / 2,
                failed: counts[3] / 2,
                retried: counts[4],
                gauges: Gauges { open: counts[5], in_flight: counts[0] / 2, waiting: counts[1] / 2 },
                recent: Ladder { p50: elapsed, max: duration, ..Ladder::default() },
                whole: Ladder { p999: elapsed, ..Ladder::default() },
                seconds,
                histogram,
                failures,
                send_lag: elapsed,
                cpu,
            },
        )
    }

    proptest! {
        #[test]
        fn no_frame_is_larger_than_its_terminal(run in odd(), width in 0..200_usize, height in 0..60_usize, colour: bool) {
            let lines = frame(&run, width, height, colour);
            prop_assert!(lines.len() <= height.saturating_sub(1) && lines.len() <= MOST_LINES);
            for line in &lines {
                let plain = without_codes(line);
                prop_assert!(plain.chars().count() <= width, "{plain:?}");
                prop_assert!(!plain.contains(char::is_control), "{plain:?}");
            }
        }
    }
}
