//! What was not understood of a database, and which packages it may be about.
//!
//! One record that is broken must not cast doubt on every project: where it still says which packages it is about, it matters to
//! those that use one of them. Where it does not, it may be about any.

use serde_json::Value;

use crate::dependencies::{Ecosystem, PackageName};

/// Something that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: String,
    /// Package URLs; none: nobody knows.
    pub(super) about: Option<Vec<String>>,
}

// === impl Refused ===

impl Refused {
    /// About one package.
    pub(super) fn of(name: &PackageName, reason: String) -> Self {
        Self { reason, about: Some(vec![name.purl()]) }
    }

    /// About whatever it may be.
    pub(super) const fn of_any(reason: String) -> Self {
        Self { reason, about: None }
    }

    /// About what is left of a record in OSV's form, if anything is.
    pub(super) fn of_record(record: Option<&Value>, reason: String) -> Self {
        Self { reason, about: record.and_then(packages) }
    }
}

/// The packages of a record: all of them, or none. Those of other registries are nobody's here.
fn packages(record: &Value) -> Option<Vec<String>> {
    let package = |affected: &Value| {
        let text = |key| affected.get("package")?.get(key)?.as_str();
        let (ecosystem, name) = (text("ecosystem")?, text("name")?);
        Some(Ecosystem::of_osv(ecosystem).map(|ecosystem| PackageName::new(ecosystem, name).purl()))
    };
    let packages = record.get("affected")?.as_array()?.iter().map(package).collect::<Option<Vec<_>>>()?;
    let mut packages: Vec<_> = packages.into_iter().flatten().collect();
    packages.sort_unstable();
    packages.dedup();
    Some(packages)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packages_are_all_or_unknown() {
        let of =
            |affected: Value| Refused::of_record(Some(&json!({"affected": affected})), String::new()).about;
        let package =
            |ecosystem: &str, name: &str| json!({"package": {"ecosystem": ecosystem, "name": name}});
        assert_eq!(
            of(json!([package("PyPI", "A_b"), package("npm", "c"), package("Debian:12", "d")])),
            Some(vec!["pkg:npm/c".to_owned(), "pkg:pypi/a-b".to_owned()])
        );
        assert_eq!(of(json!([package("PyPI", "a"), {"package": null}])), None);
        assert_eq!(
            (of(json!([])), of(json!({})), of(json!([{"package": {"name": 5}}]))),
            (Some(vec![]), None, None)
        );
        assert_eq!(Refused::of_record(None, String::new()).about, None);
    }
}
