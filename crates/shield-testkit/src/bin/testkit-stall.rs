//! The stalling server as a program. Prints `listening on ADDRESS` to standard output once it is bound.
//!
//! Exit codes: 2 wrong flags, 4 could not listen or keep its diary. It ends when it is killed.

use std::fs::File;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use shield_testkit::stall::StallServer;
use shield_types::parse_duration;

const FAILED: u8 = 4;

/// A small HTTP/1.1 server that stands still on a schedule. For bars of `shield load` only.
#[derive(Debug, Parser)]
#[command(name = "testkit-stall", disable_version_flag = true)]
struct Line {
    /// How long it answers between two stalls.
    #[arg(long, value_parser = parse_duration, default_value = "9s")]
    run: Duration,
    /// How long it stands still.
    #[arg(long, value_parser = parse_duration, default_value = "1s")]
    stall: Duration,
    /// Where it writes down when it stood still.
    #[arg(long)]
    diary: PathBuf,
}

fn main() -> ExitCode {
    match run(Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code says enough then.
            writeln!(io::stderr(), "testkit-stall: {error}").ok();
            ExitCode::from(FAILED)
        }
    }
}

fn run(line: Line) -> io::Result<()> {
    let diary = File::create(line.diary)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = StallServer::new(listener)?;
    writeln!(io::stdout(), "listening on {address}")?;
    server.serve(line.run, line.stall, diary)
}
