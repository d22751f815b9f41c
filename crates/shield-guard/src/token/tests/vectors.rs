//! What the RFCs sign, name and publish.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use shield_types::{Secret, Sha256Digest};

use super::{Issuer, NOW, decoded, random};
use crate::{
    KeyId,
    token::{
        Algorithm, KeyRing, RotationSchedule, SignatureRefused, SigningKey, VerifyingKey, VerifyingKeyError,
    },
};

fn bytes(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Checks a token at the level of its signature, and that it fails when a bit changes.
fn check(key: &VerifyingKey, token: &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = bytes(signature);
    assert_eq!(key.verify(signed.as_bytes(), &signature), Ok(()));
    assert_eq!(key.verify(&signed.as_bytes()[1..], &signature), Err(SignatureRefused));
    signature[0] ^= 1;
    assert_eq!(key.verify(signed.as_bytes(), &signature), Err(SignatureRefused));
}

/// RFC 8037, A.1: as PKCS#8 without a public key, the form of `openssl genpkey`.
fn rfc_8037_key() -> SigningKey {
    let mut pkcs8 =
        vec![0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    pkcs8.extend(bytes("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
    SigningKey::from_secret(Algorithm::EdDsa, Secret::new(pkcs8.into()), &random()).unwrap()
}

#[test]
fn rfc_8037_a4_is_signed_alike() {
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = rfc_8037_key().sign(signed.as_bytes(), &random()).unwrap();
    assert_eq!(
        BASE64_URL_SAFE_NO_PAD.encode(signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn rfc_8037_a5_is_verified() {
    let key =
        VerifyingKey::from_public(Algorithm::EdDsa, &bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    check(
        &key.unwrap(),
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
         hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

#[test]
fn rfc_8037_a3_names_the_key() {
    let thumbprint = bytes("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(rfc_8037_key().id(), KeyId::from_thumbprint(thumbprint.try_into().unwrap()));
}

#[test]
fn rfc_7515_a1_is_verified() {
    let secret =
        bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    let key = SigningKey::from_secret(Algorithm::Hs256, Secret::new(secret.into()), &random()).unwrap();
    check(
        key.verifying_key(),
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
         dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
}

#[test]
fn rfc_7515_a3_is_verified() {
    let mut point = vec![4];
    point.extend(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"));
    point.extend(bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
    check(
        &VerifyingKey::from_public(Algorithm::Es256, &point).unwrap(),
        "eyJhbGciOiJFUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

#[test]
fn tokens_are_written_as_designed() {
    let token = Issuer::new(Algorithm::EdDsa).issue();
    let (header, claims) = (token.split('.').next().unwrap(), token.split('.').nth(1).unwrap());
    assert!(decoded(header).starts_with(r#"{"alg":"EdDSA","kid":""#), "{}", decoded(header));
    assert_eq!(
        decoded(claims),
        concat!(
            r#"{"iss":"https://link.example","aud":"linkshield","sub":"01a0c450-6c00-7101-8101-010101010101","#,
            r#""sid":"01a0c450-6c00-7202-8202-020202020202","jti":"01a0c450-6c00-7303-8303-030303030303","#,
            r#""iat":1790000000,"nbf":1790000000,"exp":1790000900,"scope":"account urls:check"}"#
        )
    );
}

#[test]
fn key_sets_are_deterministic() {
    let ring = KeyRing::begin(RotationSchedule::default(), rfc_8037_key(), NOW);
    let set = ring.jwks(NOW);
    assert_eq!(
        set.text,
        concat!(
            r#"{"keys":[{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","#,
            r#""kid":"kPrK_qmxVWaYVA9w","use":"sig"}]}"#
        )
    );
    assert_eq!(set, ring.jwks(NOW));
    assert_eq!(set.max_age, RotationSchedule::default().key_set_max_age);
}

#[test]
fn symmetric_keys_are_never_published() {
    let secret = [0x5a; 32];
    let key = SigningKey::from_secret(Algorithm::Hs256, Secret::new(secret.into()), &random()).unwrap();
    let shown = format!("{key:?} {:?} {}", key.verifying_key(), key.id());
    // The name must not be a hash of the key alone: that would let everybody test guesses against lists of hashes.
    let plain = KeyId::from_thumbprint(*Sha256Digest::of(&secret).as_bytes());
    assert_ne!(key.id(), plain);
    assert!(!shown.contains(&BASE64_URL_SAFE_NO_PAD.encode(secret)) && !shown.contains("5a5a"), "{shown}");
    let ring = KeyRing::begin(RotationSchedule::default(), key, NOW);
    assert_eq!(ring.jwks(NOW).text, r#"{"keys":[]}"#);
    assert_eq!(ring.records().next().unwrap().public, None);
    assert_eq!(
        VerifyingKey::from_public(Algorithm::Hs256, &secret).err(),
        Some(VerifyingKeyError::Symmetric)
    );
}

#[test]
fn names_of_symmetric_keys_stay() {
    let secret: Vec<u8> = (0..32).collect();
    let mac =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), b"shield-guard: the kid of this HS256 key");
    let key = SigningKey::from_secret(Algorithm::Hs256, Secret::new(secret.into()), &random()).unwrap();
    assert_eq!(key.id(), KeyId::from_thumbprint(mac.as_ref().try_into().unwrap()));
}
