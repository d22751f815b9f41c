//! `shield-bars NAME`: measures one claim of the documents, from outside, with the programs that ship.
//!
//! A bar prints what it measures and with which settings, and ends with one line `NAME: figure (bar: …)`. It exits with 0
//! only if the bar holds: 1 means that it does not, or that it could not be measured; 2 is a wrong command line.
//!
//! Every bar works in a temporary directory of its own, on ports of its own, and leaves no process behind, also when it
//! fails or is interrupted.

mod bars;
mod harness;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use bars::{BARS, Bar, Options};
use harness::{Result, Trouble, Verdict, chain};

/// The one that `shield` has: what is measured in this process is what its users run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures one claim and says whether it holds.
#[derive(Debug, Parser)]
#[command(name = "scripts/bar", disable_version_flag = true)]
struct Line {
    /// The bar to measure.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Name every bar.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    let line = Line::parse();
    if line.list {
        BARS.iter().for_each(|bar| println!("{:22} {}", bar.name, bar.claim));
        return ExitCode::SUCCESS;
    }
    let name = line.name.unwrap_or_default();
    let Some(bar) = BARS.iter().find(|bar| bar.name == name) else {
        eprintln!("error: no bar is called `{name}`\n  hint: `scripts/bar --list` names them");
        return ExitCode::from(2);
    };
    conclude(bar, measure(bar, &line.options).await)
}

/// Measures until the end, or until somebody interrupts: dropping the work stops what it started.
async fn measure(bar: &Bar, options: &Options) -> Result<Verdict> {
    let mut terminated =
        signal(SignalKind::terminate()).map_err(|error| Trouble::caused("listen for SIGTERM", error))?;
    tokio::select! {
        verdict = bars::run(bar, options) => verdict,
        _ = tokio::signal::ctrl_c() => Err(Trouble::new("go on: interrupted")),
        _ = terminated.recv() => Err(Trouble::new("go on: told to end")),
    }
}

fn conclude(bar: &Bar, verdict: Result<Verdict>) -> ExitCode {
    let (figure, holds) = match verdict {
        Ok(verdict) => {
            verdict.broken.iter().for_each(|demand| println!("  NOT MET: {demand}"));
            (verdict.figure, verdict.broken.is_empty())
        }
        Err(error) => {
            eprintln!("error: failed to {}", chain(&error));
            ("not measured".to_owned(), false)
        }
    };
    println!("{}: {figure} (bar: {})", bar.name, bar.claim);
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
