//! The id in a path.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use shield_guard::{AccountId, ApiKeyId, KeyId, SessionId};

use super::{
    problem::{FieldError, Location, Problem},
    state::App,
};
use crate::store::CheckId;

/// Letters of a text that is no id which its refusal shows.
const SHOWN_MAX: usize = 64;

/// The one parameter of a path, which has to be an id: 422 when it is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathId<T>(pub(super) T);

/// Something that paths name.
pub(super) trait InPath: Sized {
    /// Reads the text of a path.
    fn read(text: &str) -> Option<Self>;
}

impl InPath for AccountId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl InPath for ApiKeyId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl InPath for CheckId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl InPath for KeyId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text.as_bytes()).ok()
    }
}

impl InPath for SessionId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl<T: InPath> FromRequestParts<App> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // A path that is not UTF-8 when decoded is no id either.
        let path = RawPathParams::from_request_parts(parts, app).await;
        let parameter = path.as_ref().ok().and_then(|path| path.iter().next());
        let (name, text) = parameter.unwrap_or(("id", ""));
        T::read(text).map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(SHOWN_MAX).collect();
            let (pointer, detail) = (format!("#/{name}"), format!("is `{shown}`, accepted is an id"));
            let id = FieldError { location: Location::Path, pointer, detail };
            Problem::invalid("the id is not accepted, see `errors`".to_owned(), vec![id])
        })
    }
}
