use super::*;
use crate::{
    outcome::{Outcome, Phase},
    sample::{answer, answers, failure, record},
};

fn generator(cpu_ms: u64) -> Generator {
    Generator {
        threads: 2,
        cpu: Duration::from_millis(cpu_ms),
        busy_for: Duration::from_secs(1),
        descriptors: Some((1_024, 1_024)),
        ports: Some((28_232, 28_232)),
        ..Generator::default()
    }
}

fn texts(generator: &Generator, recording: &Recording, closed_loop: bool) -> Vec<String> {
    limits(generator, recording, closed_loop).into_iter().map(|limit| limit.text).collect()
}

#[test]
fn one_that_kept_up_limited_nothing() {
    assert_eq!(texts(&generator(1_990), &record(answers(200)), false), [""; 0]);
    assert_eq!(texts(&generator(1_890), &record(answers(200)), true), [""; 0]);
}

#[test]
fn one_that_was_late_says_how_late() {
    let late = |n| Outcome { begun: answer(n, 0).due + Duration::from_millis(23), ..answer(n, 30_000) };
    let recording = record((0..100).map(late).collect());
    let said = "it was late: p99 of the send lag was 23.0ms (at most 10ms is fair); use --threads, a quieter machine \
                or a lower rate";
    assert_eq!(texts(&generator(0), &recording, false), [said]);
    // In a closed loop nothing is due before it is sent.
    assert_eq!(texts(&generator(0), &recording, true), [""; 0]);
}

#[test]
fn what_this_machine_lacks_is_not_the_targets_fault() {
    let mut outcomes = answers(10);
    outcomes.push(failure(10, 50, Phase::Connect, FailureKind::NoPort, "EADDRNOTAVAIL"));
    outcomes.push(failure(11, 50, Phase::Connect, FailureKind::NoDescriptor, "EMFILE"));
    outcomes.push(failure(12, 50, Phase::Connect, FailureKind::NoDescriptor, "ENFILE"));
    let mut recording = record(outcomes);
    recording.not_sent = 1_200;
    assert_eq!(
        texts(&generator(0), &recording, false),
        [
            "it had no free source port for 1 request (there are 28,232); use keep-alive or more source addresses",
            "it had no free file descriptor for 2 requests (the limit is 1,024); raise the limit with `ulimit -n`",
            "it never sent 1,200 requests since no connection came free; raise --max-connections, but a target that no \
         longer answers causes this too",
        ]
    );
}

#[test]
fn a_closed_loop_without_idle_time_is_the_limit() {
    let said = "the generator's own 2 threads were busy all the time (97% of it): the target may be able to do more; \
                use --threads";
    assert_eq!(texts(&generator(1_940), &record(answers(10)), true), [said]);
}
