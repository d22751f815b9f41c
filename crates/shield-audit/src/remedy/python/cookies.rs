//! Cookies.

use super::arguments::bytes;
use super::site::{Edits, Mend, Site};

/// What a cookie should say, and what for.
const ATTRIBUTES: [(&str, &str); 3] = [("secure", "True"), ("httponly", "True"), ("samesite", "\"Lax\"")];

/// `set_cookie` gets the attributes that it lacks, or that are off.
pub(super) fn attributes(site: &Site<'_>) -> Option<Mend> {
    if site.call.method() != "set_cookie" {
        return None;
    }
    let arguments = site.arguments()?;
    let mut edits: Edits = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (name, value) in ATTRIBUTES {
        match site.call.keyword(name) {
            Some(_) if name != "samesite" && site.is_true(name) => {}
            Some(given) if name == "samesite" => {
                let strict = site.scene.text(&given.value).map(|text| text.to_ascii_lowercase());
                if !matches!(strict.as_deref(), Some("lax" | "strict")) {
                    edits.push((bytes(&given.value), value.to_owned()));
                }
            }
            Some(given) => edits.push((bytes(&given.value), value.to_owned())),
            None => missing.push(format!("{name}={value}")),
        }
    }
    if !missing.is_empty() {
        edits.extend(arguments.add(site.node, &missing.join(", "))?);
    }
    let why =
        "the cookie is not sent over plain HTTP then, nor seen by scripts, nor sent along from other sites";
    (!edits.is_empty()).then(|| Mend::changing("sets `secure`, `httponly` and `samesite`", why, edits))
}
