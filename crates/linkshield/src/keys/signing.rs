//! The keys that sign access tokens, as this process knows them, and the tokens that they sign.
//!
//! The database has the truth: of several processes that begin or change the ring at once one is obeyed, and the others load
//! what it stored. [`super::KeyKeeper`] looks for a newer ring every few seconds, well within the minute that a rotation gives it. The
//! successor of a killed key signs at once: the gate looks when the log of revocations names a key that still counts here, and when
//! a token names one that is not known here ([`SigningKeys::look`]).

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use shield_data::{Database, MasterKeys, SqlKeys};
use shield_guard::{
    KeyId, ScopeTable, StoreError,
    revocation::{Revocation, RevocationReason, Revoked},
    token::{
        ACCESS_TOKEN_LIFETIME_MAX, AccessClaims, Algorithm, Exchange, IssueError, IssuedToken, Jwks,
        KeyRecord, KeyRing, KeyStore, KillError, LoadRingError, RotateError, RotationSchedule, SigningKey,
        SigningKeyError, TokenPolicy, TokenPolicyError, TokenSettings,
    },
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;

use super::{looks::Looks, random::system_random};

/// Who the tokens are for.
const AUDIENCE: &str = "linkshield";
/// How long an access token lives.
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_mins(15);
/// How often a change is tried again because another process changed the ring meanwhile.
const EXCHANGES_MAX: usize = 4;

/// What an installation signs as.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The claim `iss`.
    pub issuer: String,
    /// Every scope that a token can have.
    pub scopes: ScopeTable,
    /// How often keys change.
    pub schedule: RotationSchedule,
}

/// Signs access tokens; the gate verifies them.
pub struct SigningKeys {
    store: SqlKeys,
    schedule: RotationSchedule,
    policy: TokenPolicy,
    ring: RwLock<Arc<KeyRing>>,
    looks: Looks,
}

/// Why tokens can neither be signed nor verified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenKeysError {
    /// The issuer cannot stand in a token.
    #[error("signing keys cannot be used with these settings")]
    Policy(#[source] TokenPolicyError),
    /// The stored keys cannot be read, or new ones not be stored.
    #[error("signing keys cannot be loaded")]
    Change(#[source] ChangeKeysError),
}

/// Why the ring was not loaded or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangeKeysError {
    /// The database does not answer, or holds something else.
    #[error("ask the database for signing keys")]
    Store(#[source] StoreError),
    /// What is stored is no ring.
    #[error("read the stored signing keys")]
    Load(#[source] LoadRingError),
    /// No key could be drawn.
    #[error("draw a signing key")]
    Draw(#[source] SigningKeyError),
    /// The rules of rotation forbid it now.
    #[error("rotate the signing keys")]
    Rotate(#[source] RotateError),
    /// There is no such key, or it was killed before.
    #[error("kill a signing key")]
    Kill(#[source] KillError),
    /// Other processes changed it each time.
    #[error("change the signing keys: others changed them {EXCHANGES_MAX} times meanwhile")]
    Contended,
}

/// Why there is no access token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueAccessError {
    /// Which key signs is not known.
    #[error("learn which key signs")]
    Keys(#[source] ChangeKeysError),
    /// It does not sign.
    #[error("sign an access token")]
    Sign(#[source] IssueError),
}

// === impl SigningKeys ===

impl SigningKeys {
    /// Loads the ring, or begins one.
    ///
    /// # Errors
    /// When the settings make no tokens, or the database has no ring and takes none.
    pub async fn open(
        database: Database,
        master_keys: MasterKeys,
        settings: IssuerSettings,
        now: Timestamp,
    ) -> Result<Self, OpenKeysError> {
        let IssuerSettings { issuer, scopes, schedule } = settings;
        let store = SqlKeys::new(database, issuer.clone(), master_keys);
        let tokens = TokenSettings { issuer, audience: AUDIENCE.to_owned(), lifetime: ACCESS_TOKEN_LIFETIME };
        let policy = TokenPolicy::new(tokens, scopes).map_err(OpenKeysError::Policy)?;
        let ring = begin(&store, schedule, now).await.map_err(OpenKeysError::Change)?;
        Ok(Self { store, schedule, policy, ring: RwLock::new(Arc::new(ring)), looks: Looks::default() })
    }

    /// What tokens are accepted.
    pub(crate) fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// The scopes that tokens know.
    pub fn scopes(&self) -> &ScopeTable {
        self.policy.scopes()
    }

    /// A new access token, of the key that signs by now, whichever process chose it: another may have killed the one before a moment
    /// ago, and nobody is to be given a token that is refused at once.
    ///
    /// # Errors
    /// When the database does not answer, or no key signs now.
    pub async fn issue(
        &self,
        claims: &AccessClaims,
        now: Timestamp,
    ) -> Result<IssuedToken, IssueAccessError> {
        self.reload().await.map_err(IssueAccessError::Keys)?;
        self.policy.issue(&self.ring(), claims, now, system_random()).map_err(IssueAccessError::Sign)
    }

    /// The public keys.
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        self.ring().jwks(now)
    }

    /// The keys, oldest first.
    pub fn records(&self) -> Vec<KeyRecord> {
        self.ring().records().cloned().collect()
    }

    /// Takes up what other processes changed.
    ///
    /// # Errors
    /// When the database does not answer; the ring stays as it is.
    pub async fn reload(&self) -> Result<(), ChangeKeysError> {
        if let Some(ring) = load(&self.store, self.schedule, self.ring().revision()).await? {
            self.adopt(ring);
        }
        Ok(())
    }

    /// Takes up what other processes had changed by now, unless the database does not say so soon. Made-up names of keys cost it ten
    /// questions a second at most ([`Looks`]).
    pub(crate) async fn look(&self) {
        self.looks.share(self.reload()).await;
    }

    /// Whether the active key has signed for long enough.
    pub fn rotation_due(&self, now: Timestamp) -> bool {
        self.ring().rotation_due(now)
    }

    /// Announces a new key, which takes over when every reader knows it.
    ///
    /// # Errors
    /// When one is announced already, or the database does not take it.
    pub async fn rotate(&self, now: Timestamp) -> Result<KeyId, ChangeKeysError> {
        let key = draw()?;
        let id = key.id();
        let secret = key.secret().clone();
        self.change(None, |ring| ring.rotate(drawn(&secret)?, now).map_err(ChangeKeysError::Rotate)).await?;
        Ok(id)
    }

    /// Takes a key out of service at once, with everything that it signed, and tells the log of revocations with the same change,
    /// which every process follows within moments. If it was the active one and none is announced, another begins with it.
    ///
    /// # Errors
    /// When there is no such key, it was killed before, or the database does not take it.
    pub async fn kill(&self, id: KeyId, now: Timestamp) -> Result<(), ChangeKeysError> {
        if !self.ring().records().any(|record| record.id == id) {
            // Another process may have announced it since.
            self.reload().await?;
        }
        let entry = Revocation {
            revoked: Revoked::SigningKey { key: id },
            reason: RevocationReason::SecurityIncident,
            revoked_at: now,
            expires_at: now.after(ACCESS_TOKEN_LIFETIME_MAX),
        };
        let heir = draw()?.secret().clone();
        self.change(Some(&entry), |ring| {
            let killed = ring.kill(id, now).map_err(ChangeKeysError::Kill)?;
            Ok(killed.with_heir(drawn(&heir)?, now))
        })
        .await
    }

    /// `entry` is told the log of revocations with it.
    async fn change(
        &self,
        entry: Option<&Revocation>,
        decide: impl Fn(&KeyRing) -> Result<KeyRing, ChangeKeysError>,
    ) -> Result<(), ChangeKeysError> {
        for _ in 0..EXCHANGES_MAX {
            let next = decide(&self.ring())?;
            let stored = next.to_store();
            let exchange = match entry {
                None => self.store.replace(&stored).await,
                Some(entry) => self.store.replace_and_revoke(&stored, entry).await,
            };
            match exchange.map_err(ChangeKeysError::Store)? {
                Exchange::Done => {
                    self.adopt(next);
                    return Ok(());
                }
                Exchange::Lost => self.reload().await?,
            }
        }
        Err(ChangeKeysError::Contended)
    }

    /// An older ring never takes the place of a newer one.
    fn adopt(&self, next: KeyRing) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if next.revision() > ring.revision() {
            *ring = Arc::new(next);
        }
    }

    /// The keys, as they are now.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKeys")
            .field("revision", &self.ring().revision())
            .finish_non_exhaustive()
    }
}

/// A ring of a later revision than this, if there is one.
async fn load(
    store: &SqlKeys,
    schedule: RotationSchedule,
    revision: u64,
) -> Result<Option<KeyRing>, ChangeKeysError> {
    let stored = store.load_newer(revision).await.map_err(ChangeKeysError::Store)?;
    let ring = stored.map(|stored| KeyRing::from_store(schedule, stored, system_random()));
    ring.transpose().map_err(ChangeKeysError::Load)
}

async fn begin(
    store: &SqlKeys,
    schedule: RotationSchedule,
    now: Timestamp,
) -> Result<KeyRing, ChangeKeysError> {
    for _ in 0..EXCHANGES_MAX {
        if let Some(ring) = load(store, schedule, 0).await? {
            return Ok(ring);
        }
        let ring = KeyRing::begin(schedule, draw()?, now);
        match store.replace(&ring.to_store()).await.map_err(ChangeKeysError::Store)? {
            Exchange::Done => return Ok(ring),
            // Another process was first.
            Exchange::Lost => {}
        }
    }
    Err(ChangeKeysError::Contended)
}

fn draw() -> Result<SigningKey, ChangeKeysError> {
    SigningKey::generate(Algorithm::EdDsa, system_random()).map_err(ChangeKeysError::Draw)
}

/// A key that was drawn before.
fn drawn(secret: &Secret<Box<[u8]>>) -> Result<SigningKey, ChangeKeysError> {
    SigningKey::from_secret(Algorithm::EdDsa, secret.clone(), system_random()).map_err(ChangeKeysError::Draw)
}
