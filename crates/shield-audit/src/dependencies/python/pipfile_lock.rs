//! `Pipfile.lock`.

use serde_json::{Map, Value};

use super::requirement::{Context, parse, take_parsed};
use crate::dependencies::{
    Manifest, SourceKind,
    form::{Form, MAKE_ANEW},
    lines::Lines,
    npm::KeyLines,
};

/// Reads the lock file of pipenv: everything but its head is a group of packages.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::PipfileLock, file.to_owned());
    let lines = Lines::of(file, text);
    let groups = match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(groups) => groups,
        Err(error) => {
            manifest.refuse(lines.whole(), format!("{error}: {MAKE_ANEW}"));
            return manifest;
        }
    };
    let version = groups.get("_meta").and_then(|meta| meta.get("pipfile-spec")).map(Value::to_string);
    Form { version: version.as_deref(), lists: !groups.is_empty() }.judge(&mut manifest, lines.whole());
    let keys = KeyLines::of(text);
    for (group, packages) in groups.iter().filter(|(group, _)| *group != "_meta") {
        let Some(packages) = packages.as_object() else {
            manifest.refuse(lines.whole(), format!("group `{group}` is no table"));
            continue;
        };
        for (name, entry) in packages {
            let place = keys.place(&lines, name);
            let group = (group != "default").then(|| group.clone());
            let context = Context { place: place.clone(), group };
            match parse(&requirement_text(name, entry), context) {
                Ok(mut requirement) => {
                    requirement.hashes = texts(entry.get("hashes"));
                    take_parsed(&mut manifest, requirement);
                }
                Err(reason) => manifest.refuse(place, reason),
            }
        }
    }
    manifest
}

/// The entry as pip would write it.
fn requirement_text(name: &str, entry: &Value) -> String {
    let field = |key: &str| entry.get(key).and_then(Value::as_str);
    let extras = texts(entry.get("extras"));
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let address = ["git", "file", "path"].iter().find_map(|key| field(key));
    let version = field("version").filter(|version| *version != "*").unwrap_or_default();
    let marker = field("markers").map(|marker| format!(" ; {marker}")).unwrap_or_default();
    match address {
        Some(address) => format!("{name}{extras} @ {address}{marker}"),
        None => format!("{name}{extras}{version}{marker}"),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read() {
        let text = "{\n \"_meta\": {},\n \"default\": {\n  \"a_b\": {\"version\": \"==1.0\", \"hashes\": [\"sha256:aa\"], \"extras\": [\"x\"]},\n  \
            \"g\": {\"git\": \"https://example.org/g\"}\n },\n \"develop\": {\n  \"c\": {\"version\": \"==2\", \"markers\": \"os_name == 'nt'\"},\n  \
            \"d\": {\"version\": \"==☃\"}\n }\n}";
        let manifest = read("Pipfile.lock", text);
        let packages: Vec<_> =
            manifest.packages.iter().map(|one| (one.name.name(), one.version.as_str())).collect();
        assert_eq!(packages, [("a-b", "1.0"), ("g", ""), ("c", "2")]);
        assert_eq!(
            (manifest.packages[0].place.span.unwrap().line, manifest.packages[0].hashes.len()),
            (4, 1)
        );
        assert_eq!(manifest.requirements[2].group.as_deref(), Some("develop"));
        assert_eq!(manifest.unread.len(), 1);
        assert_eq!(read("Pipfile.lock", "{").unread.len(), 1);
    }
}
