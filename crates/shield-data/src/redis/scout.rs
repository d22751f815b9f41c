//! Finds out who the masters are.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use redis::{RedisResult, Value, aio::MultiplexedConnection, from_redis_value};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    RedisTopology, ServerAddress,
    dial::{Dialer, to_sentinel},
    fleet::{Crew, Masters},
    slot::SLOTS,
    store::Shared,
};

/// How often it is asked.
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// How long one answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_millis(200);
/// How long the last answer of a majority counts. Sentinels wait longer before they promote a copy (`down-after-milliseconds`
/// is 30 s unless set, and a vote follows), so that an old master is left before there is a new one.
const MASTER_AGE_MAX: Duration = Duration::from_secs(2);

/// Knows whom to ask.
pub(super) enum Scout {
    /// Nobody: the settings say it.
    Single(ServerAddress),
    /// All Sentinels.
    Sentinel(Sentinels),
    /// Any node.
    Cluster(Members),
}

/// All Sentinels of a master.
pub(super) struct Sentinels {
    master: String,
    sentinels: Vec<Source>,
    /// When more than half of them last agreed.
    agreed_at: Instant,
}

/// Nodes of a cluster.
pub(super) struct Members {
    seeds: Vec<ServerAddress>,
    dialer: Dialer,
    /// Masters by the last answer.
    known: Vec<ServerAddress>,
    asked: Option<Source>,
}

/// Somebody who can be asked.
struct Source {
    address: ServerAddress,
    connection: Option<MultiplexedConnection>,
}

/// Looks where the masters are until it is stopped.
pub(super) async fn search(
    mut scout: Scout,
    dialer: Dialer,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let mut crew = Crew::new(dialer, Arc::clone(&shared));
    let mut ticks = interval(LOOK_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        let masters = tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            masters = async {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = shared.look.notified() => {}
                }
                scout.look().await
            } => masters,
        };
        if let Some(masters) = masters
            && last.as_ref() != Some(&masters)
        {
            crew.follow(masters.clone());
            last = Some(masters);
        }
    }
    crew.dismiss().await;
}

// === impl Scout ===

impl Scout {
    pub(super) fn new(topology: &RedisTopology, dialer: Dialer) -> Self {
        match topology {
            RedisTopology::Single(address) => Self::Single(address.clone()),
            RedisTopology::Sentinel { sentinels, master } => Self::Sentinel(Sentinels {
                master: master.clone(),
                sentinels: sentinels.iter().cloned().map(Source::new).collect(),
                agreed_at: Instant::now(),
            }),
            RedisTopology::Cluster { seeds } => {
                Self::Cluster(Members { seeds: seeds.clone(), dialer, known: Vec::new(), asked: None })
            }
        }
    }

    /// Who the masters are; nothing when nobody said something new.
    async fn look(&mut self) -> Option<Masters> {
        match self {
            Self::Single(address) => Some(whole(address.clone())),
            Self::Sentinel(sentinels) => sentinels.look().await,
            Self::Cluster(members) => members.look().await,
        }
    }
}

/// One master of everything.
fn whole(address: ServerAddress) -> Masters {
    vec![(vec![0..=SLOTS - 1], address)]
}

// === impl Sentinels ===

impl Sentinels {
    async fn look(&mut self) -> Option<Masters> {
        let count = self.sentinels.len();
        let answers = join_all(self.sentinels.iter_mut().map(|sentinel| sentinel.master(&self.master))).await;
        match majority(answers, count) {
            Some(address) => {
                self.agreed_at = Instant::now();
                Some(whole(address))
            }
            None if self.agreed_at.elapsed() > MASTER_AGE_MAX => Some(Masters::new()),
            None => None,
        }
    }
}

/// Whom more than half of `count` name.
fn majority(answers: Vec<Option<ServerAddress>>, count: usize) -> Option<ServerAddress> {
    let mut votes = BTreeMap::<_, usize>::new();
    for address in answers.into_iter().flatten() {
        *votes.entry(address).or_default() += 1;
    }
    votes.into_iter().find(|(_, votes)| 2 * votes > count).map(|(address, _)| address)
}

// === impl Members ===

impl Members {
    async fn look(&mut self) -> Option<Masters> {
        let asked = self.asked.take().into_iter();
        let others = self.known.iter().chain(&self.seeds).cloned().map(Source::new);
        for mut source in asked.chain(others.collect::<Vec<_>>()) {
            if let Some(masters) = source.masters(&self.dialer).await {
                self.known = masters.iter().map(|(_, address)| address.clone()).collect();
                self.asked = Some(source);
                return Some(masters);
            }
        }
        None
    }
}

// === impl Source ===

impl Source {
    fn new(address: ServerAddress) -> Self {
        Self { address, connection: None }
    }

    /// Whom a Sentinel calls the master.
    async fn master(&mut self, name: &str) -> Option<ServerAddress> {
        let question = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => to_sentinel(&self.address).await?,
            };
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
            let answer: Option<(String, u16)> = ask.query_async(&mut connection).await?;
            RedisResult::Ok((answer, connection))
        };
        let (answer, connection) = timeout(ANSWER_DEADLINE, question).await.ok()?.ok()?;
        self.connection = Some(connection);
        answer.map(|(host, port)| ServerAddress { host, port })
    }

    /// Whom a node of a cluster calls masters.
    async fn masters(&mut self, dialer: &Dialer) -> Option<Masters> {
        let question = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => dialer.to_node(&self.address).await?,
            };
            let rows: Vec<Vec<Value>> =
                redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
            RedisResult::Ok((rows, connection))
        };
        let (rows, connection) = timeout(ANSWER_DEADLINE, question).await.ok()?.ok()?;
        self.connection = Some(connection);
        read_slots(rows, &self.address.host)
    }
}

/// An answer of `CLUSTER SLOTS`: first and last slot, then the master (host, port, …), then its copies. A node that does not
/// know its own host says none: it is the one that was asked. Nothing when there are no slots: that node knows no cluster.
fn read_slots(rows: Vec<Vec<Value>>, asked: &str) -> Option<Masters> {
    let mut masters = BTreeMap::<ServerAddress, Vec<_>>::new();
    for row in rows {
        let mut row = row.into_iter();
        let first = from_redis_value(row.next()?).ok()?;
        let last = from_redis_value(row.next()?).ok()?;
        let mut node = from_redis_value::<Vec<Value>>(row.next()?).ok()?.into_iter();
        let host: Option<String> = from_redis_value(node.next()?).ok()?;
        let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
        let address = ServerAddress { host, port: from_redis_value(node.next()?).ok()? };
        masters.entry(address).or_default().push(first..=last);
    }
    let masters: Masters = masters.into_iter().map(|(address, slots)| (slots, address)).collect();
    (!masters.is_empty()).then_some(masters)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use redis::Value;

    use super::{ServerAddress, majority, read_slots};

    fn server(port: u16) -> ServerAddress {
        ServerAddress { host: "h".to_owned(), port }
    }

    #[test]
    fn more_than_half_decide() {
        let [one, two] = [Some(server(1)), Some(server(2))];
        assert_eq!(majority(vec![one.clone(), one.clone(), two.clone()], 3), one);
        assert_eq!(majority(vec![one.clone(), two.clone(), None], 3), None, "a tie");
        assert_eq!(majority(vec![one.clone(), None, None], 3), None, "one voice of three");
        assert_eq!(majority(vec![one.clone(), one], 4), None, "half");
        assert_eq!(majority(vec![two.clone()], 1), two);
    }

    #[test]
    fn ranges_of_a_master_are_gathered() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let row = |first, last, host: Value, port| {
            vec![Value::Int(first), Value::Int(last), Value::Array(vec![host, Value::Int(port), text("id")])]
        };
        let rows = vec![row(0, 5, text("h"), 1), row(6, 9, Value::Nil, 2), row(10, 16_383, text("h"), 1)];
        let masters = read_slots(rows, "h").unwrap();
        assert_eq!(masters, [(vec![0..=5, 10..=16_383], server(1)), (vec![6..=9], server(2))]);
        assert_eq!(read_slots(Vec::new(), "h"), None);
        assert_eq!(read_slots(vec![vec![Value::Int(0)]], "h"), None);
    }
}
