//! What senders and receivers make of each other's messages, and of those of others.

use std::thread;

use proptest::prelude::*;
use shield_types::{Secret, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const BODY: &[u8] = br#"{"type":"check.completed"}"#;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn hmac_text(number: u8) -> Secret<String> {
    new_hmac_secret(&[number; 32])
}

fn hmac_signer(number: u8) -> SigningKey {
    SigningKey::parse(&hmac_text(number)).unwrap()
}

fn edwards_signer(number: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[number; 32])
}

fn edwards_key(number: u8) -> VerifyingKey {
    VerifyingKey::parse(&secret(&edwards_signer(number).public_text().unwrap())).unwrap()
}

fn hmac_key(number: u8) -> VerifyingKey {
    VerifyingKey::parse(&hmac_text(number)).unwrap()
}

fn signed(keys: &[SigningKey], id: &str) -> SignedWebhook {
    sign_webhook(keys, OutgoingWebhook { id, body: BODY, now: NOW }).unwrap()
}

fn receive<'a>(
    keys: &[VerifyingKey],
    id: &'a str,
    signed: &'a SignedWebhook,
    (body, now): (&[u8], Timestamp),
) -> Result<VerifiedWebhook<'a>, WebhookRefusal> {
    let headers = WebhookHeaders { id, timestamp: &signed.timestamp, signature: &signed.signature };
    WebhookVerifier::new(keys.to_vec()).unwrap().verify(headers, body, now)
}

#[test]
fn makes_the_hmac_vector_of_the_reference_libraries() {
    let text = secret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let (id, body) =
        ("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", br#"{"email":"test@example.com","username":"test_user"}"#);
    let now = Timestamp(1_649_367_553_000);
    let keys = [SigningKey::parse(&text).unwrap()];
    let signed = sign_webhook(&keys, OutgoingWebhook { id, body, now }).unwrap();
    assert_eq!(signed.signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    assert!(receive(&[VerifyingKey::parse(&text).unwrap()], id, &signed, (body, now)).is_ok());
}

#[test]
fn makes_the_ed25519_vector_of_the_specification() {
    let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
    let now = Timestamp(1_614_265_330_000);
    let key = SigningKey::parse(&secret(key)).unwrap();
    let public = key.public_text().unwrap();
    assert_eq!(public, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    let signed = sign_webhook(&[key], OutgoingWebhook { id, body, now }).unwrap();
    assert_eq!(
        signed.signature,
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    );
    assert!(receive(&[VerifyingKey::parse(&secret(&public)).unwrap()], id, &signed, (body, now)).is_ok());
}

#[test]
fn old_and_new_keys_overlap() {
    let both = signed(&[hmac_signer(1), hmac_signer(2), edwards_signer(3)], "msg_1");
    for key in [hmac_key(1), hmac_key(2), edwards_key(3)] {
        assert!(receive(&[key], "msg_1", &both, (BODY, NOW)).is_ok());
    }
    assert!(receive(&[hmac_key(9), edwards_key(3)], "msg_1", &both, (BODY, NOW)).is_ok());
    let stranger = receive(&[hmac_key(9), edwards_key(9)], "msg_1", &both, (BODY, NOW));
    assert_eq!(stranger, Err(WebhookRefusal::Signature));
}

#[test]
fn asvs_v4_1_5_refuses_any_changed_part() {
    for (signer, key) in [(hmac_signer(1), hmac_key(1)), (edwards_signer(1), edwards_key(1))] {
        let good = signed(&[signer], "msg_1");
        let keys = [key];
        assert!(receive(&keys, "msg_1", &good, (BODY, NOW)).is_ok());
        assert_eq!(receive(&keys, "msg_2", &good, (BODY, NOW)), Err(WebhookRefusal::Signature));
        assert_eq!(receive(&keys, "msg_1", &good, (b"{}", NOW)), Err(WebhookRefusal::Signature));
        let dated = SignedWebhook { timestamp: "1790000001".into(), ..good };
        assert_eq!(receive(&keys, "msg_1", &dated, (BODY, NOW)), Err(WebhookRefusal::Signature));
    }
}

#[test]
fn scheme_of_one_key_is_never_tried_with_another() {
    let good = signed(&[edwards_signer(1)], "msg_1");
    // An attacker who knows the public key could make an HMAC with it as the secret (compare ASVS 5.0, 9.1.2).
    let renamed = SignedWebhook { signature: good.signature.replace("v1a,", "v1,"), ..good };
    assert_eq!(receive(&[edwards_key(1)], "msg_1", &renamed, (BODY, NOW)), Err(WebhookRefusal::Signatures));
    let tagged = signed(&[hmac_signer(1)], "msg_1");
    assert_eq!(receive(&[edwards_key(1)], "msg_1", &tagged, (BODY, NOW)), Err(WebhookRefusal::Signature));
}

#[test]
fn window_is_300_seconds_both_ways() {
    let good = signed(&[hmac_signer(1)], "msg_1");
    let at = |ms| receive(&[hmac_key(1)], "msg_1", &good, (BODY, Timestamp(ms)));
    assert!(at(NOW.0 + 300_000).is_ok() && at(NOW.0 - 300_000).is_ok());
    assert_eq!(at(NOW.0 + 301_000), Err(WebhookRefusal::Stale));
    assert_eq!(at(NOW.0 - 301_000), Err(WebhookRefusal::Early));
    assert_eq!(at(0), Err(WebhookRefusal::Early));
    assert_eq!(at(u64::MAX), Err(WebhookRefusal::Stale));
}

#[test]
fn unknown_versions_are_skipped_malformed_known_ones_refuse() {
    let good = signed(&[hmac_signer(1)], "msg_1");
    let with = |signature: String| {
        let changed = SignedWebhook { signature, ..good.clone() };
        receive(&[hmac_key(1)], "msg_1", &changed, (BODY, NOW)).map(|_| ())
    };
    assert_eq!(with(format!("v2,whatever {}", good.signature)), Ok(()));
    assert_eq!(with("v2,whatever".into()), Err(WebhookRefusal::Signature));
    for malformed in [
        String::new(),
        "v1".into(),
        "v1,".into(),
        "v1,AAAA".into(),
        format!("{} ", good.signature),
        good.signature.trim_end_matches('=').into(),
        [good.signature.as_str(); 9].join(" "),
        format!("v2,{}", "x".repeat(1_024)),
    ] {
        assert_eq!(with(malformed.clone()), Err(WebhookRefusal::Signatures), "{malformed}");
    }
}

#[test]
fn bounds_bodies_and_keys() {
    let good = signed(&[hmac_signer(1)], "msg_1");
    let large = vec![0; WEBHOOK_BODY_BYTES_MAX + 1];
    assert_eq!(receive(&[hmac_key(1)], "msg_1", &good, (&large, NOW)), Err(WebhookRefusal::Body));
    assert_eq!(WebhookVerifier::new(vec![]).map(|_| ()), Err(VerifierError { keys: 0 }));
    assert_eq!(WebhookVerifier::new(vec![hmac_key(1); 5]).map(|_| ()), Err(VerifierError { keys: 5 }));
}

fn message(
    signed: &SignedWebhook,
    id: &'static str,
    now: Timestamp,
    window: &ReplayWindow,
) -> Result<(), ReplayRefusal> {
    let headers = WebhookHeaders { id, timestamp: &signed.timestamp, signature: &signed.signature };
    let verifier = WebhookVerifier::new(vec![hmac_key(1)]).unwrap();
    window.admit(&verifier.verify(headers, BODY, NOW).unwrap(), now)
}

#[test]
fn replay_is_refused_for_as_long_as_it_could_verify() {
    let window = ReplayWindow::new(10);
    let good = signed(&[hmac_signer(1)], "msg_1");
    assert_eq!(message(&good, "msg_1", NOW, &window), Ok(()));
    for later_ms in [0, 300_000, 599_999] {
        let again = message(&good, "msg_1", Timestamp(NOW.0 + later_ms), &window);
        assert_eq!(again, Err(ReplayRefusal::Seen), "{later_ms}");
    }
    assert_eq!(
        message(&good, "msg_1", Timestamp(NOW.0 + 600_000), &window),
        Ok(()),
        "too old to verify by then"
    );
}

#[test]
fn asvs_v16_5_3_full_window_refuses() {
    let window = ReplayWindow::new(2);
    for (id, expected) in
        [("a", Ok(())), ("b", Ok(())), ("c", Err(ReplayRefusal::Full)), ("a", Err(ReplayRefusal::Seen))]
    {
        assert_eq!(message(&signed(&[hmac_signer(1)], id), id, NOW, &window), expected, "{id}");
    }
    let later = Timestamp(NOW.0 + 600_000);
    assert_eq!(message(&signed(&[hmac_signer(1)], "c"), "c", later, &window), Ok(()), "the oldest made room");
}

#[test]
fn forgotten_id_may_come_again_once() {
    let window = ReplayWindow::new(10);
    let good = signed(&[hmac_signer(1)], "msg_1");
    assert_eq!(message(&good, "msg_1", NOW, &window), Ok(()));
    let headers = WebhookHeaders { id: "msg_1", timestamp: &good.timestamp, signature: &good.signature };
    window.forget(&WebhookVerifier::new(vec![hmac_key(1)]).unwrap().verify(headers, BODY, NOW).unwrap());
    let retry = Timestamp(NOW.0 + 100_000);
    assert_eq!(message(&good, "msg_1", retry, &window), Ok(()));
    // The first admission's time is up, the second's is not.
    let between = Timestamp(NOW.0 + 650_000);
    assert_eq!(message(&good, "msg_1", between, &window), Err(ReplayRefusal::Seen));
}

#[test]
fn parallel_replay_has_one_winner() {
    let window = ReplayWindow::new(10);
    let good = signed(&[hmac_signer(1)], "msg_1");
    let winners = thread::scope(|scope| {
        let racers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| message(&good, "msg_1", NOW, &window).is_ok())).collect();
        racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum::<usize>()
    });
    assert_eq!(winners, 1);
}

proptest! {
    #[test]
    fn any_headers_are_refused_without_the_key(
        id in "\\PC{0,140}",
        timestamp in "(1790000000|\\PC{0,14})",
        signature in "(v1,[A-Za-z0-9+/]{42}[AEIM]=|v1a,[A-Za-z0-9+/]{85}[AQgw]==|\\PC{0,200})",
        body: Vec<u8>,
    ) {
        let headers = WebhookHeaders { id: &id, timestamp: &timestamp, signature: &signature };
        let verifier = WebhookVerifier::new(vec![hmac_key(1), edwards_key(1)]).unwrap();
        prop_assert!(verifier.verify(headers, &body, NOW).is_err());
    }

    #[test]
    fn what_was_signed_verifies(id in "[!-\\-/-~]{1,128}", body: Vec<u8>, seconds in 0_u64..99_999_999_999) {
        let now = Timestamp(seconds * 1_000);
        let message = OutgoingWebhook { id: &id, body: &body, now };
        let signed = sign_webhook(&[hmac_signer(1), edwards_signer(1)], message).unwrap();
        for key in [hmac_key(1), edwards_key(1)] {
            prop_assert!(receive(&[key], &id, &signed, (&body, now)).is_ok());
        }
    }
}
