//! The working server as a program. Prints `listening on ADDRESS` to standard output once it is bound.
//!
//! Exit codes: 2 wrong flags, 4 could not listen. It ends when it is killed.

use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use shield_testkit::work::{Work, serve_working};

const FAILED: u8 = 4;

/// A small HTTP/1.1 server whose answers cost a known amount of work. For bars of `shield load` only.
#[derive(Debug, Parser)]
#[command(name = "testkit-work", disable_version_flag = true)]
struct Line {
    /// Rounds of arithmetic before every answer.
    #[arg(long, default_value_t = 0)]
    rounds: u64,
    /// Share of the answers that wait as well.
    #[arg(long, default_value_t = 0.0)]
    wait_share: f64,
    /// How long those wait, in microseconds: half of it to one and a half.
    #[arg(long, default_value_t = 0)]
    wait_us: u64,
}

fn main() -> ExitCode {
    match run(&Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code says enough then.
            writeln!(io::stderr(), "testkit-work: {error}").ok();
            ExitCode::from(FAILED)
        }
    }
}

fn run(line: &Line) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    let wait = Duration::from_micros(line.wait_us);
    serve_working(&listener, Work { rounds: line.rounds, wait_share: line.wait_share, wait })
}
