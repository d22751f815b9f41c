//! The test backend as a program. Prints `listening on ADDRESS` to standard output once it is bound.
//!
//! Exit codes: 0 told to stop, 1 died as its behaviour says, 2 wrong flags, 3 `exits-at-start`, 4 could not listen or
//! keep its ledger.

use std::future::pending;
use std::io::Write;
use std::process::{ExitCode, exit};

use clap::Parser;
use shield_testkit::backend::{BackendEnd, BackendOptions, Behaviour, serve_backend};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

const DIED: u8 = 1;
const EXITED_AT_START: u8 = 3;
const FAILED: u8 = 4;

/// A small HTTP/1.1 backend that can lie, flap, hang and die. For tests of `shield` only.
#[derive(Debug, Parser)]
#[command(name = "testkit-backend", disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    options: BackendOptions,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Line::parse().options;
    if options.behaviour == Behaviour::ExitsAtStart {
        return ExitCode::from(EXITED_AT_START);
    }
    let terminated = match signal(SignalKind::terminate()) {
        Ok(terminated) => terminated,
        Err(error) => return failed("listen for SIGTERM", &error),
    };
    if options.graceful {
        run(options, Some(terminated)).await
    } else {
        tokio::spawn(exit_at_once(terminated));
        run(options, None).await
    }
}

/// The hardest way to stop: whatever is in flight is lost, and the code says success.
async fn exit_at_once(mut terminated: Signal) {
    terminated.recv().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "the hardest backend to ship: it ends at once, mid-request"
    )]
    exit(0);
}

async fn run(options: BackendOptions, terminated: Option<Signal>) -> ExitCode {
    match options.behaviour {
        Behaviour::NeverBinds => return never_bind(terminated).await,
        Behaviour::BindsLate => tokio::time::sleep(options.bind_after).await,
        _ => {}
    }
    let listener = match TcpListener::bind((options.address, options.port)).await {
        Ok(listener) => listener,
        Err(error) => return failed(&format!("listen on {}:{}", options.address, options.port), &error),
    };
    if let Ok(address) = listener.local_addr() {
        // Nobody may be reading; that is no reason to stop serving.
        writeln!(std::io::stdout(), "listening on {address}").ok();
    }
    match serve_backend(options, listener, until_terminated(terminated)).await {
        Ok(BackendEnd::Stopped) => ExitCode::SUCCESS,
        Ok(BackendEnd::Died) => ExitCode::from(DIED),
        Err(error) => failed("serve", &error),
    }
}

async fn never_bind(terminated: Option<Signal>) -> ExitCode {
    until_terminated(terminated).await;
    ExitCode::SUCCESS
}

async fn until_terminated(terminated: Option<Signal>) {
    match terminated {
        Some(mut terminated) => drop(terminated.recv().await),
        None => pending().await,
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> ExitCode {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    // Standard error may be closed; the exit code says enough then.
    writeln!(std::io::stderr(), "testkit-backend: {what}: {error}{source}").ok();
    ExitCode::from(FAILED)
}
