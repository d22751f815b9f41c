//! A text and its values.

use std::fmt;

use shield_guard::{AccountId, ApiKeyId, SessionId};
use shield_types::Timestamp;

/// A value of one of the three types that columns have.
#[derive(Clone)]
pub enum Value {
    /// BIGINT; what is true or false is 1 or 0.
    Number(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// What a database is asked. Its text is a constant that SQLite and PostgreSQL both take; its values are never printed.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) text: &'static str,
    pub(super) values: Vec<Value>,
}

// === impl Statement ===

impl Statement {
    /// A text without values yet.
    pub fn new(text: &'static str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// Gives the next of `$1`, `$2`, … its value.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// PostgreSQL's texts hold every character but one, and a client that sends that one is no reason to fail.
    pub(super) fn for_postgres(mut self) -> Self {
        for value in &mut self.values {
            if let Value::Text(Some(text)) = value
                && text.contains('\0')
            {
                *text = text.replace('\0', "\u{fffd}");
            }
        }
        self
    }
}

// === impl Value ===

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[value]")
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Some(i64::from(number)))
    }
}

impl From<u64> for Value {
    /// Databases count to 2^63: what is more, "never" among times, becomes that.
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        time.0.into()
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Number(None), Self::from)
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(time: Option<Timestamp>) -> Self {
        time.map(|time| time.0).into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(fact: bool) -> Self {
        Self::Number(Some(fact.into()))
    }
}

impl From<Option<bool>> for Value {
    fn from(fact: Option<bool>) -> Self {
        Self::Number(fact.map(i64::from))
    }
}

impl From<Option<AccountId>> for Value {
    fn from(id: Option<AccountId>) -> Self {
        Self::Bytes(id.map(|id| id.uuid().as_bytes().to_vec()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<&[u8; 32]> for Value {
    fn from(bytes: &[u8; 32]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Option<&[u8; 32]>> for Value {
    fn from(bytes: Option<&[u8; 32]>) -> Self {
        Self::Bytes(bytes.map(|bytes| bytes.to_vec()))
    }
}

impl From<AccountId> for Value {
    fn from(id: AccountId) -> Self {
        id.uuid().as_bytes().to_vec().into()
    }
}

impl From<SessionId> for Value {
    fn from(id: SessionId) -> Self {
        id.uuid().as_bytes().to_vec().into()
    }
}

impl From<ApiKeyId> for Value {
    fn from(id: ApiKeyId) -> Self {
        id.uuid().as_bytes().to_vec().into()
    }
}

impl From<Option<ApiKeyId>> for Value {
    fn from(id: Option<ApiKeyId>) -> Self {
        Self::Bytes(id.map(|id| id.uuid().as_bytes().to_vec()))
    }
}
