//! Any file as a history: reading it ends, what was read can be added up and judged, and it reads the same once it is
//! written again.
#![no_main]

use seaworthy_core::{fix, history::lines, verdict::Verdict};

libfuzzer_sys::fuzz_target!(|file: &str| {
    let Ok(history) = lines::read(file.lines()) else { return };
    let recording = history.recording();
    let _judged_from = (recording.ended(), recording.response_times().quantile(0.99), recording.timeline().count());
    let assessment = fix::judged(&history, std::slice::from_ref(&history));
    assert!(history.footer.is_some() || assessment.verdict != Verdict::Pass, "what was cut off is no pass");
    let written = lines::all(&history);
    let again = lines::read(written.lines()).expect("what was written is read");
    assert_eq!(lines::all(&again), written);
});
