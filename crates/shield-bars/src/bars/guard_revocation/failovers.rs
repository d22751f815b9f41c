//! Revocations while the master of Redis dies.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use shield_testkit::{Postgres, RedisSentinel};
use tokio::task::block_in_place;

use super::{
    Options,
    grants::{End, Grant, of_person, of_signing_key},
    measure::{Seen, accepted, take_back},
    unlimited,
};
use crate::harness::{HttpClient, NodeSettings, Nodes, Person, Result, Trouble, Verdict, register};

/// In which credentials of people are taken back, and after them those in which a signing key is: what it signed is refused for
/// that reason alone, so it comes last.
const FAILOVERS: usize = 18;
const KEY_FAILOVERS: usize = 2;
/// People of a failover, with seven credentials each.
const PEOPLE: usize = 8;
const BAR: Duration = Duration::from_secs(2);

struct Scene {
    nodes: Nodes,
    redis: RedisSentinel,
    admin: Person,
    taken: Vec<Grant>,
    longest: Duration,
    _postgres: Postgres,
}

pub(super) async fn run(verdict: &mut Verdict, options: &Options) -> Result<String> {
    let mut scene = Scene::set().await?;
    let rounds = options.kills.map_or(FAILOVERS, |count| usize::try_from(count).unwrap_or(FAILOVERS));
    for round in 0..rounds {
        scene.people_fail_over(round).await?;
    }
    let mut lost = accepted(&scene.nodes, &scene.taken).await?;
    let key_rounds = KEY_FAILOVERS.min(rounds);
    for round in 0..key_rounds {
        scene.key_fails_over(rounds + round).await?;
    }
    lost += accepted(&scene.nodes, &scene.taken[scene.taken.len() - key_rounds..]).await?;
    let (taken, longest) = (scene.taken.len(), scene.longest);
    verdict.demand(lost == 0, || format!("{lost} of {taken} taken back were accepted in the end"));
    verdict
        .demand(longest <= BAR, || format!("refused after {longest:?} across a failover, more than {BAR:?}"));
    Ok(format!(
        "{lost} of {taken} lost over {} failovers of Redis, longest {} ms",
        rounds + key_rounds,
        longest.as_millis()
    ))
}

// === impl Scene ===

impl Scene {
    async fn set() -> Result<Self> {
        let redis = block_in_place(RedisSentinel::start);
        let redis = redis.map_err(|error| Trouble::caused("start Redis", error))?;
        let postgres = block_in_place(Postgres::start);
        let postgres = postgres.map_err(|error| Trouble::caused("start PostgreSQL", error))?;
        let database =
            postgres.create_database().map_err(|error| Trouble::caused("make a database", error))?;
        let settings = NodeSettings { database, redis: Some(redis.url()), options: unlimited() };
        let nodes = Nodes::start(3, settings).await?;
        let mut admins = register(&nodes, 0, 1).await?;
        let admin = admins.pop().ok_or_else(|| Trouble::new("register an administrator"))?;
        nodes.make_admin(&admin.email).await?;
        let (taken, longest) = (Vec::new(), Duration::ZERO);
        Ok(Self { nodes, redis, admin, taken, longest, _postgres: postgres })
    }

    fn first(&self) -> HttpClient {
        HttpClient::new(self.nodes.nodes[0].address)
    }

    /// Takes everything of some people back, and kills the master in the middle of it.
    async fn people_fail_over(&mut self, round: usize) -> Result<()> {
        let admin = self.admin.elsewhere(round);
        let login = admin.log_in(&mut self.first()).await?;
        let mut everything = Vec::new();
        for (number, person) in
            register(&self.nodes, 1 + round * PEOPLE, PEOPLE).await?.into_iter().enumerate()
        {
            // Of some all ends with the account; of the others each credential is refused for itself to the end.
            let end = if number % 4 == 0 { End::Account(&admin, &login) } else { End::LogOut };
            everything.push(of_person(&mut self.first(), &person, end).await?);
        }
        let total = everything.iter().map(Vec::len).sum::<usize>();
        self.during_failover(round, everything, total / 4 + fastrand::usize(..total / 2)).await
    }

    /// Kills a signing key, and the master right after.
    async fn key_fails_over(&mut self, round: usize) -> Result<()> {
        let grant = of_signing_key(&mut self.first(), &self.admin.elsewhere(round)).await?;
        self.during_failover(round, vec![vec![grant]], 0).await
    }

    /// Takes rows of grants back, rows at the same time; the master is killed right after so many acknowledgements and one.
    async fn during_failover(
        &mut self,
        round: usize,
        rows: Vec<Vec<Grant>>,
        kill_after: usize,
    ) -> Result<()> {
        let acknowledged = AtomicUsize::new(0);
        let (nodes, redis) = (&self.nodes, &self.redis);
        let after_each = || {
            if acknowledged.fetch_add(1, Ordering::Relaxed) == kill_after {
                // A failure shows in `recover`, which waits for another master.
                drop(redis.kill_master());
            }
        };
        let after_each = &after_each;
        let in_order = rows.iter().enumerate().map(async |(number, grants)| {
            let mut longest = Duration::ZERO;
            for grant in grants {
                match take_back(nodes, number, grant, after_each).await? {
                    Some(Seen::Refused(after)) => longest = longest.max(after),
                    Some(Seen::Lost) => return Err(Trouble::new(format!("have a {} refused", grant.kind))),
                    // Redis is no reason to refuse a revocation: the database takes it.
                    None => return Err(Trouble::new(format!("take back a {}", grant.kind))),
                }
            }
            Ok(longest)
        });
        let longest = futures_util::future::try_join_all(in_order).await?.into_iter().max();
        let longest = longest.unwrap_or_default();
        block_in_place(|| self.redis.recover())
            .map_err(|error| Trouble::caused("wait for the Sentinels", error))?;
        let rows = rows.concat();
        let came_back = accepted(&self.nodes, &rows).await?;
        println!(
            "  failover {}: {} taken back, the last refused after {longest:?}, {came_back} accepted after it",
            round + 1,
            rows.len()
        );
        self.longest = self.longest.max(longest);
        self.taken.extend(rows);
        Ok(())
    }
}
