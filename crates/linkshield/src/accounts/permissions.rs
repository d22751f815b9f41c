//! What an API key may do. The bits are stored: they never change their meaning.

use std::array;

use shield_guard::{ScopeSet, ScopeTable, api_key::ApiKeyRecord};

use super::scopes::{ADMIN, REPORT_CREATE, REPORT_READ, URL_CHECK};

/// Every permission: its name, its bit. The last one opens nothing that an API key may do, and no key is given it any more.
const NAMES: [(&str, u64); 4] = [(URL_CHECK, 1), (REPORT_CREATE, 2), (REPORT_READ, 4), (ADMIN, 8)];
/// How many of them, from the first on, a key can be given.
const GIVEN: usize = 3;

/// Some of the four permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u64);

// === impl Permissions ===

impl Permissions {
    /// Each of them, in the order of their bits.
    pub(crate) const ALL: [Self; 4] = [Self(1), Self(2), Self(4), Self(8)];
    /// None.
    pub const NONE: Self = Self(0);
    /// Checking URLs: what a key gets if nothing is said.
    pub const URL_CHECK: Self = Self(1);

    /// The permission of this name that a key can be given.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.into_iter().take(GIVEN).find(|(known, _)| *known == name).map(|(_, bit)| Self(bit))
    }

    /// The names of those that a key can be given, for messages.
    pub fn given_names() -> [&'static str; GIVEN] {
        array::from_fn(|place| NAMES[place].0)
    }

    /// The names of those in here.
    pub fn names(self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| name).collect()
    }

    /// With those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What a key may do; bits that a newer release wrote grant nothing here.
    pub fn of_key(record: &ApiKeyRecord) -> Self {
        Self(record.scopes & 0b1111)
    }

    /// For the database.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// As scopes of a credential.
    pub(crate) fn scopes(self, table: &ScopeTable) -> ScopeSet {
        let scopes = self.names().into_iter().filter_map(|name| table.scope(name));
        scopes.fold(ScopeSet::EMPTY, |set, scope| set | scope)
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, Permissions};

    #[test]
    fn bits_keep_their_meaning() {
        let given = Permissions::given_names().map(|name| Permissions::from_name(name).unwrap());
        assert_eq!(given.map(Permissions::bits), [1, 2, 4]);
        assert_eq!(NAMES[3], ("admin", 8), "of keys that were given it once");
        let some = Permissions(0b0101);
        assert_eq!(some.names(), ["url_check", "report_read"]);
        assert!(some.contains(Permissions::URL_CHECK) && !some.contains(Permissions(8)));
        for name in ["account", "admin"] {
            assert_eq!(Permissions::from_name(name), None, "no key has `{name}`");
        }
    }
}
