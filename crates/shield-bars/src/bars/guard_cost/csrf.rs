//! CSRF: a POST with a cookie, from the own site, with its session's token.

use ring::hmac;
use shield_guard::{
    SessionId,
    csrf::{
        Credential, Csrf, CsrfAllowed, CsrfDecision, CsrfKeys, CsrfMode, CsrfRequest, Field, Origins,
        TokenRule,
    },
};
use shield_types::{Secret, Timestamp};

use super::case::{Case, Primitive, Sizes, prepared};

/// Bytes that the token's MAC covers.
const SIGNED_BYTES: usize = 41;

pub(super) fn cases(_sizes: &Sizes) -> Vec<Case> {
    let secret = [7; 32];
    let csrf = Csrf {
        origins: Origins::new(["https://link.example"]).expect("an origin"),
        keys: CsrfKeys::new(&Secret::new(secret), None),
        rule: TokenRule::Always,
        mode: CsrfMode::Enforce,
    };
    let session = SessionId::new(Timestamp(1_790_000_000_000), [1; 10]);
    let token = csrf.keys.issue(session, [3; 16]);
    let decide = move |()| {
        csrf.decide(&CsrfRequest {
            method: "POST",
            credential: Credential::Cookie(session),
            fetch_site: Field::One(b"same-origin"),
            origin: Field::One(b"https://link.example"),
            host: Field::One(b"link.example"),
            token: Field::One(token.expose().as_bytes()),
        })
    };
    assert_eq!(decide(()), CsrfDecision::Allowed(CsrfAllowed::Token), "the good case is measured");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let tag = hmac::sign(&key, &[5; SIGNED_BYTES]);
    let mac = prepared(
        || [5; SIGNED_BYTES],
        move |signed: &[u8; SIGNED_BYTES]| hmac::verify(&key, signed, tag.as_ref()),
    );
    let mac = Primitive { name: "HMAC-SHA256", operation: mac };
    vec![Case::ratio("CSRF", 2.0, prepared(|| (), move |()| decide(())), mac)]
}
