//! Many failures of which nobody knows where they went, over many replicas: what is asked of each stays bounded.

use super::super::context::Context;
use crate::{
    assessment::sample::{Ending, Failing, Sample, at},
    event::Release,
    history::History,
    lives::Lives,
};

/// Two hundred replicas, each replaced in its turn.
fn many() -> History {
    let mut sample = Sample::baseline();
    for replica in 0..200 {
        let from = 20.0 + f64::from(replica) * 10.0;
        sample.up(from, replica + 10, 2, Release::Good).down(from + 5.0, replica + 10, Ending::AT_ONCE);
    }
    sample.fail(Failing::refused(5.0, 0));
    sample.history()
}

#[test]
fn only_those_that_began_or_ended_just_then_are_suspects() {
    let history = many();
    let lives = Lives::of(&history);
    let context = Context::of(&history, &lives, &[]);
    for second in [30.0, 900.0, 1_500.0] {
        let suspects = context.suspects(at(second), at(second + 0.1)).len();
        // Each is remembered for a minute, and those that never answered for good.
        assert!(suspects <= 200 && suspects > 0, "{second}: {suspects}");
    }
    assert!(context.suspects(at(8.0), at(8.1)).len() <= 3);
}
