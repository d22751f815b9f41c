//! The whole check of a request, as one decision.
//!
//! In this order: the client's address (trusted hops), the coarse limit by address, the credential, whether it was taken
//! back, what its account may do, the limits of the route, its scopes, CSRF. What an earlier step refuses costs nothing
//! later. [`Chain::decide`] asks nobody, waits for nobody and allocates nothing; when this node does not know a session or
//! an account, it says so once ([`Decision::NeedsStore`]), and [`Chain::resume`] ends with an answer.
//!
//! **Which credential counts.** A program adds its own on purpose, a browser adds cookies by itself. So a bearer token or
//! an API key counts before the session's cookie, which then is not even read, and the request needs no CSRF token. Two of
//! the former (`Authorization` beside `X-API-Key`, or one of them twice) are refused: which one counts is a question that
//! attackers live on.
//!
//! **Invariant.** Nothing fails open. A credential that is there and wrong is refused, never taken for none; a route that
//! wants none says so ([`Access::Ignored`]). No credential allows what its account may not do. What a store does not
//! answer is 503.
//!
//! **Deployment.** [`Refusal::answer`] is the one place that knows statuses and texts, [`Refusal::event`] the one that
//! knows events. Times of a [`Moment`] must be read after the request came.

mod account;
mod answer;
mod charges;
mod credential;
mod decide;
mod find;
mod observe;
mod outcome;
mod policy;
mod principal;
mod reason;
mod refusal;
mod request;

pub use account::{AccountFacts, AccountStanding, AccountTable};
pub use answer::{CookieFate, RefusalAnswer, RefusalKind};
pub use credential::CredentialKind;
pub use decide::Chain;
pub use observe::{Observer, Part};
pub use outcome::{Admitted, Answer, Claimant, Decision, Outcome, Pending, Question, Refused, Use};
pub use policy::{
    Access, CsrfScope, LimitSubject, ROUTE_LIMITS_MAX, RouteLimit, RouteLimits, RoutePolicy, TooManyLimits,
};
pub use principal::{ApiKeyScopes, Identity, Principal, TooManyScopes};
pub use refusal::{CredentialRefusal, Refusal};
pub use request::{Moment, RequestFacts, RequestHeaders};
