//! The secret that a server and an authenticator app share.

use std::fmt::Write;

use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use shield_types::Secret;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::{
    base32,
    code::{Drift, TotpCode, TotpStep},
};

/// Bytes of a secret: as many as an HMAC-SHA-1 has (RFC 4226, requirement 6 recommends 160 bits).
const SECRET_BYTES: usize = 20;

/// The shared secret of one account.
#[derive(Clone, Debug)]
pub struct TotpSecret(Secret<[u8; SECRET_BYTES]>);

// === impl TotpSecret ===

impl TotpSecret {
    /// A fresh one, from a cryptographic generator (ASVS 5.0, 6.5.3), or one that was stored.
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Secret::new(bytes))
    }

    /// To be stored, encrypted.
    pub fn bytes(&self) -> &Secret<[u8; SECRET_BYTES]> {
        &self.0
    }

    /// 32 letters for people whose camera is broken.
    pub fn base32(&self) -> Secret<String> {
        Secret::new(base32::encode(self.0.expose()))
    }

    /// What the QR code holds: `otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER&…`.
    pub fn uri(&self, issuer: &str, account: &str) -> Secret<String> {
        let (issuer, account) = (percent_encode(issuer), percent_encode(account));
        let secret = self.base32();
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            secret.expose()
        ))
    }

    /// The code of a step (RFC 4226, section 5.3).
    fn code(&self, step: TotpStep) -> TotpCode {
        let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.0.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes[bytes.len() - 1] & 0x0f);
        let word: [u8; 4] =
            bytes[offset..offset + 4].try_into().expect("offsets end at 15, a tag has 20 bytes");
        TotpCode::new(u32::from_be_bytes(word) & 0x7fff_ffff)
    }

    /// The latest step near `now` whose code this is. Every step is computed and compared, whichever matches.
    pub(super) fn matching_step(&self, code: TotpCode, now: TotpStep, drift: Drift) -> Option<TotpStep> {
        let (mut found, mut step) = (0_u8, 0_u64);
        for candidate in drift.steps(now) {
            let equal = self.code(candidate).value().ct_eq(&code.value());
            step.conditional_assign(&candidate.0, equal);
            found |= equal.unwrap_u8();
        }
        (found == 1).then_some(TotpStep(step))
    }
}

/// Leaves the unreserved characters of RFC 3986 and escapes the rest, byte by byte.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").expect("a string takes what is written"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use shield_types::Timestamp;

    use super::{Drift, TotpCode, TotpSecret, TotpStep};

    fn rfc() -> TotpSecret {
        TotpSecret::new(*b"12345678901234567890")
    }

    #[test]
    fn computes_the_vectors_of_rfc_6238() {
        // Appendix B has eight digits; the last six are the code of six digits.
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000_u64, 65_353_130),
        ] {
            let step = TotpStep::at(Timestamp(seconds * 1_000));
            assert_eq!(rfc().code(step).value(), code % 1_000_000, "{seconds}");
        }
    }

    #[test]
    fn computes_the_vectors_of_rfc_4226() {
        let codes =
            [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(rfc().code(TotpStep(step)).value(), code, "{step}");
        }
    }

    #[test]
    fn accepts_one_step_of_drift() {
        let now = TotpStep(1_000);
        for (step, one, none) in [
            (998, false, false),
            (999, true, false),
            (1_000, true, true),
            (1_001, true, false),
            (1_002, false, false),
        ] {
            let code = rfc().code(TotpStep(step));
            assert_eq!(rfc().matching_step(code, now, Drift::OneStep).is_some(), one, "{step}");
            assert_eq!(rfc().matching_step(code, now, Drift::None).is_some(), none, "{step}");
        }
    }

    #[test]
    fn asvs_v6_5_5_code_lives_thirty_seconds() {
        let code = TotpCode::parse("287082").unwrap();
        let good = |ms| rfc().matching_step(code, TotpStep::at(Timestamp(ms)), Drift::None).is_some();
        assert_eq!([29_999, 30_000, 59_999, 60_000].map(good), [false, true, true, false]);
    }

    #[test]
    fn uri_keeps_names_apart() {
        let uri = rfc().uri("Link & Shield", "a:b?c@example.org");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Link%20%26%20Shield:a%3Ab%3Fc%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Link%20%26%20Shield&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn asvs_v16_2_5_never_prints_the_secret() {
        assert_eq!(format!("{:?} {:?}", rfc(), rfc().uri("a", "b")), "TotpSecret([redacted]) [redacted]");
    }
}
