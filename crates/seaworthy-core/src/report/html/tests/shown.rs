//! What a reader of a page sees.

use super::*;
use crate::{
    event::{Exit, Reason, Signal},
    lives::Lives,
    report::html::lanes::{self, Glyph, State},
};

fn of_run(run: &of_load::Run) -> String {
    load(&run.report())
}

#[test]
fn the_verdict_comes_first_with_a_sign_and_in_words() {
    for (sample, word) in [
        (of_trial::passed(), "SEAWORTHY"),
        (of_trial::spotless(), "SEAWORTHY"),
        (of_trial::failed(), "NOT SEAWORTHY"),
        (of_trial::tried(), "NOT SEAWORTHY"),
        (of_trial::inconclusive(), "INCONCLUSIVE"),
        (of_trial::interrupted(), "INCONCLUSIVE"),
    ] {
        let text = trial(&sample.report());
        let page = check(&text);
        let after = text.split_once("<h1>").unwrap().1;
        assert!(after.starts_with(&format!("{word}</h1>")), "{after:.60}");
        let names: Vec<&str> = page.tags.iter().map(|tag| &*tag.name).collect();
        let sign = page.tags.iter().position(|tag| tag.attributes.contains(&("class".into(), "sign".into())));
        assert!(sign < names.iter().position(|name| *name == "h1"), "the sign stands beside it");
        assert_eq!(names.iter().filter(|name| **name == "h1").count(), 1);
        for drill in sample.assessment.drills.iter().map(|row| row.drill).chain(sample.assessment.missing) {
            assert!(text.contains(&format!("<th scope=\"row\">{drill}</th>")), "{drill}");
        }
    }
}

#[test]
fn what_was_found_is_told_as_elsewhere() {
    let sample = of_trial::tried();
    let text = trial(&sample.report());
    for said in [
        "endpoint-removal-race (confirmed): 31 lost in rollout",
        "seaworthy causes endpoint-removal-race",
        "endpoint-removal-race: 31 -&gt; 0, confirmed",
        "lifecycle: {preStop: {sleep: {seconds: 2}}}",
        "seaworthy trial",
        "assumed",
    ] {
        assert!(text.contains(said), "{said}");
    }
}

#[test]
fn what_is_at_the_same_time_on_the_same_replica_is_one_place() {
    let mut sample = of_trial::failed();
    let ids =
        |sample: &of_trial::Sample| check(&trial(&sample.report())).all("id").map(str::to_owned).collect::<Vec<_>>();
    let has = |ids: &[String], id: &str| ids.iter().any(|known| known == id);
    // Groups of replica 2 that overlap, and one of no replica.
    let found = ids(&sample);
    assert!(has(&found, "f1-2") && !has(&found, "f1-3"), "{found:?}");
    // Of what is in no failure, in no drill and on no replica, it is known that it was.
    let finding = &mut sample.assessment.findings[0];
    finding.cause = "nowhere".into();
    finding.drills.clear();
    finding.replicas.clear();
    let found = ids(&sample);
    assert!(has(&found, "f1-1") && !has(&found, "f1-2"), "{found:?}");
    assert!(trial(&sample.report()).contains("all the time"));
}

#[test]
fn nothing_to_show_is_said() {
    let text = trial(&of_trial::spotless().report());
    for said in ["Nothing was found", "none failed", "no answers"] {
        assert!(text.contains(said), "{said}");
    }
    let text = of_run(&of_load::empty());
    check(&text);
    assert!(text.contains("There was no answer whose time could be told."));
}

#[test]
fn a_load_has_the_same_page_without_drills_and_replicas() {
    for (run, word) in [
        (of_load::passed(), "PASS"),
        (of_load::failed(), "FAIL"),
        (of_load::inconclusive(), "INCONCLUSIVE"),
        (of_load::unjudged(), "MEASURED"),
    ] {
        let text = of_run(&run);
        let page = check(&text);
        assert!(text.contains(&format!("<h1>{word}</h1>")) && page.classes("st") == 0 && page.classes("band") == 0);
        assert!(text.contains("p99") && page.classes("l-due") > 0);
    }
    let text = of_run(&of_load::failed());
    for said in ["127.0.0.1:8080</th>", "127.0.0.2:8080</th>", "connection refused", "p99.9&lt;250ms", "197 failed"] {
        assert!(text.contains(said), "{said}");
    }
    assert!(of_run(&of_load::unjudged()).contains("A closed loop"));
}

#[test]
fn a_killed_replica_has_no_process_until_it_starts_again() {
    let history = Sample::kill().history();
    let lives = Lives::of(&history);
    let states: Vec<(State, f64)> = lanes::parts(lives.get(Replica(1)).unwrap(), lives.end())
        .iter()
        .map(|part| (part.state, part.from.since_start().as_secs_f64()))
        .collect();
    let wanted = [
        (State::Starting, 0.0),
        (State::Ready, 0.5),
        (State::Down, 15.0),
        (State::Starting, 15.1),
        (State::Ready, 16.0),
    ];
    assert_eq!(states, wanted);
    let text = page(&history);
    assert!(text.contains("15 s: replica 1 gets SIGKILL (the drill does it)"), "a mark says what happened");
}

#[test]
fn states_are_told_by_what_is_known() {
    let of = |sample: &Sample, replica| {
        let history = sample.history();
        let lives = Lives::of(&history);
        let parts = lanes::parts(lives.get(Replica(replica)).unwrap(), lives.end());
        parts.iter().map(|part| part.state).collect::<Vec<_>>()
    };
    let (starting, ready) = (State::Starting, State::Ready);
    let graceful = Sample::rollout(Ending::GRACEFUL);
    assert_eq!(of(&graceful, 0), [starting, ready, State::Terminating]);
    assert_eq!(of(&graceful, 5), [starting, ready]);
    assert_eq!(of(&Sample::freeze(), 1), [starting, ready, State::Frozen, State::Unready, ready]);
    let cut = State::CutOff;
    assert_eq!(of(&Sample::network(), 1), [starting, ready, cut, ready, cut, ready]);
    let shapes: BTreeSet<&str> = State::ALL.map(State::class).into();
    assert_eq!(shapes.len(), State::ALL.len());
}

#[test]
fn an_end_that_was_not_asked_for_is_marked() {
    let mut sample = Sample::quiet();
    let replica = Replica(2);
    sample.event(16.0, Event::Exited { replica, exit: Exit::Code(1) });
    sample.event(16.2, Event::Started { replica, restart: 1, pid: None });
    sample.event(18.0, Event::Signalled { replica, signal: Signal::Term, reason: Reason::Liveness });
    sample.fail(Failing::refused(17.0, 2).retried());
    let history = sample.history();
    let assessment = assess(&history);
    let report = TrialReport::new(&history, &assessment);
    let lane = picture::Picture::of_trial(&report).lanes.remove(2);
    let glyphs: Vec<Glyph> = lane.marks.iter().map(|mark| mark.glyph).collect();
    assert_eq!(glyphs, [Glyph::Exit, Glyph::Start, Glyph::Term]);
    assert!(lane.failures.is_empty(), "what was sent again is none: {:?}", lane.failures);
}

#[test]
fn before_and_after_are_compared() {
    let mut first = Sample::rollout(Ending::AT_ONCE);
    for n in 0..20 {
        first.fail(Failing::refused(15.1 + f64::from(n) / 50.0, 0));
    }
    let mut second = Sample::rollout(Ending::GRACEFUL);
    second.header.deployment.template.grace = Duration::from_secs(40);
    let (before, after) = (first.history(), second.history());
    let (of_before, of_after) = (assess(&before), assess(&after));
    let reports = [&TrialReport::new(&before, &of_before), &TrialReport::new(&after, &of_after)];
    let text = compare(reports);
    let page = check(&text);
    for said in
        ["gone", "\u{2212}20", "Both were made in the same way", "grace period 40s", "Both charts have the same axes"]
    {
        assert!(page.text.contains(said), "{said}");
    }
    assert!(!page.text.contains("These trials are unlike"));
    assert!(text.contains(">gone</td>") && !text.contains(">still there</td>"));
    assert!(compare([reports[0]; 2]).contains(">still there</td>"));
    assert!(page.all("id").any(|id| id == "a-f1-1"));
    // The other way round it is new.
    let text = compare([reports[1], reports[0]]);
    assert!(text.contains(">new</td>") && text.contains(">+20</td>"));
    second.header.seed = 9;
    second.header.rate = 50.0;
    let after = second.history();
    let text = compare([reports[0], &TrialReport::new(&after, &assess(&after))]);
    for said in ["These trials are unlike", "seed: 1, then 9", "rate: 100/s, evenly spaced, then 50/s, evenly spaced"] {
        assert!(text.contains(said), "{said}");
    }
}
