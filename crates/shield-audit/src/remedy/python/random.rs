//! Random numbers that must not be guessed.

use super::{
    arguments::bytes,
    purpose::Purpose,
    site::{Mend, Site},
};

/// `random.f(…)` becomes `secrets.SystemRandom().f(…)`, which has the same functions, where the names around say that it protects something.
/// A file that seeds its numbers wants the same ones again.
pub(super) fn weak_random(site: &Site<'_>) -> Option<Mend> {
    let function = site.call.name.strip_prefix("random.").filter(|function| *function != "Random")?;
    let Purpose::Security(word) = Purpose::of(site) else { return None };
    if site.seeded {
        return None;
    }
    let mut edits = site.import("secrets")?;
    edits.push((bytes(site.call.callee), format!("secrets.SystemRandom().{function}")));
    let what = format!("draws from the operating system: `secrets.SystemRandom().{function}`");
    let why = format!(
        "it protects something (`{word}`); numbers cost more, and tests that replace `random` no longer reach them"
    );
    Some(Mend::changing(what, why, edits))
}
