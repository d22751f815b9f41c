//! Accounts as types.

use shield_guard::{AccountId, limit::Tier};
use shield_types::{Secret, Timestamp};

/// Somebody who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which account; the claim `sub`.
    pub id: AccountId,
    /// Address as its holder spells it.
    pub email: String,
    /// The one spelling under which it is found.
    pub email_key: String,
    /// What its holder says about themselves.
    pub profile: Profile,
    /// The password as a PHC string.
    pub password: Secret<String>,
    /// What it may do.
    pub role: Role,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// When an administrator locked it.
    pub locked_at: Option<Timestamp>,
    /// What it has subscribed to.
    pub plan: Tier,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// When its holder logged in last.
    pub last_login_at: Option<Timestamp>,
    /// When its holder proved to read mail to its address.
    pub email_verified_at: Option<Timestamp>,
    /// Its second factor.
    pub totp: Option<Totp>,
    /// Rises with everything that ends its sessions as a whole: a log-in that saw an earlier one is void.
    pub generation: u64,
}

/// An authenticator app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// Its secret, sealed.
    pub sealed: Vec<u8>,
    /// Since when its holder has shown to have it; before, nobody is asked for codes.
    pub since: Option<Timestamp>,
}

/// What an account's holder says about themselves. Nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Name to be shown.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where a picture is.
    pub avatar_url: Option<String>,
    /// Employer.
    pub company: Option<String>,
    /// Name of a time zone.
    pub timezone: Option<String>,
    /// Language tag.
    pub language: Option<String>,
    /// Whether advertising may be sent.
    pub marketing_consent: bool,
}

/// What a new account begins with. It is a user's, of the free tier, and waits for its address to be verified.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Fresh id.
    pub id: AccountId,
    /// Address as given.
    pub email: String,
    /// The one spelling of it.
    pub email_key: String,
    /// What its holder says.
    pub profile: Profile,
    /// The password as a PHC string.
    pub password: Secret<String>,
    /// Now.
    pub created_at: Timestamp,
}

/// What changes in a profile: a field that is None stays, the empty text takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where a picture is.
    pub avatar_url: Option<String>,
    /// Employer.
    pub company: Option<String>,
    /// Name of a time zone.
    pub timezone: Option<String>,
    /// Language tag.
    pub language: Option<String>,
    /// Whether advertising may be sent.
    pub marketing_consent: Option<bool>,
}

/// What an account may do, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Its own affairs.
    User,
    /// Judge reports.
    Moderator,
    /// Everything but to make administrators.
    Admin,
    /// Everything.
    SuperAdmin,
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// Yes.
    Active,
    /// Its holder gave it up.
    Inactive,
    /// An administrator took it away.
    Suspended,
    /// Not before its address is verified.
    PendingVerification,
}

// === impl Account ===

impl Account {
    /// Whether somebody may act as it now.
    pub fn usable(&self) -> bool {
        self.status == AccountStatus::Active && self.locked_at.is_none()
    }

    /// Whether a log-in needs a second factor.
    pub fn second_factor(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.since.is_some())
    }
}

// === impl Role ===

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::User, Self::Moderator, Self::Admin, Self::SuperAdmin];

    /// The name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

// === impl AccountStatus ===

impl AccountStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Inactive, Self::Suspended, Self::PendingVerification];

    /// The name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
            Self::PendingVerification => "pending_verification",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}
