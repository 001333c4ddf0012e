//! What every platform has to do: the same rules, the same drills, put to processes of this machine and to a simulated
//! world.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what it found by panicking")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a rule looks for the events that it is about")]

mod platforms;
mod rules;
mod story;

/// Each rule is put to each platform.
macro_rules! on_each_platform {
    ($($rule:ident),+ $(,)?) => {
        mod on_local_processes {
            $(#[test] fn $rule() { crate::rules::$rule(&crate::platforms::local); })+
        }
        mod in_a_simulated_world {
            $(#[test] fn $rule() { crate::rules::$rule(&crate::platforms::simulated); })+
        }
    };
}

on_each_platform!(
    a_rollout_never_has_too_few_or_too_many,
    clients_hear_of_each_change_later,
    the_grace_period_ends_what_ignores_sigterm,
    pre_stop_comes_before_sigterm,
    what_is_killed_is_restarted_in_its_place,
    what_hangs_is_taken_out_and_comes_back,
    replicas_come_and_go_as_they_are_wanted,
    a_release_that_crashes_is_backed_off_and_rolled_back,
    recreate_has_a_gap,
);
