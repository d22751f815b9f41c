//! A text and its values.

use shield_guard::{AccountId, ApiKeyId, SessionId};
use shield_types::Timestamp;

/// A value of one of the three types that columns have.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(String),
    Bytes(Option<Vec<u8>>),
}

/// What a database is asked.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(super) text: &'static str,
    pub(super) values: Vec<Value>,
}

// === impl Statement ===

impl Statement {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// Gives the next of `$1`, `$2`, … its value.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

// === impl Value ===

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
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
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
