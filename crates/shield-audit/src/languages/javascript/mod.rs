//! JavaScript and TypeScript. Ids of eslint-plugin-security are aliases, and names of Node's rules at semgrep.

mod database;
mod execution;
mod files;
mod handler;
mod keys;
mod markup;
mod names;
mod packages;
mod request;
mod transport;
mod web;

use super::check::Check;

pub(super) use markup::MARKUP;
pub(super) use names::{bind, name, text};

/// Every check.
pub(super) static CHECKS: &[&[Check]] = &[
    database::CHECKS,
    execution::CHECKS,
    files::CHECKS,
    keys::CHECKS,
    markup::CHECKS,
    transport::CHECKS,
    web::CHECKS,
];
