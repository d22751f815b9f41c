//! Installed modules that the project's texts name: who hands a text to a framework, a loader or a shell imports what it says.
//!
//! A text counts if it is as a whole a dotted name, an entry point (`a.b:c`) or a program of an installed distribution; of a command its
//! words count where programs and modules stand. Prose does not. All files of the project are looked at that can hold such texts, tests
//! and lists of what to install apart: Python, settings, notebooks, container and workflow files, scripts. Only names are looked up,
//! so that it costs one pass over texts that are read anyway.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use toml::{Table, Value};

use super::{
    commands::{self, Names},
    distributions::Distributions,
    dynamic::dotted,
    extract,
    files::{Files, name_of},
    inventory::{Home, Inventory, ModuleId, Unread},
    layout::value_at,
    opening,
};
use crate::reachability::quoted;

/// Longer texts are no names.
const NAME_BYTES_MAX: usize = 300;

/// How a file names modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Python that is read as such.
    Python,
    /// Something that has Python's statements in it.
    Statements,
    /// Texts in quotes.
    Quoted,
    /// A setting a line.
    Settings,
    /// Commands, in which every word may be a program.
    Commands,
    /// `pyproject.toml`.
    Manifest,
    /// A program without an ending, if it begins as one.
    Program,
}

/// What says what to install, or is for tools of developers.
const NOT_READ: [&str; 14] = [
    ".pre-commit-config.yaml",
    ".pre-commit-config.yml",
    "composer.json",
    "dependabot.yml",
    "environment.yaml",
    "environment.yml",
    "meta.yaml",
    "mypy.ini",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "pyrightconfig.json",
    "pytest.ini",
    "ruff.toml",
];
/// Tables of `pyproject.toml` that are for builds and tools of developers.
const TOOLS: [&str; 24] = [
    "bandit",
    "black",
    "cibuildwheel",
    "commitizen",
    "coverage",
    "deptry",
    "flake8",
    "flit",
    "hatch",
    "isort",
    "mypy",
    "pdm",
    "pixi",
    "poetry",
    "pydocstyle",
    "pylint",
    "pyright",
    "pytest",
    "ruff",
    "semantic_release",
    "setuptools",
    "towncrier",
    "tox",
    "uv",
];

/// What the project's texts lead to.
#[derive(Debug, Default)]
pub struct Named {
    /// Installed modules, each once, in the order of the inventory.
    pub modules: Vec<ModuleId>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Whether a file may name modules.
pub(super) fn may_name(name: &str) -> bool {
    form(name).is_some()
}

fn form(name: &str) -> Option<Form> {
    if NOT_READ.contains(&name) {
        return None;
    }
    let container = name.contains("Dockerfile") || name.contains("Containerfile");
    match name {
        "pyproject.toml" => return Some(Form::Manifest),
        "Procfile" | "Makefile" | "justfile" | "tox.ini" | "setup.cfg" => return Some(Form::Commands),
        _ if container || name.starts_with(".env") => return Some(Form::Commands),
        _ => {}
    }
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        None => Some(Form::Program),
        Some("py" | "pyw") => Some(Form::Python),
        Some("pyx" | "pxd" | "pxi" | "ipynb") => Some(Form::Statements),
        Some("json" | "jsonc" | "json5" | "xml" | "tf" | "hcl" | "nix") => Some(Form::Quoted),
        Some("yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "properties" | "env") => Some(Form::Settings),
        Some("sh" | "bash" | "zsh" | "mk" | "service" | "bat" | "cmd" | "ps1") => Some(Form::Commands),
        Some(_) => None,
    }
}

/// Looks at these files of the project. Which ones are modules that the graph reads itself is said by `modules`.
pub fn named(
    files: &dyn Files,
    paths: &[&str],
    (inventory, modules): (&Inventory, &BTreeSet<&str>),
    distributions: &Distributions,
) -> Named {
    let installed = || inventory.modules().filter(|(_, module)| module.home == Home::Site).map(|(id, _)| id);
    if installed().next().is_none() {
        return Named::default();
    }
    let known = &Known::of(inventory, distributions);
    let look = |path: &&str| match files.read(path) {
        Ok(bytes) => Ok(known.look(path, &String::from_utf8_lossy(&bytes), modules.contains(path))),
        Err(error) => Err(Unread { path: (*path).to_owned(), reason: error.to_string() }),
    };
    let looked: Vec<Result<Found<'_>, Unread>> = paths.par_iter().map(look).collect();
    let mut named = Named::default();
    let (mut found, mut everything) = (BTreeSet::new(), false);
    for one in looked {
        match one {
            Ok(one) => {
                found.extend(one.modules);
                everything |= one.everything;
            }
            Err(unread) => named.unread.push(unread),
        }
    }
    named.modules = if everything { installed().collect() } else { found.into_iter().collect() };
    named
}

/// What can be named.
struct Known<'a> {
    inventory: &'a Inventory,
    /// The modules of programs by name.
    programs: HashMap<&'a str, Vec<&'a str>>,
}

/// What one text names.
struct Found<'a> {
    known: &'a Known<'a>,
    modules: BTreeSet<ModuleId>,
    /// It loads what only the running program knows.
    everything: bool,
}

// === impl Known ===

impl<'a> Known<'a> {
    fn of(inventory: &'a Inventory, distributions: &'a Distributions) -> Self {
        let mut programs: HashMap<&str, Vec<&str>> = HashMap::new();
        for distribution in distributions.iter() {
            for (name, module) in &distribution.programs {
                programs.entry(name).or_default().push(module);
            }
        }
        Self { inventory, programs }
    }

    fn look(&'a self, path: &str, text: &str, of_graph: bool) -> Found<'a> {
        let mut found = Found { known: self, modules: BTreeSet::new(), everything: false };
        let name = name_of(path);
        let form = match form(name) {
            Some(Form::Program) if !text.starts_with("#!") => return found,
            Some(Form::Program) if text.lines().next().is_some_and(|line| line.contains("python")) => {
                Form::Python
            }
            Some(Form::Program) => Form::Commands,
            Some(form) => form,
            None => return found,
        };
        commands::run_modules(text, &mut found);
        match form {
            Form::Python => found.python(text, name == "setup.py"),
            Form::Manifest => found.manifest(text),
            Form::Settings => commands::settings(text, &mut found),
            Form::Commands => commands::commands(text, true, &mut found),
            Form::Quoted | Form::Statements | Form::Program => {}
        }
        if matches!(form, Form::Quoted | Form::Statements | Form::Settings | Form::Commands) {
            quoted(text).for_each(|text| found.text(text));
        }
        if !of_graph && form != Form::Manifest {
            commands::imports(text, &mut found);
        }
        if !of_graph {
            found.everything = match form {
                Form::Python => opening::is_open(text),
                Form::Statements => opening::may_be_open(text),
                _ => false,
            };
        }
        found
    }
}

// === impl Found ===

impl Found<'_> {
    /// The texts of a module of Python. Of `setup.py` only entry points: the others say what to install.
    fn python(&mut self, text: &str, setup: bool) {
        for text in extract::texts(text) {
            if !setup || (text.contains(':') && text.contains('=')) {
                self.text(&text);
            }
            if text.contains("import") && text.contains(char::is_whitespace) {
                commands::imports(&text, self);
            }
        }
    }

    /// A text in quotes: a name, or a command.
    fn text(&mut self, text: &str) {
        match text.trim().contains(char::is_whitespace) {
            false => self.whole(text),
            true => {
                if let Some((_, target)) = text.split_once('=').filter(|(_, target)| target.contains(':')) {
                    self.whole(target);
                }
                commands::commands(text, false, self);
            }
        }
    }

    /// What a manifest starts or offers, and what is said to tools that run with the project.
    fn manifest(&mut self, text: &str) {
        let Ok(table) = text.parse::<Table>() else { return commands::settings(text, self) };
        for keys in [
            &["project", "scripts"][..],
            &["project", "gui-scripts"],
            &["project", "entry-points"],
            &["tool", "poetry", "scripts"],
            &["tool", "poetry", "plugins"],
        ] {
            value_at(&table, keys).into_iter().for_each(|value| self.value(value));
        }
        let tools = value_at(&table, &["tool"]).and_then(Value::as_table).into_iter().flatten();
        for (_, value) in tools.filter(|(name, _)| !TOOLS.contains(&name.as_str())) {
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(values) => values.iter().for_each(|value| self.value(value)),
            Value::Table(values) => values.iter().for_each(|(key, value)| {
                self.whole(key);
                self.value(value);
            }),
            _ => {}
        }
    }

    /// The longest beginning of a dotted name that is an installed module.
    fn longest(&mut self, name: &str) {
        let inventory = self.known.inventory;
        let mut rest = Some(name);
        while let Some(name) = rest {
            if let Some(id) = inventory.find(name) {
                self.modules.extend((inventory.module(id).home == Home::Site).then_some(id));
                return;
            }
            rest = name.rsplit_once('.').map(|(before, _)| before);
        }
    }
}

impl Names for Found<'_> {
    fn whole(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            return;
        }
        self.program(text);
        for part in text.split([':', '#', '+']) {
            match part.strip_suffix('.').or_else(|| part.strip_suffix(".*")) {
                // The beginning of names that are put together.
                Some(package) if dotted(package) => {
                    let inventory = self.known.inventory;
                    let below = format!("{package}.");
                    let installed =
                        inventory.below(&below).filter(|id| inventory.module(*id).home == Home::Site);
                    self.modules.extend(installed);
                    self.longest(package);
                }
                _ => self.module(part),
            }
        }
    }

    fn module(&mut self, name: &str) {
        if name.len() <= NAME_BYTES_MAX && !name.starts_with('.') && dotted(name) {
            self.longest(name);
        }
    }

    fn program(&mut self, name: &str) {
        let modules = self.known.programs.get(name_of(name));
        for module in modules.into_iter().flatten() {
            self.longest(module);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::{Layout, Memory, PythonVersion, Surroundings};

    /// The installed modules that a file of a project names.
    fn named_by(path: &str, text: &str) -> Vec<String> {
        let site = [
            ("/s/vuln/__init__.py", ""),
            ("/s/vuln/__main__.py", ""),
            ("/s/vuln/backends.py", ""),
            ("/s/vuln/cli.py", ""),
            ("/s/plain.py", ""),
            ("/s/vuln-1.dist-info/entry_points.txt", "[console_scripts]\nvuln-cmd = vuln.cli:main\n"),
        ];
        let path = format!("/p/{path}");
        let files = Memory::new(site.into_iter().chain([(path.as_str(), text)]));
        let site_packages = vec!["/s".to_owned()];
        let around = Surroundings { project: "/p".to_owned(), site_packages, ..Surroundings::default() };
        let layout = Layout::discover(&files, &around);
        let inventory = Inventory::read(&files, &layout.roots, PythonVersion(12));
        let distributions = Distributions::read(&files, &around.site_packages);
        let texts: Vec<&str> = layout.texts.iter().map(String::as_str).collect();
        let modules = layout.sources.iter().map(String::as_str).collect();
        let named = named(&files, &texts, (&inventory, &modules), &distributions);
        named.modules.iter().map(|id| inventory.module(*id).name.to_string()).collect()
    }

    #[test]
    fn texts_that_are_names_count() {
        for (path, text) in [
            ("a.py", "B = 'vuln.backends.X'"),
            ("a.py", "f(b'vuln.backends:X')"),
            ("a.py", "x = f'vuln.backends.{y}'"),
            ("c.yaml", "backend: vuln.backends\n"),
            ("c.yml", "all:\n  - vuln.backends.X: 1\n"),
            ("c.yml", "all: [a, vuln.backends.X]\n"),
            ("log.ini", "[handler_h]\nclass=vuln.backends.Handler\n"),
            ("c.json", r#"{"a": "vuln.backends:X"}"#),
            (".env", "BACKEND=vuln.backends\n"),
            ("c.toml", "a = \"vuln.backends\"\n"),
            ("pyproject.toml", "[project.scripts]\nx = \"vuln.backends:f\"\n"),
            ("pyproject.toml", "[tool.own]\nx = \"vuln.backends:f\"\n"),
            ("setup.py", "setup(entry_points={'console_scripts': ['x = vuln.backends:f']})"),
            ("run.sh", "gunicorn -k vuln.backends.X a:app\n"),
            ("Procfile", "web: gunicorn --worker-class=vuln.backends.X a:app\n"),
        ] {
            assert_eq!(named_by(path, text), ["vuln.backends"], "{path}: {text}");
        }
    }

    #[test]
    fn commands_start_modules_and_programs() {
        for (path, text) in [
            ("a.py", "subprocess.run(['vuln-cmd', x])"),
            ("a.py", "os.system('cd x && vuln-cmd x')"),
            ("Dockerfile", "CMD [\"/venv/bin/vuln-cmd\"]\n"),
            ("compose.yaml", "a:\n  command: vuln-cmd serve\n"),
            ("k.yaml", "command: [sh, -c, \"exec vuln-cmd\"]\n"),
            (".github/workflows/x.yml", "    - run: |\n        vuln-cmd x\n"),
            ("deploy/x.service", "ExecStart=/srv/bin/vuln-cmd x\n"),
            ("bin/run", "#!/bin/sh\nexec vuln-cmd\n"),
        ] {
            assert_eq!(named_by(path, text), ["vuln.cli"], "{path}: {text}");
        }
        for (path, text) in [
            ("a.py", "subprocess.run([sys.executable, '-m', 'vuln'])"),
            ("Makefile", "run:\n\tpython -m vuln\n"),
            (".github/workflows/x.yml", "    - run: python -m vuln\n"),
            ("k.yaml", "command: [\"python\", \"-m\", \"vuln\"]\n"),
        ] {
            assert_eq!(named_by(path, text), ["vuln", "vuln.__main__"], "{path}: {text}");
        }
    }

    #[test]
    fn statements_count_where_no_module_is_read() {
        for (path, text) in [
            ("m.pyx", "cimport numpy\nfrom plain import f\n"),
            ("a.ipynb", r#"{"source": ["import plain\n"]}"#),
            ("run.sh", "python -c \"import plain; plain.f()\"\n"),
            ("bin/tool", "#!/usr/bin/env python3\nimport plain\n"),
            (".hidden/a.py", "import plain\n"),
            ("a.py", "exec('import plain')\n"),
        ] {
            assert_eq!(named_by(path, text), ["plain"], "{path}: {text}");
        }
    }

    #[test]
    fn what_is_unknown_there_is_everything() {
        for (path, text) in [
            ("m.pyx", "__import__(x)\n"),
            ("a.ipynb", "{\"source\": [\"exec(x)\"]}"),
            ("bin/t", "#!python\nexec(x)"),
        ] {
            assert_eq!(named_by(path, text).len(), 5, "{path}: {text}");
        }
    }

    #[test]
    fn prose_and_lists_of_packages_do_not() {
        for (path, text) in [
            ("a.py", "'''Use plain texts, or vuln.backends of it.'''  # plain\n"),
            ("setup.py", "setup(install_requires=['plain', 'vuln==1'])"),
            ("pyproject.toml", "[project]\ndependencies = ['plain']\n[tool.mypy]\nplugins = ['vuln']\n"),
            ("requirements.txt", "plain\n"),
            ("package.json", r#"{"dependencies": {"plain": "1"}}"#),
            ("Dockerfile", "RUN pip install -U \\\n  plain vuln-cmd\n"),
            ("README.md", "`plain`\n"),
            ("node_modules/a/c.yml", "a: plain\n"),
            (".venv/lib/site-packages/a/c.yml", "a: plain\n"),
        ] {
            assert_eq!(named_by(path, text), [""; 0], "{path}: {text}");
        }
    }
}
