//! API keys: made, read, looked up, rotated, taken back.
//!
//! A key is `PREFIX_live_` or `PREFIX_test_`, 43 letters of base62 that are 32 random bytes, and six letters of checksum over
//! all before them. The checksum is no protection: it turns away what is mistyped or guessed in under 50 ns without a look-up,
//! and lets scanners of leaked code find keys without false alarms. What is kept is a SHA-256 (ASVS 5.0, 11.4.3); at 256 random bits a
//! slow hash would only slow us down.
//!
//! Every key expires, at the latest after a year, so that a revocation need not be remembered for ever (13.3.4). Rotation leaves
//! the old one alive for a while beside its successor, never more than two: who replaces the successor ends it.
//!
//! [`ApiKeyIndex`] holds all keys of the service in memory, and [`ApiKeyFollower`] keeps it complete. It does not say that a key
//! was taken back: removal races with loading, so the caller asks [`crate::revocation::RevocationSet`] with [`ApiKeyGrant::grant`] on every request.
//!
//! **Deployment.** Keys are for programs; a person's session is never replaced by one (7.2.2). They travel in `X-API-Key` or
//! `Authorization: Bearer`, never in a URL (14.2.1).

mod base62;
mod follow;
mod format;
mod index;
mod lifecycle;
mod record;
mod store;

pub use follow::{
    API_KEY_REVOCATION_KEPT, API_KEYS_BELIEVED, ApiKeyChange, ApiKeyChangeNumber, ApiKeyFollower, ApiKeyPage,
    ApiKeyProgress, ApiKeyQuestion,
};
pub use format::{
    ApiKeyDigest, ApiKeyFormat, ApiKeyFormatError, Environment, IssuedApiKey, ParseApiKeyError,
    PresentedApiKey,
};
pub use index::{ApiKeyGrant, ApiKeyIndex, ApiKeyRefusal, IndexFull};
pub use lifecycle::{
    API_KEY_LIFE_MAX, ApiKeyOrder, ApiKeyOrderError, ApiKeyPolicy, ApiKeyRandom, KeyRotation, NewApiKey,
};
pub use record::{ApiKeyRecord, ApiKeyState};
pub use store::{ApiKeyStore, KeyLimit, StoredApiKey, StoredRotation};
