//! One test per rule that ASVS 5.0 numbers, each an attack that has worked somewhere.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use shield_types::{Secret, Timestamp};

use super::{ALGORITHMS, Issuer, MINUTE, NOW, claims, encoded, key, policy_for, random};
use crate::token::{
    Algorithm, CLOCK_LEEWAY, KeyRing, SigningKey, SigningKeyError, TokenRefusal, VerifiedToken,
};

/// Order of the curve P-256 (SEC 2, 2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The other signature that holds whenever `signature` does: (r, n - s).
fn malleated(signature: &[u8]) -> Vec<u8> {
    let mut other = signature.to_vec();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let difference = i16::from(P256_ORDER[place]) - i16::from(signature[32 + place]) - borrow;
        borrow = i16::from(difference < 0);
        other[32 + place] = difference.rem_euclid(256) as u8;
    }
    other
}

#[test]
fn asvs_v9_1_1_checks_the_signature_before_claims() {
    for algorithm in ALGORITHMS {
        let issuer = Issuer::new(algorithm);
        // Claims of which each alone would be refused, under a signature of somebody else.
        let stranger = Issuer::new(algorithm);
        for claims in ["{", r#"{"iss":"evil"}"#, "\u{0}"] {
            let token = stranger.sign(&issuer.header(), claims);
            assert_eq!(issuer.verify(&token), Err(TokenRefusal::Signature), "{claims}");
        }
        let token = issuer.issue();
        let (signed, _) = token.rsplit_once('.').unwrap();
        for signature in ["AA".to_owned(), encoded(&"\0".repeat(64)), encoded(&"\0".repeat(32))] {
            assert_eq!(issuer.verify(&format!("{signed}.{signature}")), Err(TokenRefusal::Signature));
        }
        assert_eq!(issuer.verify(&format!("{signed}.")), Err(TokenRefusal::NotCompact));
    }
}

#[test]
fn asvs_v9_1_2_refuses_unsigned_tokens() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let (claims, header) = (issuer.claims(), issuer.header());
    for name in ["none", "None", "NONE", "nOnE"] {
        let header = header.replace("EdDSA", name);
        assert_eq!(issuer.verify(&issuer.sign(&header, &claims)), Err(TokenRefusal::AlgorithmNone));
        let bare = format!("{}.{}.AA", encoded(r#"{"alg":"none"}"#), encoded(&claims));
        assert_eq!(issuer.verify(&bare), Err(TokenRefusal::AlgorithmNone));
    }
}

#[test]
fn asvs_v9_1_2_refuses_algorithm_confusion() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let issuer = Issuer::new(algorithm);
        let public = issuer.key().verifying_key().public().unwrap();
        let header = issuer.header().replace(algorithm.name(), "HS256");
        let signed = format!("{}.{}", encoded(&header), encoded(&issuer.claims()));
        for secret in [public.to_vec(), BASE64_URL_SAFE_NO_PAD.encode(public).into_bytes()] {
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
            let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac));
            let key = issuer.key().id();
            assert_eq!(issuer.verify(&token), Err(TokenRefusal::AlgorithmMismatch { key }));
        }
    }
}

#[test]
fn asvs_v9_1_2_pins_one_algorithm_per_key() {
    for own in ALGORITHMS {
        let issuer = Issuer::new(own);
        for other in ALGORITHMS.into_iter().filter(|other| *other != own) {
            let header = issuer.header().replace(own.name(), other.name());
            let refusal = TokenRefusal::AlgorithmMismatch { key: issuer.key().id() };
            assert_eq!(issuer.verify(&issuer.sign(&header, &issuer.claims())), Err(refusal));
        }
    }
}

#[test]
fn asvs_v9_1_3_refuses_keys_from_the_token() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let attacker = Issuer::new(Algorithm::EdDsa);
    let public = BASE64_URL_SAFE_NO_PAD.encode(attacker.key().verifying_key().public().unwrap());
    for member in [
        format!(r#""jwk":{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#),
        r#""jku":"https://evil.example/keys""#.to_owned(),
        r#""x5u":"https://evil.example/chain""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""x5t":"AAAA""#.to_owned(),
        r#""x5t#S256":"AAAA""#.to_owned(),
    ] {
        let header = attacker.header().replacen('{', &format!("{{{member},"), 1);
        let token = attacker.sign(&header, &attacker.claims());
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::HeaderKeySource), "{member}");
        // Not even beside the right key.
        let header = issuer.header().replace('}', &format!(",{member}}}"));
        let token = issuer.sign(&header, &issuer.claims());
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::HeaderKeySource), "{member}");
    }
}

#[test]
fn asvs_v9_1_3_refuses_keys_outside_the_ring() {
    let (issuer, stranger) = (Issuer::new(Algorithm::EdDsa), Issuer::new(Algorithm::EdDsa));
    let refusal = TokenRefusal::KeyNotInRing { key: stranger.key().id() };
    assert_eq!(issuer.verify(&stranger.issue()), Err(refusal));
}

#[test]
fn asvs_v11_2_3_refuses_rsa_of_any_size() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let header = issuer.header().replace("EdDSA", name);
        // 256 bytes: what a key of 2048 bits signs.
        let token =
            format!("{}.{}.{}", encoded(&header), encoded(&issuer.claims()), encoded(&"s".repeat(256)));
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::AlgorithmRsa), "{name}");
    }
}

#[test]
fn asvs_v11_2_3_refuses_short_secrets() {
    let of = |bytes: usize| {
        SigningKey::from_secret(Algorithm::Hs256, Secret::new(vec![7; bytes].into()), &random())
    };
    let refusal = SigningKeyError::Material { algorithm: Algorithm::Hs256 };
    for bytes in [0, 16, 31, 65] {
        assert_eq!(of(bytes).err(), Some(refusal), "{bytes}");
    }
    assert!(of(32).is_ok() && of(64).is_ok());
}

#[test]
fn asvs_v9_2_1_holds_tokens_to_their_times() {
    let issuer = Issuer::new(Algorithm::Hs256);
    let token = issuer.issue();
    let at = |now| issuer.policy.verify(&issuer.ring, token.as_bytes(), now);
    assert!(at(NOW).is_ok());
    let end = NOW.after(15 * MINUTE);
    assert!(at(Timestamp(end.0 - 1)).is_ok());
    assert_eq!(at(end), Err(TokenRefusal::Expired));
    let leeway = u64::try_from(CLOCK_LEEWAY.as_millis()).unwrap();
    assert!(at(Timestamp(NOW.0 - leeway)).is_ok());
    assert_eq!(at(Timestamp(NOW.0 - leeway - 1)), Err(TokenRefusal::NotYetValid));
    assert_eq!(
        issuer.verify_with(r#""nbf":1790000000"#, r#""nbf":1790000006"#),
        Err(TokenRefusal::NotYetValid)
    );
}

#[test]
fn asvs_v9_2_1_refuses_times_that_are_missing_or_odd() {
    let issuer = Issuer::new(Algorithm::Hs256);
    for (from, to, refusal) in [
        (r#""exp":1790000900,"#, "", TokenRefusal::ClaimsIncomplete),
        (r#""nbf":1790000000,"#, "", TokenRefusal::ClaimsIncomplete),
        (r#""iat":1790000000,"#, "", TokenRefusal::ClaimsIncomplete),
        ("1790000900", "1790003601", TokenRefusal::Times),
        ("1790000900", "9999999999", TokenRefusal::Times),
        ("1790000900", "1790000000", TokenRefusal::Times),
        ("1790000900", "0", TokenRefusal::Times),
        ("1790000900", "17900009000", TokenRefusal::ClaimsForm),
        ("1790000900", "18446744073709551616", TokenRefusal::ClaimsForm),
        ("1790000900", "1790000900.5", TokenRefusal::ClaimsForm),
        ("1790000900", "1.79e9", TokenRefusal::ClaimsForm),
        ("1790000900", "-1", TokenRefusal::ClaimsForm),
        ("1790000900", r#""1790000900""#, TokenRefusal::ClaimsForm),
        ("1790000900", "null", TokenRefusal::ClaimsForm),
        (r#""nbf":1790000000"#, r#""nbf":1790000900"#, TokenRefusal::Times),
    ] {
        assert_eq!(issuer.verify_with(from, to), Err(refusal), "{from} -> {to}");
    }
}

#[test]
fn asvs_v9_2_2_refuses_other_types() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    for kind in ["JWT", "jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", ""] {
        let token = issuer.sign(&issuer.header().replace("at+jwt", kind), &issuer.claims());
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::Type), "{kind}");
    }
    let token = issuer.sign(&issuer.header().replace(r#","typ":"at+jwt""#, ""), &issuer.claims());
    assert_eq!(issuer.verify(&token), Err(TokenRefusal::HeaderIncomplete));
}

#[test]
fn asvs_v9_2_3_refuses_other_audiences() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let other = policy_for("payments").issue(&issuer.ring, &claims(1), NOW, &random()).unwrap();
    assert_eq!(issuer.verify(other.text.expose()), Err(TokenRefusal::Audience));
    for (from, to, refusal) in [
        (r#""linkshield""#, r#""linkshield2""#, TokenRefusal::Audience),
        (r#""linkshield""#, r#""""#, TokenRefusal::Audience),
        (r#""linkshield""#, r#"["linkshield"]"#, TokenRefusal::ClaimsForm),
        (r#""aud":"linkshield","#, "", TokenRefusal::ClaimsIncomplete),
        ("https://link.example", "https://link.example/", TokenRefusal::Issuer),
        ("https://link.example", "https://evil.example", TokenRefusal::Issuer),
        (r#""iss":"https://link.example","#, "", TokenRefusal::ClaimsIncomplete),
    ] {
        assert_eq!(issuer.verify_with(from, to), Err(refusal), "{from} -> {to}");
    }
}

#[test]
fn asvs_v10_3_2_grants_only_the_scopes_of_the_token() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let scopes = issuer.policy.scopes();
    let granted = |text: &str| issuer.verify_with("account urls:check", text).map(|token| token.scopes);
    assert_eq!(granted("account urls:check").unwrap(), scopes.parse("account urls:check").unwrap());
    assert_eq!(granted("account admin").unwrap(), scopes.scope("account").unwrap());
    assert!(granted("").unwrap().is_empty());
    assert_eq!(granted("account  urls:check"), Err(TokenRefusal::ClaimValue));
    assert_eq!(
        issuer.verify_with(r#","scope":"account urls:check""#, ""),
        Err(TokenRefusal::ClaimsIncomplete)
    );
}

#[test]
fn asvs_v10_3_3_names_the_account_by_its_id() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let claims = claims(3);
    let VerifiedToken { account, session, token, key_id, .. } = issuer.verify(&issuer.issue()).unwrap();
    assert_eq!((account, session, token), (claims.account, claims.session, claims.token));
    assert_eq!(key_id, issuer.key().id());
    for (name, id) in [("sub", account.to_string()), ("sid", session.to_string()), ("jti", token.to_string())]
    {
        for odd in ["admin".to_owned(), String::new(), id.to_uppercase(), id.replace('-', "")] {
            let (from, to) = (format!(r#""{name}":"{id}""#), format!(r#""{name}":"{odd}""#));
            assert_eq!(issuer.verify_with(&from, &to), Err(TokenRefusal::ClaimValue), "{to}");
        }
        let refusal = issuer.verify_with(&format!(r#""{name}":"{id}","#), "");
        assert_eq!(refusal, Err(TokenRefusal::ClaimsIncomplete), "{name}");
    }
}

#[test]
fn asvs_v7_4_1_a_malleated_signature_is_the_same_token() {
    let issuer = Issuer::new(Algorithm::Es256);
    let token = issuer.issue();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = malleated(&BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap());
    let other = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(other));
    assert_ne!(other, token);
    // It holds, as ECDSA has it; so a revocation must know the token by its `jti`, which is the same.
    assert_eq!(issuer.verify(&other), issuer.verify(&token));
    assert_eq!(issuer.verify(&other).unwrap().token, claims(3).token);
}

#[test]
fn asvs_v7_4_1_a_killed_key_ends_its_tokens() {
    for algorithm in ALGORITHMS {
        let mut issuer = Issuer::new(algorithm);
        let token = issuer.issue();
        let killed = issuer.key().id();
        issuer.ring = issuer.ring.kill(killed, NOW).unwrap();
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::KeyKilled { key: killed }));
        assert!(issuer.policy.issue(&issuer.ring, &claims(1), NOW, &random()).is_err());
        issuer.ring = issuer.ring.rotate(key(algorithm), NOW).unwrap();
        assert!(issuer.verify(&issuer.issue()).is_ok());
        assert_eq!(issuer.verify(&token), Err(TokenRefusal::KeyKilled { key: killed }));
    }
}

#[test]
fn asvs_v11_2_2_an_algorithm_can_be_replaced() {
    let issuer = Issuer::new(Algorithm::Hs256);
    let old = issuer.issue();
    let ring: KeyRing = issuer.ring.rotate(key(Algorithm::EdDsa), NOW).unwrap();
    let later = NOW.after(Duration::from_mins(10));
    let new = issuer.policy.issue(&ring, &claims(4), later, &random()).unwrap();
    assert_eq!(ring.verifying_key(new.key_id, later).unwrap().algorithm(), Algorithm::EdDsa);
    for token in [old.as_bytes(), new.text.expose().as_bytes()] {
        assert!(issuer.policy.verify(&ring, token, later).is_ok());
    }
}

#[test]
fn lax_encodings_are_refused() {
    for algorithm in ALGORITHMS {
        let issuer = Issuer::new(algorithm);
        let token = issuer.issue();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        // The last letter of 32 or 64 bytes carries unused bits: letters after it decode alike in a lax reader.
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = signature.as_bytes()[signature.len() - 1];
        let place = letters.iter().position(|letter| *letter == last).unwrap();
        let sibling = char::from(letters[place + 1]);
        for lax in [
            format!("{signed}.{}{sibling}", &signature[..signature.len() - 1]),
            format!("{token}="),
            format!("{token}=="),
            format!("{token}\n"),
            format!("{signed}. {signature}"),
        ] {
            assert_eq!(issuer.verify(&lax), Err(TokenRefusal::Encoding), "{lax}");
        }
        assert!(issuer.verify(&format!(" {token}")).is_err());
    }
}

#[test]
fn headers_and_claims_have_one_reading() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    for (from, to) in [
        (r#""exp":1790000900"#, r#""exp":1790000900,"exp":1790000900"#),
        (r#""sub":"#, r#""sub":"01a0c450-6c00-7101-8101-010101010102","sub":"#),
        (r#""scope":"#, r#""scope":"account","scope":"#),
    ] {
        assert_eq!(issuer.verify_with(from, to), Err(TokenRefusal::ClaimDuplicate), "{to}");
    }
    let reordered = format!(r#"{{"kid":"{}","alg":"EdDSA","typ":"at+jwt"}}"#, issuer.key().id());
    let reordered = issuer.sign(&reordered, &issuer.claims());
    assert_eq!(issuer.verify(&reordered), Err(TokenRefusal::HeaderForm));
    let twice = issuer.header().replacen('{', r#"{"typ":"at+jwt","#, 1);
    assert_eq!(issuer.verify(&issuer.sign(&twice, &issuer.claims())), Err(TokenRefusal::HeaderDuplicate));
}

#[test]
fn unknown_members_are_refused() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    assert_eq!(issuer.verify_with(r#""exp""#, r#""role":"admin","exp""#), Err(TokenRefusal::ClaimMember));
    for (member, refusal) in [
        (r#""crit":["exp"]"#, TokenRefusal::HeaderCritical),
        (r#""zip":"DEF""#, TokenRefusal::HeaderMember),
        (r#""b64":false"#, TokenRefusal::HeaderMember),
    ] {
        let header = issuer.header().replacen('{', &format!("{{{member},"), 1);
        assert_eq!(issuer.verify(&issuer.sign(&header, &issuer.claims())), Err(refusal));
    }
}

#[test]
fn long_tokens_are_refused_unread() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    assert_eq!(issuer.verify(&"a".repeat(2_049)), Err(TokenRefusal::TooLong));
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(400));
    assert_eq!(issuer.verify(&issuer.sign(&header, "{}")), Err(TokenRefusal::HeaderForm));
}
