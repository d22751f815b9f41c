//! Attacks, vectors and simulations against the whole of access and refresh tokens.

mod asvs;
mod mutations;
mod refresh;
mod rotation;
mod vectors;
mod verifier;

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use shield_types::Timestamp;

use crate::{
    AccountId, ScopeTable, SessionId, TokenId,
    token::{
        AccessClaims, Algorithm, KeyRing, RotationSchedule, SigningKey, TokenPolicy, TokenRefusal,
        TokenSettings, VerifiedToken,
    },
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256];
const MINUTE: Duration = Duration::from_mins(1);

#[expect(clippy::disallowed_methods, reason = "tests sign with real keys")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, &random()).unwrap()
}

fn policy_for(audience: &str) -> TokenPolicy {
    let settings = TokenSettings {
        issuer: "https://link.example".to_owned(),
        audience: audience.to_owned(),
        lifetime: Duration::from_mins(15),
    };
    TokenPolicy::new(settings, ScopeTable::new(&["account", "reports:write", "urls:check"]).unwrap()).unwrap()
}

fn policy() -> TokenPolicy {
    policy_for("linkshield")
}

fn claims(number: u8) -> AccessClaims {
    AccessClaims {
        account: AccountId::new(NOW, [1; 10]),
        session: SessionId::new(NOW, [2; 10]),
        token: TokenId::new(NOW, [number; 10]),
        scopes: policy().scopes().parse("account urls:check").unwrap(),
    }
}

/// An issuer with one key.
struct Issuer {
    policy: TokenPolicy,
    ring: KeyRing,
}

impl Issuer {
    fn new(algorithm: Algorithm) -> Self {
        Self { policy: policy(), ring: KeyRing::begin(RotationSchedule::default(), key(algorithm), NOW) }
    }

    fn issue(&self) -> String {
        self.policy.issue(&self.ring, &claims(3), NOW, &random()).unwrap().text.expose().clone()
    }

    fn verify(&self, token: &str) -> Result<VerifiedToken, TokenRefusal> {
        self.policy.verify(&self.ring, token.as_bytes(), NOW)
    }

    fn key(&self) -> &SigningKey {
        self.ring.signing_key(NOW).unwrap()
    }

    /// The header that it writes.
    fn header(&self) -> String {
        let key = self.key();
        format!(r#"{{"alg":"{}","kid":"{}","typ":"at+jwt"}}"#, key.algorithm().name(), key.id())
    }

    /// The claims that it writes.
    fn claims(&self) -> String {
        decoded(self.issue().split('.').nth(1).unwrap())
    }

    /// A token with any header and claims, signed by its key.
    fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key().sign(signed.as_bytes(), &random()).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a token gets whose claims are ours but for one replacement.
    fn verify_with(&self, from: &str, to: &str) -> Result<VerifiedToken, TokenRefusal> {
        let claims = self.claims();
        assert!(claims.contains(from), "{claims} has no {from}");
        self.verify(&self.sign(&self.header(), &claims.replacen(from, to, 1)))
    }
}

fn encoded(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn decoded(text: &str) -> String {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
