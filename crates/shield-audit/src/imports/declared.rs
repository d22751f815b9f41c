//! Which distributions a project says it needs, by name only; versions are the dependency audit's.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{
    Expr,
    visitor::{Visitor, walk_expr},
};
use toml::{Table, Value};

use super::{
    files::{EntryKind, Files, join, text_at},
    layout::{manifest, texts, value_at},
    syntax,
};

/// Names under which well-known distributions are imported, where the two differ. Only what is not installed is looked up here.
const IMPORTED_AS: [(&str, &str); 24] = [
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("discord", "discord-py"),
    ("dns", "dnspython"),
    ("dotenv", "python-dotenv"),
    ("factory", "factory-boy"),
    ("git", "gitpython"),
    ("google", "google-api-core"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("magic", "python-magic"),
    ("multipart", "python-multipart"),
    ("paddle_billing", "paddle-python-sdk"),
    ("pkg_resources", "setuptools"),
    ("psycopg2", "psycopg2-binary"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("telegram", "python-telegram-bot"),
    ("yaml", "pyyaml"),
];

/// The distributions that a project declares, by normalised name, each with the files that do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(BTreeMap<String, BTreeSet<String>>);

/// A distribution's name as PEP 503 compares them.
pub(super) fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// The distribution that most likely brings a top-level module.
pub(super) fn distribution_of(top: &str) -> String {
    let known = IMPORTED_AS.binary_search_by(|(import, _)| (*import).cmp(top));
    known.map_or_else(|_| normal(top), |at| IMPORTED_AS[at].1.to_owned())
}

/// The name at the start of a requirement as PEP 508 writes it.
fn name_of_requirement(text: &str) -> Option<&str> {
    let text = text.trim();
    let end = text
        .find(|next: char| !(next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '.')))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let starts = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let follows = rest.is_empty() || rest.starts_with(['[', '<', '>', '=', '!', '~', ';', '@', '#', '(']);
    (starts && follows).then_some(name)
}

// === impl Declared ===

impl Declared {
    /// Reads `requirements*.txt` (also in a folder `requirements`), `pyproject.toml` and the literals of `setup.py`.
    pub fn read(files: &dyn Files, project: &str) -> Self {
        let mut declared = Self::default();
        for folder in [project.to_owned(), join(project, "requirements")] {
            for entry in files.list(&folder).unwrap_or_default() {
                let lists = entry.name.starts_with("requirements") || folder != project;
                if entry.kind == EntryKind::File && lists && entry.name.ends_with(".txt") {
                    let path = join(&folder, &entry.name);
                    for line in text_at(files, &path).unwrap_or_default().lines() {
                        declared.add(line, &path);
                    }
                }
            }
        }
        if let Some(table) = manifest(files, project) {
            declared.add_manifest(&table, &join(project, "pyproject.toml"));
        }
        let setup = join(project, "setup.py");
        if let Some(text) = text_at(files, &setup) {
            let mut lists = Lists { declared: &mut declared, file: &setup };
            syntax::with_module(&text, |module, _| lists.visit_body(&module.body));
        }
        declared
    }

    /// Whether a distribution is declared anywhere.
    pub fn has(&self, distribution: &str) -> bool {
        self.0.contains_key(&normal(distribution))
    }

    /// Whether a project declares anything at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every declared distribution with the files that declare it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.0.iter().map(|(name, files)| (name.as_str(), files))
    }

    fn add(&mut self, requirement: &str, file: &str) {
        if let Some(name) = name_of_requirement(requirement) {
            self.0.entry(normal(name)).or_default().insert(file.to_owned());
        }
    }

    fn add_manifest(&mut self, table: &Table, file: &str) {
        let mut lists: Vec<&Value> = Vec::new();
        lists.extend(value_at(table, &["project", "dependencies"]));
        lists.extend(value_at(table, &["build-system", "requires"]));
        for groups in [&["project", "optional-dependencies"][..], &["dependency-groups"]] {
            lists.extend(
                value_at(table, groups)
                    .and_then(Value::as_table)
                    .into_iter()
                    .flat_map(|groups| groups.values()),
            );
        }
        for requirement in lists.into_iter().flat_map(texts) {
            self.add(&requirement, file);
        }
        let groups = value_at(table, &["tool", "poetry", "group"]).and_then(Value::as_table);
        let groups = groups
            .into_iter()
            .flat_map(|groups| groups.values())
            .filter_map(|group| group.get("dependencies"));
        let old = ["dependencies", "dev-dependencies"]
            .into_iter()
            .filter_map(|key| value_at(table, &["tool", "poetry", key]));
        for name in groups
            .chain(old)
            .filter_map(Value::as_table)
            .flat_map(Table::keys)
            .filter(|name| *name != "python")
        {
            self.add(name, file);
        }
    }
}

/// Every list of requirements in `setup.py`: nothing else there is a list of texts in that form.
struct Lists<'a> {
    declared: &'a mut Declared,
    file: &'a str,
}

// === impl Lists ===

impl<'a> Visitor<'a> for Lists<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::List(list) = expression {
            let texts = list
                .elts
                .iter()
                .filter_map(Expr::as_string_literal_expr)
                .map(|literal| literal.value.to_str());
            let requirements: Vec<&str> = texts.collect();
            // Classifiers and keywords are lists too, but hold no version.
            if requirements.iter().any(|text| text.contains(['>', '=', '~', '<']) && !text.contains("::")) {
                requirements.iter().for_each(|requirement| self.declared.add(requirement, self.file));
            }
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    #[test]
    fn all_lists_are_read() {
        let files = Memory::new([
            (
                "requirements-dev.txt",
                "# c\nuvicorn[standard]\nDiscord.py>=2 ; x\n-r other.txt\ngit+https://x/y\na b\n",
            ),
            (
                "pyproject.toml",
                "[project]\ndependencies = ['httpx>=1']\n[project.optional-dependencies]\nx = ['redis']\n[tool.poetry.dependencies]\npython = '3'\nlxml = '*'\n",
            ),
            (
                "setup.py",
                "R = ['bcrypt>=4']\nsetup(classifiers=['A :: B'], entry_points={'c': ['linkshield=x:main']}, install_requires=R)\n",
            ),
        ]);
        let declared = Declared::read(&files, "");
        let names: Vec<&str> = declared.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bcrypt", "discord-py", "httpx", "linkshield", "lxml", "redis", "uvicorn"]);
    }

    #[test]
    fn import_names_are_known() {
        assert!(IMPORTED_AS.is_sorted());
        assert_eq!(distribution_of("yaml"), "pyyaml");
        assert_eq!(distribution_of("typing_extensions"), "typing-extensions");
    }
}
