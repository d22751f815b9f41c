//! `guard.rotation`: while keys take over from each other, no valid token is refused.
//!
//! Two nodes issue and verify without a pause, a third one only verifies, and a reader elsewhere keeps the key set for as long
//! as it may; each is a thread. Time is made: all of them live through the same tick of five seconds at once, so that a
//! thread that the machine holds up breaks no promise of the schedule. Within a tick they race: with each other, and with
//! the thread that announces the next key, of the next algorithm, whenever one is due. Every thread
//! sees the ring as it was some time ago: a node up to the schedule's propagation, the reader its `max-age` longer; and the
//! clocks of nodes are two seconds off.
//!
//! The instrument is checked as well: with a reader that keeps the key set for twice as long as it may, tokens must be refused.

mod scene;

use super::Options;
use crate::harness::{Result, Trouble, Verdict};
use scene::{Counts, READER_LAG, Scene};

const ROTATIONS: usize = 100;
/// For the check of the instrument.
const ROTATIONS_OF_CHECK: usize = 6;

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let counts = play(Scene::new(ROTATIONS, READER_LAG)).await?;
    println!("  {counts}");
    counts.refusals.iter().for_each(|refusal| println!("    refused: {refusal}"));
    verdict.demand(counts.refused == 0, || format!("{} valid tokens were refused", counts.refused));
    verdict.demand(counts.issues_failed == 0, || format!("{} tokens were not issued", counts.issues_failed));
    verdict.demand(counts.rotations >= ROTATIONS, || format!("only {} rotations", counts.rotations));
    let check = play(Scene::new(ROTATIONS_OF_CHECK, 2 * READER_LAG)).await?;
    println!("  with a reader that is twice as late: {check}");
    verdict.demand(check.refused > 0, || "a reader that is twice as late was refused nothing".to_owned());
    Ok(verdict.with_figure(format!(
        "{} valid tokens refused, of {} issued and {} checks over {} rotations",
        counts.refused, counts.issued, counts.checked, counts.rotations
    )))
}

async fn play(scene: Scene) -> Result<Counts> {
    let work = tokio::task::spawn_blocking(move || scene.play());
    work.await.map_err(|error| Trouble::caused("rotate keys", error))
}
