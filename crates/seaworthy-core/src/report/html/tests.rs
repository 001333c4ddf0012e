use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use self::read::{Read, read};
use super::*;
use crate::{
    assessment::{
        assess,
        sample::{Ending, Failing, Sample, at},
        tests::arbitrary::histories,
    },
    drill::Drill,
    event::{Event, Replica},
    history::History,
    interval::Interval,
    report::{sample as of_load, trial::sample as of_trial},
};

mod read;
mod shown;

/// What a page may be at the most.
const MOST: usize = 1_000_000;

fn page(history: &History) -> String {
    let assessment = assess(history);
    trial(&TrialReport::new(history, &assessment))
}

/// What holds of every page: it is put together right, each link leads somewhere, and each number is one.
fn check(text: &str) -> Read {
    let page = read(text);
    assert!(text.starts_with(BEGINNING) && text.len() < MOST, "{}", text.len());
    let ids: Vec<&str> = page.all("id").collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "each is there once: {ids:?}");
    for link in page.all("href") {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link} leads nowhere");
    }
    for name in ["x", "y", "x1", "x2", "y1", "y2", "width", "height", "d", "viewBox", "transform", "rx"] {
        for value in page.all(name) {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{name}={value}");
            let shape = name == "d" || name == "viewBox" || name == "transform";
            assert!(shape || value.trim_end_matches('%').parse::<f64>().is_ok_and(f64::is_finite), "{name}={value}");
        }
    }
    for value in page.all("width").chain(page.all("height")).chain(page.all("x").filter(|x| x.ends_with('%'))) {
        assert!(value.trim_end_matches('%').parse::<f64>().unwrap() >= 0.0, "{value}");
    }
    page
}

#[test]
fn a_browser_takes_the_style_sheet_and_nothing_else() {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    assert_eq!(STYLE_HASH, format!("sha256-{hash}"), "the style sheet was changed: this is its hash now");
    let text = page(&Sample::rollout(Ending::AT_ONCE).history());
    let page = check(&text);
    let policy = page.all("content").find(|content| content.contains("default-src")).unwrap();
    assert!(policy.starts_with("default-src &#39;none&#39;; style-src &#39;sha256-"), "{policy}");
    // An attribute with styles would be refused by it, and a script would not run.
    assert!(page.all("style").next().is_none() && page.all("onclick").next().is_none());
    assert!(!page.tags.iter().any(|tag| ["script", "link", "img", "iframe", "base"].contains(&&*tag.name)));
    assert!(page.all("src").next().is_none() && !STYLE.contains("@import") && !STYLE.contains("http"));
}

#[test]
fn colours_are_read_in_the_light_and_in_the_dark() {
    fn luminance(hex: &str) -> f64 {
        let part = |n: usize| f64::from(u8::from_str_radix(hex.get(n..n + 2).unwrap(), 16).unwrap()) / 255.0;
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
    }
    let schemes: Vec<&str> = STYLE.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(schemes.len(), 3, "light, dark and print");
    for scheme in schemes {
        let of = |name: &str| luminance(scheme.split(&format!("--{name}: #")).nth(1).unwrap());
        let paper = of("paper");
        for name in ["ink", "muted", "good", "bad", "warn", "info"] {
            let (most, least) = (paper.max(of(name)), paper.min(of(name)));
            let contrast = (most + 0.05) / (least + 0.05);
            assert!(contrast >= 4.5, "--{name}: {contrast:.2} in {scheme}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_text_becomes_a_tag(text in any::<String>()) {
        let mut html = Html::default();
        html.class("p", "a").with("title", &text).text(&text);
        let html = html.into_text();
        let page = read(&html);
        prop_assert_eq!(page.tags.len(), 1);
        prop_assert_eq!(html.matches('<').count(), 2);
        prop_assert!(!html.chars().any(|c| c.is_control() && c != '\n'), "{}", html);
        let back = page.all("title").next().unwrap().to_owned();
        let plain = back.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        let plain = plain.replace("&amp;", "&");
        let kept = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
        prop_assert!(plain.chars().filter(kept).all(|c| text.contains(c) || c == ' '));
        prop_assert_eq!(plain.chars().count(), text.chars().count());
    }

    #[test]
    fn whatever_is_said_the_page_is_the_same(said in "[<>&\"'/a-z\u{0}-\u{1f}\u{80}-\u{9f}\u{202e}\u{2028}-]{0,40}") {
        let names = |text: &str| read(text).tags.into_iter().map(|tag| tag.name).collect::<Vec<_>>();
        let said = format!("</style><script>{said}");
        let plain: String = said.chars().map(|_| 'x').collect();
        let of = |text: &str| trial(&of_trial::saying(text).report());
        prop_assert_eq!(names(&of(&said)), names(&of(&plain)));
        let text = load(&of_load::saying(&said).report());
        check(&text);
        prop_assert!(!text.contains("<script") && !text.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert_eq!(text.matches("</style>").count(), 1);
    }

    #[test]
    fn any_history_has_a_page(history in histories()) {
        let assessment = assess(&history);
        let report = TrialReport::new(&history, &assessment);
        let text = trial(&report);
        prop_assert_eq!(&text, &trial(&report), "the same history gives the same bytes");
        let page = check(&text);
        let ids: BTreeSet<&str> = page.all("id").collect();
        let links: BTreeSet<&str> = page.all("href").collect();
        for n in 1..=assessment.findings.len() {
            let (card, mark) = (format!("f{n}"), format!("f{n}-1"));
            prop_assert!(ids.contains(&*card) && ids.contains(&*mark), "{} {:?}", mark, ids);
            prop_assert!(links.contains(&*format!("#{card}")) && links.contains(&*format!("#{mark}")), "{:?}", links);
        }
        check(&compare([&report, &report]));
    }

    #[test]
    fn lanes_cover_each_life_without_a_gap(history in histories()) {
        let lives = crate::lives::Lives::of(&history);
        for life in lives.all() {
            let parts = lanes::parts(life, lives.end());
            for (one, next) in parts.iter().zip(parts.iter().skip(1)) {
                prop_assert_eq!(one.to, next.from);
                prop_assert!(one.state != next.state);
            }
            prop_assert!(parts.iter().all(|part| part.from < part.to));
            let begin = life.created.into_iter().chain(life.runs.first().map(|run| run.started)).min();
            let end = life.gone.unwrap_or_else(|| lives.end());
            if let Some(begin) = begin.filter(|begin| *begin < end) {
                prop_assert!(parts.first().unwrap().from <= begin);
                prop_assert_eq!(parts.last().unwrap().to, end);
            }
        }
    }
}

#[test]
fn a_page_is_small_however_long_and_large_the_trial() {
    // Ten minutes of failures on each of 200 replicas, and 1,000 events.
    let mut sample = Sample::new(&[Drill::Baseline]);
    sample.drill(Drill::Baseline, 2.0, 600.0);
    sample.header.rate = 20.0;
    for replica in 3..200 {
        sample.up(f64::from(replica), replica, 1, crate::event::Release::Good);
        for n in 0..30 {
            sample.fail(Failing::refused(210.0 + f64::from(n * 13 + replica) / 1.7, replica));
        }
    }
    for n in 0..1_000_u32 {
        let (at, replica) = (300.0 + f64::from(n) / 10.0, Replica(n % 4));
        sample.event(at, Event::Started { replica, restart: n + 1, pid: None });
        sample.event(at + 0.02, Event::Unready { replica }).event(at + 0.05, Event::Ready { replica });
    }
    let text = page(&sample.history());
    let page = check(&text);
    assert!(text.contains("replica 199</text>") && text.contains("more replicas, to which less happened"));
    assert!(page.classes("s-many") > 0 && text.contains("more, in the history"));
    assert!(page.tags.iter().filter(|tag| tag.name == "rect").count() > 200);
}

#[test]
fn a_page_of_seconds_or_hours_has_a_chart() {
    for (seconds, marks) in [(2.5, "0.5 s"), (7_200.0, "1:00:00")] {
        let mut sample = Sample::new(&[Drill::Baseline]);
        sample.header.rate = 2.0;
        sample.drill(Drill::Baseline, 2.0, seconds);
        let text = page(&sample.history());
        check(&text);
        assert!(text.contains(&format!(">{marks}</text>")), "{seconds}");
    }
}

#[test]
fn a_forged_index_costs_nothing() {
    let mut history = Sample::baseline().history();
    history.intervals.push(Interval { index: u64::MAX, ..Interval::default() });
    check(&page(&history));
    let mut empty = Sample::new(&[]).history();
    (empty.events, empty.intervals, empty.footer) = (Vec::new(), Vec::new(), None);
    check(&page(&empty));
    history.events.push((crate::time::Moment::from_nanos(u64::MAX), Event::Interrupted));
    check(&page(&history));
}

#[test]
fn a_mark_is_where_the_evidence_is() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    for n in 0..20 {
        sample.fail(Failing::refused(15.1 + f64::from(n) / 50.0, 0));
    }
    let history = sample.history();
    let assessment = assess(&history);
    let report = TrialReport::new(&history, &assessment);
    let picture = picture::Picture::of_trial(&report);
    let [found] = &*picture.findings else { panic!("{:?}", picture.findings) };
    let [spot] = &*found.spots else { panic!("{:?}", found.spots) };
    assert_eq!((&*found.cause, spot.replica, found.mild), ("endpoint-removal-race", Some(Replica(0)), false));
    assert!(at(15.1) <= spot.when.0 && spot.when.1 <= at(15.6), "{spot:?}");
    let lane = picture.lanes.iter().find(|lane| lane.replica == Replica(0)).unwrap();
    assert_eq!(lane.failures.iter().map(|failures| failures.count).sum::<u64>(), 20);
    assert!(picture.lanes.iter().filter(|lane| lane.replica != Replica(0)).all(|lane| lane.failures.is_empty()));
    // Both charts of a comparison have room on the same axis.
    let long = Duration::from_mins(1);
    let other = picture::Picture { end: crate::time::Moment::from(long), ..picture.clone() };
    assert!((picture::Axes::of(&[&picture, &other]).at(at(30.0)) - 0.5).abs() < 1e-9);
}
