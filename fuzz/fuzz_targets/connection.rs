//! Any bytes on a connection: nothing panics, and the connection ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| seaworthy_service::fuzz::connection(bytes));
