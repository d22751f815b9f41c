//! The servers, and what is done to Redis.

use std::{
    fmt,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use shield_testkit::{Postgres, RedisSentinel};
use tokio::{task::block_in_place, time::sleep};

use super::{
    crowd::Crowd,
    metrics::{Waits, all_say},
};
use crate::harness::{HttpClient, Login, NodeSettings, Nodes, Person, Result, Trouble, register};

/// Checks of one address per hour.
pub(super) const LIMIT: u32 = 600;
const HOLDERS: usize = 20;
/// Per fault.
const LEAVERS: usize = 10;
/// Before the flood, and after the fault.
const CALM: Duration = Duration::from_secs(2);
/// From the flood to the fault: part of the limit is lent by then, and part is not.
const FLOODED: Duration = Duration::from_millis(600);
const AWAY: Duration = Duration::from_secs(6);
/// Longest wait for the nodes to see what happened to Redis.
const SEEN_LIMIT: Duration = Duration::from_secs(30);
/// Windows of the limit are hours of the clock. A fault must not reach into the next one, which has a limit of its own.
const WINDOW_S: u64 = 3_600;
const FAULT_S_MAX: u64 = 90;
/// A marker for each tag that begins with the life of this server, and remembers since ever: it lends tokens at once, not from the
/// next hour on.
const REMEMBER: &str = "local digits = function(text, name) return string.match(text, name .. ':(' .. string.rep('%x', 16) .. ')') end
local life = digits(redis.call('INFO', 'server'), 'run_id') .. digits(redis.call('INFO', 'replication'), 'master_replid')
for tag = 0, 63 do redis.call('SET', string.format('linkshield:{%02x}:memory', tag), life .. '0') end";

/// What happens to Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Master and copy are killed, and started again empty.
    Killed,
    /// Master and copy are stopped (SIGSTOP), and go on.
    Frozen,
    /// The master is killed, and the Sentinels promote its copy.
    FailedOver,
}

/// What was seen of a fault.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) waits: u64,
    pub(super) waited_long: u64,
    pub(super) sessions_asked: u64,
    pub(super) sessions_refused: u64,
    pub(super) flood: u64,
    pub(super) admitted: u64,
    /// Of those, before the fault.
    pub(super) admitted_before: u64,
    pub(super) guesses: u64,
    pub(super) revoked_accepted: u64,
    pub(super) strangers: u64,
    pub(super) strangers_refused: u64,
    /// From when Redis answered again until all nodes used it.
    pub(super) recovery: Duration,
}

pub(super) struct Scene {
    nodes: Nodes,
    redis: RedisSentinel,
    holders: Vec<(Person, Login)>,
    people: usize,
    _postgres: Postgres,
}

// === impl Fault ===

impl Fault {
    pub(super) const ALL: [Self; 3] = [Self::Killed, Self::Frozen, Self::FailedOver];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Frozen => "frozen",
            Self::FailedOver => "failed over",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} waits for Redis, {} beyond 25 ms; {} of {} requests with a session refused; {} of {} checks admitted \
             (limit {LIMIT}), {} of them before; {} of {} strangers refused; {} guesses looked at; {} revoked tokens accepted; used again after {:?}",
            self.waits,
            self.waited_long,
            self.sessions_refused,
            self.sessions_asked,
            self.admitted,
            self.flood,
            self.admitted_before,
            self.strangers_refused,
            self.strangers,
            self.guesses,
            self.revoked_accepted,
            self.recovery,
        )
    }
}

// === impl Scene ===

impl Scene {
    pub(super) async fn set() -> Result<Self> {
        let redis = block_in_place(RedisSentinel::start);
        let redis = redis.map_err(|error| Trouble::caused("start Redis", error))?;
        let postgres = block_in_place(Postgres::start);
        let postgres = postgres.map_err(|error| Trouble::caused("start PostgreSQL", error))?;
        let database =
            postgres.create_database().map_err(|error| Trouble::caused("make a database", error))?;
        // Whoever holds a session, and whoever floods, meets no other limit.
        let limit = LIMIT.to_string();
        let options =
            ["--anonymous-limit", &limit, "--account-limit", "100000000", "--address-limit", "100000000"];
        let options = options.map(str::to_owned).to_vec();
        let nodes = Nodes::start(3, NodeSettings { database, redis: Some(redis.url()), options }).await?;
        let mut scene = Self { nodes, redis, holders: Vec::new(), people: 0, _postgres: postgres };
        scene.holders = scene.log_in(HOLDERS).await?;
        Ok(scene)
    }

    /// One fault, from before it until after it.
    pub(super) async fn play(&mut self, fault: Fault) -> Result<Outcome> {
        let leavers = self.log_in(LEAVERS).await?;
        let (victim, _) = self.log_in(1).await?.remove(0);
        within_a_window().await;
        self.until(true).await?;
        self.redis
            .command(&["EVAL", REMEMBER, "0"])
            .map_err(|error| Trouble::caused("have Redis lend tokens at once", error))?;
        let before = Waits::read(&self.nodes).await?;
        let mut crowd = Crowd::new(self.nodes.nodes.iter().map(|node| node.address).collect());
        crowd.hold(&self.holders);
        crowd.visit(fault as usize);
        sleep(CALM).await;
        crowd.flood(&victim.address.replacen("10.", "172.", 1));
        sleep(FLOODED).await;
        let admitted_before = crowd.admitted();
        self.begin(fault)?;
        crowd.guess(&victim);
        crowd.leave(leavers);
        if fault != Fault::FailedOver {
            self.until(false).await?;
            sleep(AWAY).await;
        }
        let back = self.end(fault).await?;
        self.until(true).await?;
        let recovery = back.elapsed();
        sleep(CALM).await;
        let counts = crowd.finish().await?;
        let after = Waits::read(&self.nodes).await?;
        block_in_place(|| self.redis.recover()).map_err(|error| Trouble::caused("heal Redis", error))?;
        Ok(Outcome {
            waits: after.all - before.all,
            waited_long: after.long - before.long,
            sessions_asked: counts.sessions_asked.load(Relaxed),
            sessions_refused: counts.sessions_refused.load(Relaxed),
            flood: counts.flood.load(Relaxed),
            admitted: counts.admitted.load(Relaxed),
            admitted_before,
            guesses: counts.guesses.load(Relaxed),
            revoked_accepted: counts.revoked_accepted.load(Relaxed),
            strangers: counts.strangers.load(Relaxed),
            strangers_refused: counts.strangers_refused.load(Relaxed),
            recovery,
        })
    }

    fn begin(&mut self, fault: Fault) -> Result<()> {
        let done = match fault {
            Fault::Killed => self.redis.servers().iter().try_for_each(|server| server.kill()),
            Fault::Frozen => self.redis.servers().iter().try_for_each(|server| server.freeze()),
            Fault::FailedOver => self.redis.kill_master(),
        };
        done.map_err(|error| Trouble::caused("break Redis", error))
    }

    /// When Redis answered again.
    async fn end(&mut self, fault: Fault) -> Result<Instant> {
        let mut answered = None;
        let answering = || answered = Some(Instant::now());
        let mended = block_in_place(|| match fault {
            Fault::Killed => self.redis.restart(answering),
            Fault::Frozen => self.redis.servers().iter().try_for_each(|server| server.thaw()),
            Fault::FailedOver => self.redis.until_promoted(),
        });
        mended.map_err(|error| Trouble::caused("mend Redis", error))?;
        Ok(answered.unwrap_or_else(Instant::now))
    }

    /// Waits until all nodes say that Redis is there, or not.
    async fn until(&self, present: bool) -> Result<()> {
        let began = Instant::now();
        while !all_say(&self.nodes, present).await? {
            if began.elapsed() > SEEN_LIMIT {
                return Err(Trouble::new(format!("wait until all nodes call Redis present: {present}")));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn log_in(&mut self, count: usize) -> Result<Vec<(Person, Login)>> {
        let mut client = HttpClient::new(self.nodes.nodes[0].address);
        let mut all = Vec::new();
        for person in register(&self.nodes, self.people, count).await? {
            let login = person.log_in(&mut client).await?;
            all.push((person, login));
        }
        self.people += count;
        Ok(all)
    }
}

/// Waits for the next window if this one is nearly over.
async fn within_a_window() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let left = WINDOW_S - since % WINDOW_S;
    if left < FAULT_S_MAX {
        println!("  waiting {left} s: a fault must not reach into the next window of the limit");
        sleep(Duration::from_secs(left)).await;
    }
}
