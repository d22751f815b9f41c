//! What scanners may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What scanners may do beyond reading the audited tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Ask the network: names of what the project depends on leave the machine.
    pub network: bool,
    /// Execute what the audited tree, or what it depends on, says; programs that lie in it too.
    pub project_code: bool,
}

/// One thing that has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// To ask the network.
    Network,
    /// To execute what the audited tree says.
    ProjectCode,
}

/// Text that names nothing that could be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("allow `{text}`: there are network and project-code")]
pub struct ParsePermissionError {
    /// What was given.
    pub text: String,
}

// === impl Allowed ===

impl Allowed {
    /// Whether something is allowed.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        match permission {
            Permission::Network => self.network,
            Permission::ProjectCode => self.project_code,
        }
    }
}

impl FromIterator<Permission> for Allowed {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::default(), |allowed, permission| match permission {
            Permission::Network => Self { network: true, ..allowed },
            Permission::ProjectCode => Self { project_code: true, ..allowed },
        })
    }
}

// === impl Permission ===

impl Permission {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Network, Self::ProjectCode];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::ProjectCode => "project-code",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Permission {
    type Err = ParsePermissionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|permission| permission.name() == text);
        found.ok_or_else(|| ParsePermissionError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_unless_named() {
        let allowed = |texts: &[&str]| -> Allowed {
            texts.iter().map(|text| text.parse::<Permission>().unwrap()).collect()
        };
        assert_eq!(allowed(&[]), Allowed::default());
        for permission in Permission::ALL {
            let only = allowed(&[permission.name()]);
            assert!(Permission::ALL.iter().all(|other| only.has(*other) == (*other == permission)));
        }
        assert!("everything".parse::<Permission>().is_err());
    }
}
