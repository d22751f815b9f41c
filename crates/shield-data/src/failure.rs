//! A database's failure as the error of guard's traits.

use shield_guard::StoreError;

use crate::SqlError;

/// For `map_err` of what a store of `store` asked.
pub(crate) fn of(store: &'static str) -> impl Fn(SqlError) -> StoreError {
    move |error| match error.damaged() {
        true => StoreError::damaged(store, error),
        false => StoreError::away(store, error),
    }
}
