//! Python: parsed once per file, with names resolved and constants folded; and the rules that look at it.
//!
//! A file's result depends on its text alone, never on another file's. [`Module`] is what everything that looks at Python
//! builds on: the tree, the [`names::Names`] of its scopes, [`fold`] for what is known of a value. [`Audit`] runs the rules of
//! [`rules`] over it. A rule says which words must occur in a file for it to find anything there, so that code of dependencies
//! without them is never parsed; results are the same as if it were.

mod audit;
mod banned;
mod depth;
pub mod fold;
mod lines;
mod module;
pub mod names;
mod prefilter;
pub mod rules;
mod scan;
pub mod scopes;
mod suppress;

pub use audit::{Audit, FileReport, is_candidate};
pub(crate) use depth::refuse_hostile;
pub use lines::Lines;
pub use module::{Kind, Module, Source};
pub use prefilter::Parse;
pub(crate) use prefilter::spells_freely;
pub(crate) use suppress::Comments;
pub use suppress::Suppressed;
