//! Who watches how long the parts of a check take.
//!
//! The chain reads no clock. Whoever wants to know what a part costs hands an [`Observer`] in with the [`super::Moment`], and
//! measures around it. `()` watches nothing, and the compiler leaves nothing of it.

/// A part of the check that is measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The limits: the coarse one by address, and those of the route.
    RateLimit,
    /// Reading and believing an access token.
    Token,
    /// Finding the session of a cookie in this process. Asking the store for one is outside of the chain.
    Session,
    /// Reading an API key and finding it.
    ApiKey,
    /// Where the request comes from, and its CSRF token.
    Csrf,
}

/// Sees the parts of a check go by. A part may come twice on one request, as limits do.
pub trait Observer {
    /// Does the work of a part, once, and gives what came of it.
    fn watch<T>(&self, part: Part, work: impl FnOnce() -> T) -> T;
}

// === impl Observer ===

impl Observer for () {
    #[inline]
    fn watch<T>(&self, _: Part, work: impl FnOnce() -> T) -> T {
        work()
    }
}

impl<O: Observer> Observer for &O {
    #[inline]
    fn watch<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        (*self).watch(part, work)
    }
}

// === impl Part ===

impl Part {
    /// Every part.
    pub const ALL: [Self; 5] = [Self::RateLimit, Self::Token, Self::Session, Self::ApiKey, Self::Csrf];
}
