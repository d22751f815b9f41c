//! LinkShield in this process, over TCP.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use linkshield::{
    accounts::promote,
    api::App,
    clock::now,
    gate::GateTasks,
    server::Server,
    service::CheckService,
    settings::Environment,
    store::{RetentionLimits, StandingChange, Store},
};
use serde_json::{Value, json};
use shield_guard::limit::Tier;
use tokio::{
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

use crate::{
    client::{Reply, post, send, wait_for},
    opened::{Limits, UNLIMITED, open_accounts, open_gate},
    scratch::ScratchDirectory,
};

const MEMBER: &str = "member@example.org";
const MEMBER_PASSWORD: &str = "giraffe seventy-one";

pub(crate) const CHECK: &str = "/api/v1/url-check/check";

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) directory: ScratchDirectory,
    member: OnceCell<String>,
    tasks: GateTasks,
    stop: oneshot::Sender<()>,
    server: JoinHandle<usize>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        Self::limited(UNLIMITED).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let retention = RetentionLimits { age_max: Duration::from_secs(3600), rows_max: 1000 };
        let service = CheckService::new(store.clone(), retention);
        let accounts = open_accounts(&store, &directory).await;
        let (gate, tasks) = open_gate(&accounts, &directory, limits).await;
        let app = App::new(service, (accounts, gate), Environment::Staging, Duration::from_secs(30));
        let server = Server::bind(app, SocketAddr::from(([127, 0, 0, 1], 0)), 64).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move { drop(stopped.await) };
        let server = tokio::spawn(async { server.run(shutdown, Duration::from_secs(30)).await.cut.len() });
        Self { address, store, directory, member: OnceCell::new(), tasks, stop, server }
    }

    pub(crate) async fn check(&self, url: &str) -> Value {
        let reply = post(self.address, CHECK, &json!({ "url": url }).to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// The credential of somebody with an account, as a line of a head.
    pub(crate) async fn member(&self) -> &str {
        let member = self.member.get_or_init(async || {
            let body = json!({ "email": MEMBER, "password": MEMBER_PASSWORD, "accept_terms": true });
            assert_eq!(post(self.address, "/api/v1/user/register", &body.to_string()).await.status, 200);
            let member = promote(&self.store, &MEMBER.parse().unwrap()).await.unwrap().unwrap();
            let change = StandingChange { plan: Some(Tier::Enterprise), ..StandingChange::default() };
            self.store.change_standing(member.id, change, now()).await.unwrap().unwrap();
            let body = json!({ "email": MEMBER, "password": MEMBER_PASSWORD });
            let reply = post(self.address, "/api/v1/user/login", &body.to_string()).await;
            format!("authorization: Bearer {}", reply.json()["access_token"].as_str().unwrap())
        });
        member.await
    }

    /// What that somebody is answered.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        self.with(method, path, self.member().await, body).await
    }

    /// What is answered to a request with one more line in its head.
    pub(crate) async fn with(&self, method: &str, path: &str, header: &str, body: &str) -> Reply {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{header}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        send(self.address, request).await
    }

    /// The security events so far, once there is one of the name `last` among them: their names and what they say. Those of one
    /// millisecond are in the order of their files.
    pub(crate) async fn events_until(&self, last: &str) -> Vec<(String, Value)> {
        wait_for(last, async || {
            // The file in which `last` is may be the second one, before which the first is written.
            let files = ["security-events.anybody.jsonl", "security-events.jsonl"];
            let texts = files.map(|file| fs::read_to_string(self.directory.path().join(file)).unwrap());
            // What follows the last line break is still being written.
            let whole = texts.iter().rev().map(|text| text.rsplit_once('\n').map_or("", |(whole, _)| whole));
            let lines = whole.flat_map(str::lines);
            let mut events: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
            events.sort_by_key(|event| event["time"].as_u64());
            let name = |event: &Value| event["message"].as_str().unwrap().to_owned();
            let events: Vec<_> = events.into_iter().map(|event| (name(&event), event)).collect();
            events.iter().any(|(name, _)| name == last).then_some(events)
        })
        .await
    }

    /// The token in the newest letter to this address with this subject, once it is there.
    pub(crate) async fn mailed_token(&self, email: &str, subject: &str) -> String {
        let to = format!("To: {email}");
        wait_for("a letter", async || {
            let mut letters: Vec<PathBuf> = fs::read_dir(self.directory.path().join("mail"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
                .collect();
            letters.sort();
            let mut texts = letters.iter().rev().map(|path| fs::read_to_string(path).unwrap());
            let letter = texts.find(|text| text.contains(&to) && text.contains(subject))?;
            letter.lines().find(|line| line.len() == 43 && !line.contains(' ')).map(str::to_owned)
        })
        .await
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        assert_eq!(self.server.await.unwrap(), 0, "nothing was cut");
        self.tasks.finish().await;
    }
}

pub(crate) fn assert_problem(reply: &Reply, status: u16, path: &str) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["instance"], path);
    assert_eq!(problem["request_id"].as_str(), reply.header("x-request-id"));
    for field in ["type", "title", "detail"] {
        assert!(!problem[field].as_str().unwrap().is_empty(), "{field}");
    }
}
