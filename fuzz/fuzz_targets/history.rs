//! Any file as a history: reading it ends, what was read can be added up, and it reads the same once it is written again.
#![no_main]

use seaworthy_core::history::lines;

libfuzzer_sys::fuzz_target!(|file: &str| {
    let Ok(history) = lines::read(file.lines()) else { return };
    let recording = history.recording();
    let _judged_from = (recording.ended(), recording.response_times().quantile(0.99), recording.timeline().count());
    let written = lines::all(&history);
    let again = lines::read(written.lines()).expect("what was written is read");
    assert_eq!(lines::all(&again), written);
});
