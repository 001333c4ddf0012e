//! Where log lines go: to stdout, through a queue, so that whoever reads them too slowly cannot stall the
//! service. Lines that do not fit are counted.

use std::io::{self, IsTerminal as _};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait to be written.
const QUEUE: usize = 64 * 1024;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For machines: an object a line.
    Json,
}

impl Format {
    /// `text` or `json`; an empty string is text on a terminal and JSON otherwise.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "" if io::stdout().is_terminal() => Ok(Self::Text),
            "" | "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("is neither; give text or json"),
        }
    }
}

/// Writes what is left when it is dropped.
pub(crate) struct Logs {
    _writes_the_rest: WorkerGuard,
    pub(crate) dropped: ErrorCounter,
}

/// Starts logging for the whole process. `filter` is a level, or directives of `tracing`'s `EnvFilter`.
pub(crate) fn start(format: Format, filter: EnvFilter, color: bool) -> Logs {
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(QUEUE).lossy(true).finish(io::stdout());
    let dropped = writer.error_counter();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // Fails only if the process logs already, and then it does.
    let _already = match format {
        Format::Text => tracing::subscriber::set_global_default(
            builder.with_ansi(color && io::stdout().is_terminal()).with_target(false).finish(),
        ),
        Format::Json => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).with_target(false).finish())
        }
    };
    Logs { _writes_the_rest: guard, dropped }
}
