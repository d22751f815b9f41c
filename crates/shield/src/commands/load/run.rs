//! One run: a load file, a URL, or a script of another tool.

use std::{env, path::Path, time::Duration};

use shield_load::{
    FaultOrder, FaultPlan, FaultsSection, ForeignRun, ForeignTool, INTERRUPTED, LoadFile, PrepareFleetError,
    RunResults, SessionError, SessionOrder, StartFaultsError, Verdict, run_foreign, run_session,
};

use super::{order, report};
use crate::{
    cli::{LoadRunArguments, OutputFormat},
    commands::{
        daemon::raise_descriptor_limit,
        faults::{guard_program, interrupted, journals, undo_what_was_left},
    },
    exit::{Exit, Failure},
    output::{self, load::Progress},
};

/// Longest run of another tool.
const FOREIGN_LIMIT: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(arguments: LoadRunArguments, format: OutputFormat) -> Result<(), Failure> {
    let what = arguments.what.clone().expect("the command line requires it without a subcommand");
    raise_descriptor_limit();
    report::prepare(&arguments.reports, Path::new(&what))?;
    let results = match foreign(&what) {
        Some(tool) if !arguments.workers.is_empty() => {
            let message = format!("failed to use `--workers` with a script of {tool}: it makes its own load");
            return Err(Failure::plain(Exit::Usage, &message, "pass a load file or a URL"));
        }
        Some(tool) => {
            order::refuse_url_arguments(&what, &arguments.url)?;
            run_tool(tool, &what, &arguments).await?
        }
        None => run_file(&what, &arguments).await?,
    };
    output::load::results(&results, format);
    report::write(&results, &arguments.reports)?;
    conclude(&results)
}

/// The tool whose script this is.
fn foreign(what: &str) -> Option<ForeignTool> {
    if order::is_url(what) { None } else { ForeignTool::of_script(Path::new(what)) }
}

async fn run_file(what: &str, arguments: &LoadRunArguments) -> Result<RunResults, Failure> {
    let mut order = order::order(what, &arguments.url)?;
    if let Some(target) = &arguments.target {
        order::redirect(&mut order, target)?;
    }
    order.file.seed = arguments.seed.unwrap_or(order.file.seed);
    let journals = journals()?;
    undo_what_was_left(&journals)?;
    let faults = match &order.file.faults {
        Some(section) => {
            let plan = plan(&order.file, section).await?;
            Some(FaultOrder { plan, guard: guard_program()?, journals, through: section.through.clone() })
        }
        None => None,
    };
    let mut progress = Progress::new(output::load::header(&order.file));
    let session = SessionOrder {
        file: order.file,
        trust_pem: order.trust_pem,
        faults,
        workers: arguments.workers.clone(),
    };
    let results = run_session(session, interrupted(), &mut |ended| progress.tell(&ended)).await;
    progress.finish();
    results.map_err(|error| failure(&error))
}

/// The faults, aimed at the processes that run now.
async fn plan(file: &LoadFile, section: &FaultsSection) -> Result<FaultPlan, Failure> {
    let address = file.target.resolve().await.map_err(|error| failure(&error.into()))?;
    section.plan(file.seed, address).map_err(|error| {
        let hint =
            "a fault is aimed at exactly one process, which must run: see `[[fault]]` in docs/load-file.md";
        Failure::new(Exit::Usage, &error, &[hint.to_owned()])
    })
}

async fn run_tool(
    tool: ForeignTool,
    what: &str,
    arguments: &LoadRunArguments,
) -> Result<RunResults, Failure> {
    let directory =
        env::current_dir().map_err(|error| Failure::unexpected("find the current directory", &error))?;
    let run = ForeignRun {
        tool,
        program: None,
        script: what.into(),
        target: arguments.target.clone(),
        arguments: Vec::new(),
        directory,
        deadline: FOREIGN_LIMIT,
    };
    let mut tell = |line: String| output::load::foreign_line(&line);
    // Dropped, the tool ends with everything it started.
    let results = tokio::select! {
        // Signals are listened to before the tool starts.
        biased;
        () = interrupted() => {
            let hint = format!("{tool} was ended, and left no results");
            return Err(Failure::plain(Exit::Interrupted, "interrupted", &hint));
        }
        results = run_foreign(run, &mut tell) => results,
    };
    results.map_err(|error| Failure::new(Exit::Usage, &error, &[]))
}

fn failure(error: &SessionError) -> Failure {
    let (exit, hint) = match error {
        SessionError::Find(_) => {
            (Exit::Unreachable, "name a target that resolves, and whose ledger and metrics answer")
        }
        SessionError::Start(_) => (Exit::Usage, "see docs/load-file.md"),
        SessionError::Workers(PrepareFleetError::Busy { .. }) => {
            (Exit::Busy, "it serves one run at a time: wait for the other one to end")
        }
        SessionError::Workers(PrepareFleetError::Twice { .. }) => (Exit::Usage, "name each worker once"),
        // The target has no part in it: the generator is not whole.
        SessionError::Workers(_) => {
            (Exit::InvalidRun, "start it with `shield load worker`, and pass the address that it prints")
        }
        SessionError::NoProxy { .. } | SessionError::Faults(StartFaultsError::Schedule(_)) => {
            (Exit::Usage, "see `[[fault]]` in docs/load-file.md")
        }
        SessionError::Faults(_) => {
            (Exit::Unexpected, "without its guard no fault happens, and nothing was sent")
        }
    };
    Failure::new(exit, error, &[hint.to_owned()])
}

/// The exit code that the verdict stands for. Whoever interrupts a run knows, and a script that was interrupted must not take
/// what is left of one for a finding: so that comes first, whatever the verdict.
fn conclude(results: &RunResults) -> Result<(), Failure> {
    if results.reasons.iter().any(|reason| reason == INTERRUPTED) {
        return Err(Failure::told(Exit::Interrupted));
    }
    match results.verdict {
        Verdict::Passed => Ok(()),
        Verdict::Failed => Err(Failure::told(Exit::NotHeld)),
        Verdict::Unreachable => Err(Failure::told(Exit::Unreachable)),
        Verdict::Invalid => Err(Failure::told(Exit::InvalidRun)),
        Verdict::Aborted => Err(Failure::told(Exit::Aborted)),
    }
}
