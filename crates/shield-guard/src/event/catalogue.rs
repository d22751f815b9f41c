//! The events. One table; everything else about them is generated from it.

use super::{
    line::{Detail, Object},
    shape::{EventClass, LoginFactors, Outcome, Room, SecondFactor, Severity, Shape},
};
use crate::{AccountId, ApiKeyId, KeyId, SessionId};

use EventClass::{
    AccountChange, ApiActivity, ApplicationError, Authentication, DetectionFinding, HttpActivity,
};
use Outcome::{Failure, Success};
use Room::{Accounts, Anybody};
use Severity::{High, Informational, Low, Medium};

/// OCSF's number for an activity that it has no number for.
pub(super) const OTHER: u32 = 99;

macro_rules! events {
    ($(
        $(#[$documentation:meta])*
        $variant:ident { $($(#[$about:meta])* $field:ident: $kind:ty),* }
            = $name:literal, $class:expr, $activity:expr, $severity:expr, $outcome:expr, $room:expr;
    )*) => {
        /// Something that happened. Fields named `reason` hold one word of this program's, never a text of a client's.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum SecurityEvent {
            $($(#[$documentation])* $variant { $($(#[$about])* $field: $kind),* },)*
        }

        impl SecurityEvent {
            /// The shape of every kind of event, in the order of the documentation.
            pub const SHAPES: &[Shape] = &[$(Shape {
                name: $name, class: $class, activity: $activity, severity: $severity, outcome: $outcome,
                room: $room,
            }),*];

            /// What it is in the words of OCSF.
            pub const fn shape(&self) -> Shape {
                match self {
                    $(Self::$variant { .. } => Shape {
                        name: $name, class: $class, activity: $activity, severity: $severity, outcome: $outcome,
                        room: $room,
                    },)*
                }
            }

            /// Its own fields.
            pub(super) fn write_details(&self, details: &mut Object<'_>) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        $($field.write(stringify!($field), details);)*
                    })*
                }
            }
        }
    };
}

events! {
    /// Somebody logged in.
    LoginSucceeded {
        /// What with.
        factors: LoginFactors,
        /// The session that began.
        session: SessionId
    } = "login.succeeded", Authentication, 1, Informational, Success, Accounts;
    /// Somebody did not log in. Whether the account exists shows in the account of the context, not in the reason.
    LoginFailed {
        /// Why.
        reason: &'static str
    } = "login.failed", Authentication, 1, Low, Failure, Anybody;
    /// A log-in was not even tried.
    LoginThrottled {
        /// Whose limit: `account` or `address`.
        scope: &'static str,
        /// When it may be tried again.
        retry_after_s: u64
    } = "login.throttled", Authentication, 1, Medium, Failure, Anybody;
    /// The password was right, the second factor was not: somebody may know the password.
    SecondFactorFailed {
        /// Which one.
        factor: SecondFactor,
        /// Why.
        reason: &'static str
    } = "second-factor.failed", Authentication, 6, Medium, Failure, Accounts;
    /// The password was right, and no code of the second factor came with it: the first half of a log-in, or all that somebody
    /// has.
    SecondFactorMissing {} = "second-factor.missing", Authentication, 6, Informational, Failure, Anybody;
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: u64
    } = "recovery-code.used", Authentication, 6, Medium, Success, Accounts;
    /// A bearer token was refused.
    TokenRefused {
        /// Why.
        reason: &'static str
    } = "token.refused", Authentication, OTHER, Low, Failure, Anybody;
    /// A session's cookie was refused.
    SessionRefused {
        /// Why.
        reason: &'static str
    } = "session.refused", Authentication, OTHER, Low, Failure, Anybody;
    /// An API key was refused.
    ApiKeyRefused {
        /// Why.
        reason: &'static str,
        /// Which one, where it is known.
        key: Option<ApiKeyId>
    } = "api-key.refused", Authentication, OTHER, Low, Failure, Anybody;
    /// A session ended.
    SessionEnded {
        /// Which one.
        session: SessionId,
        /// Why: `logout`, `logout-everywhere`, `idle`, `absolute`, `limit`, `password-changed`, `admin`, …
        reason: &'static str
    } = "session.ended", Authentication, 2, Informational, Success, Accounts;
    /// A refresh token was used a second time: it, or its successor, was stolen. Its family is revoked.
    RefreshReused {
        /// The session of the family.
        session: SessionId
    } = "refresh.reused", DetectionFinding, 1, High, Failure, Accounts;
    /// An account was made.
    AccountRegistered {} = "account.registered", AccountChange, 1, Informational, Success, Anybody;
    /// An account's first address was verified.
    EmailVerified {} = "email.verified", AccountChange, 2, Informational, Success, Accounts;
    /// An account has another address.
    EmailChanged {} = "email.changed", AccountChange, OTHER, Medium, Success, Accounts;
    /// A link from an e-mail was refused.
    OneTimeTokenRefused {
        /// What it was for.
        purpose: &'static str,
        /// Why.
        reason: &'static str
    } = "one-time-token.refused", AccountChange, OTHER, Low, Failure, Anybody;
    /// A password was changed by who knew the old one.
    PasswordChanged {} = "password.changed", AccountChange, 3, Informational, Success, Accounts;
    /// A password was not changed or set.
    PasswordChangeRefused {
        /// Why: the policy's reason, `current-password` or `unchanged`.
        reason: &'static str
    } = "password.change-refused", AccountChange, 3, Low, Failure, Anybody;
    /// A link to set a new password was asked for.
    PasswordResetRequested {} = "password.reset-requested", AccountChange, OTHER, Informational, Success, Anybody;
    /// A new password was set by link.
    PasswordReset {} = "password.reset", AccountChange, 4, Medium, Success, Accounts;
    /// A second factor was set up.
    SecondFactorEnabled {
        /// Which one.
        factor: SecondFactor
    } = "second-factor.enabled", AccountChange, 10, Informational, Success, Accounts;
    /// A second factor was taken away.
    SecondFactorDisabled {
        /// Which one.
        factor: SecondFactor
    } = "second-factor.disabled", AccountChange, 11, Medium, Success, Accounts;
    /// An account has new recovery codes, and the old ones are void.
    RecoveryCodesReplaced {} = "recovery-codes.replaced", AccountChange, OTHER, Informational, Success, Accounts;
    /// An administrator locked an account.
    AccountLocked {
        /// Why.
        reason: &'static str
    } = "account.locked", AccountChange, 9, Medium, Success, Accounts;
    /// An administrator unlocked an account.
    AccountUnlocked {} = "account.unlocked", AccountChange, 12, Informational, Success, Accounts;
    /// An account was deleted.
    AccountDeleted {} = "account.deleted", AccountChange, 6, Medium, Success, Accounts;
    /// An account has another role.
    RoleChanged {
        /// What it was.
        from: &'static str,
        /// What it is.
        to: &'static str
    } = "role.changed", AccountChange, 7, Medium, Success, Accounts;
    /// An account has another plan, and so other quotas.
    PlanChanged {
        /// What it was.
        from: &'static str,
        /// What it is.
        to: &'static str
    } = "plan.changed", AccountChange, OTHER, Informational, Success, Accounts;
    /// An API key was made.
    ApiKeyCreated {
        /// Which one.
        key: ApiKeyId
    } = "api-key.created", ApiActivity, 1, Informational, Success, Accounts;
    /// An API key has a successor; both work for a while.
    ApiKeyRotated {
        /// The old one.
        key: ApiKeyId,
        /// The new one.
        successor: ApiKeyId
    } = "api-key.rotated", ApiActivity, 3, Informational, Success, Accounts;
    /// An API key was taken back.
    ApiKeyRevoked {
        /// Which one.
        key: ApiKeyId,
        /// Why.
        reason: &'static str
    } = "api-key.revoked", ApiActivity, 4, Medium, Success, Accounts;
    /// A new key signs tokens.
    SigningKeyRotated {
        /// The new one.
        kid: KeyId
    } = "signing-key.rotated", ApiActivity, 3, Informational, Success, Accounts;
    /// A key that signed tokens is believed no more, nor is any token of it.
    SigningKeyRevoked {
        /// Which one.
        kid: KeyId,
        /// Why.
        reason: &'static str
    } = "signing-key.revoked", ApiActivity, 4, High, Success, Accounts;
    /// Tokens were taken back before their time.
    TokensRevoked {
        /// By what: `token`, `session` or `account`.
        scope: &'static str,
        /// Whose.
        owner: AccountId,
        /// Why.
        reason: &'static str
    } = "tokens.revoked", ApiActivity, 4, Medium, Success, Accounts;
    /// An administrator looked for an account by its address.
    AccountLookedUp {
        /// Whose it is; none where no account has the address.
        account: Option<AccountId>
    } = "account.looked-up", ApiActivity, 2, Informational, Success, Accounts;
    /// Somebody known asked for something that is not theirs.
    AccessDenied {
        /// Why: `role`, `scope`, `owner`, `plan`, …
        reason: &'static str
    } = "access.denied", HttpActivity, OTHER, Medium, Failure, Anybody;
    /// A request was refused as forged by another site.
    CsrfRefused {
        /// Why.
        reason: &'static str
    } = "csrf.refused", HttpActivity, OTHER, Medium, Failure, Anybody;
    /// A request was one too many.
    RateLimited {
        /// Which limit.
        scope: &'static str,
        /// When there may be another.
        retry_after_s: u64
    } = "rate.limited", HttpActivity, OTHER, Low, Failure, Anybody;
    /// A request was refused for its form, in a way that no client of ours would send.
    InputRefused {
        /// Why.
        reason: &'static str
    } = "input.refused", HttpActivity, OTHER, Low, Failure, Anybody;
    /// A webhook was not believed.
    WebhookRefused {
        /// Why.
        reason: &'static str
    } = "webhook.refused", HttpActivity, OTHER, Medium, Failure, Anybody;
    /// A browser says that a page broke its policy. Anybody can say so.
    CspViolated {
        /// The directive; `other` where there is none of the name that was reported.
        directive: &'static str,
        /// What was blocked, as reported: scheme and host, or a word of CSP such as `inline`.
        blocked_url: String
    } = "csp.violated", HttpActivity, OTHER, Low, Failure, Anybody;
    /// A store that decisions need does not answer; they are made from what is known, or refused.
    StoreAway {
        /// Which one.
        store: &'static str
    } = "store.away", ApplicationError, 1, High, Failure, Accounts;
    /// What is known is too old to allow sensitive things.
    StoreStale {
        /// Of which store.
        store: &'static str,
        /// How old it is.
        age_ms: u64
    } = "store.stale", ApplicationError, 1, High, Failure, Accounts;
    /// A store answers again.
    StoreBack {
        /// Which one.
        store: &'static str,
        /// How long it was away.
        away_ms: u64
    } = "store.back", ApplicationError, 1, Informational, Success, Accounts;
}

impl Detail for LoginFactors {
    fn write(&self, name: &'static str, object: &mut Object<'_>) {
        let text = match self {
            Self::Password => "password",
            Self::PasswordAnd(SecondFactor::Totp) => "password+totp",
            Self::PasswordAnd(SecondFactor::RecoveryCode) => "password+recovery-code",
        };
        object.text(name, text);
    }
}

impl Detail for SecondFactor {
    fn write(&self, name: &'static str, object: &mut Object<'_>) {
        object.text(name, self.label());
    }
}
