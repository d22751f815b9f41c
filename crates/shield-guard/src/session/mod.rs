//! Sessions: an opaque secret in a cookie, a record behind a trait, a near cache in front of it.
//!
//! - The secret is 32 random bytes; what is kept is their SHA-256 (ASVS 5.0, 7.2.3). Text that is not such a secret is refused
//!   before anything is looked up, and what is not found is refused: the original accepted `garbage`.
//! - Two limits, both always: 24 h without a request (7.3.1), 7 days in all (7.3.2). `last_seen_at` is written back about once
//!   a minute, so the first is exact to a minute.
//! - Logging in and authenticating again make a new session and end the one before (7.2.4). An account has at most 5
//!   sessions, a moderator 7, an administrator 10; one more ends the one that was seen least recently (7.1.2).
//! - What a session is recognised by in passing (browser, network) is a signal of risk. It never ends a session: people
//!   travel, and a stolen cookie comes with a copied `User-Agent`. Sensitive changes ask for a recent log-in instead (7.5.1).
//!
//! The near cache is not asked whether a session was ended: the caller checks [`crate::revocation::RevocationSet`] on every request,
//! hit or miss, with the grant of [`ActiveSession::grant`].

mod active;
mod authenticate;
mod cache;
mod client_text;
mod cookie;
mod policy;
mod record;
mod risk;
mod secret;
mod store;
#[cfg(test)]
mod testing;
mod user_agent;

pub use active::{ActiveSession, SessionState};
pub use authenticate::{SessionRefusal, authenticate_session, resume_session};
pub use cache::{CACHED_SESSION_AGE_MAX, SessionCache, SessionHit, SoughtSession, WriteBack};
pub use client_text::ClientText;
pub use cookie::{CookieLife, CookieNameError, CookieRefusal, SESSION_COOKIE, SameSite, SessionCookie};
pub use policy::{SessionLimit, SessionPolicy, SessionPolicyError, SessionTimes, StepUp};
pub use record::{NewSession, SessionRandom, SessionRecord, SessionStart};
pub use risk::{DeviceBinding, Network, RiskAssessment, RiskLevel, RiskSignal, RiskSignals};
pub use secret::{ParseSessionSecretError, SessionDigest, SessionSecret};
pub use store::SessionStore;
pub use user_agent::{Browser, System, UserAgentFamily};
