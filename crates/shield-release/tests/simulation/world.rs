//! The world around one environment: processes that crash, an edge that dies, a controller that is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use shield_release::{
    Effect, Environment, Event, Plan, Position, ReleaseOutcome, ReleaseSpec, RouteTable, Timings, plan,
};
use shield_types::{ArtifactDigest, InstanceId, ReleaseDigest, ReleaseId, Sha256Digest, Timestamp};

use crate::{invariants, random::Random};

/// More events than any life needs; reaching it means that a release did not end.
const EVENTS_MAX: usize = 4_000;

pub(crate) struct World {
    pub(crate) environment: Environment,
    pub(crate) now: Timestamp,
    pub(crate) edge: Edge,
    pub(crate) processes: BTreeSet<InstanceId>,
    pub(crate) ever_healthy: BTreeSet<InstanceId>,
    /// Instances whose start fails, however often it is tried.
    doomed: BTreeSet<InstanceId>,
    journal: Vec<(Timestamp, Event)>,
    agenda: BTreeMap<(Timestamp, u64), Action>,
    sequence: u64,
    random: Random,
    requests_left: u32,
    /// A plan for a table that has gone by since.
    planned: Option<Plan>,
    /// A phase, what strikes in it, and what strikes at the event after.
    forced: Option<(u64, Fault, Fault)>,
    second: Option<Fault>,
    /// The first release never becomes healthy again once it lost an instance, as long as others are to come.
    crash_loops: bool,
    tally: Tally,
}

/// The edge: the table in force, and the requests in flight of each release.
#[derive(Default)]
pub(crate) struct Edge {
    pub(crate) table: Option<RouteTable>,
    pub(crate) claims: BTreeMap<ReleaseId, u32>,
    /// When each release was last in the table in force.
    pub(crate) last_routed: BTreeMap<ReleaseId, Timestamp>,
}

#[derive(Clone, Debug)]
enum Action {
    Deliver(Event),
    Execute(Effect),
    EndClaims,
    Request,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    CrashNew,
    CrashOld,
    Judge,
    Rollback,
    KillController,
    KillEdge,
    Down,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    pub(crate) rolled_back: u64,
    pub(crate) kept: u64,
    /// The phase in which the chosen faults struck.
    pub(crate) forced: Option<u64>,
    pub(crate) down: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let faults = [
            Fault::CrashNew,
            Fault::CrashOld,
            Fault::Judge,
            Fault::Rollback,
            Fault::KillController,
            Fault::KillEdge,
            Fault::Down,
        ];
        // Every phase with every pair of faults comes up once in 245 seeds; one seed in three has no forced fault.
        let fault = |index: u64| faults[(index % 7) as usize];
        let forced = (!seed.is_multiple_of(3)).then(|| (seed / 7 % 5, fault(seed), fault(seed / 35)));
        let crash_loops = seed.is_multiple_of(11);
        let mut world = Self {
            environment: Environment::default(),
            now: Timestamp(1_000),
            edge: Edge::default(),
            processes: BTreeSet::new(),
            ever_healthy: BTreeSet::new(),
            doomed: BTreeSet::new(),
            journal: Vec::new(),
            agenda: BTreeMap::new(),
            sequence: 0,
            random: Random::new(seed),
            requests_left: 4,
            planned: None,
            forced,
            second: None,
            crash_loops,
            tally: Tally::default(),
        };
        world.schedule(1, Action::Request);
        world
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.tally;
        for finished in self.environment.history() {
            match finished.outcome {
                ReleaseOutcome::Done => tally.done += 1,
                ReleaseOutcome::Kept { .. } => tally.kept += 1,
                ReleaseOutcome::RolledBack { .. } => tally.rolled_back += 1,
            }
        }
        tally
    }

    pub(crate) fn log(&self) -> String {
        self.journal.iter().map(|(now, event)| format!("{} {event:?}\n", now.0)).collect()
    }

    /// Runs until nothing is left to happen, or the first violation.
    pub(crate) fn live(&mut self) -> Result<(), String> {
        while self.journal.len() < EVENTS_MAX {
            let deadline = self.environment.next_deadline();
            let due = self.agenda.keys().next().copied();
            match (deadline, due) {
                (Some(deadline), Some((at, _))) if deadline < at => self.tick(deadline)?,
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    let action = self.agenda.remove(&key).unwrap();
                    self.act(action)?;
                }
                (Some(deadline), None) => self.tick(deadline)?,
                (None, None) => return invariants::at_rest(self),
            }
            if self.requests_left == 0 && self.environment.underway().is_none() && self.calm() {
                return invariants::at_rest(self);
            }
        }
        Err(format!("not at rest after {EVENTS_MAX} events"))
    }

    /// All pools are at their size and nothing is outstanding.
    fn calm(&self) -> bool {
        self.environment.outstanding().is_empty()
            && self.environment.next_deadline().is_none()
            && self.agenda.is_empty()
    }

    fn tick(&mut self, deadline: Timestamp) -> Result<(), String> {
        self.now = self.now.max(deadline);
        self.deliver(Event::Tick)
    }

    fn schedule(&mut self, delay_ms: u64, action: Action) {
        self.sequence += 1;
        self.agenda.insert((Timestamp(self.now.0 + delay_ms), self.sequence), action);
    }

    fn schedule_soon(&mut self, action: Action) {
        let delay = 1 + self.random.below(400);
        self.schedule(delay, action);
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Deliver(event) => self.deliver(event),
            Action::Execute(effect) => self.execute(effect),
            Action::EndClaims => {
                self.edge.claims.clear();
                Ok(())
            }
            Action::Request => self.request(),
        }
    }

    fn request(&mut self) -> Result<(), String> {
        if !self.environment.serving() {
            self.deliver(Event::UpRequested)?;
        }
        self.requests_left -= 1;
        if self.requests_left > 0 {
            let delay = 1 + self.random.below(12_000);
            self.schedule(delay, Action::Request);
        }
        // An operator's plan may arrive late, when the table it was made for is no longer the newest.
        if let Some(stale) = self.planned.take().filter(|_| self.random.chance(30)) {
            self.deliver(Event::Requested { plan: Box::new(stale) })?;
        }
        let target = self.spec();
        let Ok(plan) = plan(&self.environment, target) else { return Ok(()) };
        let target = ReleaseSpec { number: plan.release.number + 1, ..self.spec() };
        self.planned = Some(Plan { release: target, ..plan.clone() });
        self.deliver(Event::Requested { plan: Box::new(plan) })
    }

    fn spec(&mut self) -> ReleaseSpec {
        let number = self.environment.newest_number() + 1;
        let digest = Sha256Digest::of(&number.to_be_bytes());
        ReleaseSpec {
            id: ReleaseId::new(number, ArtifactDigest(digest)),
            number,
            artifact: ArtifactDigest(digest),
            digest: ReleaseDigest(digest),
            instances: 1 + self.random.below(3) as u16,
            timings: Timings {
                start_deadline: Duration::from_millis(500 + self.random.below(1_500)),
                promote_deadline: Duration::from_millis(900),
                watch: Duration::from_millis(self.random.below(1_500)),
                drain: Duration::from_millis(self.random.below(1_000)),
                stop_grace: Duration::from_millis(100),
            },
            error_ratio_max: 0.001,
            launch: serde_json::Value::Null,
            restores: None,
            requested_by: "simulation".to_owned(),
        }
    }

    pub(crate) fn deliver(&mut self, event: Event) -> Result<(), String> {
        self.journal.push((self.now, event.clone()));
        let before = self.environment.clone();
        let effects = self.environment.step(self.now, event.clone());
        if let Event::Healthy { instance } = &event {
            self.ever_healthy.insert(instance.clone());
        }
        invariants::after_event(self, &before, &event, &effects)?;
        for effect in effects {
            // An effect may be executed twice: a controller that was killed after it repeats it.
            if self.random.chance(10) {
                self.schedule_soon(Action::Execute(effect.clone()));
            }
            self.schedule_soon(Action::Execute(effect));
        }
        self.force_fault()?;
        self.random_fault()
    }

    fn execute(&mut self, effect: Effect) -> Result<(), String> {
        let outstanding = self.environment.outstanding().contains(&effect);
        match effect {
            Effect::Start { instance } if outstanding => self.start(instance),
            Effect::AwaitHealthy { instance } if outstanding => self.await_healthy(instance),
            Effect::Stop { instance, .. } if outstanding => self.stop(instance),
            Effect::Route { table } => self.route(*table),
            Effect::AwaitDrained { release } if outstanding => self.await_drained(release),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, instance: InstanceId) {
        if self.doomed.contains(&instance) || !self.processes.contains(&instance) && self.random.chance(6) {
            self.doomed.insert(instance.clone());
            return self.schedule_soon(Action::Deliver(Event::StartFailed {
                instance,
                reason: "no such file".to_owned(),
            }));
        }
        self.processes.insert(instance.clone());
        let address = "127.0.0.1:20000".parse().unwrap();
        self.schedule_soon(Action::Deliver(Event::Started {
            instance,
            address,
            process: serde_json::Value::Null,
        }));
    }

    fn await_healthy(&mut self, instance: InstanceId) {
        let crash_looping = self.crash_loops && self.requests_left > 0;
        if crash_looping && instance.release().as_str().starts_with("r1-") && instance.attempt() > 0 {
            self.processes.remove(&instance);
            return self
                .schedule_soon(Action::Deliver(Event::Exited { instance, reason: "exit 1".to_owned() }));
        }
        let event = match self.random.below(100) {
            0..90 => Event::Healthy { instance },
            90..95 => Event::StartFailed { instance, reason: "answered 500".to_owned() },
            // Silence: the start deadline must end it.
            _ => return,
        };
        self.schedule_soon(Action::Deliver(event));
    }

    fn stop(&mut self, instance: InstanceId) {
        self.processes.remove(&instance);
        self.schedule_soon(Action::Deliver(Event::Exited { instance, reason: "stopped".to_owned() }));
    }

    fn route(&mut self, table: RouteTable) {
        let newest = self.edge.table.as_ref().map(|table| table.generation);
        let claims = u64::from(self.edge.claims.values().sum::<u32>());
        if newest.is_none_or(|newest| newest < table.generation) {
            self.edge.apply(table.clone(), self.now);
        }
        for pool in self.edge.table.iter().flat_map(|table| &table.pools).filter(|pool| pool.weight > 0) {
            *self.edge.claims.entry(pool.release.clone()).or_default() += self.random.below(5) as u32;
        }
        self.schedule_soon(Action::EndClaims);
        self.schedule_soon(Action::Deliver(Event::Routed { generation: table.generation, claims }));
    }

    fn await_drained(&mut self, release: ReleaseId) {
        if self.edge.claims.get(&release).copied().unwrap_or(0) == 0 {
            self.schedule(1, Action::Deliver(Event::Drained { release }));
        } else {
            self.schedule_soon(Action::Execute(Effect::AwaitDrained { release }));
        }
    }

    fn random_fault(&mut self) -> Result<(), String> {
        if self.requests_left == 0 || !self.random.chance(3) {
            return Ok(());
        }
        let fault = match self.random.below(20) {
            0..6 => Fault::CrashNew,
            6..11 => Fault::CrashOld,
            11..13 => Fault::Judge,
            13..15 => Fault::Rollback,
            15..17 => Fault::KillController,
            17..19 => Fault::KillEdge,
            _ => Fault::Down,
        };
        self.inject(fault)
    }

    /// The chosen fault strikes the first time that the second release is in the chosen phase.
    fn force_fault(&mut self) -> Result<(), String> {
        if let Some(fault) = self.second.take() {
            return self.inject(fault);
        }
        let Some((phase, fault, second)) = self.forced else { return Ok(()) };
        let Some(rollout) = self.environment.underway().filter(|rollout| rollout.release().number > 1) else {
            return Ok(());
        };
        let present = match rollout.position() {
            Position::Starting { .. } => 0,
            Position::Promoting { .. } => 1,
            Position::Watching { .. } => 2,
            Position::RetiringOld => 3,
            Position::RetiringNew => 4,
        };
        if present != phase {
            return Ok(());
        }
        (self.forced, self.second) = (None, Some(second));
        self.tally.forced = Some(phase);
        self.inject(fault)
    }

    fn inject(&mut self, fault: Fault) -> Result<(), String> {
        let underway = self.environment.underway().map(|rollout| rollout.id().clone());
        match fault {
            Fault::CrashNew => self.crash(|id| Some(id.release()) == underway.as_ref()),
            Fault::CrashOld => self.crash(|id| Some(id.release()) != underway.as_ref()),
            Fault::Judge => match underway {
                Some(release) => self.deliver(Event::Judged { release, reason: "errors".to_owned() }),
                None => Ok(()),
            },
            Fault::Rollback => self.deliver(Event::RollbackRequested { reason: "an operator".to_owned() }),
            Fault::KillController => self.kill_controller(),
            Fault::KillEdge => {
                self.edge = Edge::default();
                // A new edge gets the newest table before it accepts.
                self.edge.apply(self.environment.table().clone(), self.now);
                Ok(())
            }
            Fault::Down => {
                self.tally.down += 1;
                self.deliver(Event::DownRequested)
            }
        }
    }

    fn crash(&mut self, of_side: impl Fn(&InstanceId) -> bool) -> Result<(), String> {
        let Some(instance) = self.processes.iter().find(|id| of_side(id)).cloned() else { return Ok(()) };
        self.processes.remove(&instance);
        self.deliver(Event::Exited { instance, reason: "signal 9".to_owned() })
    }

    /// Replays the journal, as a restarted control plane does, and repeats what is outstanding.
    fn kill_controller(&mut self) -> Result<(), String> {
        let mut replayed = Environment::default();
        for (now, event) in &self.journal {
            let text = serde_json::to_string(event).map_err(|error| error.to_string())?;
            replayed.step(*now, serde_json::from_str(&text).map_err(|error| error.to_string())?);
        }
        if replayed != self.environment {
            return Err("replay gives another state".to_owned());
        }
        let text = serde_json::to_string(&replayed).map_err(|error| error.to_string())?;
        if serde_json::from_str::<Environment>(&text).map_err(|error| error.to_string())? != replayed {
            return Err("a snapshot does not read back".to_owned());
        }
        self.agenda.retain(|_, action| matches!(action, Action::EndClaims | Action::Request));
        for effect in replayed.outstanding() {
            self.schedule_soon(Action::Execute(effect));
        }
        Ok(())
    }
}

impl Edge {
    fn apply(&mut self, table: RouteTable, now: Timestamp) {
        for pool in self.table.iter().flat_map(|old| &old.pools) {
            self.last_routed.insert(pool.release.clone(), now);
        }
        self.table = Some(table);
    }
}
