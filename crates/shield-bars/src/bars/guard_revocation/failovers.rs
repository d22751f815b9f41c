//! Revocations while the master of Redis dies.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use shield_testkit::{Postgres, RedisSentinel};
use tokio::task::block_in_place;

use super::{
    Options,
    grants::Grant,
    measure::{Seen, accepted, take_back},
    unlimited,
};
use crate::harness::{HttpClient, NodeSettings, Nodes, Person, Result, Trouble, Verdict, register};

const FAILOVERS: usize = 20;
/// People of a failover, with seven credentials each.
const PEOPLE: usize = 8;
/// The last log-in of each made the keys, so it is taken back last.
const LOGINS: usize = 5;
const KEYS: usize = 2;
const BAR: Duration = Duration::from_secs(2);

pub(super) async fn run(verdict: &mut Verdict, options: &Options) -> Result<String> {
    let mut redis = RedisSentinel::start().map_err(|error| Trouble::caused("start Redis", error))?;
    let postgres = Postgres::start().map_err(|error| Trouble::caused("start PostgreSQL", error))?;
    let database = postgres.create_database().map_err(|error| Trouble::caused("make a database", error))?;
    let settings = NodeSettings { database, redis: Some(redis.url()), options: unlimited() };
    let nodes = Nodes::start(3, settings).await?;
    let rounds = options.kills.map_or(FAILOVERS, |count| usize::try_from(count).unwrap_or(FAILOVERS));
    let (mut taken, mut longest) = (Vec::new(), Duration::ZERO);
    for round in 0..rounds {
        let people = register(&nodes, round * PEOPLE, PEOPLE).await?;
        let seen = during_failover(&nodes, &redis, &people).await?;
        block_in_place(|| redis.recover())
            .map_err(|error| Trouble::caused("wait for the Sentinels", error))?;
        let slowest = seen.iter().map(|(_, after)| *after).max().unwrap_or_default();
        println!("  failover {}: {} taken back, the last refused after {slowest:?}", round + 1, seen.len());
        longest = longest.max(slowest);
        taken.extend(seen.into_iter().map(|(grant, _)| grant));
    }
    let lost = accepted(&nodes, &taken).await?;
    verdict.demand(lost == 0, || format!("{lost} of {} taken back were accepted in the end", taken.len()));
    verdict
        .demand(longest <= BAR, || format!("refused after {longest:?} across a failover, more than {BAR:?}"));
    Ok(format!(
        "{lost} of {} lost over {rounds} failovers of Redis, longest {} ms",
        taken.len(),
        longest.as_millis()
    ))
}

/// Takes everything of these people back, and kills the master in the middle of it.
async fn during_failover(
    nodes: &Nodes,
    redis: &RedisSentinel,
    people: &[Person],
) -> Result<Vec<(Grant, Duration)>> {
    let mut everything = Vec::new();
    for person in people {
        everything.push(grants(nodes, person).await?);
    }
    let total = everything.iter().map(Vec::len).sum::<usize>();
    let acknowledged = AtomicUsize::new(0);
    let kill_at = total / 4 + fastrand::usize(..total / 2);
    let after_each = || {
        if acknowledged.fetch_add(1, Ordering::Relaxed) == kill_at {
            // A failure shows in `recover`, which waits for another master.
            drop(redis.kill_master());
        }
    };
    let after_each = &after_each;
    let in_order = everything.iter().enumerate().map(async |(number, grants)| {
        let mut seen = Vec::new();
        for grant in grants {
            match take_back(nodes, number, grant, after_each).await? {
                Some(Seen::Refused(after)) => seen.push((grant.clone(), after)),
                Some(Seen::Lost) => return Err(Trouble::new(format!("have a {} refused", grant.kind))),
                // Redis is no reason to refuse a revocation: the database takes it.
                None => return Err(Trouble::new(format!("take back a {}", grant.kind))),
            }
        }
        Ok(seen)
    });
    Ok(futures_util::future::try_join_all(in_order).await?.concat())
}

async fn grants(nodes: &Nodes, person: &Person) -> Result<Vec<Grant>> {
    let mut client = HttpClient::new(nodes.nodes[0].address);
    let mut grants = Vec::new();
    for number in 1..=LOGINS {
        let login = person.log_in(&mut client).await?;
        if number == LOGINS {
            for _ in 0..KEYS {
                grants.push(Grant::api_key(&mut client, person, &login).await?);
            }
        }
        grants.push(Grant::token(person, &login));
    }
    Ok(grants)
}
