//! Which worker it is, and who may use it: one key holds both.
//!
//! `HOST:PORT#KEY` is all that a coordinator needs: KEY is a random token, which the coordinator proves first of all, and the
//! SHA-256 of the worker's certificate, which the coordinator accepts alone of all certificates. So nothing is set up besides,
//! no authority is trusted, and the token is sent to nobody but the worker that it belongs to.
//!
//! Whoever has the key can make the worker send load to any address that it reaches. A key is a secret, and worth a file with
//! mode 0600; on a command line, the users of that machine can read it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name in every worker's certificate. It is pinned, so the name says nothing.
pub(crate) const CERTIFICATE_NAME: &str = "shield-load-worker";

const TOKEN_BYTES: usize = 16;
const FINGERPRINT_BYTES: usize = 32;
/// Longest key file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Longest `HOST:PORT`.
const AUTHORITY_BYTES_MAX: usize = 300;

/// Where a worker is, with its key: `HOST:PORT#KEY`.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkerAddress {
    authority: String,
    token: [u8; TOKEN_BYTES],
    fingerprint: [u8; FINGERPRINT_BYTES],
}

/// A text is no address of a worker. What may be a key, or a part of one, is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseWorkerError {
    /// The parts are not there.
    #[error("find HOST:PORT and KEY: an address of a worker is the line that it prints, `HOST:PORT#KEY`")]
    Shape,
    /// What stands before the key is no place.
    #[error("find a host, and a port up to 65535, in the address of worker `{host}`: it is `HOST:PORT#KEY`")]
    Place {
        /// What stands before the port, or in its place.
        host: String,
    },
    /// The key is none.
    #[error(
        "read the key of `{authority}`, after `#`: it is 64 characters of A-Z a-z 0-9 - _, as the worker printed it"
    )]
    Key {
        /// Whose: what stands before `#`.
        authority: String,
    },
}

/// What a worker proves itself by, and what it wants to see.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerIdentity {
    token: [u8; TOKEN_BYTES],
    certificate: Vec<u8>,
    private_key: Vec<u8>,
}

/// A worker has no identity.
#[derive(Debug, Error)]
pub enum WorkerIdentityError {
    /// No random bytes, or no certificate.
    #[error("make a key")]
    Make {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file cannot be read or written.
    #[error("keep the key in `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read the file, so the key is none.
    #[error("trust the key in `{}`: its mode is `{mode:o}`, and only its owner may read it (600)", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error("read a key from `{}`", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

// === impl WorkerAddress ===

impl WorkerAddress {
    /// `HOST:PORT`, for people: without the key.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What the worker wants to see.
    pub(crate) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.token)
    }

    /// Whether this is the worker's certificate.
    pub(crate) fn pins(&self, certificate: &CertificateDer<'_>) -> bool {
        digest(&SHA256, certificate).as_ref() == self.fingerprint
    }
}

impl FromStr for WorkerAddress {
    type Err = ParseWorkerError;

    fn from_str(text: &str) -> Result<Self, ParseWorkerError> {
        let (authority, key) = text.trim().split_once('#').ok_or(ParseWorkerError::Shape)?;
        // Without a colon it may be the key, and the parts in the wrong order.
        let (host, port) = authority.rsplit_once(':').ok_or(ParseWorkerError::Shape)?;
        if host.is_empty() || authority.len() > AUTHORITY_BYTES_MAX || port.parse::<u16>().is_err() {
            let host = host.chars().take(AUTHORITY_BYTES_MAX).collect();
            return Err(ParseWorkerError::Place { host });
        }
        let authority = authority.to_owned();
        let (token, fingerprint) =
            parse_key(key).ok_or_else(|| ParseWorkerError::Key { authority: authority.clone() })?;
        Ok(Self { authority, token, fingerprint })
    }
}

fn parse_key(key: &str) -> Option<([u8; TOKEN_BYTES], [u8; FINGERPRINT_BYTES])> {
    let key = URL_SAFE_NO_PAD.decode(key).ok()?;
    let (token, fingerprint) = key.split_at_checked(TOKEN_BYTES)?;
    Some((token.try_into().ok()?, fingerprint.try_into().ok()?))
}

impl fmt::Debug for WorkerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WorkerAddress({}#…)", self.authority)
    }
}

// === impl WorkerIdentity ===

impl WorkerIdentity {
    /// A new one, for this life of the worker.
    pub fn fresh() -> Result<Self, WorkerIdentityError> {
        let mut token = [0; TOKEN_BYTES];
        let random = SystemRandom::new().fill(&mut token);
        random.map_err(|_| WorkerIdentityError::Make { source: "the system has no random bytes".into() })?;
        let made = KeyPair::generate().and_then(|key| {
            let certificate = CertificateParams::new([CERTIFICATE_NAME.to_owned()])?.self_signed(&key)?;
            Ok((certificate.der().to_vec(), key.serialize_der()))
        });
        let (certificate, private_key) =
            made.map_err(|source| WorkerIdentityError::Make { source: source.into() })?;
        Ok(Self { token, certificate, private_key })
    }

    /// The one in a file; a new one is put there if there is no file.
    pub fn kept_in(path: &Path) -> Result<Self, WorkerIdentityError> {
        let failed = |source| WorkerIdentityError::File { path: path.to_owned(), source };
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Self::fresh()?;
                let text = serde_json::to_string(&identity).expect("numbers are always stored");
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                file.and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    file.sync_all()
                })
                .map_err(failed)?;
                Ok(identity)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn read(path: &Path, file: File) -> Result<Self, WorkerIdentityError> {
        let failed = |source| WorkerIdentityError::File { path: path.to_owned(), source };
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(WorkerIdentityError::Open { path: path.to_owned(), mode });
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
        serde_json::from_slice(&text)
            .map_err(|source| WorkerIdentityError::Content { path: path.to_owned(), source })
    }

    /// KEY, as it stands in an address.
    #[must_use]
    pub fn key(&self) -> String {
        let fingerprint = digest(&SHA256, &self.certificate);
        URL_SAFE_NO_PAD.encode([&self.token[..], fingerprint.as_ref()].concat())
    }

    /// Whether this is the token, in a time that does not depend on where it differs.
    pub(crate) fn admits(&self, token: &str) -> bool {
        let Ok(presented) = URL_SAFE_NO_PAD.decode(token) else { return false };
        // Two tags under one key are equal if the messages are, and are compared in constant time.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.private_key);
        hmac::verify(&key, &presented, hmac::sign(&key, &self.token).as_ref()).is_ok()
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone().into()
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.private_key.clone()).into()
    }
}

impl fmt::Debug for WorkerIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WorkerIdentity(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::{ParseWorkerError, WorkerAddress, WorkerIdentity, WorkerIdentityError};

    fn address(identity: &WorkerIdentity) -> WorkerAddress {
        format!("worker.example:7700#{}", identity.key()).parse().unwrap()
    }

    #[test]
    fn address_holds_all_that_is_needed() {
        let (identity, other) = (WorkerIdentity::fresh().unwrap(), WorkerIdentity::fresh().unwrap());
        let address = address(&identity);
        assert_eq!(address.authority(), "worker.example:7700");
        assert!(identity.admits(&address.token()) && address.pins(&identity.certificate()));
        assert!(!other.admits(&address.token()) && !address.pins(&other.certificate()));
        for token in ["", "AAAA", "?", &identity.key()] {
            assert!(!identity.admits(token));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let key = WorkerIdentity::fresh().unwrap().key();
        let parse = |text: &str| text.parse::<WorkerAddress>();
        for text in ["", "host:1", "host#k", "#k", &key, &format!("{key}#host")] {
            assert_eq!(parse(text), Err(ParseWorkerError::Shape), "{text}");
        }
        for (host, port) in [("", "1"), ("host", "x"), ("host", "70000"), ("host", "1@key")] {
            let refused = ParseWorkerError::Place { host: host.to_owned() };
            assert_eq!(parse(&format!("{host}:{port}#k")), Err(refused), "{port}");
        }
        for key in [&key[1..], &format!("{key}AA"), "", "=", "ä"] {
            let refused = ParseWorkerError::Key { authority: "host:1".to_owned() };
            assert_eq!(parse(&format!("host:1#{key}")), Err(refused), "{key}");
        }
        assert!(parse(&format!("[::1]:7700#{key}")).is_ok());
    }

    #[test]
    fn secrets_are_not_shown() {
        let identity = WorkerIdentity::fresh().unwrap();
        let shown = format!("{identity:?} {:?}", address(&identity));
        assert!(!shown.contains(&identity.key()[..10]), "{shown}");
    }

    #[test]
    fn key_outlives_the_worker() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let first = WorkerIdentity::kept_in(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(WorkerIdentity::kept_in(&path).unwrap().key(), first.key());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(WorkerIdentity::kept_in(&path), Err(WorkerIdentityError::Open { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "half").unwrap();
        assert!(matches!(WorkerIdentity::kept_in(&path), Err(WorkerIdentityError::Content { .. })));
    }
}
