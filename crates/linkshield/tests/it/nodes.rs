//! Several nodes, each a process of its own, over one PostgreSQL: what one of them takes back, all refuse, also when the primary
//! is lost right after.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    backend::CHECK,
    client::{Reply, get, post, send, wait_for},
    postgres::{self, Server},
    process::Process,
    scratch::ScratchDirectory,
};

const PASSWORD: &str = "wombat seventy";
const PROFILE: &str = "/api/v1/user/profile";
const LOGOUT: &str = "/api/v1/user/logout";
const KEYS: &str = "/api/v1/user/api-keys";
const SIGNING_KEYS: &str = "/api/v1/jwt/keys";

/// Nodes of one installation: one database, one master key, a data directory each.
struct Nodes {
    database: String,
    directory: ScratchDirectory,
    processes: Vec<Process>,
}

/// What a log-in gave.
struct Held {
    account: String,
    /// A line of a head.
    bearer: String,
    /// Another one.
    cookie: String,
}

impl Nodes {
    async fn start(database: String) -> Self {
        let mut nodes = Self { database, directory: ScratchDirectory::new(), processes: Vec::new() };
        for _ in 0..3 {
            nodes.join().await;
        }
        nodes
    }

    /// Starts one more; the first makes the master key.
    async fn join(&mut self) {
        let (data, key) = self.paths(self.processes.len());
        let arguments = ["--database", &self.database, "--master-key", &key];
        self.processes.push(Process::start(data.as_ref(), &arguments).await);
    }

    fn paths(&self, number: usize) -> (String, String) {
        let path = |name: String| self.directory.path().join(name).display().to_string();
        (path(format!("node-{number}")), path("master.key".to_owned()))
    }

    /// Makes an account whose address needs no proof.
    async fn member(&self, email: &str) {
        let body = json!({ "email": email, "password": PASSWORD, "accept_terms": true }).to_string();
        // Hashing a password takes a busy machine longer than a request may.
        wait_for("an account", async || {
            let reply = post(self.processes[0].address, "/api/v1/user/register", &body).await;
            (reply.status != 503).then(|| assert_eq!(reply.status, 200, "{}", reply.body))
        })
        .await;
        let made = Command::new(env!("CARGO_BIN_EXE_linkshield"))
            .args(["make-admin", email, "--data", &self.paths(0).0, "--database", &self.database])
            .stdout(Stdio::null())
            .status();
        assert!(made.await.unwrap().success());
    }

    async fn log_in(&self, node: usize, email: &str) -> Held {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        // Right after a failover it may take more than one request.
        let reply = wait_for("a log-in", async || {
            let reply = post(self.processes[node].address, "/api/v1/user/login", &body).await;
            (reply.status != 503).then_some(reply)
        })
        .await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let body = reply.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Held {
            account: text(&body["user"]["id"]),
            bearer: format!("authorization: Bearer {}", text(&body["access_token"])),
            cookie: format!("cookie: {cookie}"),
        }
    }

    async fn ask(&self, node: usize, line: &str, header: &str, body: &str) -> Reply {
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{header}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        send(self.processes[node].address, request).await
    }

    async fn profile(&self, node: usize, header: &str) -> u16 {
        self.ask(node, &format!("GET {PROFILE}"), header, "").await.status
    }

    async fn check(&self, node: usize, header: &str) -> u16 {
        let body = json!({ "url": "https://example.com/" }).to_string();
        self.ask(node, &format!("POST {CHECK}"), header, &body).await.status
    }

    /// All of them answer this, sooner or later, and stay with it. A node that cannot ask its database says so (503) and decides
    /// nothing.
    async fn all(&self, status: u16, question: impl AsyncFn(usize) -> u16) {
        for node in 0..self.processes.len() {
            let what = format!("{status} from node {node}");
            wait_for(&what, async || (question(node).await == status).then_some(())).await;
            let again =
                wait_for(&what, async || Some(question(node).await).filter(|again| *again != 503)).await;
            assert_eq!(again, status, "{what}");
        }
    }
}

#[tokio::test]
async fn what_one_node_takes_back_all_refuse() {
    let nodes = Nodes::start(postgres::database()).await;
    for email in ["ada@example.org", "eve@example.org"] {
        nodes.member(email).await;
    }
    let eve = nodes.log_in(0, "eve@example.org").await;
    let profile = async |node: usize, header: &str| nodes.profile(node, header).await;

    for header in [&eve.bearer, &eve.cookie] {
        nodes.all(200, async |node| profile(node, header).await).await;
    }
    assert_eq!(nodes.ask(1, &format!("POST {LOGOUT}"), &eve.bearer, "").await.status, 204);
    for header in [&eve.bearer, &eve.cookie] {
        nodes.all(401, async |node| profile(node, header).await).await;
    }

    let (ada, eve) = (nodes.log_in(2, "ada@example.org").await, nodes.log_in(1, "eve@example.org").await);
    nodes.all(200, async |node| profile(node, &eve.bearer).await).await;
    let revoke = format!("POST /auth/admin/revoke-user-tokens/{}", eve.account);
    assert_eq!(nodes.ask(2, &revoke, &ada.bearer, "").await.status, 200);
    nodes.all(401, async |node| profile(node, &eve.bearer).await).await;

    let made = nodes.ask(0, &format!("POST {KEYS}"), &ada.bearer, r#"{"name":"build"}"#).await.json();
    let key = format!("x-api-key: {}", made["api_key"].as_str().unwrap());
    nodes.all(200, async |node| nodes.check(node, &key).await).await;
    let revoke = format!("DELETE {KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(nodes.ask(1, &revoke, &ada.bearer, "").await.status, 204);
    nodes.all(401, async |node| nodes.check(node, &key).await).await;

    let listed = nodes.ask(1, &format!("GET {SIGNING_KEYS}"), &ada.bearer, "").await.json();
    let kill = format!("DELETE {SIGNING_KEYS}/{}", listed[0]["key_id"].as_str().unwrap());
    nodes.all(200, async |node| profile(node, &ada.bearer).await).await;
    assert_eq!(nodes.ask(2, &kill, &ada.bearer, "").await.status, 204);
    // Tokens of the next key are good at first sight, wherever they were given.
    for from in [1, 0, 2] {
        let next = nodes.log_in(from, "ada@example.org").await;
        for node in 0..3 {
            assert_eq!(profile(node, &next.bearer).await, 200, "from {from} at {node}");
        }
    }
    nodes.all(401, async |node| profile(node, &ada.bearer).await).await;
    nodes.all(200, async |node| profile(node, &ada.cookie).await).await;
}

#[tokio::test]
async fn acknowledged_revocation_outlives_the_primary() {
    let (mut server, database) = Server::start(&["--pair"]);
    let mut nodes = Nodes::start(database).await;
    nodes.member("eve@example.org").await;
    let eve = nodes.log_in(0, "eve@example.org").await;
    let other = nodes.log_in(1, "eve@example.org").await;
    nodes.all(200, async |node| nodes.profile(node, &eve.bearer).await).await;
    assert_eq!(nodes.ask(1, &format!("POST {LOGOUT}"), &eve.bearer, "").await.status, 204);
    server.tell("kill");
    server.tell("promote");
    // One that knows of it only what the new primary has.
    nodes.join().await;
    for header in [&eve.bearer, &eve.cookie] {
        nodes.all(401, async |node| nodes.profile(node, header).await).await;
    }
    nodes.all(200, async |node| nodes.profile(node, &other.bearer).await).await;
    for node in &nodes.processes {
        let metrics = get(node.address, "/metrics").await.body;
        let promoted = metrics.contains("\nlinkshield_postgres_timeline 2\n");
        let used = metrics.lines().filter(|line| line.starts_with("linkshield_postgres_primary{"));
        let used: Vec<_> = used.map(|line| line.ends_with(" 1")).collect();
        assert!(promoted && used == [false, true], "{metrics}");
    }

    // The old primary comes back and would take whatever it is sent: nobody sends it anything.
    server.tell("revive");
    assert_eq!(nodes.ask(2, &format!("POST {LOGOUT}"), &other.bearer, "").await.status, 204);
    nodes.join().await;
    nodes.all(401, async |node| nodes.profile(node, &other.cookie).await).await;
    for node in 0..nodes.processes.len() {
        let held = nodes.log_in(node, "eve@example.org").await;
        assert_eq!(nodes.check(node, &held.bearer).await, 200);
    }
}
