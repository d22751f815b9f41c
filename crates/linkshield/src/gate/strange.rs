//! Signs that another process has changed the signing keys, and this one does not know it yet.
//!
//! A rotation announces a key long before it signs. The successor of a killed key signs at once, so it has to be looked for:
//! when the log of revocations names a key that still counts here, and when a token names one that is not known here.

use shield_guard::{
    chain::{CredentialRefusal, Decision, Outcome, Refusal},
    revocation::RevocationSet,
    token::{KeyRing, TokenRefusal},
};

/// The log says that a key was killed which is good by this ring: the stored one is newer.
pub(super) fn outdated(ring: &KeyRing, revocations: &RevocationSet) -> bool {
    ring.records().any(|record| record.killed_at.is_none() && revocations.took_back_key(record.id))
}

/// The request was refused because the key of its token is not known here. Anybody can make a name up.
pub(super) fn names_strange_key(decision: &Decision<'_>) -> bool {
    let Decision::Decided(Outcome::Refused(refused)) = decision else { return false };
    let Refusal::Credential(CredentialRefusal::Token(refusal)) = refused.refusal else { return false };
    matches!(refusal, TokenRefusal::KeyNotInRing { .. })
}
