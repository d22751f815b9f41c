//! `Pipfile`: what pipenv is asked for.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::requirement::{Context, take};
use crate::dependencies::{Manifest, SourceKind, lines::Lines};

/// Tables that hold no packages; every other one is a group of them.
const NO_GROUPS: [&str; 5] = ["source", "requires", "pipenv", "scripts", "build-system"];
/// Keys of an entry that are markers, beside `markers`.
const MARKERS: [&str; 11] = [
    "implementation_name",
    "implementation_version",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_full_version",
    "python_version",
    "sys_platform",
];
/// Keys of an entry that say where its code is.
const ADDRESSES: [&str; 7] = ["git", "hg", "svn", "bzr", "file", "path", "url"];

/// Reads what a project asks for: `packages` is always needed, each other group only where somebody wants it.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::Pipfile, file.to_owned());
    let lines = Lines::of(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or_else(|| lines.whole(), |span| lines.place(span));
        manifest.refuse(place, error.message());
    }
    let groups = table.get_ref().iter().filter(|(group, _)| !NO_GROUPS.contains(&group.get_ref().as_ref()));
    for (group, packages) in groups {
        let Some(packages) = packages.get_ref().as_table() else {
            manifest.refuse(lines.place(packages.span()), format!("group `{}` is no table", group.get_ref()));
            continue;
        };
        for (name, entry) in packages {
            let group = Some(group.get_ref().to_string()).filter(|group| group != "packages");
            let context = Context { place: lines.place(name.span()), group };
            match requirement_text(name.get_ref(), entry) {
                Some(text) => take(&mut manifest, &text, context),
                None => manifest.refuse(context.place, format!("`{}` is no requirement", name.get_ref())),
            }
        }
    }
    manifest
}

/// An entry as pip would write it.
fn requirement_text(name: &str, entry: &Spanned<DeValue<'_>>) -> Option<String> {
    let table = match entry.get_ref() {
        DeValue::String(version) => return Some(format!("{name}{}", versions(version))),
        DeValue::Table(table) => table,
        _ => return None,
    };
    let field = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    let extras = table.get("extras").and_then(|value| value.get_ref().as_array()).into_iter().flatten();
    let extras: Vec<_> = extras.filter_map(|extra| extra.get_ref().as_str()).collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let markers = MARKERS.iter().filter_map(|key| Some(format!("{key} {}", field(key)?)));
    let markers: Vec<_> = field("markers").map(str::to_owned).into_iter().chain(markers).collect();
    let marker = if markers.is_empty() { String::new() } else { format!(" ; {}", markers.join(" and ")) };
    Some(match ADDRESSES.iter().find_map(|key| field(key)) {
        Some(address) => format!("{name}{extras} @ {address}{marker}"),
        None => format!("{name}{extras}{}{marker}", field("version").map(versions).unwrap_or_default()),
    })
}

/// `*` is any version.
fn versions(text: &str) -> &str {
    if text.trim() == "*" { "" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read() {
        let text = "[[source]]\nurl = \"https://example.org/simple\"\n[packages]\nDjango = \"==2.0\"\nflask = \"*\"\n\
            g = {git = \"https://example.org/g\", ref = \"main\"}\n\
            h = {version = \">=1\", extras = [\"x\"], markers = \"os_name == 'nt'\", python_version = \"< '3.9'\"}\n\
            [dev-packages]\npytest = \"~=8.0\"\n[docs]\nsphinx = \"*\"\n[requires]\npython_version = \"3.12\"\n\
            [scripts]\nserve = \"python app.py\"\n";
        let manifest = read("Pipfile", text);
        assert_eq!(manifest.unread, []);
        let line = |one: &crate::dependencies::Requirement| {
            let group = one.group.as_deref().unwrap_or("-");
            format!("{}{} {group}", one.name, one.specifiers)
        };
        let asked: Vec<_> = manifest.requirements.iter().map(line).collect();
        assert_eq!(
            asked,
            ["pytest~=8.0 dev-packages", "sphinx docs", "django==2.0 -", "flask -", "g -", "h>=1 -"]
        );
        let h = &manifest.requirements[5];
        assert_eq!((h.extras.len(), h.place.span.unwrap().line), (1, 7));
        assert_eq!(h.marker.as_deref(), Some("os_name == 'nt' and python_version < '3.9'"));
        let used: Vec<_> =
            manifest.packages.iter().map(|one| (one.name.name(), one.version.as_str())).collect();
        assert_eq!(used, [("django", "2.0"), ("g", "")]);
    }

    #[test]
    fn strange_entries_are_named() {
        let manifest = read("Pipfile", "[packages]\na = 1\nb = \"==☃\"\nc = \"*\"\n[more]\n[packages\n");
        assert_eq!((manifest.requirements.len(), manifest.unread.len() >= 3), (1, true), "{manifest:?}");
        assert_eq!(read("Pipfile", "packages = 1\n").unread.len(), 1);
    }
}
