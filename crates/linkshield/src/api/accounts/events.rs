//! What operations on accounts write down as security events.

use http::StatusCode;
use shield_guard::{
    AccountId, ApiKeyId, SessionId,
    event::{SecondFactor, SecurityEvent},
};

use crate::{
    accounts::{ChangeStandingError, Granted, LoginError, StandingChanged, UsedCode},
    gate::Witness,
    store::Account,
};

/// Somebody logged in.
pub(super) fn logged_in(witness: Witness, granted: &Granted) {
    let Granted { account, session, proof, replaced, displaced, .. } = granted;
    let witness = witness.proven(account.id, Some(session.id));
    if let Some(left) = proof.recovery_codes_left {
        witness.tell(&SecurityEvent::RecoveryCodeUsed { left }, StatusCode::OK);
    }
    let succeeded = SecurityEvent::LoginSucceeded { factors: proof.factors, session: session.id };
    witness.tell(&succeeded, StatusCode::OK);
    sessions_ended(&witness, replaced.as_slice(), "replaced", StatusCode::OK);
    sessions_ended(&witness, displaced, "limit", StatusCode::OK);
}

/// Somebody did not log in, or not yet.
pub(super) fn login_refused(witness: Witness, account: Option<AccountId>, error: &LoginError) {
    let failed = |reason| SecurityEvent::LoginFailed { reason };
    let (event, status) = match error {
        LoginError::Invalid => (failed("credentials"), StatusCode::UNAUTHORIZED),
        LoginError::NotVerified => (failed("not-verified"), StatusCode::FORBIDDEN),
        LoginError::Closed => (failed("closed"), StatusCode::FORBIDDEN),
        LoginError::Locked => (failed("locked"), StatusCode::LOCKED),
        LoginError::SecondFactorWrong => {
            let failed = SecurityEvent::SecondFactorFailed { factor: SecondFactor::Totp, reason: "wrong" };
            (failed, StatusCode::BAD_REQUEST)
        }
        LoginError::Throttled { scope, by, .. } => {
            let throttled = SecurityEvent::LoginThrottled { scope, retry_after_s: by.seconds_left };
            (throttled, StatusCode::TOO_MANY_REQUESTS)
        }
        LoginError::SecondFactorMissing => (SecurityEvent::SecondFactorMissing {}, StatusCode::UNAUTHORIZED),
        LoginError::Failed(_) => return,
    };
    match account {
        Some(account) => witness.about(account).tell(&event, status),
        None => witness.tell(&event, status),
    }
}

/// A refresh token was used twice, and its session ended.
pub(super) fn refresh_reused(witness: Witness, account: AccountId, session: SessionId) {
    let witness = witness.about(account);
    witness.tell(&SecurityEvent::RefreshReused { session }, StatusCode::UNAUTHORIZED);
    sessions_ended(&witness, &[session], "refresh-reused", StatusCode::UNAUTHORIZED);
}

/// These sessions ended, for one reason.
pub(super) fn sessions_ended(
    witness: &Witness,
    ended: &[SessionId],
    reason: &'static str,
    status: StatusCode,
) {
    for &session in ended {
        witness.tell(&SecurityEvent::SessionEnded { session, reason }, status);
    }
}

/// These API keys were taken back, for one reason.
pub(super) fn api_keys_ended(witness: &Witness, keys: &[ApiKeyId], reason: &'static str, status: StatusCode) {
    for &key in keys {
        witness.tell(&SecurityEvent::ApiKeyRevoked { key, reason }, status);
    }
}

/// A second factor was taken away.
pub(super) fn second_factor_ended(witness: &Witness, used: UsedCode) {
    if let UsedCode::Recovery { left } = used {
        witness.tell(&SecurityEvent::RecoveryCodeUsed { left }, StatusCode::NO_CONTENT);
    }
    let disabled = SecurityEvent::SecondFactorDisabled { factor: SecondFactor::Totp };
    witness.tell(&disabled, StatusCode::NO_CONTENT);
}

/// An administrator changed an account: an event for each thing that is another now.
pub(super) fn standing_changed(witness: Witness, changed: &StandingChanged) {
    let StandingChanged { before, account, ended } = changed;
    let witness = witness.about(account.id);
    let tell = |event: SecurityEvent| witness.tell(&event, StatusCode::OK);
    if before.role != account.role {
        tell(SecurityEvent::RoleChanged { from: before.role.as_str(), to: account.role.as_str() });
    }
    if before.plan != account.plan {
        tell(SecurityEvent::PlanChanged { from: before.plan.as_str(), to: account.plan.as_str() });
    }
    match (barred(before), barred(account)) {
        (was, Some(reason)) if was != Some(reason) => tell(SecurityEvent::AccountLocked { reason }),
        (Some(_), None) => tell(SecurityEvent::AccountUnlocked {}),
        (_, _) => {}
    }
    sessions_ended(&witness, ended, "admin", StatusCode::OK);
}

/// An administrator did not change an account.
pub(super) fn change_refused(witness: &Witness, error: &ChangeStandingError) {
    if matches!(error, ChangeStandingError::NotAllowed | ChangeStandingError::Own) {
        witness.tell(&SecurityEvent::AccessDenied { reason: "role" }, StatusCode::FORBIDDEN);
    }
}

/// Why an administrator keeps an account from being used: `locked`, or the name of its status.
fn barred(account: &Account) -> Option<&'static str> {
    match account.locked_at {
        Some(_) => Some("locked"),
        None => (!account.usable()).then(|| account.status.as_str()),
    }
}
