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

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let format = cli.output_format;
    if let Err(failure) = start_logging(&cli.command) {
        return failure.tell(format);
    }
    let outcome = run(cli);
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
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that went away is no reason to fail.
        let _ = error.print();
        return Exit::Done.into();
    }
    let arguments = || std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let said = cli::without_keys(error.render().ansi().to_string(), arguments());
    output::write::to_stderr(format_args!("{said}"));
    if cli::json_was_asked_for(arguments()) {
        exit::Failure::usage(cli::without_keys(error.to_string(), arguments()).trim()).tell_scripts();
    }
    Exit::Usage.into()
}

fn run(cli: Cli) -> Result<(), exit::Failure> {
    let output = cli.output_format;
    let place = cli.place;
    match cli.command {
        Command::Init(arguments) => commands::init::run(&place, &arguments, output),
        Command::Ship => wait(commands::ship::run(&place, output)),
        Command::Up(arguments) => wait(commands::up::run(&place, &arguments, output)),
        Command::Down => wait(commands::down::run(&place, output)),
        Command::Release(arguments) => wait(commands::release::run(&place, &arguments, output)),
        Command::Rollback(arguments) => wait(commands::rollback::run(&place, arguments, output)),
        Command::Status => wait(commands::status::run(&place, output)),
        Command::History => wait(commands::history::run(&place, output)),
        Command::Logs(arguments) => wait(commands::logs::run(&place, &arguments, output)),
        Command::Evidence(command) => commands::evidence::run(&place, &command, output),
        Command::Load(arguments) => wait(commands::load::run(*arguments, output)),
        Command::Audit(arguments) if arguments.mend.fix => {
            wait(commands::audit::fix(place, arguments, output))
        }
        Command::Audit(arguments) => commands::audit::run(&place, &arguments, output),
        Command::Bench(arguments) => wait(commands::bench::run(&place, arguments, output)),
        Command::Drill(command) => wait(commands::drill::run(&place, command, output)),
        Command::FaultGuard => commands::daemon::fault_guard(),
        Command::Control(arguments) => wait(commands::daemon::control(&arguments)),
        Command::Edge(arguments) => wait(commands::daemon::edge(arguments)),
    }
}

/// Runs a command that waits for others. The guard of faults must not be run by it: it brings a runtime of its own.
fn wait(command: impl Future<Output = Result<(), exit::Failure>>) -> Result<(), exit::Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| exit::Failure::unexpected("start the async runtime", &error))?.block_on(command)
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
