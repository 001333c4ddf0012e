//! Distributions over time for HdrHistogram's tools: its interval log, format 1.3.
//!
//! A slot of the timeline has a line for each of these tags under which there was anything: `response` and `service`
//! (times of good answers, and time-outs as at least their time, as everywhere), and `failed` (response times of other
//! requests without a good answer). Times are in
//! nanoseconds; the maximum beside each histogram, which is for people, is in milliseconds. Moments are relative to
//! the start of the run.

use std::time::UNIX_EPOCH;

use hdrhistogram::serialization::{
    V2DeflateSerializeError, V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag},
};

use super::Report;

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    let mut log = Vec::new();
    // Writing to memory does not fail, and what is written has come out of a histogram.
    write(report, &mut log).expect("memory to write to");
    String::from_utf8(log).unwrap_or_default()
}

fn write(report: &Report<'_>, log: &mut Vec<u8>) -> Result<(), IntervalLogWriterError<V2DeflateSerializeError>> {
    let start = UNIX_EPOCH + report.run.unix_began;
    let mut serializer = V2DeflateSerializer::new();
    log.extend_from_slice(b"#[Logged by seaworthy]\n#[Histogram log format version 1.3]\n");
    let mut writer = IntervalLogWriterBuilder::new()
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e6)
        .begin_log_with(log, &mut serializer)?;
    let length = report.recording.slot_length();
    for (begin, slot) in report.recording.timeline() {
        for (tag, times) in
            [("response", slot.response_times()), ("service", slot.service_times()), ("failed", slot.times().failed)]
        {
            if !times.is_empty() {
                writer.write_histogram(times.inner(), begin.since_start(), length, Tag::new(tag))?;
            }
        }
    }
    Ok(())
}
