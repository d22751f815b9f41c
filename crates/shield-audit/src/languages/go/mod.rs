//! Go. Ids of gosec are aliases.

mod cryptography;
mod execution;
mod files;
mod names;
mod network;

use super::check::Check;

pub(super) use names::{bind, name, text};

/// Every check.
pub(super) static CHECKS: &[&[Check]] =
    &[cryptography::CHECKS, execution::CHECKS, files::CHECKS, network::CHECKS];
