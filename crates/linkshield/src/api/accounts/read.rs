//! Fields that several requests about accounts have.

use axum::extract::{Path, rejection::PathRejection};
use shield_guard::password::PASSWORD_CHARACTERS_MAX;
use shield_types::Secret;

use crate::{
    accounts::{EMAIL_LENGTH_MAX, EmailAddress},
    api::{
        fields::Fields,
        problem::{FieldError, Location, Problem},
    },
};

/// Longest text that is no token of ours; what is longer is a mistake, not a token that is not good.
pub(super) const TOKEN_LENGTH_MAX: usize = 2_048;

/// The address in `email`.
pub(super) fn email(fields: &mut Fields) -> Option<EmailAddress> {
    let text = fields.text("email", 1..=EMAIL_LENGTH_MAX)?;
    let parsed = text.parse::<EmailAddress>();
    if let Err(error) = &parsed {
        fields.refuse("email", error.to_string());
    }
    parsed.ok()
}

/// A password that is looked at or set. Whether it is long enough is the policy's question.
pub(super) fn password(fields: &mut Fields, name: &str) -> Option<Secret<String>> {
    fields.text(name, 1..=PASSWORD_CHARACTERS_MAX).map(Secret::new)
}

/// The id at the end of a path.
pub(super) fn id_in_path<T>(
    path: Result<Path<String>, PathRejection>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Problem> {
    // A path that is not UTF-8 when decoded is no id either.
    let text = path.map(|Path(text)| text).unwrap_or_default();
    parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let (pointer, detail) = ("#/id".to_owned(), format!("is `{shown}`, accepted is an id"));
        let id = FieldError { location: Location::Path, pointer, detail };
        Problem::invalid("the id is not accepted, see `errors`".to_owned(), vec![id])
    })
}
