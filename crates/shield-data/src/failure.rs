//! A database's failure as the errors of the traits.

use shield_guard::{StoreError, limit, one_time, token};

use crate::{RedisCallError, SqlError};

pub(crate) fn of(store: &'static str) -> impl Fn(SqlError) -> StoreError {
    move |error| StoreError { store, source: error.into() }
}

pub(crate) fn of_limits(error: SqlError) -> limit::StoreError {
    limit::StoreError { source: error.into() }
}

pub(crate) fn of_tokens(error: SqlError) -> token::StoreError {
    match error.damaged() {
        true => token::StoreError::Damaged { source: error.into() },
        false => token::StoreError::Unavailable { source: error.into() },
    }
}

pub(crate) fn of_secrets(store: &'static str) -> impl Fn(SqlError) -> one_time::StoreError {
    move |error| one_time::StoreError { store, source: error.into() }
}

pub(crate) fn of_leases(error: RedisCallError) -> limit::StoreError {
    limit::StoreError { source: error.into() }
}
