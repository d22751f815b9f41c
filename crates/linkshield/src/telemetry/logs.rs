//! Logs: one JSON object per line on stderr. URLs that people check are never logged: they can hold secrets.
//!
//! Caveat: a line is written before the request goes on, so nothing is lost at an abrupt end, and a reader of stderr
//! that stops reading stops the backend once the pipe is full. Send stderr to a file, as `shield` does. A reader that
//! is gone costs the log, never the service.

use std::panic;

use tracing_subscriber::EnvFilter;

/// Sends every event that passes `filter` to stderr.
pub fn start_logs(filter: EnvFilter) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Its complaint about a broken stderr goes to stderr, and panics.
        .log_internal_errors(false)
        .finish();
    // A second call, as tests in one process make, keeps the first subscriber.
    let _already_set = tracing::subscriber::set_global_default(subscriber);
}

/// Turns panic messages into log lines, so that stderr stays one JSON object per line.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
}
