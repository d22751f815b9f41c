//! `shield`: takes a web backend to production and keeps it there.
//!
//! Glue only: the command line, output and exit codes. What it does lives in `shield-control` and below.

mod cli;
mod commands;
mod context;
mod exit;
mod output;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.command);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(exit::Failure::unexpected("start the async runtime", &error)),
    };
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => failure.report(),
    }
}

async fn run(cli: Cli) -> Result<(), exit::Failure> {
    let output = cli.output_format;
    let place = cli.place;
    match cli.command {
        Command::Init(arguments) => commands::init::run(&place, &arguments, output),
        Command::Ship => commands::ship::run(&place, output).await,
        Command::Up(arguments) => commands::up::run(&place, &arguments, output).await,
        Command::Down => commands::down::run(&place, output).await,
        Command::Release(arguments) => commands::release::run(&place, &arguments, output).await,
        Command::Rollback(arguments) => commands::rollback::run(&place, arguments, output).await,
        Command::Status => commands::status::run(&place, output).await,
        Command::History => commands::history::run(&place, output).await,
        Command::Logs(arguments) => commands::logs::run(&place, &arguments).await,
        Command::Evidence(command) => commands::evidence::run(&place, &command, output),
        Command::Control(arguments) => commands::daemon::control(&arguments).await,
        Command::Edge(arguments) => commands::daemon::edge(arguments).await,
    }
}

/// Daemons log JSON lines to stderr, which is their log file. Commands speak through their output instead.
fn start_logging(command: &Command) {
    let default = if matches!(command, Command::Control(_) | Command::Edge(_)) { "info" } else { "off" };
    let filter = EnvFilter::try_from_env("SHIELD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // On a full disk it would complain on stderr, which is the same file, and panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
