//! The limits that the original promised, as defaults.

use std::{num::NonZeroU32, time::Duration};

use super::{Algorithm, LimitSettings, Rate, RateError, TierScaling};

/// A limit of the original: its name, count and period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultLimit {
    /// The name of its scope.
    pub name: &'static str,
    /// Units per period.
    pub count: u32,
    /// The period.
    pub period: Duration,
    /// The original's sliding window is GCRA here, which forgets no sooner and costs one word; its fixed window stays.
    pub algorithm: Algorithm,
    /// Before log-in there is no tier.
    pub scaling: TierScaling,
}

/// All of them, and `auth_password_choice`: what the original counts as resets too, and ours apart, so that whoever asked for
/// three letters may still use one.
///
/// Whoever chooses a password may need some attempts until it is accepted, and a request counts before anybody has read it. So
/// both limits of new passwords are wider than the original's (3 and 5): what is guessed at is not held by them, but by the
/// 256 bits of a token, and by the count of wrong passwords ([`LoginPolicy`](super::LoginPolicy)).
pub const DEFAULT_LIMITS: [DefaultLimit; 18] = [
    multiplied("api_authenticated", 1_000, 3_600),
    same("api_anonymous", 100, 3_600),
    multiplied("project_creation", 10, 3_600),
    multiplied("project_modification", 50, 3_600),
    multiplied("team_invitation", 20, 3_600),
    multiplied("alert_creation", 100, 3_600),
    multiplied("alert_modification", 200, 3_600),
    same("auth_login", 10, 900),
    DefaultLimit { algorithm: Algorithm::FixedWindow, ..same("auth_login_failed", 5, 900) },
    same("auth_registration", 5, 3_600),
    same("auth_password_reset", 3, 3_600),
    same("auth_password_choice", 20, 3_600),
    same("auth_email_verification", 5, 3_600),
    same("auth_resend_verification", 3, 3_600),
    same("auth_change_password", 20, 3_600),
    multiplied("extension_url_check", 12, 60),
    multiplied("extension_bulk", 6, 60),
    multiplied("extension_content", 12, 60),
];

const fn multiplied(name: &'static str, count: u32, seconds: u64) -> DefaultLimit {
    DefaultLimit { scaling: TierScaling::Multiplied, ..same(name, count, seconds) }
}

const fn same(name: &'static str, count: u32, seconds: u64) -> DefaultLimit {
    let period = Duration::from_secs(seconds);
    DefaultLimit { name, count, period, algorithm: Algorithm::Gcra, scaling: TierScaling::Same }
}

// === impl DefaultLimit ===

impl DefaultLimit {
    /// What a limit is made of, with room for `keys`.
    pub fn settings(self, keys: NonZeroU32) -> Result<LimitSettings, RateError> {
        let rate = Rate::new(self.count, self.period)?;
        Ok(LimitSettings { name: self.name, algorithm: self.algorithm, rate, scaling: self.scaling, keys })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::DEFAULT_LIMITS;
    use crate::limit::{Limit, Tier};

    #[test]
    fn defaults_are_limits() {
        let keys = NonZeroU32::new(100).unwrap();
        for default in DEFAULT_LIMITS {
            let limit = Limit::new(default.settings(keys).unwrap(), [0; 16]).unwrap();
            assert_eq!(limit.rate(Tier::Free).count(), default.count, "{}", default.name);
        }
    }

    #[test]
    fn tiers_change_no_login() {
        let keys = NonZeroU32::new(100).unwrap();
        let count = |name: &str, tier| {
            let default = DEFAULT_LIMITS.iter().find(|limit| limit.name == name).unwrap();
            Limit::new(default.settings(keys).unwrap(), [0; 16]).unwrap().rate(tier).count()
        };
        assert_eq!(count("auth_login", Tier::Enterprise), 10);
        assert_eq!(count("api_authenticated", Tier::Creator), 5_000);
        assert_eq!(count("extension_url_check", Tier::Starter), 18);
    }
}
