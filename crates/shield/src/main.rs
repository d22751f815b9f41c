//! `shield`: takes a web backend to production and keeps it there.
//!
//! Glue only: the command line, output and exit codes. What it does lives in `shield-control` and below.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod cli;
mod commands;
mod context;
mod exit;
mod output;

use clap::{Parser, error::ErrorKind};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let format = cli.output_format;
    if let Err(failure) = start_logging(&cli.command) {
        return failure.tell(format);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(exit::Failure::unexpected("start the async runtime", &error)),
    };
    let outcome = outcome.and_then(|()| match output::write::lost() {
        None => Ok(()),
        Some(error) => Err(exit::Failure::unexpected("print the result", error)),
    });
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => failure.tell(format),
    }
}

/// What is wrong with the command line, or the help that was asked for.
fn usage(error: &clap::Error) -> std::process::ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // A reader that went away is no reason to fail.
    let _ = error.print();
    if asked {
        return Exit::Done.into();
    }
    if cli::json_was_asked_for(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())) {
        exit::Failure::usage(error.to_string().trim()).tell_scripts();
    }
    Exit::Usage.into()
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
        Command::Logs(arguments) => commands::logs::run(&place, &arguments, output).await,
        Command::Evidence(command) => commands::evidence::run(&place, &command, output),
        Command::Load(arguments) => commands::load::run(*arguments, output).await,
        Command::Drill(command) => commands::drill::run(&place, command, output).await,
        Command::FaultGuard => commands::daemon::fault_guard(),
        Command::Control(arguments) => commands::daemon::control(&arguments).await,
        Command::Edge(arguments) => commands::daemon::edge(arguments).await,
    }
}

/// Daemons log JSON lines to stderr, which is their log file. Commands speak through their output instead.
fn start_logging(command: &Command) -> Result<(), exit::Failure> {
    let default = if matches!(command, Command::Control(_) | Command::Edge(_)) { "info" } else { "off" };
    let wanted = std::env::var("SHIELD_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|error| {
        let message = format!("failed to use `SHIELD_LOG={wanted}`: {error}");
        exit::Failure::plain(Exit::Usage, &message, "set it to `info` or `shield_edge=debug`, or unset it")
    })?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // On a full disk it would complain on stderr, which is the same file, and panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
