//! A database's failure, or Redis', as the error of guard's traits.

use shield_guard::StoreError;

use crate::{RedisCallError, SqlError};

/// For `map_err` of what a store of `store` asked.
pub(crate) fn of(store: &'static str) -> impl Fn(SqlError) -> StoreError {
    move |error| match error.damaged() {
        true => StoreError::damaged(store, error),
        false => StoreError::away(store, error),
    }
}

/// The same of Redis, which keeps nothing whose damage could be told.
pub(crate) fn of_redis(store: &'static str) -> impl Fn(RedisCallError) -> StoreError {
    move |error| StoreError::away(store, error)
}
