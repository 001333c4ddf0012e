//! What proves that a drill happened. Without it nothing is known of what it would have done.

use super::{allowance, balance, flooded, network, windows::Window};
use crate::{
    drill::Drill,
    event::{Event, Exit, Release, Replica},
    history::History,
    lives::{Life, Lives, Rollout},
    time::Moment,
};

/// What proves that it happened, or what is missing of it.
pub(super) fn happened(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    if let Some(why) = window.broken {
        return Err(why.to_owned());
    }
    match window.drill {
        Drill::Baseline => Ok(format!("nothing was done for {:.1} s", window.until.since(window.begun).as_secs_f64())),
        Drill::Rollout => rollout(window, lives),
        Drill::Terminate => terminate(window, lives),
        Drill::Kill => kill(window, lives),
        Drill::Freeze => freeze(window, lives),
        Drill::ScaleDown => scale_down(window, history, lives),
        Drill::ScaleUp => scale_up(window, history, lives),
        Drill::BadRelease => bad_release(window, lives),
        Drill::Overload | Drill::Liveness => flooded::happened(window, history, lives),
        Drill::SlowStart => slow_start(window, lives),
        Drill::Balance => balance::happened(window, history, lives),
        Drill::DatabaseRestart => database_restart(window, history, lives),
        Drill::Network => network::happened(window, history),
    }
}

pub(super) fn within(window: &Window<'_>, at: Moment) -> bool {
    (window.begun..=window.until).contains(&at)
}

/// The replica that a drill picked, as far as it did.
fn picked<'a>(window: &Window<'_>, lives: &'a Lives) -> Result<(Moment, &'a Life), String> {
    let (at, replica) = window.disturbed.ok_or("it never disturbed")?;
    let replica = replica.ok_or("it picked no replica")?;
    let life = lives.get(replica).ok_or_else(|| format!("nothing is known of {replica}, which it picked"))?;
    Ok((at, life))
}

/// A replica that came to be after the disturbance, and was available within the drill.
fn replacement(window: &Window<'_>, lives: &Lives, since: Moment) -> Option<Replica> {
    let new = |life: &&Life| {
        life.created.is_some_and(|created| created >= since) && life.available.iter().any(|at| within(window, *at))
    };
    lives.all().find(new).map(|life| life.replica)
}

fn rollouts<'a>(window: &Window<'_>, lives: &'a Lives) -> impl Iterator<Item = &'a Rollout> {
    let (from, to) = (window.begun, window.until);
    lives.rollouts().iter().filter(move |rollout| (from..=to).contains(&rollout.begun))
}

fn rollout(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let rollout = rollouts(window, lives).find(|rollout| rollout.release == Release::Good);
    let rollout = rollout.ok_or("no rollout began")?;
    let done = rollout.done.filter(|done| within(window, *done));
    let done = done.ok_or_else(|| format!("the rollout to {} was never complete", rollout.revision))?;
    let old: Vec<&Life> = lives.all().filter(|life| life.view.around(rollout.begun).is_some()).collect();
    let ended = |life: &&&Life| {
        let told = life.terminating.map(|(at, _)| at).filter(|at| within(window, *at));
        told.is_some_and(|told| life.exit_after(told).is_some())
    };
    if old.is_empty() {
        return Err("no replica served before the rollout".to_owned());
    }
    if let Some(left) = old.iter().find(|life| !ended(life)) {
        return Err(format!("{} served before the rollout, and did not end by it", left.replica));
    }
    let took = done.since(rollout.begun).as_secs_f64();
    Ok(format!("all {} old replicas ended, and {} was complete after {took:.1} s", old.len(), rollout.revision))
}

fn terminate(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let (at, life) = picked(window, lives)?;
    let told = life.terminating.map(|(at, _)| at).filter(|told| within(window, *told));
    let told = told.ok_or_else(|| format!("{} was never told to end", life.replica))?;
    let (ended, exit) = life.exit_after(told).ok_or_else(|| format!("{} did not end", life.replica))?;
    let new = replacement(window, lives, at).ok_or_else(|| format!("nothing took the place of {}", life.replica))?;
    let after = ended.since(told).as_secs_f64();
    Ok(format!("{} ended {after:.2} s after it was told to ({}), and {new} took its place", life.replica, words(exit)))
}

/// How a process ended, in words.
pub(super) fn words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}, exit code {}", exit.code()),
    }
}

fn kill(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let (_, life) = picked(window, lives)?;
    let sent = allowance::killed(window, life).ok_or_else(|| format!("{} was never sent SIGKILL", life.replica))?;
    let died = life.exit_after(sent).filter(|(_, exit)| *exit == Exit::Signal(9));
    let (died, _) = died.ok_or_else(|| format!("{} did not die of SIGKILL", life.replica))?;
    let again = life.ready.next_begin(died).filter(|at| within(window, *at));
    if let Some(again) = again {
        let after = again.since(sent).as_secs_f64();
        return Ok(format!("{} died of SIGKILL, and was ready again {after:.2} s after it", life.replica));
    }
    let new = replacement(window, lives, sent).ok_or_else(|| format!("{} was never ready again", life.replica))?;
    Ok(format!("{} died of SIGKILL, and {new} took its place", life.replica))
}

fn freeze(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let (_, life) = picked(window, lives)?;
    let span = life.frozen.all().iter().find(|span| within(window, span.from));
    let span = span.ok_or_else(|| format!("nothing shows that {} was frozen", life.replica))?;
    // A frozen process that is killed meanwhile is never thawed, but it was frozen until then.
    let until = span.to.or_else(|| life.exit_after(span.from).map(|(at, _)| at));
    let until = until.ok_or_else(|| format!("nothing shows that {} ran again", life.replica))?;
    Ok(format!("{} did not run for {:.1} s", life.replica, until.since(span.from).as_secs_f64()))
}

fn scaled(window: &Window<'_>, history: &History, down: bool) -> Option<(Moment, u32, u32)> {
    history.events.iter().find_map(|(at, event)| {
        let Event::Scaled { from, to } = event else { return None };
        (within(window, *at) && from != to && (to < from) == down).then_some((*at, *from, *to))
    })
}

fn scale_down(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    let (at, from, to) = scaled(window, history, true).ok_or("it was never scaled down")?;
    let gone = lives.all().find(|life| {
        let told = life.terminating.is_some_and(|(told, _)| told >= at);
        told && life.gone.is_some_and(|gone| within(window, gone))
    });
    let gone = gone.ok_or("no replica ended by it")?;
    Ok(format!("scaled from {from} to {to}, and {} is gone", gone.replica))
}

fn scale_up(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    let (at, from, to) = scaled(window, history, false).ok_or("it was never scaled up")?;
    let new = replacement(window, lives, at).ok_or("no replica became available by it")?;
    let life = lives.get(new).ok_or("nothing is known of the new replica")?;
    let answers: u64 = life.answers.range(window.begun..window.until.max(window.begun)).map(|(_, count)| count).sum();
    if answers == 0 {
        return Err(format!("{new} became available, and never answered a request"));
    }
    Ok(format!("scaled from {from} to {to}, and {new} answered {answers} requests"))
}

fn bad_release(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let bad = rollouts(window, lives).find(|rollout| rollout.release == Release::Bad);
    let bad = bad.ok_or("no broken release was rolled out")?;
    let back = rollouts(window, lives)
        .find(|rollout| rollout.release == Release::Good && rollout.back && rollout.begun >= bad.begun);
    let back = back.ok_or("the broken release was never rolled back")?;
    let done = back.done.filter(|done| within(window, *done)).ok_or("the rollback was never complete")?;
    let stayed = back.begun.since(bad.begun).as_secs_f64();
    let took = done.since(back.begun).as_secs_f64();
    Ok(format!("a broken release was rolled out for {stayed:.1} s, and rolled back in {took:.1} s"))
}

/// The replacement hung as it started, and then came to be available.
fn slow_start(window: &Window<'_>, lives: &Lives) -> Result<String, String> {
    let (at, life) = picked(window, lives)?;
    let hung = |new: &&Life| new.frozen.all().iter().any(|span| span.from >= at && within(window, span.from));
    let new = lives.all().filter(|new| new.created.is_some_and(|created| created >= at)).find(hung);
    let new = new.ok_or_else(|| format!("nothing shows that a replacement of {} hung as it started", life.replica))?;
    let span = new.frozen.all().iter().find(|span| span.from >= at).ok_or("nothing shows when it hung")?;
    let until = span.to.or_else(|| new.exit_after(span.from).map(|(ended, _)| ended));
    let until = until.ok_or_else(|| format!("nothing shows that {} ran again", new.replica))?;
    let there = new.available.iter().find(|at| **at >= until && within(window, **at));
    let there = there.ok_or_else(|| format!("{} was never available after it", new.replica))?;
    let took = there.since(until).as_secs_f64();
    let stood = until.since(span.from).as_secs_f64();
    Ok(format!("{} did not run for {stood:.1} s as it started, and was available {took:.1} s later", new.replica))
}

/// The database died of SIGKILL, and took connections again.
fn database_restart(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    let (killed, _) = window.disturbed.ok_or("it never disturbed")?;
    let died = history.events.iter().find_map(|(at, event)| {
        let Event::DatabaseDown { exit: Some(Exit::Signal(9)) } = event else { return None };
        (*at >= killed && within(window, *at)).then_some(*at)
    });
    let died = died.ok_or("nothing shows that the database died of SIGKILL")?;
    let back = lives.database_up().next_begin(died).filter(|back| within(window, *back));
    let back = back.ok_or("nothing shows that the database took connections again")?;
    Ok(format!(
        "the database died of SIGKILL, and took connections again after {:.1} s",
        back.since(killed).as_secs_f64()
    ))
}

/// Replicas of a broken release that clients saw in a drill.
pub(super) fn exposed(window: &Window<'_>, lives: &Lives) -> Vec<Replica> {
    let bad = |life: &&Life| life.release == Some(Release::Bad) && life.view.any(window.begun, window.until);
    lives.all().filter(bad).map(|life| life.replica).collect()
}

/// Replicas that were ended or killed in a drill, and that clients had seen before.
pub(super) fn terminations(window: &Window<'_>, lives: &Lives) -> u64 {
    let ended = |life: &&Life| {
        let told = life.terminating.map(|(at, _)| at).filter(|at| within(window, *at));
        let at = told.or_else(|| allowance::killed(window, life));
        at.is_some_and(|at| life.view.all().iter().any(|span| span.from <= at))
    };
    lives.all().filter(ended).count() as u64
}
