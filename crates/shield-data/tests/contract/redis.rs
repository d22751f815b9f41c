//! Redis, real: one server, Sentinels, a cluster; killed, frozen, emptied, demoted and failed over.

use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use shield_data::{Redis, RedisKeeper, RedisLeases, RedisSettings, RedisStatus};
use shield_guard::limit::{LeaseAnswer, LeaseRequest, LeaseStore, LimitKey, Rate, StoreState};
use shield_testkit::{Redis as Server, RedisCluster, RedisSentinel, wait_for};
use shield_types::Timestamp;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD_MS: u64 = 3_600_000;

/// A node of an installation.
struct Node {
    redis: Redis,
    leases: RedisLeases,
    keeper: RedisKeeper,
}

fn units(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap())
}

/// So many of 100 tokens, in a window that begins at a moment.
fn request(class: u16, want: u32, start: Timestamp) -> LeaseRequest {
    LeaseRequest {
        limit: "api",
        key: LimitKey::RouteClass(class),
        rate: Rate::new(100, Duration::from_millis(PERIOD_MS)).unwrap(),
        want: units(want),
        cost: units(1),
        window_start: start,
        window_end: Timestamp(start.0 + PERIOD_MS),
    }
}

/// A window that begins after everything that has happened.
fn later() -> Timestamp {
    Timestamp(now().0 + 60_000)
}

impl Node {
    /// Connected.
    async fn of(url: &str) -> Self {
        let node = Self::begin(url);
        node.becomes(|status| status.shards_present > 0 && status.shards_present == status.shards).await;
        node
    }

    fn begin(url: &str) -> Self {
        let settings: RedisSettings = url.parse().unwrap();
        let (redis, keeper) = Redis::open(&settings, "test");
        Self { leases: RedisLeases::new(redis.clone()), redis, keeper }
    }

    async fn becomes(&self, mut holds: impl FnMut(&RedisStatus) -> bool) {
        let mut status = self.redis.status();
        let found = timeout(PATIENCE, status.wait_for(|status| holds(status))).await;
        assert!(found.is_ok(), "{:?}", self.redis);
    }

    async fn away(&self) {
        self.becomes(|status| status.state == StoreState::Away).await;
    }

    async fn present(&self) {
        self.becomes(|status| status.state == StoreState::Present).await;
    }

    fn epoch(&self) -> u64 {
        self.redis.status().borrow().epoch
    }

    /// What it lends, as soon as it lends again: a probe of a circuit may be under way.
    async fn lent(&self, request: LeaseRequest) -> LeaseAnswer {
        let take = || async { self.leases.take(&request, now()).await.ok() };
        wait_for("an answer", PATIENCE, take).await.unwrap()
    }

    async fn failure(&self) -> String {
        causes(&self.leases.take(&request(99, 1, later()), now()).await.unwrap_err())
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let next = error.source().map(causes).unwrap_or_default();
    format!("{error}: {next}")
}

fn granted(tokens: u32) -> LeaseAnswer {
    LeaseAnswer::Granted { tokens }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_one_count() {
    let server = Server::start().unwrap();
    let (one, two) = (Node::of(&server.url()).await, Node::of(&server.url()).await);
    let start = later();
    assert_eq!(one.lent(request(0, 60, start)).await, granted(60));
    assert_eq!(two.lent(request(0, 60, start)).await, granted(40), "what is left");
    assert_eq!(one.lent(request(0, 60, start)).await, granted(0));
    assert_eq!(one.lent(request(1, 60, start)).await, granted(60), "of another key");
    let next = Timestamp(start.0 + PERIOD_MS);
    assert_eq!(one.lent(request(0, 60, next)).await, granted(60), "in another window");
    server.command(&["SCRIPT", "FLUSH"]).unwrap();
    assert_eq!(two.lent(request(1, 60, start)).await, granted(40), "with a script that was forgotten");
    let expiring = server.command(&["EVAL", "return #redis.call('KEYS', '*lent*')", "0"]).unwrap();
    let eternal = "local n = 0 for _, k in ipairs(redis.call('KEYS', '*lent*')) do
        if redis.call('TTL', k) < 0 then n = n + 1 end end return n";
    assert_eq!((expiring.trim(), server.command(&["EVAL", eternal, "0"]).unwrap().trim()), ("3", "0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_before_its_memory_are_forgotten() {
    let server = Server::start().unwrap();
    let node = Node::of(&server.url()).await;
    let before = Timestamp(now().0 - 10_000);
    assert_eq!(node.lent(request(0, 1, before)).await, LeaseAnswer::Forgotten, "it began empty just now");
    let start = later();
    assert_eq!(node.lent(request(0, 100, start)).await, granted(100));
    server.command(&["FLUSHALL"]).unwrap();
    let begun = Timestamp(now().0 - 1_000);
    assert_eq!(node.lent(request(0, 1, begun)).await, LeaseAnswer::Forgotten, "emptied under the connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_server_is_found_and_forgets() {
    let mut server = Server::start().unwrap();
    let node = Node::of(&server.url()).await;
    assert_eq!(node.lent(request(0, 100, later())).await, granted(100));
    let (begun, epoch) = (now(), node.epoch());
    server.kill().unwrap();
    node.away().await;
    assert!(node.failure().await.contains("it is away"));
    server.restart().unwrap();
    node.present().await;
    assert_eq!(node.epoch(), epoch + 1);
    assert_eq!(node.lent(request(0, 1, begun)).await, LeaseAnswer::Forgotten);
    assert_eq!(node.lent(request(0, 1, later())).await, granted(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_server_holds_nobody() {
    let server = Server::start().unwrap();
    let node = Node::of(&server.url()).await;
    let (start, epoch) = (later(), node.epoch());
    assert_eq!(node.lent(request(0, 60, start)).await, granted(60));
    server.freeze().unwrap();
    let first = node.failure().await;
    assert!(first.contains("no answer within `15ms`") || first.contains("it is away"), "{first}");
    assert!(node.failure().await.contains("it is away"), "the circuit is open");
    server.thaw().unwrap();
    node.present().await;
    assert_eq!(node.lent(request(0, 60, start)).await, granted(40), "it is the same memory");
    assert_eq!(node.epoch(), epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demoted_server_is_left() {
    let server = Server::start().unwrap();
    let node = Node::of(&server.url()).await;
    assert_eq!(node.lent(request(0, 1, later())).await, granted(1));
    let (begun, epoch) = (now(), node.epoch());
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    node.away().await;
    server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    node.present().await;
    assert!(node.epoch() > epoch, "promoted: another history");
    assert_eq!(node.lent(request(0, 1, begun)).await, LeaseAnswer::Forgotten);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promoted_copy_forgets_what_began_before() {
    let mut trio = RedisSentinel::start().unwrap();
    let node = Node::of(&trio.url()).await;
    assert_eq!(node.lent(request(0, 100, later())).await, granted(100));
    let (begun, epoch) = (now(), node.epoch());
    trio.servers()[0].kill().unwrap();
    node.away().await;
    node.becomes(|status| status.state == StoreState::Present && status.epoch > epoch).await;
    assert_eq!(node.lent(request(0, 1, begun)).await, LeaseAnswer::Forgotten);
    assert_eq!(node.lent(request(0, 1, later())).await, granted(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_there_is_no_master() {
    let trio = RedisSentinel::start().unwrap();
    let node = Node::of(&trio.url()).await;
    trio.sentinels()[0].freeze().unwrap();
    assert_eq!(node.lent(request(0, 1, later())).await, granted(1), "two of three agree");
    trio.sentinels()[1].freeze().unwrap();
    node.away().await;
    trio.sentinels().iter().for_each(|sentinel| sentinel.thaw().unwrap());
    node.present().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_spreads_the_counts() {
    let mut cluster = RedisCluster::start().unwrap();
    let node = Node::of(&cluster.url()).await;
    let start = later();
    for class in 0..200 {
        assert_eq!(node.lent(request(class, 60, start)).await, granted(60));
    }
    for master in cluster.masters() {
        let lent = master.command(&["KEYS", "*lent*"]).unwrap().lines().count();
        assert!((20..140).contains(&lent), "{lent}");
    }
    cluster.masters()[2].kill().unwrap();
    node.becomes(|status| status.shards_present == 2).await;
    let mut answers = BTreeSet::new();
    for class in 0..200 {
        answers.insert(node.leases.take(&request(class, 60, start), now()).await.is_ok());
    }
    assert_eq!(answers, BTreeSet::from([false, true]), "keys of the others are counted on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_reach_every_node() {
    let mut server = Server::start().unwrap();
    let (one, two) = (Node::of(&server.url()).await, Node::of(&server.url()).await);
    let mut heard = two.redis.announcements();
    one.redis.announce(7).await.unwrap();
    timeout(PATIENCE, heard.wait_for(|sequence| *sequence == 7)).await.unwrap().unwrap();
    server.kill().unwrap();
    two.away().await;
    heard.mark_unchanged();
    server.restart().unwrap();
    // What was said meanwhile was missed, so whoever listens looks.
    timeout(PATIENCE, heard.changed()).await.unwrap().unwrap();
    one.present().await;
    let announce = || async { one.redis.announce(9).await.ok() };
    wait_for("an announcement", PATIENCE, announce).await.unwrap();
    timeout(PATIENCE, heard.wait_for(|sequence| *sequence == 9)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_counted() {
    let server = Server::start().unwrap();
    let absent = Node::begin("redis://127.0.0.1:1");
    assert_eq!(absent.redis.cluster().nodes.get(), 16, "nobody said how many");
    let (one, two) = (Node::of(&server.url()).await, Node::of(&server.url()).await);
    for node in [&one, &two] {
        let counted = || async { (node.redis.cluster().nodes.get() == 2).then_some(()) };
        wait_for("two nodes", PATIENCE, counted).await.unwrap();
    }
    two.keeper.stop().await;
    assert_eq!(server.command(&["ZCARD", &nodes_key(&server)]).unwrap().trim(), "1");
    assert_eq!(one.redis.cluster().nodes.get(), 2, "rather too many");
    assert_eq!(two.redis.cluster().store, StoreState::Away, "its keeper is gone");
}

fn nodes_key(server: &Server) -> String {
    server.command(&["KEYS", "*:nodes"]).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_and_database_are_used() {
    let server = Server::start().unwrap();
    server.command(&["ACL", "SETUSER", "app", "on", ">p@ss", "~test:*", "&test:*", "+@all"]).unwrap();
    let address = server.url().replace("redis://", "");
    let node = Node::of(&format!("redis://app:p%40ss@{address}/3")).await;
    assert_eq!(node.lent(request(0, 1, later())).await, granted(1));
    assert_ne!(server.command(&["-n", "3", "DBSIZE"]).unwrap().trim(), "0");
    let stranger = Node::begin(&format!("redis://app:wrong@{address}/3"));
    let told = || async { stranger.redis.status().borrow().trouble.clone() };
    let trouble = wait_for("a refusal", PATIENCE, told).await.unwrap();
    assert!(trouble.contains("connect to") && !trouble.contains("wrong@"), "{trouble}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_runs_no_scripts_is_away() {
    let server = Server::start().unwrap();
    let rules = ["ACL", "SETUSER", "app", "on", ">pass", "~test:*", "&test:*", "+@all", "-@scripting"];
    server.command(&rules).unwrap();
    let node = Node::begin(&server.url().replace("redis://", "redis://app:pass@"));
    let told = || async { node.redis.status().borrow().trouble.clone() };
    let trouble = wait_for("a refusal", PATIENCE, told).await.unwrap();
    assert!(trouble.to_lowercase().contains("permission"), "{trouble}");
    assert_eq!(node.redis.cluster().store, StoreState::Away);
    server.command(&["ACL", "SETUSER", "app", "+@scripting"]).unwrap();
    node.present().await;
}
