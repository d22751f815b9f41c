//! Finding the account of an address: what every other path of administrators takes is an id.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use shield_guard::event::SecurityEvent;

use super::answers::UserResponse;
use crate::{
    accounts::EmailAddress,
    api::{
        mistakes::Mistakes,
        problem::{Location, Problem, ProblemDocument},
        state::App,
    },
    gate::{Admin, Witness},
};

/// The one parameter.
const EMAIL: &str = "email";
/// Letters of the name of a parameter that its refusal shows.
const SHOWN_MAX: usize = 64;

/// Shows the account of an address. That somebody looked is written down, whether or not there is one.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "admin", params(
    ("email" = String, Query, description = "The whole address, in any case; `+` in it is sent as `%2B`", max_length = 254),
), responses(
    (status = 200, description = "The account", body = UserResponse),
    (status = 404, description = "No account has this address", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn find_user(
    State(app): State<App>,
    _admin: Admin,
    RawQuery(query): RawQuery,
    witness: Witness,
) -> Result<Json<UserResponse>, Problem> {
    let email = sought(query.as_deref().unwrap_or_default())?;
    let found = app.accounts().find_by_address(&email).await?;
    let (account, status) = match &found {
        Some(account) => (Some(account.id), StatusCode::OK),
        None => (None, StatusCode::NOT_FOUND),
    };
    witness.tell(&SecurityEvent::AccountLookedUp { account }, status);
    found.map(|account| Json(account.into())).ok_or_else(Problem::unknown_address)
}

fn sought(query: &str) -> Result<EmailAddress, Problem> {
    let (mut mistakes, mut given) = (Mistakes::default(), None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name == EMAIL {
            true if given.is_some() => mistakes.add(Location::Query, EMAIL, "is given twice".to_owned()),
            true => given = Some(value),
            false => {
                let name: String = name.chars().take(SHOWN_MAX).collect();
                mistakes.add(Location::Query, &name, format!("is not a parameter, accepted is {EMAIL}"));
            }
        }
    }
    let email = match given.as_deref().map(str::parse::<EmailAddress>) {
        Some(Ok(email)) => Some(email),
        Some(Err(error)) => {
            mistakes.add(Location::Query, EMAIL, error.to_string());
            None
        }
        None => {
            mistakes.add(Location::Query, EMAIL, "is missing, accepted is an address".to_owned());
            None
        }
    };
    let email = mistakes.none_or(email)?;
    email.ok_or_else(|| Problem::internal("an address was neither read nor refused".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::sought;

    #[test]
    fn one_whole_address_is_looked_for() {
        let key = |query| sought(query).map(|email| email.key().to_owned());
        assert_eq!(key("email=Ada%2Bshop%40Example.org").unwrap(), "ada+shop@example.org");
        for (query, pointer, mistakes) in [
            ("", "#/email", 1),
            ("email=ada", "#/email", 1),
            ("email=%25@example.org%00", "#/email", 1),
            ("email=a@example.org&email=b@example.org", "#/email", 1),
            ("email=a@example.org&id=1", "#/id", 1),
            ("id=1", "#/id", 2),
        ] {
            let errors = sought(query).unwrap_err().errors;
            assert_eq!((errors[0].pointer.as_str(), errors.len()), (pointer, mistakes), "{query}");
        }
    }
}
