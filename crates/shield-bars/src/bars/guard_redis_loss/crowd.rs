//! Those who ask while Redis is away.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::harness::{HttpClient, Login, Person, Question, Result, Trouble};

const PROFILE: &str = "/api/v1/user/profile";
const LOGOUT: &str = "/api/v1/user/logout";
/// Pause of one who asks between two questions: two processors are shared with three nodes and two databases.
const HOLDER_PAUSE: Duration = Duration::from_millis(20);
const GUESS_PAUSE: Duration = Duration::from_millis(100);
const FLOOD_PAUSE: Duration = Duration::from_millis(3);
const STRANGER_PAUSE: Duration = Duration::from_millis(8);

/// What they were answered.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sessions_asked: AtomicU64,
    pub(super) sessions_refused: AtomicU64,
    pub(super) flood: AtomicU64,
    pub(super) admitted: AtomicU64,
    pub(super) guesses: AtomicU64,
    pub(super) revoked_accepted: AtomicU64,
    pub(super) strangers: AtomicU64,
    pub(super) strangers_refused: AtomicU64,
}

/// Who asks, until they are told to stop.
pub(super) struct Crowd {
    addresses: Vec<SocketAddr>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Result<()>>,
}

// === impl Crowd ===

impl Crowd {
    pub(super) fn new(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, counts: Arc::default(), stop: Arc::default(), tasks: JoinSet::new() }
    }

    /// Asks all nodes in turn with good credentials.
    pub(super) fn hold(&mut self, holders: &[(Person, Login)]) {
        let questions: Vec<Question> = holders
            .iter()
            .enumerate()
            .map(|(number, (person, login))| {
                let question = person.says(Question::get(PROFILE));
                match number % 2 {
                    0 => question.with("cookie", login.cookie.clone()),
                    _ => question.with("authorization", login.bearer.clone()),
                }
            })
            .collect();
        for address in self.addresses.clone() {
            let (questions, counts, stop) = (questions.clone(), self.counts.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                let mut client = HttpClient::new(address);
                for question in questions.iter().cycle() {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let reply = client.ask(question).await?;
                    counts.sessions_asked.fetch_add(1, Relaxed);
                    if reply.status != 200 {
                        println!(
                            "    a good session was answered {}: {}",
                            reply.status, reply.body["detail"]
                        );
                        counts.sessions_refused.fetch_add(1, Relaxed);
                    }
                    sleep(HOLDER_PAUSE).await;
                }
                Ok(())
            });
        }
    }

    /// Asks all nodes for checks from one address, some hundred times a second: more than the limit within two seconds, and not so
    /// much that requests wait for a processor.
    pub(super) fn flood(&mut self, from: &str) {
        let check = Question::post("/api/v1/url-check/check", json!({ "url": "https://example.com/" }));
        let check = check.with("x-forwarded-for", from);
        for address in self.addresses.clone() {
            let (check, counts, stop) = (check.clone(), self.counts.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                let mut client = HttpClient::new(address);
                while !stop.load(Relaxed) {
                    let reply = client.ask(&check).await?;
                    counts.flood.fetch_add(1, Relaxed);
                    counts.admitted.fetch_add(u64::from(reply.status == 200), Relaxed);
                    sleep(FLOOD_PAUSE).await;
                }
                Ok(())
            });
        }
    }

    /// Asks all nodes for checks from an address that is new each time, so that each has to ask Redis. `fault` is one that no other
    /// crowd has.
    pub(super) fn visit(&mut self, fault: usize) {
        let check = Question::post("/api/v1/url-check/check", json!({ "url": "https://example.com/" }));
        for (node, address) in self.addresses.clone().into_iter().enumerate() {
            let (check, counts, stop) = (check.clone(), self.counts.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                let mut client = HttpClient::new(address);
                for number in 0..1 << 16 {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let from = format!("{}.{node}.{}.{}", 100 + fault, number >> 8, number & 0xff);
                    let reply = client.ask(&check.clone().with("x-forwarded-for", from)).await?;
                    counts.strangers.fetch_add(1, Relaxed);
                    counts.strangers_refused.fetch_add(u64::from(reply.status != 200), Relaxed);
                    sleep(STRANGER_PAUSE).await;
                }
                Ok(())
            });
        }
    }

    /// Tries wrong passwords of `victim` on all nodes in turn.
    pub(super) fn guess(&mut self, victim: &Person) {
        let (guess, counts, stop) =
            (victim.tries("not the password"), self.counts.clone(), self.stop.clone());
        let mut clients: Vec<_> = self.addresses.iter().map(|address| HttpClient::new(*address)).collect();
        self.tasks.spawn(async move {
            for turn in 0.. {
                if stop.load(Relaxed) {
                    break;
                }
                let nodes = clients.len();
                let reply = clients[turn % nodes].ask(&guess).await?;
                // 401 is a guess that was looked at; 429 was not.
                counts.guesses.fetch_add(u64::from(reply.status == 401), Relaxed);
                sleep(GUESS_PAUSE).await;
            }
            Ok(())
        });
    }

    /// Logs out at one node after the other, and asks all with the token from when they first refuse it.
    pub(super) fn leave(&mut self, leavers: Vec<(Person, Login)>) {
        let (counts, stop, addresses) = (self.counts.clone(), self.stop.clone(), self.addresses.clone());
        self.tasks.spawn(async move {
            let mut clients: Vec<_> = addresses.iter().map(|address| HttpClient::new(*address)).collect();
            let nodes = clients.len();
            let mut gone: Vec<Question> = Vec::new();
            for (number, (person, login)) in leavers.into_iter().enumerate() {
                let says = |question| person.says(question).with("authorization", login.bearer.clone());
                clients[number % nodes].ask_for(204, &says(Question::post(LOGOUT, json!({})))).await?;
                let token = says(Question::get(PROFILE));
                for client in &mut clients {
                    until_refused(client, &token).await?;
                }
                gone.push(token);
                count_accepted(&mut clients, &gone, &counts).await?;
                sleep(GUESS_PAUSE).await;
            }
            while !stop.load(Relaxed) {
                count_accepted(&mut clients, &gone, &counts).await?;
                sleep(GUESS_PAUSE).await;
            }
            count_accepted(&mut clients, &gone, &counts).await
        });
    }

    /// How much of the flood was admitted by now.
    pub(super) fn admitted(&self) -> u64 {
        self.counts.admitted.load(Relaxed)
    }

    /// Stops them, and answers what they were answered.
    pub(super) async fn finish(mut self) -> Result<Arc<Counts>> {
        self.stop.store(true, Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| Trouble::caused("ask the nodes", error))??;
        }
        Ok(self.counts)
    }
}

/// Another node may take the time that `guard.revocation` measures; two seconds are too long.
async fn until_refused(client: &mut HttpClient, token: &Question) -> Result<()> {
    for _ in 0..200 {
        if client.ask(token).await?.status == 401 {
            return Ok(());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Err(Trouble::new("have a token refused within two seconds of the log-out"))
}

async fn count_accepted(clients: &mut [HttpClient], gone: &[Question], counts: &Counts) -> Result<()> {
    for client in clients {
        for token in gone {
            let accepted = client.ask(token).await?.status == 200;
            counts.revoked_accepted.fetch_add(u64::from(accepted), Relaxed);
        }
    }
    Ok(())
}
