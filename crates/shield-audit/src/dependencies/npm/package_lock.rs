//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::KeyLines;
use crate::dependencies::{
    Ecosystem, Manifest, Origin, Package, PackageName, SourceKind,
    form::{Form, MAKE_ANEW},
    lines::Lines,
};

/// How deep version 1 may nest.
const DEPTH_MAX: usize = 64;

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: Option<Value>,
    packages: Option<Map<String, Value>>,
    dependencies: Option<Map<String, Value>>,
}

/// Reads a lock file of npm: `packages` where it is (2 and 3), else the tree of `dependencies` (1).
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let lines = Lines::of(file, text);
    let mut reader = Reader {
        manifest: Manifest::new(SourceKind::PackageLock, file.to_owned()),
        keys: KeyLines::of(text),
        lines,
    };
    match serde_json::from_str::<Lock>(text) {
        Ok(lock) => reader.read_lock(&lock),
        Err(error) => {
            let place = reader.lines.whole();
            reader.manifest.refuse(place, format!("{error}: {MAKE_ANEW}"));
        }
    }
    reader.manifest
}

struct Reader<'a> {
    manifest: Manifest,
    lines: Lines<'a>,
    keys: KeyLines<'a>,
}

// === impl Reader ===

impl Reader<'_> {
    fn read_lock(&mut self, lock: &Lock) {
        let version = lock.version.as_ref().map(Value::to_string);
        let lists = lock.packages.is_some() || lock.dependencies.is_some();
        let place = self.lines.whole();
        Form { version: version.as_deref(), lists }.judge(&mut self.manifest, place.clone());
        match (&lock.packages, &lock.dependencies) {
            (Some(packages), _) => packages.iter().for_each(|(path, entry)| self.read_path(path, entry)),
            (None, Some(dependencies)) => self.read_tree(dependencies, 0),
            // Only the first version leaves out what is empty.
            (None, None) if version.as_deref().is_some_and(|version| matches!(version, "2" | "3")) => {
                self.manifest.refuse(place, format!("it has no `packages`: {MAKE_ANEW}"));
            }
            (None, None) => {}
        }
    }

    /// An entry by where it is installed. What is outside of `node_modules` is the project itself.
    fn read_path(&mut self, path: &str, entry: &Value) {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { return };
        if entry.get("link").and_then(Value::as_bool) == Some(true) {
            return;
        }
        // An alias says what it really is.
        let name = field(entry, "name").unwrap_or(name);
        self.take(path, name, entry);
    }

    fn read_tree(&mut self, dependencies: &Map<String, Value>, depth: usize) {
        if depth > DEPTH_MAX {
            let place = self.lines.whole();
            return self.manifest.refuse(place, format!("`dependencies` nest deeper than {DEPTH_MAX}"));
        }
        for (name, entry) in dependencies {
            match field(entry, "version").and_then(|version| version.strip_prefix("npm:")) {
                Some(alias) => {
                    let (real, version) = alias.rsplit_once('@').unwrap_or((alias, ""));
                    let mut entry = entry.clone();
                    entry["version"] = Value::from(version);
                    self.take(name, real, &entry);
                }
                None => self.take(name, name, entry),
            }
            if let Some(inner) = entry.get("dependencies").and_then(Value::as_object) {
                self.read_tree(inner, depth + 1);
            }
        }
    }

    fn take(&mut self, key: &str, name: &str, entry: &Value) {
        let place = self.keys.place(&self.lines, key);
        let Some(version) = field(entry, "version") else {
            return self.manifest.refuse(place, format!("`{name}` has no `version`"));
        };
        let address = field(entry, "resolved").unwrap_or_default();
        // Version 1 writes the address of what no registry has as its version.
        let elsewhere = [version, address].into_iter().find(|text| !from_registry(text));
        self.manifest.packages.push(Package {
            name: PackageName::new(Ecosystem::Npm, name),
            version: version.to_owned(),
            origin: elsewhere.map_or(Origin::Registry, |text| Origin::Elsewhere(text.to_owned())),
            licence: field(entry, "license").map(str::to_owned),
            hashes: field(entry, "integrity").map(str::to_owned).into_iter().collect(),
            place,
        });
    }
}

fn field<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

/// Every registry has its archives behind `/-/`; a version has no colon.
fn from_registry(text: &str) -> bool {
    !text.contains(':') || (text.starts_with("http") && text.contains("/-/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(text: &str) -> Vec<String> {
        let manifest = read("package-lock.json", text);
        assert_eq!(manifest.unread, []);
        let line = |one: Package| format!("{}@{} {}", one.name, one.version, one.origin == Origin::Registry);
        manifest.packages.into_iter().map(line).collect()
    }

    #[test]
    fn version_three_is_flat() {
        let text = "{\"packages\": {\n\"\": {\"name\": \"me\"},\n\"node_modules/a\": {\"version\": \"1.0.0\", \"license\": \"MIT\"},\n\
            \"node_modules/a/node_modules/@s/b\": {\"version\": \"2.0.0\", \"resolved\": \"https://example.org/@s/b/-/b-2.0.0.tgz\"},\n\
            \"node_modules/c\": {\"name\": \"real\", \"version\": \"3.0.0\", \"resolved\": \"git+ssh://example.org/c.git#ab\"},\n\
            \"node_modules/d\": {\"link\": true, \"resolved\": \"packages/d\"},\n\"packages/d\": {\"version\": \"0.0.0\"}},\n\"dependencies\": {}}";
        assert_eq!(packages(text), ["a@1.0.0 true", "@s/b@2.0.0 true", "real@3.0.0 false"]);
        assert_eq!(read("p", text).packages[1].place.span.unwrap().line, 4);
    }

    #[test]
    fn version_one_is_a_tree() {
        let text = r#"{"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}},
            "c": {"version": "npm:@s/real@3.0.0"}, "d": {"version": "github:x/d#ab"},
            "e": {"version": "https://example.org/e.tgz"}}}"#;
        assert_eq!(
            packages(text),
            [
                "a@1.0.0 true",
                "b@2.0.0 true",
                "@s/real@3.0.0 true",
                "d@github:x/d#ab false",
                "e@https://example.org/e.tgz false"
            ]
        );
    }

    #[test]
    fn strange_entries_cost_only_themselves() {
        let manifest =
            read("p", r#"{"packages": {"node_modules/a": {}, "node_modules/b": {"version": "1.0.0"}}}"#);
        assert_eq!((manifest.packages.len(), manifest.unread.len()), (1, 1));
        let deep = (0..100).fold("{}".to_owned(), |inner, _| {
            format!(r#"{{"a": {{"version": "1.0.0", "dependencies": {inner}}}}}"#)
        });
        assert!(!read("p", &format!(r#"{{"dependencies": {deep}}}"#)).unread.is_empty());
        assert_eq!(read("p", "[").unread.len(), 1);
    }
}
