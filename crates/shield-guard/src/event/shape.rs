//! What an event is in the words of OCSF.

/// Classes of OCSF 1.7.0 that are used here, by their `class_uid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// 2004: something that an alert is made of as it is.
    DetectionFinding,
    /// 3001: an account was changed.
    AccountChange,
    /// 3002: somebody proved, or failed to prove, who they are.
    Authentication,
    /// 4002: a request was refused for what it is.
    HttpActivity,
    /// 6003: something that grants access was made, changed or taken back.
    ApiActivity,
    /// 6008: a part that security rests on failed.
    ApplicationError,
}

/// How much somebody should care, by OCSF's `severity_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 1: worth a record.
    Informational,
    /// 2: happens; many are a pattern.
    Low,
    /// 3: should be looked at.
    Medium,
    /// 4: an attack or an outage of a control; somebody should look now.
    High,
}

/// How it ended, by OCSF's `status_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 1.
    Success,
    /// 2.
    Failure,
}

/// With which others an event shares its room, in memory and on disk. A flood in one room takes nothing from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// What happened to accounts, keys and stores: takes a right credential, an administrator, or an outage. Each is kept as a
    /// line of its own.
    Accounts,
    /// What anybody can cause, as often as they like: refusals above all. Those that are alike are counted
    /// ([`super::EventTally`]).
    Anybody,
}

/// What an event is in the words of OCSF, and its name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name: the promise.
    pub name: &'static str,
    /// Its class.
    pub class: EventClass,
    /// Its activity within the class; 99 stands for one that OCSF has no number for. Of HTTP activities the method
    /// decides.
    pub activity: u32,
    /// How much it matters.
    pub severity: Severity,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it is kept.
    pub room: Room,
}

/// What somebody logged in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoginFactors {
    /// A password alone.
    Password,
    /// A password and a second factor.
    PasswordAnd(SecondFactor),
}

/// The second proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecondFactor {
    /// A code from an authenticator app.
    Totp,
    /// One of the ten written down.
    RecoveryCode,
}

// === impl EventClass ===

impl EventClass {
    /// `class_uid`.
    pub const fn uid(self) -> u32 {
        match self {
            Self::DetectionFinding => 2_004,
            Self::AccountChange => 3_001,
            Self::Authentication => 3_002,
            Self::HttpActivity => 4_002,
            Self::ApiActivity => 6_003,
            Self::ApplicationError => 6_008,
        }
    }

    /// `category_uid`.
    pub const fn category_uid(self) -> u32 {
        self.uid() / 1_000
    }
}

// === impl Room ===

impl Room {
    /// Its name in the documentation.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Anybody => "anybody",
        }
    }
}

// === impl Severity ===

impl Severity {
    /// `severity_id`.
    pub const fn id(self) -> u32 {
        match self {
            Self::Informational => 1,
            Self::Low => 2,
            Self::Medium => 3,
            Self::High => 4,
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// `status_id`, of all classes but findings.
    pub const fn id(self) -> u32 {
        match self {
            Self::Success => 1,
            Self::Failure => 2,
        }
    }
}

// === impl SecondFactor ===

impl SecondFactor {
    /// Its name in events.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery-code",
        }
    }
}
