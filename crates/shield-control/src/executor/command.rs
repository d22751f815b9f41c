//! What operators ask for.

use std::{collections::BTreeSet, fs};

use shield_release::{Event, Plan, PlanRefusal, ReleaseSpec, plan};
use shield_types::{ReleaseDigest, ReleaseId, Sha256Digest, canonical_json};
use tokio::sync::oneshot;

use super::{Executor, instances::chain};
use crate::{
    admin::{Refusal, RefusalKind, ReleaseOrder, RollbackOrder},
    layout::Layout,
    staging::STAGING_PREFIX,
    store::prune,
};

/// Artifacts kept in the store besides those in use.
const ARTIFACTS_KEPT: usize = 5;

/// Instance logs kept.
const INSTANCE_LOGS_KEPT: usize = 100;

/// A request, and where its answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    /// Release a stored artifact; answers with the id of the release that began.
    Release(Box<ReleaseOrder>, oneshot::Sender<Result<ReleaseId, Refusal>>),
    /// Take back what is under way, or bring an earlier release back; answers with the release to follow.
    Rollback(RollbackOrder, oneshot::Sender<Result<ReleaseId, Refusal>>),
    /// Serve again after `down`, or just confirm that all is well.
    Up(oneshot::Sender<Result<(), Refusal>>),
    /// Stop everything.
    Down(oneshot::Sender<Result<(), Refusal>>),
}

impl Executor {
    pub(super) async fn obey(&mut self, command: Command) {
        // Whoever asked may have stopped waiting.
        match command {
            Command::Release(order, reply) => drop(reply.send(self.release(*order))),
            Command::Rollback(order, reply) => drop(reply.send(self.rollback(&order))),
            Command::Up(reply) => drop(reply.send(self.command(Event::UpRequested))),
            Command::Down(reply) => drop(reply.send(self.command(Event::DownRequested))),
        }
    }

    /// A command happens only if it can be recorded.
    fn command(&mut self, event: Event) -> Result<(), Refusal> {
        if let Some(damage) = self.notice.take() {
            return Err(Refusal::recovered(damage));
        }
        if event == Event::UpRequested && self.environment.serving() {
            return Ok(());
        }
        self.record(&event).map_err(|error| Refusal::not_recorded(&error))?;
        self.step(event);
        Ok(())
    }

    fn release(&mut self, order: ReleaseOrder) -> Result<ReleaseId, Refusal> {
        let spec = self.spec(order, None)?;
        self.check_artifact(&spec)?;
        self.begin(spec)
    }

    fn spec(&self, order: ReleaseOrder, restores: Option<ReleaseId>) -> Result<ReleaseSpec, Refusal> {
        let number = self.environment.newest_number() + 1;
        let launch = serde_json::to_value(&order.launch).map_err(|error| Refusal::invalid(chain(&error)))?;
        let digest = release_digest(&order, &launch)?;
        Ok(ReleaseSpec {
            id: ReleaseId::new(number, order.artifact),
            number,
            artifact: order.artifact,
            digest,
            instances: order.instances,
            timings: order.timings,
            error_ratio_max: order.error_ratio_max,
            launch,
            restores,
            requested_by: order.requested_by,
        })
    }

    fn check_artifact(&self, spec: &ReleaseSpec) -> Result<(), Refusal> {
        if self.layout.artifact(spec.artifact).exists() {
            return Ok(());
        }
        let message = format!("release artifact `{}`: it is no longer in the store", spec.artifact);
        Err(Refusal::new(RefusalKind::Invalid, message, "build it again: `shield ship`"))
    }

    fn begin(&mut self, spec: ReleaseSpec) -> Result<ReleaseId, Refusal> {
        if let Some(damage) = self.notice.take() {
            return Err(Refusal::recovered(damage));
        }
        let id = spec.id.clone();
        let plan: Plan = plan(&self.environment, spec).map_err(|refusal| Refusal::from_plan(&refusal))?;
        self.recorder.check().map_err(|reason| {
            Refusal::new(
                RefusalKind::NotRecorded,
                reason,
                "mend the evidence log; `shield evidence verify` says what is wrong with it",
            )
        })?;
        if self.journal.as_ref().is_none_or(crate::journal::Journal::broken) {
            self.renew_journal();
        }
        if let Some(journal) = &self.journal {
            journal.reserve().map_err(|error| Refusal::not_recorded(&error))?;
        }
        let event = Event::Requested { plan: Box::new(plan) };
        self.record(&event).map_err(|error| Refusal::not_recorded(&error))?;
        self.step(event);
        Ok(id)
    }

    fn rollback(&mut self, order: &RollbackOrder) -> Result<ReleaseId, Refusal> {
        let underway = self.environment.underway().map(|rollout| rollout.id().clone());
        if let (Some(release), None) = (underway, &order.to) {
            return self.take_back(release, order);
        }
        let target = match &order.to {
            Some(wanted) => {
                self.environment.history().map(|finished| &finished.spec).find(|spec| spec.id == *wanted)
            }
            None => self.environment.rollback_target(),
        };
        let Some(target) = target.cloned() else {
            let message = match &order.to {
                Some(wanted) => format!("bring `{wanted}` back: no such release in the history"),
                None => "roll back: no earlier release that worked differs from the live one".to_owned(),
            };
            return Err(Refusal::new(RefusalKind::Invalid, message, "`shield history` lists the releases"));
        };
        let number = self.environment.newest_number() + 1;
        let spec = ReleaseSpec {
            id: ReleaseId::new(number, target.artifact),
            number,
            restores: Some(target.id.clone()),
            requested_by: order.requested_by.clone(),
            ..target
        };
        self.check_artifact(&spec)?;
        self.begin(spec)
    }

    fn take_back(&mut self, release: ReleaseId, order: &RollbackOrder) -> Result<ReleaseId, Refusal> {
        if !self.environment.reversible() {
            let message = format!("take `{release}` back: the pool before it is already stopping, or dead");
            return Err(Refusal::new(
                RefusalKind::Busy,
                message,
                "wait for it to finish, then `shield rollback` again",
            ));
        }
        let reason = format!("rollback requested by {}", order.requested_by);
        self.command(Event::RollbackRequested { reason })?;
        Ok(release)
    }

    /// Removes artifacts that nothing needs: neither what runs, nor the last five.
    pub(super) fn after_release(&mut self) {
        let live =
            self.environment.live().and_then(|live| self.environment.release(live)).map(|spec| spec.artifact);
        let target = self.environment.rollback_target().map(|spec| spec.artifact);
        let used = live.into_iter().chain(target).collect::<BTreeSet<_>>();
        prune_store(&self.layout, &used);
        prune_instance_logs(&self.layout);
    }
}

fn prune_store(layout: &Layout, used: &BTreeSet<shield_types::ArtifactDigest>) {
    match prune(layout, ARTIFACTS_KEPT, used) {
        Ok(removed) => {
            removed.iter().for_each(|path| tracing::info!(path = %path.display(), "removed an old artifact"))
        }
        Err(error) => tracing::warn!(%error, "old artifacts are not removed"),
    }
}

/// Keeps the logs of the newest instances; names and times decide, running ones are always among them.
fn prune_instance_logs(layout: &Layout) {
    let entries = fs::read_dir(layout.logs()).into_iter().flatten().flatten();
    let of_instance = |name: &str| {
        name.starts_with(STAGING_PREFIX)
            || name.strip_prefix('r').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut logs: Vec<_> = entries
        .filter(|entry| of_instance(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    logs.sort();
    for (_, path) in &logs[..logs.len().saturating_sub(INSTANCE_LOGS_KEPT)] {
        // What cannot be removed only takes space.
        let _ = fs::remove_file(path);
    }
}

/// DESIGN section 5: artifact, environment and resolved configuration, in canonical form.
fn release_digest(order: &ReleaseOrder, launch: &serde_json::Value) -> Result<ReleaseDigest, Refusal> {
    let content = serde_json::json!({
        "artifact": order.artifact,
        "environment": order.launch.environment,
        "configuration": { "launch": launch, "instances": order.instances, "timings": order.timings, "error_ratio_max": order.error_ratio_max },
        "secrets": {},
    });
    let bytes = canonical_json(&content).map_err(|error| Refusal::invalid(chain(&error)))?;
    Ok(ReleaseDigest(Sha256Digest::of(&bytes)))
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: String, hint: &str) -> Self {
        Self { kind, message, causes: Vec::new(), hints: vec![hint.to_owned()] }
    }

    fn invalid(message: String) -> Self {
        Self { kind: RefusalKind::Invalid, message, causes: Vec::new(), hints: Vec::new() }
    }

    fn recovered(damage: String) -> Self {
        let hint = "nothing was done; the state is whole again: run the command once more";
        Self::new(RefusalKind::Recovered, format!("carry on as before: {damage}"), hint)
    }

    fn not_recorded(error: &dyn std::error::Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let hint = "nothing was done and what runs keeps running; free disk space or mend the disk, then run the command again";
        Self {
            kind: RefusalKind::NotRecorded,
            message: error.to_string(),
            causes,
            hints: vec![hint.to_owned()],
        }
    }

    fn from_plan(refusal: &PlanRefusal) -> Self {
        let (kind, hint) = match refusal {
            PlanRefusal::ReleaseUnderWay { .. } => {
                (RefusalKind::Busy, "wait for it (`shield status`), or take it back: `shield rollback`")
            }
            PlanRefusal::NumberTaken { .. } => (RefusalKind::Busy, "run the command again"),
            PlanRefusal::Down { .. } => (RefusalKind::Invalid, "`shield up` first"),
        };
        Self::new(kind, refusal.to_string(), hint)
    }
}
