//! Rust.

mod catalogue;
mod names;
mod rules;

use super::check::Check;

pub(super) use names::{bind, name, text};

/// Every check.
pub(super) static CHECKS: &[&[Check]] = &[rules::CHECKS];
