//! What is written to the holder of an account. Plain text; a token stands on a line of its own.

/// Whether a letter may wait where there is room for few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Its receiver has an account that works, or none yet.
    Ordinary,
    /// Its receiver is locked out without it.
    Urgent,
}

/// One mail, not addressed yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Subject line.
    pub subject: &'static str,
    /// The text, which may hold a token: it is never logged.
    pub text: String,
    /// Whether it may take the last room.
    pub urgency: Urgency,
}

// === impl Letter ===

impl Letter {
    /// Proves that an address belongs to who registered it.
    pub fn verify_address(token: &str, service: &str) -> Self {
        let text = format!(
            "Somebody, hopefully you, registered this address at {service}.\n\n\
             To confirm it, send this token to /api/v1/user/verify-email within 24 hours:\n\n{token}\n\n\
             If it was not you, do nothing: without the token the account cannot be used.\n"
        );
        Self { subject: "Confirm your e-mail address", text, urgency: Urgency::Ordinary }
    }

    /// Lets the holder choose a new password.
    pub fn reset_password(token: &str, service: &str) -> Self {
        let text = format!(
            "Somebody, hopefully you, asked for a new password at {service}.\n\n\
             To choose one, send this token to /api/v1/user/reset-password within one hour:\n\n{token}\n\n\
             If it was not you, do nothing: your password stays as it is.\n"
        );
        Self { subject: "Choose a new password", text, urgency: Urgency::Urgent }
    }

    /// Tells that an API key was made, so that one that somebody else made does not go unnoticed. `hint`: how its random part begins.
    pub fn api_key_made(hint: &str, service: &str) -> Self {
        let text = format!(
            "An API key of your account at {service} was made. It begins with `ls_live_{hint}`.\n\n\
             If it was not you, ask for a new password at once at /api/v1/user/forgot-password: it ends every session and every \
             API key.\n"
        );
        Self { subject: "An API key was made", text, urgency: Urgency::Ordinary }
    }

    /// Tells that something of the account changed (`The password`), so that a change by somebody else does not go unnoticed
    /// (ASVS 5.0, 6.3.7).
    pub fn changed(what: &str, service: &str) -> Self {
        let text = format!(
            "{what} of your account at {service} was changed.\n\n\
             If it was not you, ask for a new password at once at /api/v1/user/forgot-password: it ends every session and \
             every API key.\n"
        );
        Self { subject: "Your account was changed", text, urgency: Urgency::Ordinary }
    }
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}
