//! Sealing what must be readable to us and to nobody who has only the database.
//!
//! AES-256-GCM with random nonces: 2^32 sealings under one key are safe (NIST SP 800-38D, 8.3), and these are made by the
//! dozen. What is sealed is bound to its context, a text that says whose it is, so a sealed value that was moved to
//! another row does not open. A master key is changed without a pause: make it the current one, keep the former, store
//! everything anew, drop the former.
//!
//! **Deployment.** Whoever has the master key and the database has it all: keep them apart (ASVS 5.0, 13.3.1). Somebody who
//! can write the database can put an older sealed value of the same context back.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use shield_types::{DigestHasher, Secret};

/// The first byte of a sealed value.
const VERSION: u8 = 1;
/// Bytes by which a sealed value names its master key.
const NAME_BYTES: usize = 8;
const HEADER_BYTES: usize = 1 + NAME_BYTES + NONCE_LEN;

/// A key that seals.
#[derive(Clone)]
pub struct MasterKey {
    name: [u8; NAME_BYTES],
    key: LessSafeKey,
}

/// The keys of an application: one seals, all open.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    current: MasterKey,
    former: Vec<MasterKey>,
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The system gave no random bytes.
    #[error("draw a nonce from the system's random numbers")]
    Random,
    /// More bytes than the cipher takes at once (64 GiB).
    #[error("seal a value: it is too long")]
    TooLong,
}

/// Why a sealed value stays shut.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// Not a sealed value.
    #[error("open a sealed value: it is not of the form that this program writes")]
    Form,
    /// Sealed by a key that is not here.
    #[error("open a sealed value: its master key `{name}` is not among those given")]
    MasterKey {
        /// The name of the key.
        name: String,
    },
    /// Changed, or sealed for another context.
    #[error("open a sealed value: it was changed, or belongs elsewhere")]
    Forged,
}

// === impl MasterKey ===

impl MasterKey {
    /// 32 random bytes, from wherever the application keeps its secrets.
    pub fn new(bytes: &Secret<[u8; 32]>) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.update(b"shield master key 1\0");
        hasher.update(bytes.expose());
        let digest = hasher.finish();
        let name = digest.as_bytes()[..NAME_BYTES].try_into().expect("a digest has 32 bytes");
        let key = UnboundKey::new(&AES_256_GCM, bytes.expose()).expect("the key has the 32 bytes of AES-256");
        Self { name, key: LessSafeKey::new(key) }
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MasterKey({})", hexadecimal(&self.name))
    }
}

// === impl MasterKeys ===

impl MasterKeys {
    /// One key.
    pub fn new(current: MasterKey) -> Self {
        Self { current, former: Vec::new() }
    }

    /// With one more that opens what it sealed before.
    #[must_use]
    pub fn with_former(mut self, former: MasterKey) -> Self {
        self.former.push(former);
        self
    }

    /// Seals `plain` for `context`. Every time anew: the same value twice gives two sealed values.
    ///
    /// # Errors
    /// When the system has no random bytes, or the value is absurdly long.
    pub fn seal(&self, context: &str, plain: &Secret<Box<[u8]>>) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::Random)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + plain.expose().len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend(self.current.name);
        sealed.extend(nonce);
        let mut body = plain.expose().to_vec();
        let (nonce, context) = (Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()));
        let done = self.current.key.seal_in_place_append_tag(nonce, context, &mut body);
        done.map_err(|_| SealError::TooLong)?;
        sealed.extend(body);
        Ok(sealed)
    }

    /// Opens what was sealed for `context`.
    ///
    /// # Errors
    /// When its key is not here, or it is not what was sealed for this context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret<Box<[u8]>>, UnsealError> {
        let (header, body) = sealed.split_at_checked(HEADER_BYTES).ok_or(UnsealError::Form)?;
        let (version, rest) = header.split_first().ok_or(UnsealError::Form)?;
        let (name, nonce) = rest.split_at(NAME_BYTES);
        if *version != VERSION {
            return Err(UnsealError::Form);
        }
        let mut keys = [&self.current].into_iter().chain(&self.former);
        let key = keys.find(|key| key.name == *name);
        let key = key.ok_or_else(|| UnsealError::MasterKey { name: hexadecimal(name) })?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::Form)?;
        let mut body = body.to_vec();
        let plain = key.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body);
        Ok(Secret::new(plain.map_err(|_| UnsealError::Forged)?.to_vec().into_boxed_slice()))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use shield_types::Secret;

    use super::{MasterKey, MasterKeys, UnsealError};

    fn key(byte: u8) -> MasterKey {
        MasterKey::new(&Secret::new([byte; 32]))
    }

    fn plain() -> Secret<Box<[u8]>> {
        Secret::new(Box::from(b"a private key".as_slice()))
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let keys = MasterKeys::new(key(1));
        let sealed = keys.seal("here", &plain()).unwrap();
        assert_eq!(keys.open("here", &sealed).unwrap().expose(), plain().expose());
        assert!(matches!(keys.open("there", &sealed), Err(UnsealError::Forged)));
        assert_ne!(keys.seal("here", &plain()).unwrap(), sealed, "the same value twice");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(keys.open("here", &changed).is_err(), "byte {index}");
            assert!(keys.open("here", &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn former_key_opens_until_it_is_dropped() {
        let sealed = MasterKeys::new(key(1)).seal("here", &plain()).unwrap();
        let changed = MasterKeys::new(key(2)).with_former(key(1));
        assert!(changed.open("here", &sealed).is_ok());
        let anew = changed.seal("here", &plain()).unwrap();
        let dropped = MasterKeys::new(key(2));
        assert!(dropped.open("here", &anew).is_ok());
        assert!(matches!(dropped.open("here", &sealed), Err(UnsealError::MasterKey { .. })));
    }

    #[test]
    fn asvs_v16_2_5_never_prints_the_key() {
        let printed = format!("{:?}", MasterKeys::new(key(0xab)));
        assert!(!printed.contains("abab") && !printed.contains("171, 171"), "{printed}");
    }
}
