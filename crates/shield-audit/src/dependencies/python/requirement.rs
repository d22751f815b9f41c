//! One requirement as PEP 508 writes it: `name[extra] >=1,<2 ; python_version < "3.9"`.
//!
//! Extras are kept: leaving them out hides whole packages (trivy#4101). A marker is kept as written and not evaluated: whoever
//! audits is not where the project runs.

use std::str::FromStr as _;

use pep440_rs::{Operator, VersionSpecifiers};

use crate::{
    dependencies::{Ecosystem, Manifest, Origin, Package, PackageName, Requirement},
    finding::Place,
};

/// Where a requirement is, and for whom.
#[derive(Clone)]
pub(super) struct Context {
    /// Where.
    pub place: Place,
    /// For which extra or group.
    pub group: Option<String>,
}

/// Understands a requirement.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn parse(text: &str, context: Context) -> Result<Requirement, String> {
    let text = text.trim();
    let name_end = text.find(|character: char| !is_name(character)).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(format!("`{}` is no requirement", shorten(text)));
    }
    let (extras, rest) = extras_of(rest.trim_start())?;
    let (url, specifiers, marker) = match rest.strip_prefix('@') {
        Some(address) => {
            let (address, marker) = split_marker(address, " ;");
            (Some(address.trim().to_owned()), String::new(), marker)
        }
        None => {
            let (versions, marker) = split_marker(rest, ";");
            (None, specifiers_of(versions)?, marker)
        }
    };
    let Context { place, group } = context;
    let name = PackageName::new(Ecosystem::PyPi, name);
    let (constraint, hashes) = (false, Vec::new());
    Ok(Requirement { name, extras, specifiers, url, marker, group, constraint, hashes, place })
}

/// Takes a requirement into a manifest, or says why it is none. One that leaves no choice also says what is used.
pub(super) fn take(manifest: &mut Manifest, text: &str, context: Context) {
    let place = context.place.clone();
    match parse(text, context) {
        Ok(requirement) => take_parsed(manifest, requirement),
        Err(reason) => manifest.refuse(place, reason),
    }
}

/// Takes what was understood already.
pub(super) fn take_parsed(manifest: &mut Manifest, requirement: Requirement) {
    let origin = requirement.url.clone().map_or(Origin::Registry, Origin::Elsewhere);
    let version = match &origin {
        Origin::Registry => requirement.pinned(),
        Origin::Elsewhere(_) => Some(String::new()),
    };
    if let Some(version) = version.filter(|_| !requirement.constraint) {
        manifest.packages.push(Package {
            name: requirement.name.clone(),
            version,
            origin,
            licence: None,
            hashes: requirement.hashes.clone(),
            place: requirement.place.clone(),
        });
    }
    manifest.requirements.push(requirement);
}

// === impl Requirement ===

impl Requirement {
    /// The one version it allows, if there is only one.
    #[must_use]
    pub fn pinned(&self) -> Option<String> {
        let specifiers = VersionSpecifiers::from_str(&self.specifiers).ok()?;
        let exact =
            specifiers.iter().find(|one| matches!(one.operator(), Operator::Equal | Operator::ExactEqual));
        exact.map(|one| one.version().to_string())
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

fn extras_of(rest: &str) -> Result<(Vec<String>, &str), String> {
    let Some(inside) = rest.strip_prefix('[') else { return Ok((Vec::new(), rest)) };
    let (list, rest) = inside.split_once(']').ok_or_else(|| format!("`{}` has no `]`", shorten(rest)))?;
    let named = list.split(',').map(str::trim).filter(|extra| !extra.is_empty());
    let mut extras: Vec<_> =
        named.map(|extra| PackageName::new(Ecosystem::PyPi, extra).name().to_owned()).collect();
    extras.sort_unstable();
    extras.dedup();
    Ok((extras, rest.trim_start()))
}

fn split_marker<'a>(text: &'a str, separator: &str) -> (&'a str, Option<String>) {
    match text.split_once(separator) {
        Some((before, marker)) => {
            (before, Some(marker.trim().to_owned()).filter(|marker| !marker.is_empty()))
        }
        None => (text, None),
    }
}

fn specifiers_of(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = text.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')).unwrap_or(text).trim();
    let text = text.trim_end_matches(',');
    match VersionSpecifiers::from_str(text) {
        Ok(specifiers) => Ok(specifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        Err(error) => Err(format!("`{}` are no versions: {}", shorten(text), first_line(&error.to_string()))),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A context for tests.
    pub(in crate::dependencies::python) fn context() -> Context {
        Context { place: Place { file: "r.txt".to_owned(), span: None }, group: None }
    }

    fn read(text: &str) -> Requirement {
        parse(text, context()).unwrap()
    }

    #[test]
    fn extras_are_kept() {
        let requirement = read("Uvicorn [standard, Http_2]>=0.1,<1 ; python_version < '3.9'");
        assert_eq!(
            (requirement.name.name(), requirement.extras.join(" ")),
            ("uvicorn", "http-2 standard".to_owned())
        );
        assert_eq!(
            (requirement.specifiers.as_str(), requirement.marker.as_deref()),
            (">=0.1,<1", Some("python_version < '3.9'"))
        );
    }

    #[test]
    fn only_one_version_is_a_pin() {
        let pinned = |text| read(text).pinned();
        assert_eq!(pinned("a==1.0"), Some("1.0".to_owned()));
        assert_eq!(pinned("a===1.0"), Some("1.0".to_owned()));
        for text in ["a", "a>=1", "a==1.*", "a~=1.0", "a (>=1)", "a@ https://example.org/a.whl"] {
            assert_eq!(pinned(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_kept() {
        let requirement = read("a[x] @ https://example.org/a.whl;b ; os_name == 'nt'");
        assert_eq!(requirement.url.as_deref(), Some("https://example.org/a.whl;b"));
        assert_eq!(requirement.marker.as_deref(), Some("os_name == 'nt'"));
    }

    #[test]
    fn other_text_is_an_error() {
        for text in ["", "-x", "./here", "a b", "a==", "a[b", "a >= ☃", "=1"] {
            assert!(parse(text, context()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = parse(&text, context());
        }

        #[test]
        fn parts_come_back(name in "[a-z][a-z0-9]{0,8}", extras in prop::collection::btree_set("[a-z]{1,5}", 0..3), minor in 0_u32..99) {
            let list: Vec<_> = extras.iter().cloned().collect();
            let brackets = if list.is_empty() { String::new() } else { format!("[{}]", list.join(" , ")) };
            let requirement = read(&format!("{name}{brackets} == 1.{minor}"));
            prop_assert_eq!(requirement.name.name(), name);
            prop_assert_eq!(requirement.pinned(), Some(format!("1.{minor}")));
            prop_assert_eq!(requirement.extras, list);
        }
    }
}
