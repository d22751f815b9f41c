//! Addresses of mail.
//!
//! ASCII only, as every mail server takes it: letters that look alike cannot make two accounts of what people read as one
//! address. Case does not tell addresses apart, although RFC 5321 would allow a server to; so each has one spelling under
//! which it is found.

use std::str::FromStr;

use lettre::{Address, message::Mailbox};
use shield_guard::limit::LoginName;
use shield_types::Sha256Digest;
use thiserror::Error;

/// Longest address (RFC 5321, 4.5.3.1.3, without the brackets).
pub(crate) const EMAIL_LENGTH_MAX: usize = 254;
const LOCAL_LENGTH_MAX: usize = 64;
const LABEL_LENGTH_MAX: usize = 63;

/// An address that mail can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    address: Address,
    key: String,
}

/// Text that is no address. It does not print the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an address, accepted is `name@example.com` in ASCII, at most {EMAIL_LENGTH_MAX} characters")]
pub struct ParseEmailError;

// === impl EmailAddress ===

impl EmailAddress {
    /// The one spelling under which its account is found.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// As it was given.
    pub fn as_given(&self) -> String {
        self.address.to_string()
    }

    /// For a letter.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(None, self.address.clone())
    }

    /// What failed log-ins are counted under, whether or not there is such an account.
    pub fn login_name(&self) -> LoginName {
        LoginName(*Sha256Digest::of(self.key.as_bytes()).as_bytes())
    }
}

impl FromStr for EmailAddress {
    type Err = ParseEmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !well_formed(text) {
            return Err(ParseEmailError);
        }
        let address = text.parse().map_err(|_| ParseEmailError)?;
        Ok(Self { address, key: text.to_ascii_lowercase() })
    }
}

fn well_formed(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let word = |word: &str| !word.is_empty() && word.bytes().all(letter);
    text.len() <= EMAIL_LENGTH_MAX
        && local.len() <= LOCAL_LENGTH_MAX
        && local.split('.').all(word)
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn label(text: &str) -> bool {
    (1..=LABEL_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::{EmailAddress, ParseEmailError};

    #[test]
    fn one_account_per_address() {
        let key = |text: &str| text.parse::<EmailAddress>().unwrap().key().to_owned();
        assert_eq!(key(" Ada.L+shop@Example.ORG "), "ada.l+shop@example.org");
        let given = "Ada@Example.org".parse::<EmailAddress>().unwrap();
        assert_eq!(given.as_given(), "Ada@Example.org");
        assert_eq!(given.login_name(), "aDA@eXAMPLE.ORG".parse::<EmailAddress>().unwrap().login_name());
    }

    #[test]
    fn other_text_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "a b@example.org",
            "ada@exa mple.org",
            "ada..l@example.org",
            ".ada@example.org",
            "ada@-example.org",
            "ada@example..org",
            "\"ada\"@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "аda@example.org",
            &long,
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(ParseEmailError), "{text}");
        }
    }
}
