//! Refusals of operations on accounts as problem documents.

use crate::{
    accounts::{
        ApiKeyError, ChangePasswordError, ChangeStandingError, Failure, LoginError, QuotaError,
        RefreshFailure, RegisterError, ResetPasswordError, SecondFactorError, VerifyEmailError,
    },
    api::problem::{FieldError, Location, Problem},
    keys::ChangeKeysError,
};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Password(refusal) => Self::refused_password("password", &refusal),
            // The original's contract. ASVS 5.0 6.3.8 (level 3) would hide it behind a letter; how often one client may ask
            // is for the gate to limit.
            RegisterError::Taken => Self::email_taken(),
            RegisterError::Failed(failure) => failure.into(),
        }
    }
}

impl From<VerifyEmailError> for Problem {
    fn from(error: VerifyEmailError) -> Self {
        match error {
            VerifyEmailError::NotOpen => Self::bad_link(),
            VerifyEmailError::Failed(failure) => failure.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Invalid => Self::wrong_login(),
            LoginError::Throttled { what, by, .. } => Self::throttled(what, by),
            LoginError::SecondFactorMissing => Self::second_factor_required(),
            LoginError::SecondFactorWrong => Self::bad_code(),
            LoginError::NotVerified => Self::email_not_verified(),
            LoginError::Closed => Self::account_closed(),
            LoginError::Locked => Self::account_locked(),
            LoginError::Failed(failure) => failure.into(),
        }
    }
}

impl From<RefreshFailure> for Problem {
    fn from(error: RefreshFailure) -> Self {
        match error {
            RefreshFailure::Refused | RefreshFailure::Reused { .. } => Self::bad_credential(),
            RefreshFailure::Failed(failure) => failure.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Current => Self::wrong_password(),
            ChangePasswordError::Throttled { what, by } => Self::throttled(what, by),
            ChangePasswordError::New(refusal) => Self::refused_password("new_password", &refusal),
            ChangePasswordError::Unchanged => {
                Self::refused_password("new_password", &"is the current password, accepted is another")
            }
            ChangePasswordError::Failed(failure) => failure.into(),
        }
    }
}

impl From<ResetPasswordError> for Problem {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::NotOpen => Self::bad_link(),
            ResetPasswordError::New(refusal) => Self::refused_password("new_password", &refusal),
            ResetPasswordError::Failed(failure) => failure.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Life(_) => {
                let detail = "is not a time to come within 366 days".to_owned();
                let error =
                    FieldError { location: Location::Body, pointer: "#/expires_at".to_owned(), detail };
                Self::invalid("the end of the key is not accepted, see `errors`".to_owned(), vec![error])
            }
            ApiKeyError::Limit { keys_max } => Self::key_limit(keys_max),
            ApiKeyError::ReplacedLimit { keys_max } => Self::replaced_key_limit(keys_max),
            ApiKeyError::Full(full) => {
                let cause = full.to_string();
                Self {
                    cause: Some(cause),
                    ..Self::unavailable("there are as many API keys as this service can have")
                }
            }
            ApiKeyError::NotFound => Self::unknown_api_key(),
            ApiKeyError::Over(_) => Self::key_over(),
            ApiKeyError::Failed(failure) => failure.into(),
        }
    }
}

impl From<QuotaError> for Problem {
    fn from(error: QuotaError) -> Self {
        match error {
            QuotaError::NotIncluded { feature } => Self::plan_lacks(feature),
            QuotaError::UsedUp { by, charged } => Self::quota_used_up(by, charged),
            QuotaError::Failed(failure) => failure.into(),
        }
    }
}

impl From<ChangeStandingError> for Problem {
    fn from(error: ChangeStandingError) -> Self {
        match error {
            ChangeStandingError::NotFound => Self::unknown_user(),
            ChangeStandingError::NotAllowed => {
                Self::not_allowed("only super administrators make administrators, or change their accounts")
            }
            ChangeStandingError::Own => Self::not_allowed(
                "nobody takes their own administration away; another super administrator can, or `linkshield make-admin` gives it",
            ),
            ChangeStandingError::Failed(failure) => failure.into(),
        }
    }
}

impl From<ChangeKeysError> for Problem {
    fn from(error: ChangeKeysError) -> Self {
        match error {
            // A database that does not answer is the same fault wherever it shows.
            ChangeKeysError::Store(error) => Failure::Guard(error).into(),
            ChangeKeysError::Kill(_) => Self::unknown_signing_key(),
            ChangeKeysError::Rotate(refusal) => Self::rotation_refused(refusal.to_string()),
            ChangeKeysError::Contended => Self::unavailable("others are changing the keys"),
            error => Self::of_failure(&error),
        }
    }
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Present => Self::second_factor_present(),
            SecondFactorError::Absent => Self::second_factor_absent(),
            SecondFactorError::Code => Self::bad_code(),
            SecondFactorError::Password => Self::wrong_password(),
            SecondFactorError::Throttled { what, by } => Self::throttled(what, by),
            SecondFactorError::Failed(failure) => failure.into(),
        }
    }
}
