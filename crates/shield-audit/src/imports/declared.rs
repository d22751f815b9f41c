//! Which distributions a project says it needs, by name only; versions are the dependency audit's.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use ruff_python_ast::{
    Expr,
    visitor::{Visitor, walk_expr},
};
use toml::{Table, Value};

use super::{
    files::{Files, join, text_at},
    layout::{Layout, manifest, texts, value_at},
    lists, syntax,
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
pub struct Declared {
    lists: BTreeMap<String, BTreeSet<String>>,
    /// What `tox.ini`, container files and scripts install: not what the project says it needs, but no module of it either.
    installed: BTreeSet<String>,
}

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
    /// Reads the lists of the project's folder and of its units: those of pip (also in a folder `requirements`, and what they and `setup.py` name), `pyproject.toml`, `setup.cfg`, the
    /// literals of `setup.py`, `Pipfile` and conda's `environment.yml`; and what `tox.ini`, container files and scripts install besides.
    pub fn read(files: &dyn Files, project: &str, layout: &Layout) -> Self {
        let mut declared = Self::default();
        for folder in iter::once(project).chain(layout.units.iter().map(String::as_str)) {
            declared.read_folder(files, folder);
        }
        declared.installed = lists::installed(files, project, &layout.starters)
            .iter()
            .filter_map(|word| name_of_requirement(word))
            .map(normal)
            .collect();
        declared
    }

    fn read_folder(&mut self, files: &dyn Files, project: &str) {
        let mut lists: Vec<String> = lists::pip(files, project);
        if let Some(table) = manifest(files, project) {
            self.add_manifest(&table, &join(project, "pyproject.toml"));
            let named = value_at(&table, &["tool", "setuptools", "dynamic", "dependencies", "file"]);
            lists.extend(named.into_iter().flat_map(texts).map(|name| join(project, &name)));
        }
        let setup = join(project, "setup.py");
        if let Some(text) = text_at(files, &setup) {
            let mut found = Lists { declared: self, file: &setup, named: Vec::new() };
            syntax::with_module(&text, |module, _| found.visit_body(&module.body));
            lists.extend(found.named.into_iter().map(|name| join(project, &name)));
        }
        for (path, requirement) in lists::lines(files, lists).into_iter().chain(lists::others(files, project))
        {
            self.add(&requirement, &path);
        }
    }

    /// Whether a distribution is declared anywhere.
    pub fn has(&self, distribution: &str) -> bool {
        self.lists.contains_key(&normal(distribution))
    }

    /// Whether a distribution is declared, or installed by a container file, a script or `tox.ini`.
    pub(super) fn asks_for(&self, distribution: &str) -> bool {
        self.has(distribution) || self.installed.contains(&normal(distribution))
    }

    /// Whether one of these distributions has a top-level module's name at its start or end: `google-cloud-storage` brings `google`.
    pub(super) fn may_bring(&self, top: &str) -> bool {
        let top = normal(top);
        let names = self.lists.keys().chain(&self.installed);
        let rest = |name: &String| {
            let behind = name.strip_prefix(&top).map(|rest| rest.is_empty() || rest.starts_with('-'));
            let before = name.strip_suffix(&top).map(|rest| rest.ends_with('-'));
            behind == Some(true) || before == Some(true)
        };
        !top.is_empty() && names.into_iter().any(rest)
    }

    /// Whether a project declares anything at all.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Every declared distribution with the files that declare it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.lists.iter().map(|(name, files)| (name.as_str(), files))
    }

    fn add(&mut self, requirement: &str, file: &str) {
        if let Some(name) = name_of_requirement(requirement) {
            self.lists.entry(normal(name)).or_default().insert(file.to_owned());
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

/// Every list of requirements in `setup.py`, and every file that it names as one: nothing else there is a list of texts in that form.
struct Lists<'a> {
    declared: &'a mut Declared,
    file: &'a str,
    /// Files of requirements that it names.
    named: Vec<String>,
}

// === impl Lists ===

impl<'a> Visitor<'a> for Lists<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::StringLiteral(literal) = expression {
            let text = literal.value.to_str();
            self.named.extend(lists::is_named_as_one(text).then(|| text.to_owned()));
        }
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
    use crate::imports::{files::Memory, layout::Surroundings};

    fn read(files: &Memory) -> Declared {
        Declared::read(files, "", &Layout::discover(files, &Surroundings::default()))
    }

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
        let declared = read(&files);
        let names: Vec<&str> = declared.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bcrypt", "discord-py", "httpx", "linkshield", "lxml", "redis", "uvicorn"]);
    }

    #[test]
    fn every_form_of_a_list_is_read() {
        for (file, text) in [
            ("requirements.in", "django>=4\n"),
            ("dev-requirements.txt", "Django\n"),
            ("requirements/base.in", "django\n"),
            ("Pipfile", "[packages]\ndjango = \"*\"\n"),
            ("environment.yml", "dependencies:\n  - python=3.11\n  - conda-forge::django=4.2\n"),
            ("environment.yaml", "dependencies:\n  - pip:\n    - \"django==4.2\"\n"),
            ("setup.cfg", "[options]\ninstall_requires =\n  x\n  django>=3\n"),
            ("setup.cfg", "[options.extras_require]\ndev = django; x\n"),
            ("tox.ini", "[testenv]\ndeps =\n  pytest\n  py38: django<5\n"),
            (
                "Dockerfile",
                "RUN apt-get update && \\\n  pip install --no-cache-dir \\\n  'django==4.2' && rm x\n",
            ),
            ("Dockerfile", "RUN [\"pip\", \"install\", \"django\"]\n"),
            ("start.sh", "python -m pip install -U django[argon2]\n"),
        ] {
            let declared = read(&Memory::new([(file, text)]));
            assert!(declared.asks_for("Django"), "{file} {text}");
            let list = !matches!(file, "tox.ini" | "Dockerfile" | "start.sh");
            assert_eq!(declared.has("django"), list, "{file}");
        }
        let named = Memory::new([
            ("setup.py", "setup(install_requires=open('reqs.list').read().split())\n"),
            ("reqs.list", "-r more/others\n"),
            ("more/others", "django\n-r ../reqs.list\n"),
        ]);
        assert!(read(&named).has("django"));
        let brought = read(&Memory::new([("requirements.txt", "google-cloud-storage\n")]));
        assert_eq!(
            ["google", "storage", "goog", "cloud"].map(|top| brought.may_bring(top)),
            [true, true, false, false]
        );
    }

    #[test]
    fn import_names_are_known() {
        assert!(IMPORTED_AS.is_sorted());
        assert_eq!(distribution_of("yaml"), "pyyaml");
        assert_eq!(distribution_of("typing_extensions"), "typing-extensions");
    }
}
