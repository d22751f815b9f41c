//! Access tokens: seen before, and for the first time.

use std::{cell::RefCell, rc::Rc, time::Duration};

use fastrand::Rng;
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm},
};
use shield_guard::{
    AccountId, ScopeTable, SessionId, TokenId,
    token::{
        AccessClaims, Algorithm, KeyRing, RotationSchedule, SigningKey, TokenPolicy, TokenSettings,
        TokenVerifier, VerifiedTokenCache,
    },
};
use shield_types::{Secret, Timestamp};

use super::{
    case::{Case, Operation, Primitive, Sizes, prepared},
    timing::BATCH_MAX,
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Who issues, and how the key looks to `ring`.
#[derive(Clone)]
struct Issuer {
    policy: TokenPolicy,
    ring: KeyRing,
}

pub(super) fn cases(sizes: &Sizes) -> Vec<Case> {
    let secret = [7; 32];
    let key = SigningKey::from_secret(Algorithm::Hs256, Secret::new(secret.into()), &SystemRandom::new());
    let hs256 = Issuer::new(key.expect("32 bytes are a key of HS256"));
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    vec![
        hit("JWT hit, one token", &hs256, 1),
        hit("JWT hit, any of many tokens", &hs256, sizes.tokens),
        Case::ratio("JWT HS256, verification", 3.0, hs256.verification(), mac(&hs256, mac_key.clone())),
        Case::ratio("JWT HS256, first sight", 3.0, hs256.first_sight(), mac(&hs256, mac_key)).within(1_500.0),
        curve("JWT EdDSA, first sight", Algorithm::EdDsa),
        curve("JWT ES256, first sight", Algorithm::Es256),
    ]
}

/// A token that was verified before, out of `count`.
fn hit(name: &'static str, issuer: &Issuer, count: usize) -> Case {
    let cache = VerifiedTokenCache::new((2 * count).max(64)).expect("a size that a cache can have");
    let verifier = TokenVerifier::new(issuer.policy.clone(), cache);
    let tokens: Rc<[String]> = (0..count).map(|number| issuer.issue(number)).collect();
    for token in tokens.iter() {
        verifier.verify(&issuer.ring, token.as_bytes(), NOW).expect("the issuer's tokens are good");
    }
    let ring = issuer.ring.clone();
    let hit = prepared(any_of(&tokens), move |token: &String| verifier.verify(&ring, token.as_bytes(), NOW));
    let hash = prepared(any_of(&tokens), |token: &String| digest(&SHA256, token.as_bytes()));
    Case::ratio(name, 2.0, hit, Primitive { name: "SHA-256 of the token", operation: hash }).within(500.0)
}

fn any_of(tokens: &Rc<[String]>) -> impl FnMut() -> String + 'static {
    let (tokens, mut random) = (Rc::clone(tokens), Rng::with_seed(1));
    move || tokens[random.usize(..tokens.len())].clone()
}

/// The MAC of the same token, over the bytes that were signed.
fn mac(issuer: &Issuer, key: hmac::Key) -> Primitive {
    let signed = issuer.signed();
    let tag = hmac::sign(&key, &signed);
    let operation = prepared(|| (), move |()| hmac::verify(&key, &signed, tag.as_ref()));
    Primitive { name: "HMAC-SHA256", operation }
}

/// An algorithm whose verification is nearly everything.
fn curve(name: &'static str, algorithm: Algorithm) -> Case {
    let random = SystemRandom::new();
    let key = SigningKey::generate(algorithm, &random).expect("the system has random bytes");
    let public = key.verifying_key().public().expect("it has a public key").to_vec();
    let issuer = Issuer::new(key);
    let signed = issuer.signed();
    let signing = issuer.ring.signing_key(NOW).expect("the ring has a key");
    let signature = signing.sign(&signed, &random).expect("the system has random bytes").as_ref().to_vec();
    let kind: &'static dyn VerificationAlgorithm =
        if algorithm == Algorithm::EdDsa { &ED25519 } else { &ECDSA_P256_SHA256_FIXED };
    let key = UnparsedPublicKey::new(kind, public);
    let operation = prepared(|| (), move |()| key.verify(&signed, &signature));
    Case::ratio(name, 1.1, issuer.first_sight(), Primitive { name: "signature", operation })
}

// === impl Issuer ===

impl Issuer {
    fn new(key: SigningKey) -> Self {
        let settings = TokenSettings {
            issuer: "https://link.example".to_owned(),
            audience: "linkshield".to_owned(),
            lifetime: Duration::from_mins(15),
        };
        let scopes = ScopeTable::new(&["account", "reports:write", "urls:check"]);
        let policy = TokenPolicy::new(settings, scopes.expect("three names of scopes"));
        Self {
            policy: policy.expect("settings within their ranges"),
            ring: KeyRing::begin(RotationSchedule::default(), key, NOW),
        }
    }

    /// The token of this number.
    fn issue(&self, number: usize) -> String {
        let mut id = [0; 10];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let claims = AccessClaims {
            account: AccountId::new(NOW, [1; 10]),
            session: SessionId::new(NOW, id),
            token: TokenId::new(NOW, id),
            scopes: self.policy.scopes().all(),
        };
        let issued = self.policy.issue(&self.ring, &claims, NOW, &SystemRandom::new());
        issued.expect("the ring has a key that signs").text.expose().clone()
    }

    /// What is signed of its first token.
    fn signed(&self) -> Vec<u8> {
        let token = self.issue(0);
        token.rsplit_once('.').expect("a token has a signature").0.as_bytes().to_vec()
    }

    /// The whole verification, without a cache.
    fn verification(&self) -> Box<dyn Operation> {
        let Self { policy, ring } = self.clone();
        let token = self.issue(0);
        policy.verify(&ring, token.as_bytes(), NOW).expect("the issuer's tokens are good");
        prepared(|| (), move |()| policy.verify(&ring, token.as_bytes(), NOW))
    }

    /// Tokens of which the cache knows none: it is a new one whenever they begin from the first.
    fn first_sight(&self) -> Box<dyn Operation> {
        let Self { policy, ring } = self.clone();
        let fresh = move || {
            let cache = VerifiedTokenCache::new(BATCH_MAX).expect("a size that a cache can have");
            TokenVerifier::new(policy.clone(), cache)
        };
        let tokens: Vec<String> = (0..BATCH_MAX).map(|number| self.issue(number)).collect();
        let verifier = Rc::new(RefCell::new(fresh()));
        let mut next = 0;
        let choose = {
            let verifier = Rc::clone(&verifier);
            move || {
                if next == 0 {
                    verifier.replace(fresh());
                }
                let token = tokens[next].clone();
                next = (next + 1) % tokens.len();
                token
            }
        };
        prepared(choose, move |token: &String| verifier.borrow().verify(&ring, token.as_bytes(), NOW))
    }
}
