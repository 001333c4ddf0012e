//! Shows the console with a made-up system: `cargo run -p seaworthy-console --example demo [ADDRESS] [--sqlite] [--token TOKEN]`.

#[path = "world.rs"]
mod world;

use std::{
    io::Write as _,
    net::TcpListener,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use seaworthy_console::{Command, Console, Settings};
use seaworthy_core::event::Replica;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at},
};
use world::{Store, World};

/// How much of the past it begins with, so that there is something to see.
const PAST_S: u64 = 280;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1).cloned();
    let store = if arguments.iter().any(|argument| argument == "--sqlite") { Store::Sqlite } else { Store::MariaDb };
    let address = arguments.first().filter(|first| !first.starts_with('-')).map_or("127.0.0.1:8081", String::as_str);
    let token = after("--token");
    let (commands, mut asked) = mpsc::channel(4);
    let title = match store {
        Store::Sqlite => "a made-up service on SQLite",
        Store::MariaDb => "a made-up service on MariaDB",
    };
    let settings = Settings { title: title.to_owned(), token, ..Settings::default() };
    let console = Console::new(TcpListener::bind(address)?, settings, commands)?;
    writeln!(std::io::stdout(), "{}", console.url())?;

    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut world = World::new(store, now_ms - PAST_S * 1000, 1);
    for second in 0..PAST_S {
        console.publish(world.step());
        let scripted = match second {
            60 => Some(Command::RollOut {}),
            130 => Some(Command::Kill { replica: Replica(5) }),
            190 => Some(Command::Freeze { replica: Replica(4), seconds: 6 }),
            240 => Some(Command::BadRelease {}),
            _ => None,
        };
        if let Some(command) = scripted {
            world.ask(command, "the schedule");
        }
    }
    let mut seconds = interval_at(Instant::now() + Duration::from_secs(1), Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                console.publish(world.step());
            }
            asked = asked.recv() => {
                let Some(asked) = asked else { return Ok(()) };
                // Whoever asked may have gone.
                let _gone = asked.answer.send(world.ask(asked.command, "the page"));
            }
        }
    }
}
