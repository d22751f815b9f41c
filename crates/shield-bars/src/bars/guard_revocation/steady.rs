//! Revocations while nothing fails.

use std::{collections::BTreeMap, time::Duration};

use shield_testkit::{Postgres, RedisSentinel};

use super::{
    Options,
    grants::{End, Grant, of_person, of_signing_key},
    measure::{Seen, quantile, take_back},
    unlimited,
};
use crate::harness::{HttpClient, NodeSettings, Nodes, Person, Result, Trouble, Verdict, register};

const PEOPLE: usize = 100;
/// Signing keys to be killed.
const KEYS: usize = 5;
const BAR: Duration = Duration::from_millis(250);

/// Times by what was taken back.
type Times = BTreeMap<&'static str, Vec<Duration>>;

struct Scene {
    nodes: Nodes,
    admin: Person,
    _redis: RedisSentinel,
    _postgres: Postgres,
}

pub(super) async fn run(verdict: &mut Verdict, options: &Options) -> Result<String> {
    let scene = Scene::set().await?;
    let people = options.requests.map_or(PEOPLE, |count| usize::try_from(count).unwrap_or(PEOPLE));
    let mut times = Times::new();
    let mut lost = 0;
    let admin = scene.admin.log_in(&mut scene.first()).await?;
    for (number, person) in register(&scene.nodes, 1, people).await?.iter().enumerate() {
        for grant in of_person(&mut scene.first(), person, End::Account(&scene.admin, &admin)).await? {
            scene.take(number, &grant, &mut times, &mut lost).await?;
        }
    }
    for number in 0..KEYS {
        let grant = of_signing_key(&mut scene.first(), &scene.admin.elsewhere(number)).await?;
        scene.take(number, &grant, &mut times, &mut lost).await?;
    }
    verdict.demand(lost == 0, || format!("{lost} revocations were never seen by a node"));
    Ok(conclude(verdict, times))
}

fn conclude(verdict: &mut Verdict, times: Times) -> String {
    let mut worst = Duration::ZERO;
    let mut count = 0;
    for (kind, mut times) in times {
        times.sort_unstable();
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| quantile(&times, share));
        println!("  {kind:8} {:4} taken back: p50 {p50:?}, p99 {p99:?}, longest {longest:?}", times.len());
        verdict.demand(p99 <= BAR, || format!("{kind}: p99 {p99:?}, more than {BAR:?}"));
        worst = worst.max(p99);
        count += times.len();
    }
    format!("{count} revocations on three nodes, worst p99 of a kind {} ms", worst.as_millis())
}

// === impl Scene ===

impl Scene {
    async fn set() -> Result<Self> {
        let redis = RedisSentinel::start().map_err(|error| Trouble::caused("start Redis", error))?;
        let postgres = Postgres::start().map_err(|error| Trouble::caused("start PostgreSQL", error))?;
        let database =
            postgres.create_database().map_err(|error| Trouble::caused("make a database", error))?;
        let settings = NodeSettings { database, redis: Some(redis.url()), options: unlimited() };
        let nodes = Nodes::start(3, settings).await?;
        let mut admins = register(&nodes, 0, 1).await?;
        let admin = admins.pop().ok_or_else(|| Trouble::new("register an administrator"))?;
        nodes.make_admin(&admin.email).await?;
        Ok(Self { nodes, admin, _redis: redis, _postgres: postgres })
    }

    fn first(&self) -> HttpClient {
        HttpClient::new(self.nodes.nodes[0].address)
    }

    async fn take(&self, via: usize, grant: &Grant, times: &mut Times, lost: &mut usize) -> Result<()> {
        match take_back(&self.nodes, via, grant, || ()).await? {
            Some(Seen::Refused(after)) => times.entry(grant.kind).or_default().push(after),
            Some(Seen::Lost) => *lost += 1,
            None => return Err(Trouble::new(format!("take back a {}", grant.kind))),
        }
        Ok(())
    }
}
