//! What a rule is made of.

use std::fmt;

use tree_sitter::Node;

use super::{
    Language,
    call::{Call, Scene},
};
use crate::configuration::hits::Hit;

/// A rule, or some that look at the same.
pub(super) struct Check {
    /// Whose files it looks at.
    pub(super) language: Language,
    /// Nothing is found in a file that holds none of these.
    pub(super) words: &'static [&'static str],
    /// How it looks.
    pub(super) test: Test,
}

/// How a rule looks.
pub(super) enum Test {
    /// At calls, and at what `new` makes.
    Call(for<'t> fn(&Scene<'_, 't>, &Call<'t>) -> Option<Hit>),
    /// At nodes of these kinds.
    Node(&'static [&'static str], for<'t> fn(&Scene<'_, 't>, Node<'t>) -> Option<Hit>),
}

// === impl Check ===

impl fmt::Debug for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Check").field("words", &self.words).finish_non_exhaustive()
    }
}
