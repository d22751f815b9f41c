//! XML parsers.

use super::{
    arguments::bytes,
    site::{Mend, Site},
};

/// Modules of the standard library, and those of `defusedxml` with the same functions.
const DEFUSED: [(&str, &str); 6] = [
    ("xml.etree.ElementTree.", "defusedxml.ElementTree"),
    ("xml.etree.cElementTree.", "defusedxml.ElementTree"),
    ("xml.dom.minidom.", "defusedxml.minidom"),
    ("xml.dom.pulldom.", "defusedxml.pulldom"),
    ("xml.dom.expatbuilder.", "defusedxml.expatbuilder"),
    ("xml.sax.", "defusedxml.sax"),
];

/// The function of the same name in `defusedxml`; a proposal where that is not installed.
pub(super) fn parser(site: &Site<'_>) -> Option<Mend> {
    let (function, module) = DEFUSED
        .into_iter()
        .find_map(|(standard, defused)| Some((site.call.name.strip_prefix(standard)?, defused)))?;
    if !function.chars().all(|character| character.is_alphanumeric() || character == '_') {
        return None;
    }
    let mut edits = site.import(module)?;
    edits.push((bytes(site.call.callee), format!("{module}.{function}")));
    let what = format!("parses with `{module}.{function}`");
    Some(if site.project.installed.contains("defusedxml") {
        Mend::changing(what, "documents with entities of their own are refused then", edits)
    } else {
        Mend::proposed(what, "`defusedxml` is not installed: it must become a dependency first", edits)
    })
}
