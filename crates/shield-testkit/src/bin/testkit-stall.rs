//! The stalling server as a program. Prints `listening on ADDRESS` to standard output once it is bound.
//!
//! Exit codes: 2 wrong flags, 4 could not listen or keep its diary. It ends when it is killed.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use shield_testkit::stall::serve_stalling;
use shield_types::parse_duration;
use tokio::net::TcpListener;

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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Line::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code says enough then.
            writeln!(io::stderr(), "testkit-stall: {error}").ok();
            ExitCode::from(FAILED)
        }
    }
}

async fn run(line: Line) -> io::Result<()> {
    let diary = File::create(line.diary)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    serve_stalling(listener, line.run, line.stall, diary).await
}
