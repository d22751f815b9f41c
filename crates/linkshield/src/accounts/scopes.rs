//! What credentials are good for.

use shield_guard::{ScopeSet, ScopeTable};

use crate::store::Role;

/// The holder's own account: profile, password, sessions, keys. No API key has it.
pub const ACCOUNT: &str = "account";
/// What administrators do.
pub const ADMIN: &str = "admin";
/// Making reports.
pub const REPORT_CREATE: &str = "report_create";
/// Reading reports.
pub const REPORT_READ: &str = "report_read";
/// Checking URLs, and reading what was checked.
pub const URL_CHECK: &str = "url_check";

/// Every scope there is.
pub(crate) fn table() -> ScopeTable {
    ScopeTable::new(&[ACCOUNT, ADMIN, REPORT_CREATE, REPORT_READ, URL_CHECK])
        .expect("five different names of lower-case letters and `_`")
}

/// What somebody of this role may do after log-in.
pub(crate) fn of_role(table: &ScopeTable, role: Role) -> ScopeSet {
    let named = |name| table.scope(name).expect("the table has every scope of this module");
    let own = [ACCOUNT, REPORT_CREATE, REPORT_READ, URL_CHECK].map(named);
    let own = own.into_iter().fold(ScopeSet::EMPTY, |set, scope| set | scope);
    match role {
        Role::User | Role::Moderator => own,
        Role::Admin | Role::SuperAdmin => own | named(ADMIN),
    }
}
