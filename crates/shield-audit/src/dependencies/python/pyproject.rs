//! `pyproject.toml`: PEP 621, PEP 735's groups, what the build needs, and Poetry's own table.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::requirement::{Context, take};
use crate::dependencies::{Include, Manifest, SourceKind, lines::Lines};

type Value<'i> = Spanned<DeValue<'i>>;

/// Reads what a project asks for.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let lines = Lines::of(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { manifest: Manifest::new(SourceKind::PyProject, file.to_owned()), lines };
    for error in errors {
        let place = error.span().map_or_else(|| reader.lines.whole(), |span| reader.lines.place(span));
        reader.manifest.refuse(place, error.message());
    }
    let root = table.get_ref();
    reader.list(path(root, &["project", "dependencies"]), None);
    reader.lists(path(root, &["project", "optional-dependencies"]));
    reader.lists(path(root, &["dependency-groups"]));
    reader.list(path(root, &["build-system", "requires"]), Some("build-system"));
    reader.setuptools_files(path(root, &["tool", "setuptools", "dynamic", "dependencies"]));
    reader.poetry(path(root, &["tool", "poetry"]));
    reader.manifest
}

struct Reader<'a> {
    manifest: Manifest,
    lines: Lines<'a>,
}

// === impl Reader ===

impl Reader<'_> {
    fn lists(&mut self, tables: Option<&Value<'_>>) {
        let Some(tables) = tables else { return };
        match tables.get_ref().as_table() {
            Some(groups) => {
                groups.iter().for_each(|(group, list)| self.list(Some(list), Some(group.get_ref())))
            }
            None => self.refuse(tables, "it is no table of lists"),
        }
    }

    fn list(&mut self, list: Option<&Value<'_>>, group: Option<&str>) {
        let Some(list) = list else { return };
        let Some(entries) = list.get_ref().as_array() else { return self.refuse(list, "it is no list") };
        for entry in entries {
            match entry.get_ref() {
                DeValue::String(text) => {
                    let context =
                        Context { place: self.lines.place(entry.span()), group: group.map(str::to_owned) };
                    take(&mut self.manifest, text, context);
                }
                // Another group of this file: it is read by itself.
                DeValue::Table(table) if table.contains_key("include-group") => {}
                _ => self.refuse(entry, "it is no requirement"),
            }
        }
    }

    /// `dynamic` dependencies of setuptools lie in files of pip.
    fn setuptools_files(&mut self, dynamic: Option<&Value<'_>>) {
        let Some(file) = dynamic.and_then(|value| value.get_ref().as_table()?.get("file")) else { return };
        let one = std::slice::from_ref(file).iter();
        let many = file.get_ref().as_array().into_iter().flatten();
        for value in one.chain(many) {
            if let Some(name) = value.get_ref().as_str() {
                let place = self.lines.place(value.span());
                self.manifest.includes.push(Include { file: name.to_owned(), constraint: false, place });
            }
        }
    }

    fn poetry(&mut self, poetry: Option<&Value<'_>>) {
        let Some(table) = poetry.and_then(|value| value.get_ref().as_table()) else { return };
        self.poetry_table(table.get("dependencies"), None);
        self.poetry_table(table.get("dev-dependencies"), Some("dev"));
        let groups = table.get("group").and_then(|value| value.get_ref().as_table());
        for (group, value) in groups.into_iter().flat_map(DeTable::iter) {
            let dependencies = value.get_ref().as_table().and_then(|table| table.get("dependencies"));
            self.poetry_table(dependencies, Some(group.get_ref()));
        }
    }

    fn poetry_table(&mut self, table: Option<&Value<'_>>, group: Option<&str>) {
        let entries = table.and_then(|value| value.get_ref().as_table());
        for (name, value) in entries.into_iter().flat_map(DeTable::iter) {
            if name.get_ref() == "python" {
                continue;
            }
            // Several entries are for several markers.
            let one = std::slice::from_ref(value).iter().filter(|value| !value.get_ref().is_array());
            let many = value.get_ref().as_array().into_iter().flatten();
            for value in one.chain(many) {
                let context =
                    Context { place: self.lines.place(name.span()), group: group.map(str::to_owned) };
                match poetry_text(name.get_ref(), value.get_ref()) {
                    Some(text) => take(&mut self.manifest, &text, context),
                    None => self.refuse(value, "it is no requirement of Poetry"),
                }
            }
        }
    }

    fn refuse(&mut self, value: &Value<'_>, reason: &str) {
        let place = self.lines.place(value.span());
        self.manifest.refuse(place, reason);
    }
}

fn path<'a, 'i>(table: &'a DeTable<'i>, keys: &[&str]) -> Option<&'a Value<'i>> {
    let (first, rest) = keys.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { path(value.get_ref().as_table()?, rest) }
}

/// An entry of Poetry as pip would write it.
fn poetry_text(name: &str, value: &DeValue<'_>) -> Option<String> {
    let table = match value {
        DeValue::String(version) => return Some(format!("{name}{}", poetry_versions(version)?)),
        DeValue::Table(table) => table,
        _ => return None,
    };
    let field = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    let extras = table.get("extras").and_then(|value| value.get_ref().as_array()).into_iter().flatten();
    let extras: Vec<_> = extras.filter_map(|extra| extra.get_ref().as_str()).collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let marker = field("markers").map(|marker| format!(" ; {marker}")).unwrap_or_default();
    let address = ["git", "url", "path", "file"].iter().find_map(|key| field(key));
    match (address, field("version")) {
        (Some(address), _) => Some(format!("{name}{extras} @ {address}{marker}")),
        (None, Some(version)) => Some(format!("{name}{extras}{}{marker}", poetry_versions(version)?)),
        (None, None) => None,
    }
}

/// Poetry's versions in the words of PEP 440: `^1.2` allows what does not change the leftmost number that is not zero. None of
/// what PEP 440 has no words for.
fn poetry_versions(text: &str) -> Option<String> {
    let parts: Option<Vec<_>> = text.split(',').map(|part| poetry_version(part.trim())).collect();
    Some(parts?.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(","))
}

fn poetry_version(text: &str) -> Option<String> {
    if text == "*" || text.is_empty() {
        return Some(String::new());
    }
    if text.contains("||") {
        return None;
    }
    if let Some(version) = text.strip_prefix('^') {
        return caret(version.trim());
    }
    if let Some(version) = text.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let version = version.trim();
        let wildcard: Vec<_> = version.split('.').take(2).collect();
        return Some(format!(">={version},=={}.*", wildcard.join(".")));
    }
    // A plain version is an exact one.
    Some(if text.starts_with(|first: char| first.is_ascii_digit()) {
        format!("=={text}")
    } else {
        text.to_owned()
    })
}

fn caret(version: &str) -> Option<String> {
    let numbers: Vec<u64> = version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let kept = numbers.iter().position(|number| *number != 0).unwrap_or(numbers.len().saturating_sub(1));
    let mut end = numbers.get(..=kept)?.to_vec();
    let last = end.last_mut()?;
    *last = last.checked_add(1)?;
    let end: Vec<_> = end.iter().map(ToString::to_string).collect();
    Some(format!(">={version},<{}", end.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        let manifest = read("pyproject.toml", text);
        assert_eq!(manifest.unread, []);
        let line = |one: &crate::dependencies::Requirement| {
            let extras =
                if one.extras.is_empty() { String::new() } else { format!("[{}]", one.extras.join(",")) };
            format!("{}{extras}{} {}", one.name, one.specifiers, one.group.as_deref().unwrap_or("-"))
        };
        manifest.requirements.iter().map(line).collect()
    }

    #[test]
    fn standard_tables_are_read() {
        let text = "[build-system]\nrequires = [\"hatchling\"]\n[project]\ndependencies = [\"a[x]>=1\", \"b\"]\n\
            [project.optional-dependencies]\nfast = [\"c==2\"]\n[dependency-groups]\ntest = [\"d\", {include-group = \"x\"}]\n";
        assert_eq!(asked(text), ["a[x]>=1 -", "b -", "c==2 fast", "d test", "hatchling build-system"]);
        assert_eq!(read("p", text).requirements[1].place.span.unwrap().line, 4);
    }

    #[test]
    fn poetry_is_translated() {
        let text = "[tool.poetry.dependencies]\npython = \"^3.9\"\na = \"^1.2.3\"\nb = {version = \"~0.5\", extras = [\"x\"]}\n\
            c = \"1.0\"\nd = \"*\"\ne = {git = \"https://example.org/e\"}\nf = \"^0.0.3\"\n[tool.poetry.group.dev.dependencies]\ng = \">=1,<2\"\n";
        assert_eq!(
            asked(text),
            [
                "a>=1.2.3,<2 -",
                "b[x]>=0.5,==0.5.* -",
                "c==1.0 -",
                "d -",
                "e -",
                "f>=0.0.3,<0.0.4 -",
                "g>=1,<2 dev"
            ]
        );
    }

    #[test]
    fn files_of_setuptools_are_named() {
        let text =
            "[tool.setuptools.dynamic]\ndependencies = {file = [\"requirements.txt\", \"more.txt\"]}\n";
        let files: Vec<_> = read("p", text).includes.into_iter().map(|one| one.file).collect();
        assert_eq!(files, ["requirements.txt", "more.txt"]);
    }

    #[test]
    fn strange_entries_are_named() {
        let text = "[project]\ndependencies = [\"a\", 5, \"???\"]\noptional-dependencies = 3\n[tool.poetry.dependencies]\nx = \"^☃\"\ny = 1\n";
        let manifest = read("p", text);
        assert_eq!((manifest.requirements.len(), manifest.unread.len()), (1, 5));
        let manifest = read("p", "[project]\ndependencies = [\"a\"]\nname = = 3\n");
        assert_eq!((manifest.requirements.len(), manifest.unread.is_empty()), (1, false));
    }
}
