//! What operators ask for.

use std::{collections::BTreeSet, iter};

use shield_release::{Event, Plan, PlanRefusal, Position, ReleaseSpec, plan};
use shield_types::{ArtifactDigest, ReleaseDigest, ReleaseId, Sha256Digest, canonical_json, causes, chain};
use tokio::sync::oneshot;

use super::Executor;
use crate::{
    admin::{Refusal, RefusalKind, ReleaseOrder, RollbackOrder},
    evidence::check_log,
    journal::AppendJournalError,
    layout::Layout,
    store::{prune, sweep, verify_stored},
};

/// Artifacts kept in the store besides those in use.
const ARTIFACTS_KEPT: usize = 5;

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
    /// A release that was asked for, once its artifact and the evidence log were looked at: the newest number in the log, or
    /// what speaks against it.
    Examined(Box<ReleaseSpec>, Result<u64, Refusal>, ReleaseReply),
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
            Command::Up(reply) => drop(reply.send(self.bring_up())),
            Command::Down(reply) => drop(reply.send(self.take_down())),
            Command::Examined(spec, fit, reply) => {
                drop(reply.send(fit.and_then(|recorded| self.begin(*spec, recorded))));
            }
        }
    }

    /// Damage that was found at the start is told once, to the first who asks for something.
    fn acknowledge_damage(&mut self) -> Result<(), Refusal> {
        self.notice.take().map_or(Ok(()), |damage| Err(Refusal::recovered(damage)))
    }

    fn bring_up(&mut self) -> Result<(), Refusal> {
        self.acknowledge_damage()?;
        if self.environment.serving() { Ok(()) } else { self.record_and_step(Event::UpRequested) }
    }

    /// A full disk stops nobody from stopping. If the journal lacks the order, the next control plane serves again.
    fn take_down(&mut self) -> Result<(), Refusal> {
        self.acknowledge_damage()?;
        self.take(Event::DownRequested);
        Ok(())
    }

    /// Nothing happens that is not recorded.
    fn record_and_step(&mut self, event: Event) -> Result<(), Refusal> {
        let now = self.now();
        if let Err(error) = self.record(now, &event) {
            self.renew_journal();
            return Err(Refusal::not_recorded(&error));
        }
        self.step(now, event);
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

    fn begin(&mut self, spec: ReleaseSpec, recorded: u64) -> Result<ReleaseId, Refusal> {
        // Another release may have begun, and ended, since this one was asked for.
        let number = self.environment.newest_number().max(recorded) + 1;
        let spec = ReleaseSpec { id: ReleaseId::new(number, spec.artifact), number, ..spec };
        let id = spec.id.clone();
        let plan: Plan = plan(&self.environment, spec).map_err(|refusal| Refusal::from_plan(&refusal))?;
        if self.journal.as_ref().is_none_or(crate::journal::Journal::broken) {
            self.renew_journal();
        }
        if let Some(journal) = &self.journal {
            journal.reserve().map_err(|error| Refusal::not_recorded(&error))?;
        }
        self.record_and_step(Event::Requested { plan: Box::new(plan) })?;
        Ok(id)
    }

    fn rollback(&mut self, order: &RollbackOrder, reply: ReleaseReply) {
        let underway = self.environment.underway().map(|rollout| rollout.id().clone());
        // Whoever asked may have stopped waiting.
        match (underway, &order.to) {
            _ if !self.as_seen(order) => drop(reply.send(Err(self.moved_on()))),
            (Some(release), None) => drop(reply.send(self.take_back(release, order))),
            _ => match self.restoring(order) {
                Ok(spec) => self.examine(spec, reply),
                Err(refusal) => drop(reply.send(Err(refusal))),
            },
        }
    }

    /// What is under way, or live, is still what the operator saw: the way back from anything else is another one.
    fn as_seen(&self, order: &RollbackOrder) -> bool {
        let newest = self.environment.underway().map(|rollout| rollout.id()).or(self.environment.live());
        order.to.is_some() || order.seen.is_none() || order.seen.as_ref() == newest
    }

    fn moved_on(&self) -> Refusal {
        let live = self.environment.live().map_or("no release".to_owned(), ToString::to_string);
        let message = format!("roll back: it ended meanwhile; {live} has the traffic now");
        Refusal::new(RefusalKind::Busy, message, "look at `shield status` before you run the command again")
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
        self.acknowledge_damage()?;
        let position = self.environment.underway().map(|rollout| rollout.position());
        if position == Some(Position::RetiringNew) {
            // What was asked for is under way already.
            return Ok(release);
        }
        if !self.environment.reversible() {
            let message = format!("take `{release}` back: the pool before it is already stopping, or dead");
            return Err(Refusal::new(
                RefusalKind::Busy,
                message,
                "wait for it to finish, then `shield rollback` again",
            ));
        }
        // A full disk can stop a release, not its way back: the edge's table, which is then newer than the journal, tells a
        // control plane that starts after a crash.
        self.take(Event::RollbackRequested {
            reason: format!("rollback requested by {}", order.requested_by),
        });
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
        refusal.causes = iter::once(error.to_string()).chain(causes(&error)).collect();
        refusal
    })
}

fn check_evidence(layout: &Layout) -> Result<u64, Refusal> {
    check_log(layout).map_err(|reason| {
        let hint = "`shield evidence verify` says what is wrong with the log; put it back from a copy, or move its directory \
                    aside and a new log is begun";
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

    fn not_recorded(error: &AppendJournalError) -> Self {
        let hint = match error {
            AppendJournalError::Vanished { .. } => {
                "nothing was done and what runs keeps running; the journal is written anew: run the command again"
            }
            AppendJournalError::Write { .. } | AppendJournalError::Broken { .. } => {
                "nothing was done and what runs keeps running; free disk space or mend the disk, then run the command again"
            }
        };
        Self {
            kind: RefusalKind::NotRecorded,
            message: error.to_string(),
            causes: causes(error).collect(),
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
