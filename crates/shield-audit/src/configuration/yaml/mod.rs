//! YAML as a tree that knows the place of everything.
//!
//! What comes before a mistake is kept, with the mistake. Anchors are shared, never copied; depth and number of nodes are bounded.

mod build;
mod document;

pub(super) use build::parse;
pub(super) use document::{Document, Node};
