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
    #[schema(required = false, max_length = 2048)]
    profile_picture_url: Option<String>,
    #[schema(required = false)]
    marketing_consent: Option<bool>,
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
    let (first_name, last_name) = names(fields.optional_text("full_name", 0..=TEXT_LENGTH_MAX));
    let change = ProfileChange {
        first_name,
        last_name,
        avatar_url: fields.optional_text("profile_picture_url", 0..=URL_LENGTH_MAX),
        company: fields.optional_text("company", 0..=TEXT_LENGTH_MAX),
        timezone: fields.optional_text("timezone", 0..=TEXT_LENGTH_MAX),
        language: fields.optional_text("language", 0..=TEXT_LENGTH_MAX),
        marketing_consent: fields.optional_truth("marketing_consent"),
    };
    let change = fields.finish(change)?;
    Ok(Json(app.accounts().change_profile(holder.account, change).await?.into()))
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
    use super::names;

    #[test]
    fn whole_name_becomes_two() {
        let both = |first: &str, last: &str| (Some(first.to_owned()), Some(last.to_owned()));
        assert_eq!(names(Some(" Ada King  Lovelace ".to_owned())), both("Ada", "King  Lovelace"));
        assert_eq!(names(Some("Ada".to_owned())), both("Ada", ""));
        assert_eq!(names(Some(String::new())), both("", ""));
        assert_eq!(names(None), (None, None));
    }
}
