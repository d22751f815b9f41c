//! What LinkShield remembers: checks, scan results and accounts, in one SQLite file or in PostgreSQL.
//!
//! Every statement is a constant with bound values that both databases take, so there is one copy of each; opening differs.
//! Two processes may share the file (the old and the new release during a blue-green release): writes take SQLite's
//! write lock up front and wait for each other, and opening is serialised by a lock file. Any number of nodes may share
//! PostgreSQL. The number and the age of rows are bounded.

#[cfg(test)]
#[macro_use]
mod fixture;

mod account_change;
mod account_credentials;
mod account_model;
mod account_rows;
#[cfg(test)]
mod account_tests;
mod accounts;
mod checks;
mod error;
mod file;
mod files;
mod history;
mod model;
mod open;
mod patience;
mod place;
mod postgres;
mod prune;
mod rows;
mod session_account;
mod stats;
#[cfg(test)]
mod tests;
mod writability;

pub use account_change::{AccountChange, StandingChange};
pub use account_model::{Account, AccountStatus, NewAccount, Profile, ProfileChange, Role, Totp};
pub use checks::Recorded;
pub use error::{OpenError, StoreError};
pub use files::DATABASE_FILE;
pub use history::{HistoryFilter, HistoryPage};
pub use model::{CheckId, CheckStatus, NewCheck, NewScanResult, ScanType, StoredCheck, StoredScanResult};
pub use open::Store;
pub use patience::may_pass;
pub use place::StorePlace;
pub use prune::RetentionLimits;
pub use stats::{CheckCount, CheckStats, RecentCheck};
pub use writability::WriteObstacle;
