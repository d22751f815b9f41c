//! Six digits, and the 30 seconds they belong to.

use shield_types::Timestamp;

/// Milliseconds of a step (RFC 6238's X).
const STEP_MS: u64 = 30_000;
/// One more than the largest code.
pub(super) const CODES: u32 = 1_000_000;

/// Which 30 seconds since the epoch (RFC 6238's T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TotpStep(pub u64);

/// Six digits that somebody typed or an app shows. A credential: it is not printed.
#[derive(Clone, Copy)]
pub struct TotpCode(u32);

/// How far a client's clock, and its owner's fingers, may be off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drift {
    /// Only the code of this moment (ASVS 5.0, 6.5.5 to the letter).
    None,
    /// The code before and the code after as well (RFC 6238, section 5.2).
    #[default]
    OneStep,
}

/// Text that is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a code: expected six digits")]
pub struct ParseCodeError;

// === impl TotpStep ===

impl TotpStep {
    /// The step that `now` lies in.
    pub const fn at(now: Timestamp) -> Self {
        Self(now.0 / STEP_MS)
    }
}

// === impl TotpCode ===

impl TotpCode {
    pub(super) const fn new(value: u32) -> Self {
        Self(value % CODES)
    }

    /// Reads six ASCII digits. Apps show a space in the middle, people type it: `123 456` is read too.
    pub fn parse(text: &str) -> Result<Self, ParseCodeError> {
        let digits = match text.as_bytes() {
            [a, b, c, d, e, f] | [a, b, c, b' ', d, e, f] => [*a, *b, *c, *d, *e, *f],
            _ => return Err(ParseCodeError),
        };
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(ParseCodeError);
            }
            value = value * 10 + u32::from(digit - b'0');
        }
        Ok(Self(value))
    }

    pub(super) const fn value(self) -> u32 {
        self.0
    }
}

// === impl Drift ===

impl Drift {
    /// The steps whose codes are good at `now`, the oldest first.
    pub(super) fn steps(self, now: TotpStep) -> impl Iterator<Item = TotpStep> {
        let reach = match self {
            Self::None => 0,
            Self::OneStep => 1,
        };
        (now.0.saturating_sub(reach)..=now.0.saturating_add(reach)).map(TotpStep)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ParseCodeError, TotpCode};

    #[test]
    fn refuses_what_is_not_six_digits() {
        for text in
            ["", "12345", "1234567", "12345a", "+12345", "12 3456", "１２３４５６", " 123456", "123  456"]
        {
            assert_eq!(TotpCode::parse(text).map(TotpCode::value), Err(ParseCodeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_every_code(value in 0_u32..1_000_000) {
            prop_assert_eq!(TotpCode::parse(&format!("{value:06}")).map(TotpCode::value), Ok(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,9}") {
            let _ = TotpCode::parse(&text);
        }
    }
}
