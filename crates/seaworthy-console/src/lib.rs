//! The live console of `seaworthy up`: a page that shows a system as it runs, and hands on what is asked of it.
//!
//! It is given a [`model::Snapshot`] once a second, and gives back [`Asked`] over a bounded channel. It knows nothing of
//! processes, load, TLS, or how a drill is carried out.
//!
//! ```no_run
//! # async fn up(snapshot: seaworthy_console::model::Snapshot) -> Result<(), Box<dyn std::error::Error>> {
//! use seaworthy_console::{Answer, Console, Settings};
//!
//! let (commands, mut asked) = tokio::sync::mpsc::channel(4);
//! let listener = std::net::TcpListener::bind("127.0.0.1:8081")?;
//! let console = Console::new(listener, Settings::default(), commands)?;
//! console.publish(snapshot);
//! while let Some(asked) = asked.recv().await {
//!     let _gone = asked.answer.send(Answer::Refused("not today".to_owned()));
//! }
//! # Ok(())
//! # }
//! ```

mod assets;
mod body;
mod command;
mod console;
mod guard;
mod hub;
pub mod model;
mod secret;
mod server;
mod wire;

pub use command::{Answer, Asked, Command, MAX_FREEZE_S};
pub use console::{Console, ConsoleError, Settings, Stats};
