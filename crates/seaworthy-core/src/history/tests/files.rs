//! Files that were cut off, damaged, or are none.

use super::*;

fn error(file: &str) -> String {
    lines::read(file.lines()).unwrap_err().to_string()
}

#[test]
fn whatever_was_written_before_the_end_of_the_tool_is_there() {
    let mut history = history();
    history.intervals[0].answers.truncate(1);
    let file = lines::all(&history);
    let header_ends = file.find('\n').unwrap();
    for end in 0..=file.len() {
        let Some((kept, gone)) = file.split_at_checked(end) else { continue };
        let read = lines::read(kept.lines());
        if end < header_ends {
            assert!(read.is_err(), "{end}");
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{end}: {error}"));
        let between = kept.ends_with('\n') || gone.starts_with('\n') || gone.is_empty();
        let whole = kept.lines().count() - usize::from(!between);
        let ends = usize::from(read.audit.is_some()) + usize::from(read.footer.is_some());
        let records = 1 + read.events.len() + read.intervals.len() + read.floods.len() + ends;
        assert_eq!(records, whole, "{end}");
        assert_eq!(read.footer.is_some(), end >= file.len() - 1);
        assert_eq!(read.header, history.header);
    }
}

#[test]
fn a_line_that_is_cut_off_elsewhere_is_damage() {
    let file = lines::all(&history());
    let first = file.lines().nth(1).unwrap();
    let damaged = file.replacen(first, first.strip_suffix("}").unwrap(), 1);
    let error = error(&damaged);
    assert!(error.starts_with("line 2: EOF while parsing"), "{error}");
    assert!(error.ends_with("; the file was damaged or changed: read the copy that the trial wrote"), "{error}");
}

#[test]
fn what_is_no_history_is_told_with_what_would_be() {
    let good = lines::footer(&Footer::default(), &Records::default());
    let head = lines::header(&Header { writes: false, ..header() });
    let line = |text: &str| format!("{head}\n{text}\n");
    let interval = lines::interval(&Interval::default());
    let begins =
        "a history begins with {\"record\":\"header\",\"schema\":\"seaworthy.history/2\": give one that a trial wrote";
    let changed = "the file was damaged or changed: read the copy that the trial wrote";
    for (file, said) in [
        (String::new(), format!("line 1: nothing is in it; {begins}")),
        ("\n\n".to_owned(), format!("line 1: nothing is in it; {begins}")),
        (head.chars().take(40).collect(), format!("line 1: the header is cut off: nothing was recorded; {begins}")),
        ("hello".to_owned(), format!("line 1: expected value, at character 1; {begins}")),
        (format!("\n{interval}"), format!("line 2: it comes before any header; {begins}")),
        (
            head.replace("history/2", "history/3"),
            "line 1: it is of version seaworthy.history/3, and this seaworthy reads seaworthy.history/2; use the version \
             that wrote it"
                .to_owned(),
        ),
        (head.replace("history/2", "load/1"), format!("line 1: it is of seaworthy.load/1; {begins}").replace("load/1;", "load/1;")),
        (line(&head), "line 2: a second header; a file holds one history".to_owned()),
        (
            line(&format!("{good}\n{good}")),
            "line 3: it comes after the footer, which is the last line; remove it".to_owned(),
        ),
        (line("{\"record\":\"wish\"}"), format!("line 2: `wish` is no record of seaworthy.history/2; {changed}")),
        (line("{\"record\":\"event\",\"event\":\"ready\",\"replica\":1}"), format!("line 2: an event without `at`; {changed}")),
        (
            line(&interval.replace("\"good\":0", "\"good\":18446744073709551615")),
            format!("line 2: it counts more than there can be in a tenth of a second; {changed}"),
        ),
        (
            line(&good.replace("\"not_sent\":0", "\"not_sent\":18446744073709551615")),
            format!("line 2: it counts more than there can be; {changed}"),
        ),
        (
            line(&interval.replace("\"cpu\":0", "\"cpu\":0,\"send_lag\":\"AAAA\"")),
            format!("line 2: not a histogram: it is too short, at character 240; {changed}"),
        ),
    ] {
        assert_eq!(error(&file), said);
    }
}

#[test]
fn an_event_of_a_later_version_is_not_skipped() {
    let file = format!(
        "{}\n{{\"record\":\"event\",\"at\":1,\"event\":\"drained\u{202e}\",\"replica\":1}}\n",
        lines::header(&header())
    );
    let error = error(&file);
    assert!(error.starts_with("line 2: unknown variant `drained `"), "{error}");
    assert!(!error.contains(['\u{202e}', '\n']), "{error}");
}

#[test]
fn keys_of_a_later_version_are_passed_over() {
    let history = history();
    let file = lines::all(&history);
    let more = file.replace("}\n", ",\"later\":{\"a\":[1]}}\n");
    assert_eq!(lines::read(more.lines()), Ok(history));
}

#[test]
fn a_request_ends_in_one_way() {
    let history = history();
    let line = lines::interval(&history.intervals[0]);
    let header = lines::header(&header());
    for (from, to, why) in [
        ("\"good\":200,", "", "neither a good answer nor a failure"),
        ("\"failure\":{", "\"good\":200,\"failure\":{", "both a good answer and a failure"),
    ] {
        let changed = line.replace(from, to);
        assert_ne!(changed, line);
        let error = error(&format!("{header}\n{changed}"));
        assert!(error.contains(why), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(file in "(?s).{0,200}", prefix: bool) {
        let file = if prefix { format!("{}\n{file}", lines::header(&header())) } else { file };
        if let Err(error) = lines::read(file.lines()) {
            let error = error.to_string();
            prop_assert!(!error.chars().any(char::is_control), "{error}");
        }
    }
}
