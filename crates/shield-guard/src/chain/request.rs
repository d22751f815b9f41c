//! What the check reads of a request, and the moment it is read at.

use std::net::IpAddr;

use shield_types::Timestamp;

use crate::{csrf::Field, token::KeyRing};

/// A request's headers, wherever they lie.
pub trait RequestHeaders {
    /// All values under `name` (in lower case), in the order in which they came.
    fn lines<'a>(&'a self, name: &'static str) -> impl DoubleEndedIterator<Item = &'a [u8]>;

    /// The value under `name`, if it came once.
    fn field(&self, name: &'static str) -> Field<'_> {
        Field::of(self.lines(name))
    }
}

/// What matters of a request. The body does not, nor does the path: a [`super::RoutePolicy`] stands for it.
#[derive(Debug)]
pub struct RequestFacts<'a, H> {
    /// The method of the request line.
    pub method: &'a str,
    /// Who the connection is with.
    pub peer: IpAddr,
    /// Its headers.
    pub headers: &'a H,
}

/// When a request is judged, and by which keys.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a, O = ()> {
    /// The wall clock, for what expires.
    pub now: Timestamp,
    /// Nanoseconds of a monotonic clock since a start that never changes, for limits of this process.
    pub now_ns: u64,
    /// The keys that access tokens are signed with.
    pub ring: &'a KeyRing,
    /// Who watches; `()`: nobody.
    pub observer: O,
}

// === impl RequestFacts ===

impl<H> Clone for RequestFacts<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for RequestFacts<'_, H> {}
