//! Revocations while the primary of PostgreSQL dies.

use std::time::Duration;

use shield_testkit::PostgresPair;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    Options,
    grants::{End, Grant, of_person, of_signing_key},
    measure::accepted,
    unlimited,
};
use crate::harness::{HttpClient, NodeSettings, Nodes, Result, Trouble, Verdict, register};

/// One for each of [`Last`].
const FAILOVERS: usize = 3;
const PEOPLE: usize = 5;
/// Longest wait for the nodes to work with the promoted standby.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

/// What is acknowledged right before the primary dies.
#[derive(Clone, Copy, Debug)]
enum Last {
    Credential,
    Account,
    SigningKey,
}

pub(super) async fn run(verdict: &mut Verdict, options: &Options) -> Result<String> {
    let rounds = options.kills.map_or(FAILOVERS, |count| usize::try_from(count).unwrap_or(FAILOVERS));
    let (mut acknowledged, mut lost) = (0, 0);
    for last in [Last::SigningKey, Last::Credential, Last::Account].into_iter().cycle().take(rounds) {
        let (taken, found) = fail_over_once(last).await?;
        println!(
            "  primary killed ({last:?} last): {taken} acknowledged before it, {found} accepted after it"
        );
        acknowledged += taken;
        lost += found;
    }
    verdict.demand(lost == 0, || format!("{lost} of {acknowledged} were accepted after the primary's death"));
    Ok(format!("{lost} of {acknowledged} lost over {rounds} deaths of the PostgreSQL primary"))
}

/// How many revocations were acknowledged before the primary died, and how many of them any node accepts afterwards.
async fn fail_over_once(last: Last) -> Result<(usize, usize)> {
    let pair = block_in_place(PostgresPair::start);
    let pair = pair.map_err(|error| Trouble::caused("start a pair of PostgreSQL servers", error))?;
    let database = pair.create_database().map_err(|error| Trouble::caused("make a database", error))?;
    let nodes = Nodes::start(3, NodeSettings { database, redis: None, options: unlimited() }).await?;
    let mut client = HttpClient::new(nodes.nodes[0].address);
    let mut people = register(&nodes, 0, 2 + PEOPLE).await?;
    let (admin, other) = (people.remove(0), people.remove(0));
    nodes.make_admin(&admin.email).await?;
    let login = admin.log_in(&mut client).await?;
    // Of each two one is taken back and one stays: a key and a key, a token and a session, a session and a token.
    let (mut taken, mut kept) = (Vec::new(), Vec::new());
    for person in &people {
        let grants = of_person(&mut client, person, End::LogOut).await?;
        for (place, grant) in grants.into_iter().enumerate() {
            match place {
                0 | 2 | 5 => taken.push(grant),
                _ => kept.push(grant),
            }
        }
    }
    match last {
        Last::Credential => {}
        Last::Account => {
            let victim = other.log_in(&mut client).await?;
            taken.push(Grant::account(&other, &victim, (&admin, &login)));
        }
        Last::SigningKey => {
            taken.push(of_signing_key(&mut client, &admin).await?);
            kept.retain(|grant| grant.kind != "token");
        }
    }
    for grant in &taken {
        let reply = client.ask(&grant.revoke).await?;
        if !(200..300).contains(&reply.status) {
            return Err(Trouble::new(format!("take back a {}: {}", grant.kind, reply.status)));
        }
    }
    // Right after the last acknowledgement.
    pair.first.kill().map_err(|error| Trouble::caused("kill the primary", error))?;
    block_in_place(|| pair.second.promote())
        .map_err(|error| Trouble::caused("promote the standby", error))?;
    until_accepted(&nodes, &kept).await?;
    Ok((taken.len(), accepted(&nodes, &taken).await?))
}

/// Waits until what was not taken back works on every node, so that a refusal means something.
async fn until_accepted(nodes: &Nodes, kept: &[Grant]) -> Result<()> {
    let deadline = Instant::now() + RECOVERY_LIMIT;
    let expected = kept.len() * nodes.nodes.len();
    loop {
        let found = accepted(nodes, kept).await?;
        if found == expected {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Trouble::new(format!("have {expected} good credentials accepted: {found} were")));
        }
        sleep(Duration::from_millis(100)).await;
    }
}
