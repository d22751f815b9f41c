//! What an account's holder says about themselves.

use axum::{
    Json,
    extract::{Request, State},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ACCOUNT_BODY_BYTES_MAX, answers::UserResponse};
use crate::{
    api::{body::read_json, fields::Fields, problem::Problem, state::App},
    gate::LoggedIn,
    store::ProfileChange,
};

const TEXT_LENGTH_MAX: usize = 200;
const URL_LENGTH_MAX: usize = 2_048;
/// Letters of a word in the name of a time zone.
const TIME_ZONE_WORD_MAX: usize = 14;

/// Body of `PUT /api/v1/user/profile`. What is missing stays, the empty text takes a field away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct ProfileRequest {
    /// First name, and everything behind the first space as the last name.
    #[schema(required = false, max_length = 200)]
    full_name: Option<String>,
    #[schema(required = false, max_length = 200)]
    company: Option<String>,
    /// An `https` or `http` URL.
    #[schema(required = false, max_length = 2048)]
    profile_picture_url: Option<String>,
    #[schema(required = false)]
    marketing_consent: Option<bool>,
    /// As the IANA names it, such as `Europe/Berlin`.
    #[schema(required = false, max_length = 200)]
    timezone: Option<String>,
    #[schema(required = false, max_length = 200)]
    language: Option<String>,
}

/// Shows the account.
#[utoipa::path(get, path = "/api/v1/user/profile", tag = "user", responses(
    (status = 200, description = "The account", body = UserResponse),
))]
pub(super) async fn show(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
) -> Result<Json<UserResponse>, Problem> {
    Ok(Json(app.accounts().account(holder.account).await?.into()))
}

/// Changes what the account's holder says about themselves.
#[utoipa::path(put, path = "/api/v1/user/profile", tag = "user", request_body = ProfileRequest, responses(
    (status = 200, description = "The account", body = UserResponse),
))]
pub(super) async fn change(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    request: Request,
) -> Result<Json<UserResponse>, Problem> {
    let known = ["full_name", "company", "profile_picture_url", "marketing_consent", "timezone", "language"];
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &known)?;
    let (first_name, last_name) = names(fields.optional_line("full_name", 0..=TEXT_LENGTH_MAX));
    let change = ProfileChange {
        first_name,
        last_name,
        avatar_url: fields.optional_web_url("profile_picture_url", 0..=URL_LENGTH_MAX),
        company: fields.optional_line("company", 0..=TEXT_LENGTH_MAX),
        timezone: time_zone(&mut fields),
        language: fields.optional_line("language", 0..=TEXT_LENGTH_MAX),
        marketing_consent: fields.optional_truth("marketing_consent"),
    };
    let change = fields.finish(change)?;
    Ok(Json(app.accounts().change_profile(holder.account, change).await?.into()))
}

/// The name of a time zone, as the IANA writes them; whether its database has it is not looked up, since which release of it a
/// client has is not known either.
fn time_zone(fields: &mut Fields) -> Option<String> {
    let name = fields.optional_line("timezone", 0..=TEXT_LENGTH_MAX)?;
    if name.is_empty() || names_time_zone(&name) {
        return Some(name);
    }
    fields.refuse(
        "timezone",
        "is no name of a time zone, accepted is one like `Europe/Berlin` or `UTC`".to_owned(),
    );
    None
}

/// At most three words of letters, digits, `-`, `+` and `_` with `/` between them, the first letter a capital: `UTC`,
/// `Etc/GMT+5`, `America/Argentina/Buenos_Aires` (the rules of the database, "Theory and pragmatics of the tz code and data").
fn names_time_zone(name: &str) -> bool {
    let word = |word: &str| {
        (1..=TIME_ZONE_WORD_MAX).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+_".contains(&byte))
            && word.starts_with(|first: char| first.is_ascii_alphabetic())
    };
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.split('/').count() <= 3
        && name.split('/').all(word)
}

/// First and last name; both go when the whole name is empty.
fn names(full_name: Option<String>) -> (Option<String>, Option<String>) {
    let Some(full_name) = full_name else { return (None, None) };
    let full_name = full_name.trim();
    let (first, last) = full_name.split_once(char::is_whitespace).unwrap_or((full_name, ""));
    (Some(first.to_owned()), Some(last.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{names, names_time_zone};

    #[test]
    fn time_zones_look_like_those_of_the_iana() {
        for name in
            ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT", "GB-Eire"]
        {
            assert!(names_time_zone(name), "{name}");
        }
        for name in [
            "",
            "nowhere at all",
            "Mars/",
            "/UTC",
            "../etc/passwd",
            "A/B/C/D",
            "Europe/Bérlin",
            "12345",
            "<b>",
        ] {
            assert!(!names_time_zone(name), "{name}");
        }
    }

    #[test]
    fn whole_name_becomes_two() {
        let both = |first: &str, last: &str| (Some(first.to_owned()), Some(last.to_owned()));
        assert_eq!(names(Some(" Ada King  Lovelace ".to_owned())), both("Ada", "King  Lovelace"));
        assert_eq!(names(Some("Ada".to_owned())), both("Ada", ""));
        assert_eq!(names(Some(String::new())), both("", ""));
        assert_eq!(names(None), (None, None));
    }
}
