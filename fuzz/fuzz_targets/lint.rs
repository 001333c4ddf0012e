//! Any text is linted, or refused with its line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_lint::{Source, lint, report};

fuzz_target!(|text: &str| {
    let found = lint(&[Source { name: "fuzz.yaml", text }]);
    let _text = report::text(&found);
    let _json = report::json(&found);
    let _sarif = report::sarif(&found, "0.0.0");
});
