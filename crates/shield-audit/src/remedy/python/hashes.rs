//! Weak hashes.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::{
    arguments::bytes,
    purpose::Purpose,
    site::{Mend, Site},
};
use crate::imports::PythonVersion;

/// The first version of Python whose `hashlib` knows `usedforsecurity`.
const KEYWORD_SINCE: PythonVersion = PythonVersion(9);

/// A hash that only names something says so; one that protects something, or may by what it is compared for, is a person's to change,
/// because stored digests and others' expectations change with it.
pub(super) fn weak_hash(site: &Site<'_>) -> Option<Mend> {
    if !site.call.name.starts_with("hashlib.") || site.call.keyword("usedforsecurity").is_some() {
        return None;
    }
    match Purpose::of(site) {
        Purpose::Identity(_) if site.decides() => sha256(site, "what it is compared with decides something"),
        Purpose::Identity(words) => not_for_security(site, &words),
        Purpose::Security(word) => sha256(site, &format!("`{word}`")),
        Purpose::Unsaid => None,
    }
}

fn not_for_security(site: &Site<'_>, words: &str) -> Option<Mend> {
    let edits = site.arguments()?.add(site.node, "usedforsecurity=False")?;
    let what = format!("says `usedforsecurity=False`: by its names (`{words}`) the digest protects nothing");
    Some(match site.project.python_minimum {
        Some(minimum) if minimum >= KEYWORD_SINCE => Mend::preserving(
            what,
            "the digest is the same, and every Python it runs on knows the argument",
            edits,
        ),
        minimum => {
            let said = minimum.map_or_else(
                || "no oldest version of Python is declared".to_owned(),
                |PythonVersion(minor)| format!("Python 3.{minor} is allowed"),
            );
            Mend::changing(what, format!("{said}, and only 3.9 and later know the argument"), edits)
        }
    })
}

fn sha256(site: &Site<'_>, reason: &str) -> Option<Mend> {
    let edit = match (site.call.name, site.call.callee) {
        ("hashlib.new", _) => match site.call.argument("name", 0)? {
            name @ Expr::StringLiteral(_) => (bytes(name), "\"sha256\"".to_owned()),
            _ => return None,
        },
        (_, Expr::Attribute(attribute)) => (bytes(&attribute.attr), "sha256".to_owned()),
        _ => return None,
    };
    let what = format!("SHA-256 in place of `{}`", site.scene.source(site.call.callee.range()));
    let why = format!(
        "it protects something ({reason}): what was stored or agreed on with this hash changes with it"
    );
    Some(Mend::proposed(what, why, vec![edit]))
}
