//! The cache in front of the verification.

use shield_types::Timestamp;

use super::{ALGORITHMS, Issuer, MINUTE, NOW, claims, policy, policy_for, random};
use crate::token::{Algorithm, TokenRefusal, TokenVerifier, VerifiedTokenCache};

fn verifier() -> TokenVerifier {
    TokenVerifier::new(policy(), VerifiedTokenCache::new(64).unwrap())
}

#[test]
fn a_hit_says_what_the_first_sight_said() {
    for algorithm in ALGORITHMS {
        let (issuer, verifier) = (Issuer::new(algorithm), verifier());
        let token = issuer.issue();
        let first = verifier.verify(&issuer.ring, token.as_bytes(), NOW);
        assert_eq!(first, issuer.verify(&token));
        assert_eq!(verifier.verify(&issuer.ring, token.as_bytes(), NOW), first);
    }
}

#[test]
fn a_hit_expires_on_time() {
    let (issuer, verifier) = (Issuer::new(Algorithm::EdDsa), verifier());
    let token = issuer.issue();
    let at = |now| verifier.verify(&issuer.ring, token.as_bytes(), now).map(|token| token.expires_at);
    let end = NOW.after(15 * MINUTE);
    assert_eq!(at(NOW), Ok(end));
    assert_eq!(at(Timestamp(end.0 - 1)), Ok(end));
    assert_eq!(at(end), Err(TokenRefusal::Expired));
    assert_eq!(at(Timestamp(NOW.0 - 6_000)), Err(TokenRefusal::NotYetValid));
}

#[test]
fn entries_of_a_killed_key_do_not_count() {
    let (issuer, verifier) = (Issuer::new(Algorithm::EdDsa), verifier());
    let token = issuer.issue();
    assert!(verifier.verify(&issuer.ring, token.as_bytes(), NOW).is_ok());
    let id = issuer.key().id();
    let killed = issuer.ring.kill(id, NOW).unwrap();
    assert_eq!(verifier.verify(&killed, token.as_bytes(), NOW), Err(TokenRefusal::KeyKilled { key: id }));
    let other = Issuer::new(Algorithm::EdDsa).ring;
    assert_eq!(verifier.verify(&other, token.as_bytes(), NOW), Err(TokenRefusal::KeyNotInRing { key: id }));
}

#[test]
fn refusals_are_not_remembered() {
    let (issuer, verifier) = (Issuer::new(Algorithm::EdDsa), verifier());
    let token = issuer.issue();
    // The ring that does not know the key yet refuses; the next one, with the same verifier, accepts.
    let late = Issuer::new(Algorithm::Hs256).ring;
    assert!(verifier.verify(&late, token.as_bytes(), NOW).is_err());
    assert!(verifier.verify(&issuer.ring, token.as_bytes(), NOW).is_ok());
}

#[test]
fn a_changed_token_never_hits() {
    let (issuer, verifier) = (Issuer::new(Algorithm::EdDsa), verifier());
    let token = issuer.issue();
    assert!(verifier.verify(&issuer.ring, token.as_bytes(), NOW).is_ok());
    for place in 0..token.len() {
        let mut mutant = token.clone().into_bytes();
        mutant[place] ^= 1;
        assert!(verifier.verify(&issuer.ring, &mutant, NOW).is_err(), "{place}");
    }
}

#[test]
fn verifiers_of_two_audiences_share_nothing() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let token = issuer.issue();
    let other = TokenVerifier::new(policy_for("payments"), VerifiedTokenCache::new(64).unwrap());
    assert!(verifier().verify(&issuer.ring, token.as_bytes(), NOW).is_ok());
    assert_eq!(other.verify(&issuer.ring, token.as_bytes(), NOW), Err(TokenRefusal::Audience));
}

#[test]
fn a_flood_of_valid_tokens_evicts() {
    let (issuer, verifier) = (Issuer::new(Algorithm::Hs256), verifier());
    let tokens: Vec<_> = (0..200)
        .map(|number| issuer.policy.issue(&issuer.ring, &claims(number), NOW, &random()).unwrap())
        .collect();
    // Each is accepted, in the flood and after it; the table stays what it was.
    for _ in 0..2 {
        for token in &tokens {
            assert!(verifier.verify(&issuer.ring, token.text.expose().as_bytes(), NOW).is_ok());
        }
    }
}
