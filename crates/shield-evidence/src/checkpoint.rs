//! Signed checkpoints: the key vouches for the log at one size.
//!
//! The signature covers this text, whose first line keeps it apart from anything else the key signs (a DSSE encoding
//! begins with `DSSEv1`):
//!
//! ```text
//! shield-evidence-checkpoint-v1
//! size 12
//! root sha256:…
//! keyid …
//! ```

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use shield_types::{CanonicalJsonError, Sha256Digest, canonical_json};

use crate::{
    chain::TrustedCheckpoint,
    defect::Defect,
    entry::{FORMAT, parse_line},
    key::{KeyId, PublicKey, SigningKey},
    lines::Line,
};

/// A line of the checkpoint file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    format: u32,
    size: u64,
    root: Sha256Digest,
    keyid: KeyId,
    sig: String,
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Signs the log of `size` entries with this `root`.
    pub(crate) fn sign(size: u64, root: Sha256Digest, key: &SigningKey) -> Self {
        let keyid = key.public().key_id();
        let sig = STANDARD.encode(key.sign(signed_text(size, &root, &keyid).as_bytes()));
        Self { format: FORMAT, size, root, keyid, sig }
    }

    /// Number of entries vouched for.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the chain over them.
    pub fn root(&self) -> Sha256Digest {
        self.root
    }

    /// What to keep elsewhere, to find out later whether the log was changed or cut.
    pub fn trusted(&self) -> TrustedCheckpoint {
        TrustedCheckpoint { size: self.size, root: self.root }
    }

    /// The line without its newline.
    pub(crate) fn to_line(&self) -> Result<Vec<u8>, CanonicalJsonError> {
        canonical_json(self)
    }

    /// The checkpoint a forger without the key would write: another place under the old signature.
    pub(crate) fn with_place(self, size: u64, root: Sha256Digest) -> Self {
        Self { size, root, ..self }
    }

    /// Reads a line by its form alone.
    pub(crate) fn parse(line: &Line) -> Result<Self, Defect> {
        parse_line(line, "a checkpoint")
    }

    /// Everything wrong with the checkpoint as the one of size `size`; `root` is the log's at the checkpoint's own
    /// size, `None` when the log has fewer than `entries`.
    pub(crate) fn check(
        &self,
        size: u64,
        root: Option<Sha256Digest>,
        entries: u64,
        key: &PublicKey,
    ) -> Vec<Defect> {
        let mut defects = Vec::new();
        if self.format != FORMAT {
            defects.push(Defect::Format { found: self.format });
        }
        if self.size != size {
            defects.push(Defect::CheckpointSize { found: self.size, expected: size });
        }
        match root {
            None => defects.push(Defect::CheckpointBeyondLog { size: self.size, entries }),
            Some(expected) if expected != self.root => {
                defects.push(Defect::CheckpointRoot { found: self.root, expected });
            }
            Some(_) => {}
        }
        defects.extend(self.check_signature(key).err());
        defects
    }

    fn check_signature(&self, key: &PublicKey) -> Result<(), Defect> {
        let expected = key.key_id();
        if self.keyid != expected {
            return Err(Defect::CheckpointKey { found: self.keyid, expected });
        }
        let signature = STANDARD.decode(&self.sig).ok().filter(|bytes| STANDARD.encode(bytes) == self.sig);
        let text = signed_text(self.size, &self.root, &self.keyid);
        match signature {
            Some(signature) if key.verifies(text.as_bytes(), &signature) => Ok(()),
            _ => Err(Defect::CheckpointSignature { key: expected }),
        }
    }
}

fn signed_text(size: u64, root: &Sha256Digest, keyid: &KeyId) -> String {
    format!("shield-evidence-checkpoint-v1\nsize {size}\nroot {root}\nkeyid {keyid}\n")
}
