//! Any bytes as a body, a header or a file: nothing panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| seaworthy_service::fuzz::values(bytes));
