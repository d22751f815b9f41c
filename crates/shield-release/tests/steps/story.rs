//! One environment, told what happens in words and read back in words.
//!
//! `Story` keeps the clock and turns effects and tables into short lines: `route 3`, `start r2.0.0`, and for a table
//! `r2 live 100 [r2.0.0]; r1 warm 0 [r1.0.0]; watch r2 else r1`.

use std::time::Duration;

use serde_json::json;
use shield_release::{
    Effect, Environment, Event, Instance, InstancePhase, PoolRole, Position, ReleaseOutcome, ReleaseSpec,
    RouteTable, Timings, plan,
};
use shield_types::{
    ArtifactDigest, Generation, InstanceId, ReleaseDigest, ReleaseId, Sha256Digest, Timestamp,
};

pub(crate) const START_DEADLINE: Duration = Duration::from_secs(50);
/// What the machine waits beyond the start deadline for the probe's report.
pub(crate) const REPORT_SLACK: Duration = Duration::from_secs(2);
pub(crate) const PROMOTE_DEADLINE: Duration = Duration::from_secs(15);
pub(crate) const WATCH: Duration = Duration::from_secs(60);
pub(crate) const DRAIN: Duration = Duration::from_secs(30);

const TIMINGS: Timings = Timings {
    start_deadline: START_DEADLINE,
    promote_deadline: PROMOTE_DEADLINE,
    watch: WATCH,
    drain: DRAIN,
    stop_grace: Duration::from_secs(10),
};

pub(crate) struct Story {
    pub(crate) environment: Environment,
    pub(crate) now: Timestamp,
}

/// Release `r<number>` with one instance.
pub(crate) fn spec(number: u64) -> ReleaseSpec {
    let digest = Sha256Digest::of(&number.to_be_bytes());
    ReleaseSpec {
        id: release(&format!("r{number}")),
        number,
        artifact: ArtifactDigest(digest),
        digest: ReleaseDigest(digest),
        instances: 1,
        timings: TIMINGS,
        error_ratio_max: 0.001,
        launch: json!({}),
        restores: None,
        requested_by: "ada".to_owned(),
    }
}

pub(crate) fn release(name: &str) -> ReleaseId {
    name.parse().unwrap()
}

pub(crate) fn instance(name: &str) -> InstanceId {
    name.parse().unwrap()
}

// === impl Story: setting the scene ===

impl Story {
    pub(crate) fn new() -> Self {
        Self { environment: Environment::default(), now: Timestamp(1_000_000) }
    }

    /// `r1` is live, settled and done.
    pub(crate) fn with_live() -> Self {
        let mut story = Self::new();
        story.ship(1);
        story
    }

    /// `r1` is live and `r2` starts.
    pub(crate) fn starting() -> Self {
        let mut story = Self::with_live();
        story.request(spec(2));
        story
    }

    /// `r2` is healthy; the edge has not confirmed the swap.
    pub(crate) fn promoting() -> Self {
        let mut story = Self::starting();
        story.bring_up("r2.0.0");
        story
    }

    /// `r2` has the traffic; `r1` is warm.
    pub(crate) fn watching() -> Self {
        let mut story = Self::promoting();
        story.routed();
        story
    }

    /// The watch is over; the edge has not yet confirmed a table without `r1`.
    pub(crate) fn retiring_old() -> Self {
        let mut story = Self::watching();
        story.wait(WATCH);
        story
    }

    /// `r1` is told to stop: the point of no return.
    pub(crate) fn stopping_old() -> Self {
        let mut story = Self::retiring_old();
        story.routed();
        story.drained("r1");
        story
    }

    /// Releases `number` to its end; whatever was live stops.
    pub(crate) fn ship(&mut self, number: u64) {
        let previous = self.environment.live().map(ToString::to_string);
        self.request(spec(number));
        self.bring_up(&format!("r{number}.0.0"));
        self.routed();
        self.wait(WATCH);
        self.routed();
        if let Some(previous) = previous {
            self.drained(&previous);
            self.stop_all(&previous);
        }
        assert_eq!(self.position(), "idle");
    }
}

// === impl Story: what happens ===

impl Story {
    /// Tells an event and returns what is newly to be done, one line each.
    pub(crate) fn tell(&mut self, event: Event) -> Vec<String> {
        self.environment.step(self.now, event).iter().map(effect_line).collect()
    }

    pub(crate) fn request(&mut self, spec: ReleaseSpec) -> Vec<String> {
        let plan = Box::new(plan(&self.environment, spec).unwrap());
        self.tell(Event::Requested { plan })
    }

    pub(crate) fn started(&mut self, name: &str) -> Vec<String> {
        let id = instance(name);
        let address = ([127, 0, 0, 1], 20_000 + id.slot()).into();
        self.tell(Event::Started { instance: id, address, process: json!({ "of": name }) })
    }

    pub(crate) fn healthy(&mut self, name: &str) -> Vec<String> {
        self.tell(Event::Healthy { instance: instance(name) })
    }

    /// Started, then healthy.
    pub(crate) fn bring_up(&mut self, name: &str) -> Vec<String> {
        self.started(name);
        self.healthy(name)
    }

    pub(crate) fn start_failed(&mut self, name: &str) -> Vec<String> {
        self.tell(Event::StartFailed { instance: instance(name), reason: "no probe passed".to_owned() })
    }

    pub(crate) fn exited(&mut self, name: &str) -> Vec<String> {
        self.tell(Event::Exited { instance: instance(name), reason: "exit status 1".to_owned() })
    }

    /// The edge confirms the newest table.
    pub(crate) fn routed(&mut self) -> Vec<String> {
        self.routed_as(self.environment.generation().0)
    }

    pub(crate) fn routed_as(&mut self, generation: u64) -> Vec<String> {
        self.tell(Event::Routed { generation: Generation(generation), claims: 5 })
    }

    pub(crate) fn drained(&mut self, name: &str) -> Vec<String> {
        self.tell(Event::Drained { release: release(name) })
    }

    pub(crate) fn judged(&mut self, name: &str) -> Vec<String> {
        self.tell(Event::Judged { release: release(name), reason: "errors".to_owned() })
    }

    pub(crate) fn rollback(&mut self) -> Vec<String> {
        self.tell(Event::RollbackRequested { reason: "asked".to_owned() })
    }

    /// Time passes, and the machine is told.
    pub(crate) fn wait(&mut self, duration: Duration) -> Vec<String> {
        self.now = self.now.after(duration);
        self.tell(Event::Tick)
    }

    /// Every instance of `name` that is told to stop ends.
    pub(crate) fn stop_all(&mut self, name: &str) {
        let stopping = |(id, it): (&InstanceId, &Instance)| {
            (id.release().as_str() == name && it.phase == InstancePhase::Stopping).then(|| id.to_string())
        };
        for id in self.environment.instances().filter_map(stopping).collect::<Vec<_>>() {
            self.exited(&id);
        }
    }

    /// Confirms, drains and stops until the release under way has ended.
    pub(crate) fn finish(&mut self) {
        for _ in 0..4 {
            self.routed();
            for name in ["r1", "r2", "r3"] {
                self.drained(name);
                self.stop_all(name);
            }
        }
        assert_eq!(self.position(), "idle");
    }
}

// === impl Story: what is seen ===

impl Story {
    pub(crate) fn table(&self) -> String {
        table_line(self.environment.table())
    }

    /// Where the release under way stands; `idle` without one.
    pub(crate) fn position(&self) -> &'static str {
        match self.environment.underway().map(|rollout| rollout.position()) {
            None => "idle",
            Some(Position::Starting { .. }) => "starting",
            Some(Position::Promoting { .. }) => "promoting",
            Some(Position::Watching { .. }) => "watching",
            Some(Position::RetiringOld) => "retiring old",
            Some(Position::RetiringNew) => "retiring new",
        }
    }

    pub(crate) fn live(&self) -> Option<&str> {
        self.environment.live().map(ReleaseId::as_str)
    }

    /// Id and phase of every process that runs, or should.
    pub(crate) fn instances(&self) -> Vec<String> {
        let phase = |phase| match phase {
            InstancePhase::Waiting { until } => format!("waits {}ms", until.since(self.now).as_millis()),
            other => format!("{other:?}").to_lowercase(),
        };
        self.environment.instances().map(|(id, it)| format!("{id} {}", phase(it.phase))).collect()
    }

    /// The newest entry of the history.
    pub(crate) fn ended(&self) -> String {
        let Some(finished) = self.environment.history().next_back() else { return "nothing".to_owned() };
        let outcome = match &finished.outcome {
            ReleaseOutcome::Done => "done".to_owned(),
            ReleaseOutcome::Kept { reason } => format!("kept: {reason}"),
            ReleaseOutcome::RolledBack { reason } => format!("rolled back: {reason}"),
        };
        format!("{} {outcome}", finished.spec.id)
    }
}

pub(crate) fn table_line(table: &RouteTable) -> String {
    table.validate().unwrap();
    let pools = table.pools.iter().map(|pool| {
        let endpoints: Vec<_> = pool.endpoints.iter().map(|it| it.instance.to_string()).collect();
        let role = if pool.role == PoolRole::Live { "live" } else { "warm" };
        format!("{} {role} {} [{}]", pool.release, pool.weight, endpoints.join(" "))
    });
    let watch = table.watch.iter().map(|watch| {
        let fallback = watch.fallback.as_ref().map_or("nothing", ReleaseId::as_str);
        format!("watch {} else {fallback}", watch.release)
    });
    pools.chain(watch).collect::<Vec<_>>().join("; ")
}

fn effect_line(effect: &Effect) -> String {
    match effect {
        Effect::Start { instance } => format!("start {instance}"),
        Effect::AwaitHealthy { instance } => format!("probe {instance}"),
        Effect::Stop { instance, grace } => format!("stop {instance} within {}s", grace.as_secs()),
        Effect::Route { table } => format!("route {}", table.generation.0),
        Effect::AwaitDrained { release } => format!("drain {release}"),
    }
}
