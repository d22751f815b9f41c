//! `guard.revocation`: what was taken back on one node is refused on all, soon, and for ever.
//!
//! Three LinkShields share a PostgreSQL and a Redis under three Sentinels. A credential that works on all three is taken back
//! through one of them; from the moment when that call returns, all three are asked until they refuse it. The figure is the time until
//! the last of them did, polling and answering included, so it is too long rather than too short.
//!
//! - *Steady*: tokens (log-out), sessions (ended from the list), whole accounts (by an administrator), API keys, signing keys.
//! - *Failovers of Redis*: the master is killed (`kill -9`) right after one of the acknowledgements, while others are on their
//!   way; the Sentinels promote its copy. In the end everything that was ever taken back is asked for again on every node.
//! - *Failovers of PostgreSQL*: the primary of a synchronous pair is killed right after an acknowledgement and its standby promoted
//!   by hand. What was acknowledged must be refused; what was not taken back must work again, or the refusals say nothing.

mod failovers;
mod grants;
mod measure;
mod primaries;
mod steady;

use super::Options;
use crate::harness::{Result, Verdict};

/// Whoever asks until they are refused must not be refused for asking.
fn unlimited() -> Vec<String> {
    ["--account-limit", "100000000", "--address-limit", "100000000"].map(str::to_owned).to_vec()
}

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let steady = steady::run(&mut verdict, options).await?;
    let failovers = failovers::run(&mut verdict, options).await?;
    let primaries = primaries::run(&mut verdict, options).await?;
    Ok(verdict.with_figure(format!("{steady}; {failovers}; {primaries}")))
}
