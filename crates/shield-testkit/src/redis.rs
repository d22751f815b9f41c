//! Private Redis servers for tests: one, a master with a copy and three Sentinels, or a cluster. On loopback, without persistence,
//! each in a directory of its own, gone with the test process however it ends (see [`crate::Postgres`] for how).

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

use crate::{free_port, wait_for_sync};

const SERVER: &str = "redis-server";
const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends redis-server";
/// Starting takes a moment; a busy machine may need many.
const START_LIMIT: Duration = Duration::from_secs(60);
/// `$1` is the directory, the rest is the server's command line. It outlives the server, so that the directory goes too.
const KEEPER: &str = r#"directory=$1
shift
"$@" >"$directory/log" 2>&1 &
server=$!
echo "$server"
read -r end
kill -KILL "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$directory"
"#;
/// What Sentinels call the master.
const MASTER: &str = "linkshield";
/// How long a master must be silent before Sentinels hold it for dead.
const DOWN_AFTER_MS: u32 = 1_000;
const SLOTS: u32 = 16_384;

/// A running server. Killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    options: Vec<String>,
    life: Life,
}

/// One process of a server.
#[derive(Debug)]
struct Life {
    server: Pid,
    keeper: Child,
    /// Closing it ends the server.
    lifeline: Option<ChildStdin>,
}

/// A master with one copy, watched by three Sentinels.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: [Redis; 2],
    sentinels: [Redis; 3],
}

/// A cluster of three masters without copies.
#[derive(Debug)]
pub struct RedisCluster {
    masters: [Redis; 3],
}

/// A server that did not start, or did not do as it was told.
#[derive(Debug, Error)]
pub enum RedisError {
    /// It could not be run.
    #[error("run `{SERVER}`: install it with `{INSTALL}`")]
    Run(#[source] io::Error),
    /// It takes no connection.
    #[error("wait for Redis to answer: {log}")]
    Start {
        /// What it logged.
        log: String,
    },
    /// A command failed.
    #[error("tell Redis `{command}`: {answer}")]
    Command {
        /// Which.
        command: String,
        /// What it printed.
        answer: String,
    },
    /// Several servers do not come together.
    #[error("wait for several Redis servers to find each other")]
    Gather,
    /// A signal was not delivered.
    #[error("signal Redis")]
    Signal(#[source] Errno),
}

// === impl Redis ===

impl Redis {
    /// A server of the caller's own, to be emptied, frozen or killed.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start() -> Result<Self, RedisError> {
        Self::start_with(&[])
    }

    /// Where it is: `redis://…`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers of `redis-cli`, one line each.
    ///
    /// # Errors
    /// When it fails.
    pub fn command(&self, words: &[&str]) -> Result<String, RedisError> {
        let port = self.port.to_string();
        let output =
            Command::new("redis-cli").args(["-e", "-h", "127.0.0.1", "-p", &port]).args(words).output();
        let output = output.map_err(RedisError::Run)?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() {
            true => Ok(answer),
            false => Err(RedisError::Command { command: words.join(" "), answer }),
        }
    }

    /// Ends it at once (`SIGKILL`). It has no persistence, so everything is lost.
    ///
    /// # Errors
    /// When the system does not deliver the signal.
    pub fn kill(&self) -> Result<(), RedisError> {
        self.signal(Signal::KILL)
    }

    /// Stops it (`SIGSTOP`): connections stay, new ones are taken by the system, and nobody answers.
    ///
    /// # Errors
    /// When the system does not deliver the signal.
    pub fn freeze(&self) -> Result<(), RedisError> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen one go on.
    ///
    /// # Errors
    /// When the system does not deliver the signal.
    pub fn thaw(&self) -> Result<(), RedisError> {
        self.signal(Signal::CONT)
    }

    /// Starts it again, empty, at the same port, after it was killed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), RedisError> {
        self.life = Life::begin(self.port, &self.options)?;
        Ok(())
    }

    fn start_with(options: &[&str]) -> Result<Self, RedisError> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let port = free_port();
        Ok(Self { port, life: Life::begin(port, &options)?, options })
    }

    fn signal(&self, signal: Signal) -> Result<(), RedisError> {
        kill_process(self.life.server, signal).map_err(RedisError::Signal)
    }
}

// === impl Life ===

impl Life {
    fn begin(port: u16, options: &[String]) -> Result<Self, RedisError> {
        let directory =
            tempfile::Builder::new().prefix("shield-redis-").tempdir().map_err(RedisError::Run)?.keep();
        let path = directory.display().to_string();
        // Sentinels write what they learn into their file.
        let settings = directory.join("settings");
        let fixed = format!("port {port}\nbind 127.0.0.1\ndir {path}\ndaemonize no\n");
        fs::write(&settings, fixed + &options.join("\n") + "\n").map_err(RedisError::Run)?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", &path, SERVER, &settings.display().to_string()]);
        if options.iter().any(|option| option.starts_with("sentinel ")) {
            command.arg("--sentinel");
        } else {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        let mut keeper =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(RedisError::Run)?;
        let lifeline = keeper.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(RedisError::Run)?;
        }
        let server = line.trim().parse().ok().and_then(Pid::from_raw);
        let server =
            server.ok_or_else(|| RedisError::Run(io::Error::other("the shell did not say its pid")))?;
        let life = Self { server, keeper, lifeline };
        let answers = || ping(port).then_some(());
        match wait_for_sync("Redis", START_LIMIT, answers) {
            Ok(()) => Ok(life),
            Err(_) => Err(RedisError::Start { log: log(directory) }),
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Nothing can be done about a failure here, and a panic in a drop would hide the test's own.
        drop(self.keeper.wait());
    }
}

fn ping(port: u16) -> bool {
    let port = port.to_string();
    let output = Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port, "PING"]).output();
    output.is_ok_and(|output| output.stdout.starts_with(b"PONG"))
}

fn log(directory: PathBuf) -> String {
    match Command::new(SERVER).arg("--version").output() {
        Ok(_) => fs::read_to_string(directory.join("log")).unwrap_or_default(),
        Err(_) => format!("`{SERVER}` is not installed: {INSTALL}"),
    }
}

// === impl RedisSentinel ===

impl RedisSentinel {
    /// Ready to fail over: the copy follows, and every Sentinel knows the copy and the others.
    ///
    /// # Errors
    /// When Redis is not installed, or does not come so far.
    pub fn start() -> Result<Self, RedisError> {
        let diskless = ["repl-diskless-sync yes", "repl-diskless-sync-delay 0"];
        let master = Redis::start_with(&diskless)?;
        let follows = format!("replicaof 127.0.0.1 {}", master.port);
        let copy = Redis::start_with(&[diskless[0], diskless[1], &follows])?;
        let monitor = format!("sentinel monitor {MASTER} 127.0.0.1 {} 2", master.port);
        let down_after = format!("sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}");
        let failover = format!("sentinel failover-timeout {MASTER} 3000");
        let sentinel = || Redis::start_with(&[&monitor, &down_after, &failover]);
        let trio = Self { sentinels: [sentinel()?, sentinel()?, sentinel()?], servers: [master, copy] };
        trio.until_ready()?;
        Ok(trio)
    }

    /// Where it is: `redis+sentinel://…`.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{MASTER}", hosts(&self.sentinels))
    }

    /// The master and its copy; who is which, the Sentinels say.
    pub fn servers(&mut self) -> &mut [Redis; 2] {
        &mut self.servers
    }

    /// The Sentinels.
    pub fn sentinels(&self) -> &[Redis; 3] {
        &self.sentinels
    }

    /// The port of whom the first Sentinel calls the master.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn master_port(&self) -> Result<u16, RedisError> {
        let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
        let answer = self.sentinels[0].command(&command)?;
        let port = answer.lines().nth(1).and_then(|port| port.trim().parse().ok());
        port.ok_or_else(|| RedisError::Command { command: command.join(" "), answer })
    }

    /// Answers of `redis-cli` at the master, one line each.
    ///
    /// # Errors
    /// When no Sentinel says who that is, or the command fails.
    pub fn command(&self, words: &[&str]) -> Result<String, RedisError> {
        self.server(self.master_port()?).command(words)
    }

    /// Starts master and copy again, empty, after both were killed; `answering` is called once the master answers.
    ///
    /// # Errors
    /// When they do not start.
    pub fn restart(&mut self, answering: impl FnOnce()) -> Result<(), RedisError> {
        let master = self.master_port()?;
        self.servers.sort_by_key(|server| server.port != master);
        let [master, copy] = &mut self.servers;
        master.restart()?;
        answering();
        copy.restart()
    }

    /// Has the Sentinels promote the copy (`SENTINEL FAILOVER`); returns when it is ordered, not when it is done.
    ///
    /// # Errors
    /// When they do not take the order: there is no copy that could be promoted.
    pub fn fail_over(&self) -> Result<(), RedisError> {
        self.sentinels[0].command(&["SENTINEL", "FAILOVER", MASTER]).map(drop)
    }

    /// Ends the master at once (`SIGKILL`); the Sentinels will promote the copy.
    ///
    /// # Errors
    /// When no Sentinel says who that is, or the system does not deliver the signal.
    pub fn kill_master(&self) -> Result<(), RedisError> {
        self.server(self.master_port()?).kill()
    }

    /// Waits until a copy was promoted in the place of a server that was killed, starts that one again as its copy, and
    /// waits until a failover is possible again.
    ///
    /// # Errors
    /// When it does not come so far.
    pub fn recover(&mut self) -> Result<(), RedisError> {
        let promoted = || self.master_port().ok().filter(|port| ping(*port));
        let master = wait_for_sync("a promotion", START_LIMIT, promoted).map_err(|_| RedisError::Gather)?;
        let other = self.servers.iter_mut().find(|server| server.port != master);
        let other = other.ok_or(RedisError::Gather)?;
        if !ping(other.port) {
            other.restart()?;
            // Rather than as a second master until a Sentinel notices.
            other.command(&["REPLICAOF", "127.0.0.1", &master.to_string()])?;
        }
        self.until_ready()
    }

    /// Waits until whom the Sentinels call the master answers and calls itself one.
    ///
    /// # Errors
    /// When it does not come so far.
    pub fn until_promoted(&self) -> Result<(), RedisError> {
        let promoted = || {
            let server = self.server(self.master_port().ok()?);
            let role = server.command(&["ROLE"]).ok()?;
            role.starts_with("master").then_some(())
        };
        wait_for_sync("a promotion", START_LIMIT, promoted).map_err(|_| RedisError::Gather)
    }

    fn until_ready(&self) -> Result<(), RedisError> {
        let ready = || (self.copied() && self.sentinels.iter().all(knows_all)).then_some(());
        wait_for_sync("Sentinels", START_LIMIT, ready).map_err(|_| RedisError::Gather)
    }

    fn server(&self, port: u16) -> &Redis {
        self.servers.iter().find(|server| server.port == port).unwrap_or(&self.servers[0])
    }

    fn copied(&self) -> bool {
        let info = |server: &Redis| server.command(&["INFO", "replication"]).unwrap_or_default();
        self.servers.iter().any(|server| info(server).contains("master_link_status:up"))
    }
}

fn knows_all(sentinel: &Redis) -> bool {
    let info = sentinel.command(&["INFO", "sentinel"]);
    info.is_ok_and(|info| info.contains("status=ok") && info.contains("slaves=1,sentinels=3"))
}

// === impl RedisCluster ===

impl RedisCluster {
    /// Ready: each node knows where every slot is.
    ///
    /// # Errors
    /// When Redis is not installed, or does not come so far.
    pub fn start() -> Result<Self, RedisError> {
        let start = || {
            let bus = free_port();
            let port = format!("cluster-port {bus}");
            Ok((Redis::start_with(&["cluster-enabled yes", &port, "cluster-node-timeout 2000"])?, bus))
        };
        let nodes = [start()?, start()?, start()?];
        for (number, (node, _)) in (0..3).zip(&nodes) {
            let (first, last) = (SLOTS * number / 3, SLOTS * (number + 1) / 3 - 1);
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
        }
        for (node, bus) in &nodes[1..] {
            let (port, bus) = (node.port.to_string(), bus.to_string());
            nodes[0].0.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
        }
        let ready = |node: &Redis| {
            let info = node.command(&["CLUSTER", "INFO"]);
            info.is_ok_and(|info| info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3"))
        };
        let all = || nodes.iter().all(|(node, _)| ready(node)).then_some(());
        wait_for_sync("the cluster", START_LIMIT, all).map_err(|_| RedisError::Gather)?;
        Ok(Self { masters: nodes.map(|(node, _)| node) })
    }

    /// Where it is: `redis+cluster://…`, with one node as the seed.
    pub fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{}", self.masters[0].port)
    }

    /// Its nodes.
    pub fn masters(&mut self) -> &mut [Redis; 3] {
        &mut self.masters
    }
}

fn hosts(servers: &[Redis]) -> String {
    servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::time::Duration;

    use super::{Redis, RedisCluster, RedisSentinel};
    use crate::{ProcessGuard, wait_for_sync};

    #[test]
    fn frozen_server_stops_with_its_owner() {
        let redis = Redis::start().unwrap();
        let server = u32::try_from(redis.life.server.as_raw_nonzero().get()).unwrap();
        let mut watcher = ProcessGuard::of_pid(server).unwrap();
        redis.freeze().unwrap();
        drop(redis);
        watcher.wait(Duration::from_secs(30)).unwrap();
    }

    #[test]
    fn killed_server_starts_again_empty() {
        let mut redis = Redis::start().unwrap();
        redis.command(&["SET", "key", "value"]).unwrap();
        redis.kill().unwrap();
        redis.restart().unwrap();
        assert_eq!(redis.command(&["EXISTS", "key"]).unwrap().trim(), "0");
    }

    #[test]
    fn sentinels_promote_the_copy() {
        let mut trio = RedisSentinel::start().unwrap();
        let copy = trio.servers()[1].port();
        trio.fail_over().unwrap();
        let promoted = || trio.master_port().ok().filter(|port| *port == copy);
        wait_for_sync("the promotion", Duration::from_secs(30), promoted).unwrap();
    }

    #[test]
    fn cluster_takes_every_key() {
        let mut cluster = RedisCluster::start().unwrap();
        let taken = cluster.masters().iter().filter(|node| node.command(&["SET", "key", "1"]).is_ok());
        assert_eq!(taken.count(), 1);
    }
}
