//! The key set that others read to verify our tokens (RFC 7517).

use std::time::Duration;

use shield_types::Timestamp;

use crate::token::{KeyRing, KeyState};

/// A key set, to be answered as `application/jwk-set+json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwks {
    /// The document: the same ring and moment give the same bytes.
    pub text: String,
    /// How long readers may keep it: `Cache-Control: max-age`. A new key is announced longer than that before it signs.
    pub max_age: Duration,
}

// === impl KeyRing ===

impl KeyRing {
    /// The public keys of which tokens can be valid at `now`. Keys of HS256 are never in it, nor is anything derived
    /// from them.
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        let valid = |state| matches!(state, KeyState::Announced | KeyState::Active | KeyState::Retired);
        let keys = self.keys.iter().filter(|key| valid(key.record.state(now)));
        let keys: Vec<String> = keys
            .filter_map(|key| {
                let members = key.verifying.required_members()?;
                let (algorithm, id) = (key.verifying.algorithm().name(), key.verifying.id());
                Some(format!(r#"{{"alg":"{algorithm}",{members},"kid":"{id}","use":"sig"}}"#))
            })
            .collect();
        Jwks { text: format!(r#"{{"keys":[{}]}}"#, keys.join(",")), max_age: self.schedule.key_set_max_age }
    }
}
