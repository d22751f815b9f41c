//! `shield drill`: what may be broken, and breaking it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shield_control::drill::{
    DrillEvent, DrillName, DrillOrder, DrillOutcome, DrillReport, RunDrillError, Surroundings, demand_marked,
    demand_suitable, drill, lock_for_drills, run_drill,
};
use shield_control::manifest::FILE_NAME;
use shield_load::output::html;

use super::{
    faults::{guard_program, interrupted, journals, undo_what_was_left, watched},
    reports,
};
use crate::{
    cli::{DrillCommand, DrillRunArguments, OutputFormat, Place},
    commands::daemon::raise_descriptor_limit,
    context::{Context, described, existing_layout, requester},
    exit::{Exit, Failure},
    output::drill::{DrillReporter, print_list},
};

pub(crate) async fn run(place: &Place, command: DrillCommand, format: OutputFormat) -> Result<(), Failure> {
    match command {
        DrillCommand::List => {
            let (_, manifest) = described(place)?;
            let surroundings = Surroundings { manifest: &manifest, repeatable: true };
            let drills: Vec<_> = DrillName::ALL.map(|name| drill(name, surroundings)).into();
            print_list(&drills, &manifest.drill.environments, format);
            Ok(())
        }
        DrillCommand::Run(arguments) => {
            // First of all: whatever follows may fail, and must leave no file of another run.
            Wanted::of(&arguments).prepare(place)?;
            let (project, manifest) = described(place)?;
            demand_marked(&manifest, &arguments.environment).map_err(|error| failure(&error))?;
            // Nothing was shipped, so nothing is live: refused like any drill that would teach nothing.
            let layout = existing_layout(place, Exit::Usage)?;
            let context = Context { project, manifest, layout };
            run_drills(context, arguments, format).await
        }
    }
}

async fn run_drills(
    context: Context,
    arguments: DrillRunArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    let journals = journals()?;
    undo_what_was_left(&journals)?;
    let order = DrillOrder {
        project: context.project,
        manifest: context.manifest,
        layout: context.layout,
        environment: arguments.environment.clone(),
        guard: guard_program()?,
        journals,
        requested_by: requester(),
    };
    let wanted = Wanted::of(&arguments);
    let lock = lock_for_drills(&order.layout, &order.requested_by).map_err(|error| failure(&error))?;
    let mut reporter = DrillReporter::new(format);
    let names = if arguments.all {
        possible(&order, &mut reporter).await?
    } else {
        all_suitable(&order, arguments.names).await?
    };
    let mut reports = Vec::new();
    let ended = run_each(&order, &names, &mut reporter, &mut reports).await;
    drop(lock);
    // What was found is written down also when a later drill was refused.
    wanted.write(&reports)?;
    ended?;
    reporter.finish(&reports);
    conclude(&reports)
}

/// Drills that were asked for by name must all be possible before the first one begins.
async fn all_suitable(order: &DrillOrder, names: Vec<DrillName>) -> Result<Vec<DrillName>, Failure> {
    for name in &names {
        demand_suitable(order, *name).await.map_err(|error| failure(&error))?;
    }
    Ok(names)
}

/// Every drill that is possible here; of the others it is told why they are not.
async fn possible(order: &DrillOrder, reporter: &mut DrillReporter) -> Result<Vec<DrillName>, Failure> {
    let mut names = Vec::new();
    for name in DrillName::ALL {
        match demand_suitable(order, name).await {
            Ok(()) => names.push(name),
            Err(RunDrillError::Unsuitable { drill, reason }) => {
                reporter.tell(DrillEvent::Skipped { drill, reason });
            }
            Err(error) => return Err(failure(&error)),
        }
    }
    Ok(names)
}

/// Runs one after the other; ends early when production is not as it was.
async fn run_each(
    order: &DrillOrder,
    names: &[DrillName],
    reporter: &mut DrillReporter,
    reports: &mut Vec<DrillReport>,
) -> Result<(), Failure> {
    // From the first signal on, none ends this process: it undoes, looks and records.
    let interrupted = watched(interrupted());
    let inherited = getrlimit(Resource::Nofile);
    for name in names {
        limit_descriptors(*name, inherited);
        let ran = run_drill(order, *name, interrupted.clone(), &mut |event| reporter.tell(event)).await;
        let report = ran.map_err(|error| failure(&error))?;
        let broken_off = matches!(report.outcome, DrillOutcome::Aborted | DrillOutcome::Interrupted);
        let go_on = report.restored && !broken_off;
        reports.push(report);
        if !go_on {
            break;
        }
    }
    Ok(())
}

/// Clients of a load take a descriptor each. A control plane that a drill starts hands its limits on to instances, and gets
/// those that this process was started with.
fn limit_descriptors(name: DrillName, inherited: Rlimit) {
    if name != DrillName::ControlKill {
        return raise_descriptor_limit();
    }
    if let Err(error) = setrlimit(Resource::Nofile, inherited) {
        tracing::warn!(%error, "the descriptor limit stays raised");
    }
}

/// The files that a command line asks for.
struct Wanted {
    json: Option<PathBuf>,
    page: Option<PathBuf>,
    /// The drills that may be run.
    names: Vec<DrillName>,
}

/// The exit code of the worst outcome.
fn conclude(reports: &[DrillReport]) -> Result<(), Failure> {
    let worst = reports.iter().map(|report| report.outcome).max_by_key(|outcome| severity(*outcome));
    match worst {
        None | Some(DrillOutcome::Held) => Ok(()),
        Some(DrillOutcome::NotHeld) => Err(Failure::told(Exit::NotHeld)),
        Some(DrillOutcome::Invalid) => Err(Failure::told(Exit::InvalidRun)),
        Some(DrillOutcome::Aborted) => Err(Failure::told(Exit::Aborted)),
        Some(DrillOutcome::Interrupted) => Err(Failure::told(Exit::Interrupted)),
    }
}

/// A hypothesis that did not hold is worth more than one that nothing is known of; a drill that was broken off comes first.
fn severity(outcome: DrillOutcome) -> u8 {
    match outcome {
        DrillOutcome::Held => 0,
        DrillOutcome::Invalid => 1,
        DrillOutcome::NotHeld => 2,
        DrillOutcome::Aborted => 3,
        DrillOutcome::Interrupted => 4,
    }
}

fn failure(error: &RunDrillError) -> Failure {
    let hint = |exit, hint: &str| Failure::new(exit, error, &[hint.to_owned()]);
    match error {
        RunDrillError::NotMarked { environment } => {
            let mark = format!(
                "allow it in shield.toml: `[drill]` with `environments = [\"{environment}\"]`; `shield drill list` says what each drill breaks"
            );
            hint(Exit::Usage, &mark)
        }
        RunDrillError::NoEdge { .. } => hint(Exit::Usage, "leave `--environment` out, or name `production`"),
        RunDrillError::Busy { .. } | RunDrillError::UnderWay { .. } => hint(Exit::Busy, "wait for it to end"),
        RunDrillError::NothingLive => hint(Exit::Usage, "`shield ship` makes a release live"),
        RunDrillError::Unhealthy { .. } => {
            hint(Exit::Usage, "`shield status` shows it; drill when all is well")
        }
        RunDrillError::Unsuitable { .. } => Failure::new(Exit::Usage, error, &[]),
        RunDrillError::ReadLoad { .. } | RunDrillError::Load { .. } => {
            hint(Exit::Usage, "`drill.load` in shield.toml names it; docs/load-file.md describes every key")
        }
        RunDrillError::Session { .. } => {
            hint(Exit::Unexpected, "nothing was broken; `guard.log` beside the undo journals says more")
        }
        RunDrillError::Control { source } => Failure::admin(source),
        RunDrillError::Lock { .. } => Failure::new(Exit::NotRecorded, error, &[]),
        RunDrillError::Evidence { .. } => hint(
            Exit::NotRecorded,
            "everything was undone; `shield evidence verify` says what is wrong with the log",
        ),
    }
}

// === impl Wanted ===

impl Wanted {
    fn of(arguments: &DrillRunArguments) -> Self {
        let DrillRunArguments { json, html, names, all, .. } = arguments;
        let names = if *all { DrillName::ALL.to_vec() } else { names.clone() };
        Self { json: json.clone(), page: html.clone(), names }
    }

    /// Makes sure that every file can be written, whichever drills turn out to be possible.
    fn prepare(&self, place: &Place) -> Result<(), Failure> {
        // A drill that is named twice has one page. Of several drills, the one without a name is that of an earlier command.
        let pages = self.names.iter().filter_map(|name| self.page_of(*name)).chain(self.page.clone());
        let pages: BTreeSet<PathBuf> = pages.collect();
        let paths: Vec<&Path> = pages.iter().chain(&self.json).map(AsRef::as_ref).collect();
        reports::prepare(&paths, &[&place.project.join(FILE_NAME)])
    }

    fn write(&self, found: &[DrillReport]) -> Result<(), Failure> {
        const RECORDED: &str = "the drills are recorded";
        // None of a command that could not begin.
        if let Some(path) = self.json.as_ref().filter(|_| !found.is_empty()) {
            let text = serde_json::to_string_pretty(found).expect("reports have only text keys") + "\n";
            reports::write(path, &text, RECORDED)?;
        }
        for report in found {
            if let Some(path) = self.page_of(report.drill.name) {
                reports::write(&path, &html(&report.results), RECORDED)?;
            }
        }
        Ok(())
    }

    /// `drills.html` of several drills is `drills-edge-kill.html` and so on.
    fn page_of(&self, name: DrillName) -> Option<PathBuf> {
        let page = self.page.as_ref()?;
        if let [_] = self.names[..] {
            return Some(page.clone());
        }
        let stem = page.file_stem().unwrap_or_default().to_string_lossy();
        let ending =
            page.extension().map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy()));
        Some(page.with_file_name(format!("{stem}-{name}{ending}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_pages_have_names() {
        let page = |path: &str, names: &[DrillName]| {
            let wanted = Wanted { json: None, page: Some(path.into()), names: names.to_vec() };
            wanted.page_of(DrillName::EdgeKill).unwrap().display().to_string()
        };
        assert_eq!(page("out/drills.html", &DrillName::ALL), "out/drills-edge-kill.html");
        assert_eq!(page("drills", &DrillName::ALL[..2]), "drills-edge-kill");
        assert_eq!(page("out/drills.html", &[DrillName::EdgeKill]), "out/drills.html");
    }
}
