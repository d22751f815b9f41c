//! Requests that a browser sends on somebody else's initiative, with its user's cookie.
//!
//! Asked only where it matters: a method that is not safe, and a credential that the browser adds by itself. A bearer token or an
//! API key is added by a program, so its requests are exempt; the original refused them all. An override of the method in a
//! header or field is not looked at, here or anywhere (ASVS 5.0, 3.5.3).
//!
//! 1. **Where from** ([`Origins`]). `Sec-Fetch-Site` if there is one: `same-origin` and `none` are good, `same-site` needs a
//!    trusted `Origin`, everything else is refused. Without it, `Origin` must be an expected or trusted one. `Referer` is
//!    not read: policies and privacy tools strip it, every browser of this decade sends `Origin` where it counts, and what
//!    sends neither must prove itself by the token alone.
//! 2. **Signed double submit** ([`CsrfKeys`]). The token is 16 random bytes and their HMAC together with the session, so it
//!    costs one HMAC, no storage, and is worth nothing in another session. It comes back in the header `X-CSRF-Token` or the form
//!    field `csrf_token`, which a foreign site can neither read nor set.
//!
//! A log-in has no session yet: only the first layer can tell who sends it, and does; a program that sends neither header is let
//! through there, because no browser leaves both out of an unsafe request.
//!
//! The original's name `csrf_token` stays for the header and the field. The cookie that hands the token to scripts is called
//! `__Host-csrf_token`, because without a prefix a neighbour domain may set it (3.3.1). The check never reads it.
//!
//! **Deployment.** Expected origins come from the configuration; without one, the origin is that of the request's `Host`,
//! which proxies on the way then must not rewrite. Over plain HTTP (but for loopback)
//! browsers send no `Sec-Fetch-Site`, and the first layer rests on `Origin` alone.

mod content_type;
mod field;
mod guard;
mod isolation;
mod origin;
mod token;

pub use content_type::{ContentTypeRefusal, require_json};
pub use field::Field;
pub use guard::{Credential, Csrf, CsrfAllowed, CsrfDecision, CsrfMode, CsrfRefusal, CsrfRequest, TokenRule};
pub use isolation::{IsolationRefusal, ResourceLoad, isolate};
pub use origin::{OriginError, OriginRefusal, Origins, Provenance};
pub use token::{CSRF_COOKIE, CSRF_FIELD, CSRF_HEADER, CsrfKeys, CsrfToken, TokenRefusal};
