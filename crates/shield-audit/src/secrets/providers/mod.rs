//! Tokens of providers.

mod clouds;
mod code;
mod messaging;
mod models;
mod payments;
mod provider;
mod services;

pub(super) use provider::{Provider, all};
use provider::{rule, token};
