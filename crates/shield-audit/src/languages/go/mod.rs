//! Go. Ids of gosec are aliases.

mod cryptography;
mod database;
mod execution;
mod files;
mod markup;
mod names;
mod network;
mod request;

use super::check::Check;

pub(super) use names::{bind, name, text};

/// Every check.
pub(super) static CHECKS: &[&[Check]] = &[
    cryptography::CHECKS,
    database::CHECKS,
    execution::CHECKS,
    files::CHECKS,
    markup::CHECKS,
    network::CHECKS,
];
