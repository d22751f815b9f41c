//! What the nodes count about Redis.

use std::collections::BTreeMap;

use crate::harness::{HttpClient, Nodes, Result, Trouble};

const WAITS: &str = "linkshield_redis_wait_seconds_count";
const SHORT_WAITS: &str = "linkshield_redis_wait_seconds_bucket{le=\"0.025\"}";
const PRESENT: &str = "linkshield_redis_masters_present";

/// Waits for Redis, over all nodes, since they started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    pub(super) all: u64,
    /// Of those, the ones of more than 25 ms.
    pub(super) long: u64,
}

// === impl Waits ===

impl Waits {
    pub(super) async fn read(nodes: &Nodes) -> Result<Self> {
        let mut waits = Self::default();
        for mut client in nodes.clients() {
            let figures = figures(&mut client).await?;
            let (all, short) = (figure(&figures, WAITS)?, figure(&figures, SHORT_WAITS)?);
            waits.all += all;
            waits.long += all.saturating_sub(short);
        }
        Ok(waits)
    }
}

/// Whether all nodes say that Redis is present, or all that it is not.
pub(super) async fn all_say(nodes: &Nodes, present: bool) -> Result<bool> {
    for mut client in nodes.clients() {
        if figure(&figures(&mut client).await?, PRESENT)? != u64::from(present) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn figures(client: &mut HttpClient) -> Result<BTreeMap<String, u64>> {
    let text = client.text("/metrics").await?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let figures = lines.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        let value: f64 = value.parse().ok()?;
        // Counts, exact up to 2^53.
        Some((name.to_owned(), value as u64))
    });
    Ok(figures.collect())
}

fn figure(figures: &BTreeMap<String, u64>, name: &str) -> Result<u64> {
    figures.get(name).copied().ok_or_else(|| Trouble::new(format!("find `{name}` among a node's metrics")))
}
