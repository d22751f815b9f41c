//! Licences as packages state them, as SPDX expressions where they are.
//!
//! Metadata says `MIT License`, `Apache 2.0`, `MIT/Apache-2.0` or a whole text. What can be named without guessing becomes an
//! expression; what cannot stays words, and is told apart.

use serde::Serialize;
use spdx::{Expression, ParseMode, identifiers::LICENSES};

/// Cargo allowed a slash before it allowed expressions. Names are never guessed: `BSD` is four licences.
const MODE: ParseMode =
    ParseMode { allow_slash_as_or_operator: true, allow_deprecated: true, ..ParseMode::STRICT };
/// What classifiers and authors write instead of a full name.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("Apache 2.0", "Apache-2.0"),
    ("Apache License, Version 2.0", "Apache-2.0"),
    ("BSD 3-Clause", "BSD-3-Clause"),
    ("MIT-License", "MIT"),
    ("The MIT License", "MIT"),
    ("The Unlicense", "Unlicense"),
];

/// A licence as a package states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Licence {
    /// In the words of SPDX: `MIT OR Apache-2.0`.
    Expression(String),
    /// In other words.
    Words(String),
}

// === impl Licence ===

impl Licence {
    /// Understands what a package states.
    #[must_use]
    pub fn of(stated: &str) -> Self {
        let stated = stated.trim();
        let expression =
            Expression::parse_mode(stated, MODE).ok().map(|found| found.to_string().replace('/', " OR "));
        expression
            .or_else(|| full_name(stated))
            .map_or_else(|| Self::Words(stated.to_owned()), Self::Expression)
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Expression(text) | Self::Words(text)) = self;
        text
    }
}

/// The licence that SPDX calls so in full; an abbreviation in parentheses may follow.
fn full_name(stated: &str) -> Option<String> {
    let name = stated.split(" (").next().unwrap_or(stated);
    let found = LICENSES.iter().find(|licence| {
        let full = licence.full_name;
        full.eq_ignore_ascii_case(name)
            || full.strip_suffix(" only").is_some_and(|full| full.eq_ignore_ascii_case(name))
    });
    let short = || {
        SHORT_NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, id)| (*id).to_owned())
    };
    found.map(|licence| licence.name.to_owned()).or_else(short)
}

/// What a crate's `Cargo.toml` states.
#[must_use]
pub fn crate_licence(text: &str) -> Option<String> {
    let manifest = text.parse::<toml::Table>().ok()?;
    Some(manifest.get("package")?.get("license")?.as_str()?.to_owned())
}

/// What a `package.json` states, in its present and its old forms.
#[must_use]
pub fn package_json_licence(text: &str) -> Option<String> {
    let package: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = |value: &serde_json::Value| {
        value.as_str().or_else(|| value.get("type").and_then(serde_json::Value::as_str)).map(str::to_owned)
    };
    let single = package.get("license").and_then(name);
    let many = || {
        let names: Vec<_> = package.get("licenses")?.as_array()?.iter().filter_map(name).collect();
        (!names.is_empty()).then(|| format!("({})", names.join(" OR ")))
    };
    single.or_else(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Licence {
        Licence::Expression(text.to_owned())
    }

    #[test]
    fn expressions_and_names_are_understood() {
        assert_eq!(Licence::of("MIT OR Apache-2.0"), expression("MIT OR Apache-2.0"));
        assert_eq!(Licence::of("MIT/Apache-2.0"), expression("MIT OR Apache-2.0"));
        assert_eq!(Licence::of("MIT License"), expression("MIT"));
        assert_eq!(Licence::of("Apache 2.0"), expression("Apache-2.0"));
        assert_eq!(Licence::of("Mozilla Public License 2.0 (MPL 2.0)"), expression("MPL-2.0"));
        assert_eq!(
            Licence::of("GPL-2.0-only WITH Classpath-exception-2.0"),
            expression("GPL-2.0-only WITH Classpath-exception-2.0")
        );
    }

    #[test]
    fn other_words_stay_words() {
        for text in ["LGPL with exceptions", "BSD", "see LICENSE", "MIT License and a half", ""] {
            assert_eq!(Licence::of(text), Licence::Words(text.to_owned()));
        }
    }

    #[test]
    fn manifests_state_licences() {
        assert_eq!(crate_licence("[package]\nname = \"a\"\nlicense = \"MIT\"\n").as_deref(), Some("MIT"));
        assert_eq!(crate_licence("[package]\nlicense.workspace = true\n"), None);
        let of = package_json_licence;
        assert_eq!(of(r#"{"license": {"type": "ISC"}}"#).as_deref(), Some("ISC"));
        assert_eq!(of(r#"{"licenses": [{"type": "MIT"}, {"type": "X"}]}"#).as_deref(), Some("(MIT OR X)"));
        assert_eq!(of("{"), None);
    }
}
