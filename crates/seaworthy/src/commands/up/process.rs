//! What a replica's first process uses, as `/proc` tells it (`proc(5)`). What cannot be read is not known.

use std::{fs, time::Duration};

/// Clock ticks a second in `/proc/PID/stat`: what every Linux of today says (`sysconf(_SC_CLK_TCK)`).
const TICKS: u64 = 100;

/// What it has used of the processor since it began, and what it has in memory, in bytes.
pub(super) fn used(pid: u32) -> Option<(Duration, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have anything in it, and ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let ticks = number(11)?.checked_add(number(12)?)?;
    let pages = number(21)?;
    let size = u64::try_from(rustix::param::page_size()).ok()?;
    Some((Duration::from_millis(ticks.saturating_mul(1_000 / TICKS)), pages.saturating_mul(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_process_it_is_known() {
        let (_cpu, memory) = used(std::process::id()).unwrap();
        assert!(memory > 1 << 20, "{memory}");
        assert_eq!(used(u32::MAX), None);
    }
}
