//! What operators ask for.

use std::{collections::BTreeSet, fs};

use shield_release::{Event, Plan, PlanRefusal, ReleaseSpec, plan};
use shield_types::{ArtifactDigest, ReleaseDigest, ReleaseId, Sha256Digest, canonical_json};
use tokio::sync::oneshot;

use super::{Executor, instances::chain};
use crate::{
    admin::{Refusal, RefusalKind, ReleaseOrder, RollbackOrder},
    evidence::check_log,
    layout::Layout,
    staging::STAGING_PREFIX,
    store::{prune, sweep, verify_stored},
};

/// Artifacts kept in the store besides those in use.
const ARTIFACTS_KEPT: usize = 5;

/// Instance logs kept.
const INSTANCE_LOGS_KEPT: usize = 100;

/// A request, and where its answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    /// Release a stored artifact; answers with the id of the release that began.
    Release(Box<ReleaseOrder>, ReleaseReply),
    /// Take back what is under way, or bring an earlier release back; answers with the release to follow.
    Rollback(RollbackOrder, ReleaseReply),
    /// Serve again after `down`, or just confirm that all is well.
    Up(oneshot::Sender<Result<(), Refusal>>),
    /// Stop everything.
    Down(oneshot::Sender<Result<(), Refusal>>),
    /// A release that was asked for, once its artifact and the evidence log were looked at.
    Examined(Box<ReleaseSpec>, Result<(), Refusal>, ReleaseReply),
}

/// Where the answer to a wish for a release goes.
pub(crate) type ReleaseReply = oneshot::Sender<Result<ReleaseId, Refusal>>;

impl Executor {
    pub(super) fn obey(&mut self, command: Command) {
        // Whoever asked may have stopped waiting.
        match command {
            Command::Release(order, reply) => match self.spec(*order) {
                Ok(spec) => self.examine(spec, reply),
                Err(refusal) => drop(reply.send(Err(refusal))),
            },
            Command::Rollback(order, reply) => self.rollback(&order, reply),
            Command::Up(reply) => drop(reply.send(self.command(Event::UpRequested))),
            Command::Down(reply) => drop(reply.send(self.command(Event::DownRequested))),
            Command::Examined(spec, fit, reply) => {
                drop(reply.send(fit.and_then(|()| self.begin(*spec))));
            }
        }
    }

    /// Damage that was found at the start is told once, to the first who asks for something.
    fn acknowledge_damage(&mut self) -> Result<(), Refusal> {
        self.notice.take().map_or(Ok(()), |damage| Err(Refusal::recovered(damage)))
    }

    /// A command happens only if it can be recorded.
    fn command(&mut self, event: Event) -> Result<(), Refusal> {
        self.acknowledge_damage()?;
        if event == Event::UpRequested && self.environment.serving() {
            return Ok(());
        }
        self.record(&event).map_err(|error| Refusal::not_recorded(&error))?;
        self.step(event);
        Ok(())
    }

    /// What is asked for. Its number and id are those it would have now.
    fn spec(&mut self, order: ReleaseOrder) -> Result<ReleaseSpec, Refusal> {
        self.acknowledge_damage()?;
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
            restores: None,
            requested_by: order.requested_by,
        })
    }

    /// Looks at what a release needs on a thread of its own, since that reads the whole artifact and the whole evidence
    /// log; the result comes back as a command.
    fn examine(&self, spec: ReleaseSpec, reply: ReleaseReply) {
        let (layout, commands) = (self.layout.clone(), self.command_sender.clone());
        tokio::task::spawn_blocking(move || {
            let fit = check_artifact(&layout, spec.artifact).and_then(|()| check_evidence(&layout));
            // A closed channel means that the control plane is ending; the reply is dropped with the command.
            let _ = commands.blocking_send(Command::Examined(Box::new(spec), fit, reply));
        });
    }

    fn begin(&mut self, spec: ReleaseSpec) -> Result<ReleaseId, Refusal> {
        // Another release may have begun, and ended, since this one was asked for.
        let number = self.environment.newest_number() + 1;
        let spec = ReleaseSpec { id: ReleaseId::new(number, spec.artifact), number, ..spec };
        let id = spec.id.clone();
        let plan: Plan = plan(&self.environment, spec).map_err(|refusal| Refusal::from_plan(&refusal))?;
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

    fn rollback(&mut self, order: &RollbackOrder, reply: ReleaseReply) {
        let underway = self.environment.underway().map(|rollout| rollout.id().clone());
        // Whoever asked may have stopped waiting.
        match (underway, &order.to) {
            (Some(release), None) => drop(reply.send(self.take_back(release, order))),
            _ => match self.restoring(order) {
                Ok(spec) => self.examine(spec, reply),
                Err(refusal) => drop(reply.send(Err(refusal))),
            },
        }
    }

    /// The release that brings an earlier one back.
    fn restoring(&mut self, order: &RollbackOrder) -> Result<ReleaseSpec, Refusal> {
        self.acknowledge_damage()?;
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
        Ok(ReleaseSpec {
            restores: Some(target.id.clone()),
            requested_by: order.requested_by.clone(),
            ..target
        })
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
        let layout = self.layout.clone();
        tokio::task::spawn_blocking(move || sweep(&layout));
        prune_instance_logs(&self.layout);
    }
}

/// The artifact lies in the store, as it was put there.
fn check_artifact(layout: &Layout, artifact: ArtifactDigest) -> Result<(), Refusal> {
    verify_stored(layout, artifact).map_err(|error| {
        let mut refusal = Refusal::new(
            RefusalKind::Invalid,
            format!("release artifact `{artifact}`"),
            "build it again: `shield ship`",
        );
        refusal.causes = causes(Some(&error));
        refusal
    })
}

fn check_evidence(layout: &Layout) -> Result<(), Refusal> {
    check_log(layout).map_err(|reason| {
        let hint = "mend the evidence log; `shield evidence verify` says what is wrong with it";
        Refusal::new(RefusalKind::NotRecorded, reason, hint)
    })
}

fn prune_store(layout: &Layout, used: &BTreeSet<ArtifactDigest>) {
    match prune(layout, ARTIFACTS_KEPT, used) {
        Ok(removed) => removed
            .iter()
            .for_each(|path| tracing::info!(path = %path.display(), "an old artifact leaves the store")),
        Err(error) => tracing::warn!(%error, "old artifacts stay in the store"),
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

/// `error` and its sources, outermost first.
fn causes(mut error: Option<&dyn std::error::Error>) -> Vec<String> {
    let mut causes = Vec::new();
    while let Some(cause) = error {
        causes.push(cause.to_string());
        error = cause.source();
    }
    causes
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
        let hint = "nothing was done and what runs keeps running; free disk space or mend the disk, then run the command again";
        Self {
            kind: RefusalKind::NotRecorded,
            message: error.to_string(),
            causes: causes(error.source()),
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
