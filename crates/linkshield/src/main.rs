//! `linkshield serve`: settings, database, accounts, port, serve, drain; `make-admin`, `find-account` and
//! `breached-passwords`. Everything else is in the library.

mod account_place;
mod backstage;
mod breached_passwords;
mod find_account;
mod make_admin;

use std::{error::Error, io::Write, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use linkshield::{
    api::App,
    server::{BindError, Pruner, Server, Signals},
    service::CheckService,
    settings::{RawSettings, Settings},
    store::{RetentionLimits, StorePlace},
    telemetry::{causes, log_panics, start_logs},
};
use shield_data::StorageFault;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::{
    backstage::open_accounts,
    breached_passwords::{BreachedPasswords, breached_passwords},
    find_account::{FindAccount, find_account},
    make_admin::{MakeAdmin, make_admin},
};

/// A setting or an argument was not accepted; clap uses the same code.
const EXIT_SETTINGS: u8 = 2;
/// The port, the data directory or the database could not be used.
const EXIT_START: u8 = 3;
/// Requests or unread answers were cut at the drain deadline.
const EXIT_CUT: u8 = 4;
/// A second signal ended the process at once.
const EXIT_IMPATIENT: u8 = 130;

/// What helps where a disk is full.
const FULL_HINT: &str = "free space on this disk, then try again; what was kept before is not harmed";

/// How long threads of the runtime may take to end.
const RUNTIME_TIMEOUT: Duration = Duration::from_secs(1);

/// A link-safety backend: URL in; verdict, risk score and evidence out.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API until SIGTERM or SIGINT, then finish what has begun.
    #[command(after_help = EXIT_CODES)]
    Serve(Box<RawSettings>),
    /// Make a registered account the first administrator.
    #[command(after_help = MAKE_ADMIN_EXIT_CODES)]
    MakeAdmin(MakeAdmin),
    /// Show the id of an account, and how it stands.
    #[command(after_help = FIND_ACCOUNT_EXIT_CODES)]
    FindAccount(FindAccount),
    /// Make the filter of `serve --breached-passwords` from a list.
    #[command(after_help = BREACHED_EXIT_CODES)]
    BreachedPasswords(BreachedPasswords),
}

const EXIT_CODES: &str =
    "Exit codes: 0 ended after every request was answered; 2 a setting was not accepted; \
3 port, data directory or database could not be used; 4 requests or unread answers were cut at the drain deadline; \
130 a second signal ended the process at once.
Durations are a whole number and a unit: 500ms, 30s, 5m, 12h, 30d.
Whoever reaches the port can check single URLs; the rest asks for an account.
The file of the master key is as secret as all accounts together; keep a copy of it, apart from the database.";

const MAKE_ADMIN_EXIT_CODES: &str =
    "Exit codes: 0 done; 2 an argument was not accepted, or there is no database; \
3 the database could not be used; 5 no account has this address.
The account becomes a super administrator's that may be used, whether or not its address was verified.
Processes that serve meanwhile know it within moments; an access token from before has to be refreshed.";

const FIND_ACCOUNT_EXIT_CODES: &str = "Exit codes: 0 found; 2 an argument was not accepted, or there is no database; \
3 the database could not be used; 5 no account has this address.";

const BREACHED_EXIT_CODES: &str =
    "Exit codes: 0 done; 2 an argument was not accepted; 3 the list could not be read, or the filter not be written.
The filter takes two bytes per password, on disk and in the memory of `serve`.";

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(raw) => serve_as_set(*raw),
        Command::MakeAdmin(arguments) => make_admin(&arguments),
        Command::FindAccount(arguments) => find_account(&arguments),
        Command::BreachedPasswords(arguments) => breached_passwords(&arguments),
    }
}

fn serve_as_set(raw: RawSettings) -> ExitCode {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let settings = match raw.resolve(variables) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("error: {error}");
            error.problems.iter().for_each(|problem| eprintln!("  caused by: {problem}"));
            eprintln!("  hint: `linkshield serve --help` lists every setting with its default");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    start_logs(EnvFilter::new(&settings.log));
    log_panics();
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, "the system gave no threads or timers to the process"),
    };
    let code = run(&runtime, &settings);
    runtime.shutdown_timeout(RUNTIME_TIMEOUT);
    code
}

fn run(runtime: &Runtime, settings: &Settings) -> ExitCode {
    runtime.block_on(async {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return failed(&error, "the system did not let the process listen for signals"),
        };
        let limits = RetentionLimits { age_max: settings.retention, rows_max: settings.checks_max };
        let opened = tokio::select! {
            opened = settings.database.open(&settings.data) => opened,
            signal = signals.next() => {
                tracing::info!(signal, "ended before the database was open");
                return ExitCode::SUCCESS;
            }
        };
        let store = match opened {
            Ok(store) => store,
            Err(error) => return failed(&error, store_hint(&settings.database)),
        };
        let service = CheckService::new(store.clone(), limits);
        let opened = tokio::select! {
            opened = open_accounts(&store, settings) => opened,
            signal = signals.next() => {
                tracing::info!(signal, "ended before the accounts were open");
                return ExitCode::SUCCESS;
            }
        };
        let (accounts, backstage) = match opened {
            Ok(opened) => opened,
            Err(code) => return code,
        };
        let app = App::new(service, accounts, settings.environment, settings.request_timeout);
        let server = match Server::bind(app.clone(), settings.address, settings.connections_max).await {
            Ok(server) => server,
            Err(error) => return failed(&error, bind_hint(&error)),
        };
        if let Err(error) = announce(&server, settings) {
            return failed(&error, "the system did not tell which port it gave");
        }
        let pruner = Pruner::start(app);
        let code = serve(server, settings, &mut signals).await;
        pruner.stop().await;
        backstage.finish().await;
        store.close().await;
        code
    })
}

async fn serve(server: Server, settings: &Settings, signals: &mut Signals) -> ExitCode {
    let (first, after_first) = tokio::sync::oneshot::channel();
    let shutdown = async {
        // The sender is dropped only after it has sent.
        let _received = after_first.await;
    };
    let impatience = async {
        let name = signals.next().await;
        tracing::info!(
            signal = name,
            drain_timeout_s = settings.drain_timeout.as_secs_f64(),
            "signal received"
        );
        let _server_waits = first.send(());
        signals.next().await
    };
    tokio::select! {
        report = server.run(shutdown, settings.drain_timeout) => {
            let cut = report.total();
            tracing::info!(cut, "ended");
            if cut == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CUT) }
        }
        signal = impatience => {
            tracing::warn!(signal, "second signal, ending at once");
            #[expect(clippy::disallowed_methods, reason = "a second signal ends the process at once, drained or not")]
            std::process::exit(EXIT_IMPATIENT.into())
        }
    }
}

fn announce(server: &Server, settings: &Settings) -> std::io::Result<()> {
    let address = server.address()?;
    tracing::info!(
        %address,
        environment = settings.environment.as_str(),
        data = %settings.data.display(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    // Whoever started this may have closed its output; the log line above says the same.
    let _written = writeln!(std::io::stdout(), "LinkShield listens on http://{address}");
    Ok(())
}

fn store_hint(place: &StorePlace) -> &'static str {
    match place {
        StorePlace::File => "`--data DIR` (LINKSHIELD_DATA) chooses another directory",
        StorePlace::Postgres(_) => "`--database ADDRESS` (LINKSHIELD_DATABASE) chooses another database",
    }
}

fn bind_hint(error: &BindError) -> &'static str {
    match error.source.kind() {
        std::io::ErrorKind::AddrInUse => "another process has this port; `--port 0` picks a free one",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher `--port`",
        std::io::ErrorKind::AddrNotAvailable => {
            "no interface has this address; `--address 127.0.0.1` always works"
        }
        _ => "`--address` and `--port` choose another place to listen",
    }
}

/// A full disk has a hint of its own, wherever it shows.
fn failed(error: &(dyn Error + 'static), hint: &str) -> ExitCode {
    let full = StorageFault::of(error) == Some(StorageFault::Full);
    eprintln!("error: {error}");
    causes(error).iter().for_each(|cause| eprintln!("  caused by: {cause}"));
    eprintln!("  hint: {}", if full { FULL_HINT } else { hint });
    ExitCode::from(EXIT_START)
}
