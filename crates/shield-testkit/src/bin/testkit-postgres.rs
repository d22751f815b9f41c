//! PostgreSQL as a program, for tests that must not be built with the test kit. Prints the address of a fresh database once it
//! takes connections, then does what it is told, a line at a time, and prints `done`, or the address. Ends with its input,
//! and with it all of PostgreSQL.
//!
//! Exit codes: 2 wrong flags, 4 PostgreSQL did not do as it was told.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use clap::Parser;
use shield_testkit::{Postgres, PostgresPair};

const FAILED: u8 = 4;

/// A private PostgreSQL on loopback. For tests only.
#[derive(Debug, Parser)]
#[command(name = "testkit-postgres", disable_version_flag = true)]
struct Line {
    /// A primary and a synchronous standby. Lines: `database`, `kill`, `freeze`, `thaw`, `revive` (the first), `promote` (the
    /// second).
    #[arg(long)]
    pair: bool,
}

fn main() -> ExitCode {
    let outcome = if Line::parse().pair { pair() } else { single() };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code says enough then.
            writeln!(io::stderr(), "testkit-postgres: {error}").ok();
            ExitCode::from(FAILED)
        }
    }
}

fn single() -> Result<(), Box<dyn Error>> {
    let server = Postgres::start()?;
    writeln!(io::stdout(), "{}", server.create_database()?)?;
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            "database" => writeln!(io::stdout(), "{}", server.create_database()?)?,
            other => return Err(format!("`{other}` is no command for one server").into()),
        }
    }
    Ok(())
}

fn pair() -> Result<(), Box<dyn Error>> {
    let mut pair = PostgresPair::start()?;
    writeln!(io::stdout(), "{}", pair.create_database()?)?;
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            "database" => {
                writeln!(io::stdout(), "{}", pair.create_database()?)?;
                continue;
            }
            "kill" => pair.first.kill()?,
            "freeze" => pair.first.freeze()?,
            "thaw" => pair.first.thaw()?,
            "revive" => pair.first.revive(&["synchronous_standby_names="])?,
            "promote" => pair.second.promote()?,
            other => return Err(format!("`{other}` is no command for a pair").into()),
        }
        writeln!(io::stdout(), "done")?;
    }
    Ok(())
}
