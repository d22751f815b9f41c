//! One revocation, seen from every node.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::grants::Grant;
use crate::harness::{HttpClient, Nodes, Result, Trouble};

/// Pause between two questions to a node: it shares two processors with everything else.
const PAUSE: Duration = Duration::from_millis(2);
/// A node that still accepts by then has lost the revocation.
const PATIENCE: Duration = Duration::from_secs(30);

/// How one revocation went.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// The last node refused so long after the call had returned.
    Refused(Duration),
    /// A node accepted it until the end.
    Lost,
}

/// Takes a grant back through node `via`, and asks all until they refuse. `acknowledged` is called as soon as the call returns.
/// Nothing when the call failed: then nobody promised anything.
pub(super) async fn take_back(
    nodes: &Nodes,
    via: usize,
    grant: &Grant,
    acknowledged: impl FnOnce(),
) -> Result<Option<Seen>> {
    let mut clients = nodes.clients();
    let addresses: Vec<_> = nodes.nodes.iter().map(|node| node.address).collect();
    for client in &mut clients {
        until_accepted(client, grant).await?;
    }
    let reply = clients[via % addresses.len()].ask(&grant.revoke).await?;
    let returned = Instant::now();
    if !(200..300).contains(&reply.status) {
        println!(
            "    a revocation ({}) was not taken: {} {}",
            grant.kind, reply.status, reply.body["detail"]
        );
        return Ok(None);
    }
    acknowledged();
    let mut asking = JoinSet::new();
    for address in addresses {
        asking.spawn(until_refused(address, grant.clone(), returned));
    }
    let mut longest = Duration::ZERO;
    while let Some(joined) = asking.join_next().await {
        match joined.map_err(|error| Trouble::caused("ask a node", error))?? {
            Seen::Refused(after) => longest = longest.max(after),
            Seen::Lost => return Ok(Some(Seen::Lost)),
        }
    }
    Ok(Some(Seen::Refused(longest)))
}

/// A node that did not make an API key learns of it within about a second.
async fn until_accepted(client: &mut HttpClient, grant: &Grant) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if client.ask(&grant.check).await?.status == 200 {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(Trouble::new(format!("have a fresh {} accepted", grant.kind)))
}

async fn until_refused(address: SocketAddr, grant: Grant, returned: Instant) -> Result<Seen> {
    let mut client = HttpClient::new(address);
    while returned.elapsed() < PATIENCE {
        match client.ask(&grant.check).await?.status {
            401 => return Ok(Seen::Refused(returned.elapsed())),
            // 200 accepts; 503 neither accepts nor refuses it for good.
            _ => sleep(PAUSE).await,
        }
    }
    Ok(Seen::Lost)
}

/// How many of these any node accepts.
pub(super) async fn accepted(nodes: &Nodes, grants: &[Grant]) -> Result<usize> {
    let mut count = 0;
    for mut client in nodes.clients() {
        for grant in grants {
            count += usize::from(client.ask(&grant.check).await?.status == 200);
        }
    }
    Ok(count)
}

/// The value below which a share of these lie; the longest of none is nothing.
pub(super) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or_default()
}
