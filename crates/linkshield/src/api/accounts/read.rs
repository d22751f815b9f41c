//! Fields that several requests about accounts have.

use shield_guard::password::PASSWORD_CHARACTERS_MAX;
use shield_types::Secret;

use crate::{
    accounts::{EMAIL_LENGTH_MAX, EmailAddress},
    api::fields::Fields,
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
