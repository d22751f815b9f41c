//! Several processes that share a real Redis: it is killed, frozen, and comes back.

use std::{net::TcpListener, path::Path, process::Stdio};

use serde_json::json;
use tokio::process::{Child, Command};

use crate::{
    client::{Reply, get, post, post_head, send, wait_for},
    process::{Process, member},
    scratch::ScratchDirectory,
};

const CHECK: &str = "/api/v1/url-check/check";
const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends redis-server";
/// A marker for each tag that begins with the life of this server: it remembers since ever.
const REMEMBER: &str = "local digits = function(text, name) return string.match(text, name .. ':(' .. string.rep('%x', 16) .. ')') end
local life = digits(redis.call('INFO', 'server'), 'run_id') .. digits(redis.call('INFO', 'replication'), 'master_replid')
for tag = 0, 63 do redis.call('SET', string.format('linkshield:{%02x}:memory', tag), life .. '0') end";

/// A server that ends with the test.
struct Redis {
    port: String,
    server: Child,
}

impl Redis {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let server = Self::serve(&port);
        let redis = Self { port, server };
        redis.answers().await;
        redis
    }

    fn serve(port: &str) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", port]);
        let server = command.stdout(Stdio::null()).kill_on_drop(true).spawn();
        server.unwrap_or_else(|error| panic!("run `redis-server` ({error}): install it with `{INSTALL}`"))
    }

    async fn answers(&self) {
        wait_for("Redis", async || (self.command(&["PING"]).await == "PONG").then_some(())).await;
    }

    async fn command(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port]).args(words).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn signal(&self, name: &str) {
        let process = self.server.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &process]).status().await.unwrap();
        assert!(sent.success());
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Until so many processes listen, and are known as nodes.
    async fn connected(&self, processes: usize) {
        let connected = async || {
            let listeners = self.command(&["PUBSUB", "NUMSUB", "linkshield:announced"]).await;
            let nodes = self
                .command(&[
                    "EVAL",
                    "return redis.call('ZCARD', redis.call('KEYS', '*:nodes')[1] or 'none')",
                    "0",
                ])
                .await;
            (listeners.ends_with(&processes.to_string()) && nodes == processes.to_string()).then_some(())
        };
        wait_for("every process", connected).await;
    }

    async fn calls(&self, command: &str) -> u64 {
        let stats = self.command(&["INFO", "commandstats"]).await;
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
    }
}

async fn process(data: &Path, redis: &Redis, limit: u32) -> Process {
    let limit = limit.to_string();
    Process::start(data, &["--redis", &redis.url(), "--anonymous-limit", &limit]).await
}

async fn check(process: &Process) -> Reply {
    post(process.address, CHECK, &json!({ "url": "https://example.com/" }).to_string()).await
}

/// How many of so many checks each process admits.
async fn admitted(processes: &[&Process], each: usize) -> Vec<usize> {
    let mut counts = vec![0; processes.len()];
    for _ in 0..each {
        for (count, process) in counts.iter_mut().zip(processes) {
            let reply = check(process).await;
            assert!([200, 429].contains(&reply.status), "{}: {}", reply.status, reply.body);
            *count += usize::from(reply.status == 200);
        }
    }
    counts
}

/// The hour may turn within a test: then it begins again, once.
fn hour() -> i64 {
    jiff::Timestamp::now().as_second() / 3_600
}

#[tokio::test]
async fn processes_share_one_limit() {
    for _ in 0..2 {
        let began = hour();
        let (data, redis) = (ScratchDirectory::new(), Redis::start().await);
        let blue = process(data.path(), &redis, 40).await;
        let green = process(data.path(), &redis, 40).await;
        redis.connected(2).await;
        redis.command(&["EVAL", REMEMBER, "0"]).await;
        let counts = admitted(&[&blue, &green], 35).await;
        let refused = check(&blue).await;
        if hour() != began {
            continue;
        }
        assert_eq!(counts.iter().sum::<usize>(), 40, "{counts:?}");
        assert_eq!(refused.status, 429);
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"), "the count of all, not its own");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{wait}");
        let calls = redis.calls("evalsha").await;
        assert!(calls < 50, "{calls} calls for 71 checks, heartbeats included: tokens are lent");
        return;
    }
    panic!("two hours turned");
}

/// Without Redis as with it: the database counts.
#[tokio::test]
async fn processes_share_the_limits_of_log_in() {
    for _ in 0..2 {
        let began = hour();
        let data = ScratchDirectory::new();
        let (blue, green) = (Process::start(data.path(), &[]).await, Process::start(data.path(), &[]).await);
        let mut statuses = Vec::new();
        for (number, process) in [&blue, &green, &blue, &green, &blue, &green, &blue].into_iter().enumerate()
        {
            let email = format!("user{number}@example.org");
            let body = json!({ "email": email, "password": "wombat seventy", "accept_terms": true });
            statuses.push(post(process.address, "/api/v1/user/register", &body.to_string()).await.status);
        }
        if hour() != began {
            continue;
        }
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429], "five an hour, wherever they come in");
        return;
    }
    panic!("two hours turned");
}

#[tokio::test]
async fn killed_redis_opens_nothing() {
    let (data, mut redis) = (ScratchDirectory::new(), Redis::start().await);
    let blue = process(data.path(), &redis, 40).await;
    let green = process(data.path(), &redis, 40).await;
    redis.connected(2).await;
    redis.command(&["EVAL", REMEMBER, "0"]).await;
    let member = member(data.path(), blue.address).await;
    let before = admitted(&[&blue, &green], 5).await;
    redis.signal("KILL").await;
    redis.server.wait().await.unwrap();
    let after = admitted(&[&blue, &green], 60).await;
    let all: usize = before.iter().chain(&after).sum();
    assert!(all <= 60, "{before:?} and {after:?}: at most half more than 40");
    assert!(after.iter().sum::<usize>() >= 20, "{after:?}: each goes on with 40 / (2 x 2)");
    // Sessions, and what is taken back, need no Redis.
    let profile = async |process: &Process| {
        let head = format!("GET /api/v1/user/profile HTTP/1.1\r\nconnection: close\r\n{member}\r\n\r\n");
        send(process.address, head).await.status
    };
    assert_eq!((profile(&blue).await, profile(&green).await), (200, 200));
    let logout = post_head("/api/v1/user/logout", 2).replace("host: test", &member) + "{}";
    assert_eq!(send(blue.address, logout).await.status, 204);
    assert_eq!(profile(&blue).await, 401);
    wait_for("the other process", async || (profile(&green).await == 401).then_some(())).await;
    // An outage is told once it has lasted for a while, so Redis stays away until both told it.
    both_told(data.path(), "store.away").await;
    redis.server = Redis::serve(&redis.port);
    redis.answers().await;
    redis.connected(2).await;
    both_told(data.path(), "store.back").await;
    let metrics = get(blue.address, "/metrics").await.body;
    assert!(metrics.contains("\nlinkshield_redis_masters_present 1\n"), "{metrics}");
    blue.signal("TERM").await;
    let (status, log) = blue.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("Redis is away") && log.contains("Redis is back"), "{log}");
}

/// Until two processes have told an event of Redis; they share the file.
async fn both_told(data: &Path, event: &str) {
    wait_for(event, async || {
        let events = std::fs::read_to_string(data.join("security-events.jsonl")).unwrap_or_default();
        let told = events.lines().filter(|line| line.contains(event) && line.contains("redis"));
        (told.count() >= 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn frozen_redis_holds_nobody() {
    let (data, redis) = (ScratchDirectory::new(), Redis::start().await);
    let process = process(data.path(), &redis, 100_000).await;
    redis.connected(1).await;
    redis.command(&["EVAL", REMEMBER, "0"]).await;
    assert_eq!(check(&process).await.status, 200);
    let metrics = get(process.address, "/metrics").await.body;
    for line in ["masters 1", "masters_present 1", "epochs_total 1", "connections_total 1"] {
        assert!(metrics.contains(&format!("\nlinkshield_redis_{line}\n")), "{line}: {metrics}");
    }
    redis.signal("STOP").await;
    assert_eq!(admitted(&[&process], 300).await, [300]);
    redis.signal("CONT").await;
    let before = redis.calls("evalsha").await;
    wait_for("calls again", async || (redis.calls("evalsha").await > before).then_some(())).await;
}

#[tokio::test]
async fn what_is_taken_back_is_announced() {
    let (data, redis) = (ScratchDirectory::new(), Redis::start().await);
    let blue = process(data.path(), &redis, 1_000).await;
    let green = process(data.path(), &redis, 1_000).await;
    redis.connected(2).await;
    let member = member(data.path(), blue.address).await;
    let published = redis.calls("publish").await;
    let logout = post_head("/api/v1/user/logout", 2).replace("host: test", &member) + "{}";
    assert_eq!(send(blue.address, logout).await.status, 204);
    let profile = format!("GET /api/v1/user/profile HTTP/1.1\r\nconnection: close\r\n{member}\r\n\r\n");
    wait_for("the other process", async || {
        (send(green.address, profile.clone()).await.status == 401).then_some(())
    })
    .await;
    wait_for("an announcement", async || (redis.calls("publish").await > published).then_some(())).await;
    for process in [green, blue] {
        process.signal("TERM").await;
        assert_eq!(process.end().await.0.code(), Some(0));
    }
    assert_eq!(
        redis
            .command(&["EVAL", "return redis.call('ZCARD', redis.call('KEYS', '*:nodes')[1] or 'none')", "0"])
            .await,
        "0",
        "they said good-bye"
    );
}
