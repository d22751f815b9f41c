//! What the paths about accounts answer, field by field as the original does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use shield_guard::{SessionId, session::SessionRecord};
use utoipa::ToSchema;

use crate::store::{Account, AccountStatus};

/// An account, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserResponse {
    #[schema(format = "uuid")]
    id: String,
    email: String,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// First and last name.
    full_name: Option<String>,
    /// `user`, `moderator`, `admin` or `super_admin`.
    #[schema(value_type = String)]
    role: &'static str,
    /// `active`, `inactive`, `suspended` or `pending_verification`.
    #[schema(value_type = String)]
    status: &'static str,
    /// `free`, `starter`, `creator`, `professional`, `business` or `enterprise`.
    #[schema(value_type = String)]
    subscription_plan: &'static str,
    subscription_active: bool,
    is_active: bool,
    /// Whether the address is verified.
    is_verified: bool,
    avatar_url: Option<String>,
    company: Option<String>,
    timezone: Option<String>,
    language: Option<String>,
    /// Letters about the account's security are always sent.
    email_notifications: bool,
    marketing_emails: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    email_verified_at: Option<Timestamp>,
}

/// A session, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionResponse {
    #[schema(format = "uuid")]
    id: String,
    /// What its owner called the device, under `name`.
    device_info: Option<BTreeMap<&'static str, String>>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    is_active: bool,
    /// Whether it is the one that asks.
    is_current: bool,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_activity_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

// === impl UserResponse ===

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        let (is_active, profile) = (account.usable(), account.profile);
        let names: Vec<&str> =
            [&profile.first_name, &profile.last_name].into_iter().flatten().map(String::as_str).collect();
        Self {
            id: account.id.to_string(),
            email: account.email,
            full_name: (!names.is_empty()).then(|| names.join(" ")),
            username: profile.username,
            first_name: profile.first_name,
            last_name: profile.last_name,
            role: account.role.as_str(),
            status: account.status.as_str(),
            subscription_plan: account.plan.as_str(),
            subscription_active: account.status == AccountStatus::Active,
            is_active,
            is_verified: account.email_verified_at.is_some(),
            avatar_url: profile.avatar_url,
            company: profile.company,
            timezone: profile.timezone,
            language: profile.language,
            email_notifications: true,
            marketing_emails: profile.marketing_consent,
            created_at: moment(account.created_at),
            updated_at: moment(account.updated_at),
            last_login_at: account.last_login_at.map(moment),
            email_verified_at: account.email_verified_at.map(moment),
        }
    }
}

// === impl SessionResponse ===

impl SessionResponse {
    /// `record`, for who asks in the session `current`.
    pub(super) fn of(record: &SessionRecord, current: SessionId) -> Self {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            id: record.id.to_string(),
            device_info: said(record.device.as_str()).map(|name| BTreeMap::from([("name", name)])),
            ip_address: Some(record.address.to_string()),
            user_agent: said(record.user_agent.as_str()),
            is_active: true,
            is_current: record.id == current,
            expires_at: moment(record.expires_at),
            last_activity_at: moment(record.last_seen_at),
            created_at: moment(record.created_at),
        }
    }
}

/// A time as it is shown.
pub(super) fn moment(at: shield_types::Timestamp) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// A time that somebody gave; None before 1970.
pub(super) fn instant(at: Timestamp) -> Option<shield_types::Timestamp> {
    u64::try_from(at.as_millisecond()).ok().map(shield_types::Timestamp)
}
