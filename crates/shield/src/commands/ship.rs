//! `shield ship`: the whole pipeline of this directory.

use std::future;

use shield_control::{
    admin::StatusReport,
    drill::DrillName,
    ensure_control,
    manifest::{EdgeSettings, Stages},
    pipeline::{ShipError, ShipOrder, ShipSummary, StageName, ship},
};
use tokio::signal::ctrl_c;

use super::{
    daemon::raise_descriptor_limit,
    faults::{guard_program, journal_directory, journals, undo_what_was_left, watched},
};
use crate::{
    cli::{OutputFormat, Place},
    context::{Context, requester},
    exit::{Exit, Failure},
    output::{self, Reporter},
};

pub(crate) async fn run(place: &Place, format: OutputFormat) -> Result<(), Failure> {
    let context = Context::open(place)?;
    if context.manifest.stages.drill.is_some() {
        undo_what_was_left(&journals()?)?;
    }
    let mut reporter = Reporter::new(format);
    let status = control(&context, &mut reporter).await?;
    if makes_load(&context.manifest.stages) {
        raise_descriptor_limit();
    }
    let order = order(&context)?;
    let interrupted = watched(async {
        // Who cannot listen hears nothing: the signal ends this process then, and the guard undoes a drill.
        if ctrl_c().await.is_err() {
            future::pending::<()>().await;
        }
    });
    let outcome = ship(&order, interrupted, &mut |event| reporter.tell(event)).await;
    let summary = outcome.map_err(|error| failure(&error))?;
    reporter.finish();
    output::summary::print(&context, &status, &summary, format);
    recorded(&summary)
}

/// Users of a load take a descriptor each. A control plane hands its limits on to instances: it is started before the limit is
/// raised, and where a drill starts another one, the limit stays.
fn makes_load(stages: &Stages) -> bool {
    let drills = stages.drill.as_ref().map_or(&[][..], |stage| &stage.drills);
    let starts_control = drills.contains(&DrillName::ControlKill);
    !starts_control && (stages.load.is_some() || stages.bench.is_some() || !drills.is_empty())
}

/// What is shipped, by whom.
pub(crate) fn order(context: &Context) -> Result<ShipOrder, Failure> {
    Ok(ShipOrder {
        project: context.project.clone(),
        manifest: context.manifest.clone(),
        layout: context.layout.clone(),
        requested_by: requester(),
        guard: guard_program()?,
        journals: journal_directory(),
    })
}

/// Starts the control plane if none runs: before the build, so that an occupied port is known at once.
pub(crate) async fn control(context: &Context, reporter: &mut Reporter) -> Result<StatusReport, Failure> {
    let started = ensure_control(&context.layout, &context.manifest).await;
    let (status, new) = started.map_err(|error| Failure::new(Exit::NoControlPlane, &error, &[]))?;
    if new {
        reporter.line(&format!(
            "control plane started (process {}), edge on {}",
            status.pid,
            output::edge_address(&status)
        ));
    } else if shield_control::running_binary_digest().is_some_and(|digest| digest != status.binary) {
        reporter.line("the control plane runs from another shield binary; `shield up --upgrade` replaces it without dropping a request");
    }
    let waiting = waiting_settings(&context.manifest.edge, &status);
    if !waiting.is_empty() {
        reporter.line(&format!(
            "{} of shield.toml changed; the edge keeps what it has ({}) until `shield down`, then `shield up`",
            waiting.join(", "),
            output::edge_address(&status)
        ));
    }
    for warning in &status.warnings {
        reporter.line(&format!("WARNING: {warning}"));
    }
    Ok(status)
}

/// What is not recorded is not proved, whatever has the traffic.
pub(crate) fn recorded(summary: &ShipSummary) -> Result<(), Failure> {
    if summary.checkpoint.is_some() {
        return Ok(());
    }
    let message = format!("failed to record release {} in the evidence log", summary.release.spec.id);
    let hint = "it has the traffic, and is recorded as soon as that is possible; `shield status` says what is in the way";
    Err(Failure::plain(Exit::NotRecorded, &message, hint))
}

/// Settings of the edge that take effect only when everything starts anew, and differ from what is in force.
fn waiting_settings(wanted: &EdgeSettings, status: &StatusReport) -> Vec<&'static str> {
    let settings = [
        ("`edge.https`", status.https != Some(wanted.https)),
        ("`edge.http`", status.http != wanted.http),
        ("`edge.hostnames`", status.hostnames != wanted.hostnames),
    ];
    settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Ctrl-C ends this process and what it started; a release that is under way belongs to the control plane and goes on.
pub(crate) async fn interruptible<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => Ok(outcome),
        _ = ctrl_c() => Err(interrupted()),
    }
}

fn interrupted() -> Failure {
    let hint = "a release under way goes on: `shield status` shows it, `shield rollback` takes it back";
    Failure::plain(Exit::Interrupted, "interrupted", hint)
}

/// A stage's failure was printed as it happened.
pub(crate) fn failure(error: &ShipError) -> Failure {
    match error {
        ShipError::Busy { .. } => Failure::new(Exit::Busy, error, &["wait for it to end".to_owned()]),
        ShipError::Lock { .. } => Failure::new(Exit::NotRecorded, error, &[]),
        ShipError::Stage { failure } if matches!(failure.stage, StageName::Release | StageName::Watch) => {
            Failure::told(Exit::ReleaseFailed)
        }
        ShipError::Stage { .. } => Failure::told(Exit::StageFailed),
        ShipError::Evidence { .. } => {
            let hint = "without its statement a stage did not happen; `shield evidence verify` says what is wrong with the log".to_owned();
            Failure::new(Exit::NotRecorded, error, &[hint])
        }
        ShipError::Interrupted => interrupted(),
        ShipError::Control { source } => Failure::admin(source),
    }
}
