//! A guard of faults, and a process that makes them: what tests kill. Not part of what ships.
//!
//! Without arguments it is the guard, or a child of one. With a plan (a JSON file) and a directory for undo journals it makes
//! the faults of the plan, on a clock that starts after [`LEAD`]. Standard output gets one line of JSON with the guard's pid,
//! the addresses of the proxies and the schedule, then one with the events whenever something has become of them. It ends
//! with its standard input, once everything is undone; 1 says that it failed.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use shield_load::{FaultPlan, GuardProgram, PreparedFaults, guard_main};

/// From the start to the start of the clock: faults are prepared two seconds ahead.
const LEAD: Duration = Duration::from_millis(2_500);
/// Pause between two looks at the events.
const LOOK: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let outcome: Result<(), Box<dyn Error>> = match arguments.as_slice() {
        [] => guard_main().map_err(Into::into),
        [plan, journals] => make_faults(plan, journals),
        _ => Err("usage: fault-process [PLAN JOURNALS]".into()),
    };
    if let Err(error) = outcome {
        // Standard error may be closed; the exit code says enough then.
        writeln!(io::stderr(), "error: {error}").ok();
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn make_faults(plan: &Path, journals: &Path) -> Result<(), Box<dyn Error>> {
    let plan: FaultPlan = serde_json::from_slice(&fs::read(plan)?)?;
    let program = GuardProgram { program: env::current_exe()?, arguments: Vec::new() };
    let clock_start = Instant::now() + LEAD;
    let prepared = PreparedFaults::start(&plan, &program, journals)?;
    let proxies: Vec<_> =
        plan.proxies.iter().map(|proxy| (&proxy.name, prepared.address(&proxy.name))).collect();
    let (guard, schedule) = (prepared.guard_pid(), prepared.schedule());
    tell(&json!({ "guard": guard, "proxies": proxies, "schedule": schedule }))?;
    let runner = prepared.run(clock_start);
    let (sender, ended) = channel::<()>();
    thread::spawn(move || {
        // Either way nobody says more.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        drop(sender);
    });
    let mut told = Vec::new();
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let events = runner.events();
        if events != told {
            tell(&json!(events))?;
            told = events;
        }
    }
    tell(&json!(runner.finish()))?;
    Ok(())
}

fn tell(document: &serde_json::Value) -> io::Result<()> {
    writeln!(io::stdout(), "{document}")
}
