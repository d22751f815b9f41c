//! The quick server as a program. Prints `listening on ADDRESS` to standard output once it is bound.
//!
//! Exit codes: 2 wrong flags, 4 could not listen. It ends when it is killed.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shield_testkit::quick::{Arrivals, keep_arrivals, serve_http1, serve_http2};
use tokio::net::TcpListener;

const FAILED: u8 = 4;

/// An HTTP server that does next to nothing per request. For bars of `shield load` only.
#[derive(Debug, Parser)]
#[command(name = "testkit-quick", disable_version_flag = true)]
struct Line {
    /// Speak HTTP/2 by prior knowledge instead of HTTP/1.1.
    #[arg(long)]
    http2: bool,
    /// Where it writes down when each HTTP/1.1 request arrived.
    #[arg(long, conflicts_with = "http2")]
    arrivals: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Line::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code says enough then.
            writeln!(io::stderr(), "testkit-quick: {error}").ok();
            ExitCode::from(FAILED)
        }
    }
}

async fn run(line: Line) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    match line.arrivals {
        _ if line.http2 => serve_http2(listener).await,
        None => serve_http1(listener, None).await,
        Some(path) => {
            let (arrivals, file) = (Arrivals::default(), File::create(path)?);
            tokio::select! {
                ended = serve_http1(listener, Some(arrivals.clone())) => ended,
                ended = keep_arrivals(arrivals, file) => ended,
            }
        }
    }
}
