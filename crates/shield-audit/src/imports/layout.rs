//! Where a project's modules lie: its search path, from what its settings say and how its folders look.

use std::collections::{HashMap, VecDeque};

use ruff_python_ast::Stmt;
use serde::Serialize;
use toml::{Table, Value};

use super::{
    environment::may_set_variables,
    files::{EntryKind, Files, folder_of, join, text_at},
    ini::{self, Section},
    inventory::{Home, SearchRoot, Unread},
    named::may_name,
    own_path::normal,
    syntax,
    units::{is_within, marks_unit},
};

/// Folders that hold nothing of the project.
const NOT_OURS: [&str; 6] =
    ["node_modules", "__pycache__", "site-packages", "dist-packages", "__pypackages__", ".git"];
/// Folders that hold no code of the project, as hidden ones do not, whatever else they hold.
const BUILT: [&str; 2] = ["build", "dist"];

/// What the search path is made from.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The project's folder.
    pub project: String,
    /// Folders of `PYTHONPATH`, in its order.
    pub python_path: Vec<String>,
    /// Folders with installed distributions.
    pub site_packages: Vec<String>,
}

/// A project's search path, and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The search path, in order, without the standard library, which comes before the first installed folder.
    pub roots: Vec<SearchRoot>,
    /// Why each folder of the project is on it.
    pub reasons: Vec<RootReason>,
    /// The project's files of Python.
    pub sources: Vec<String>,
    /// Its files that may name modules in their texts, those of Python among them, also where no code of the project is looked for.
    pub texts: Vec<String>,
    /// Folders below the project's in which something is built or started by itself.
    pub units: Vec<String>,
    /// Files that may start programs and set their variables.
    pub starters: Vec<String>,
    /// Files that say what git leaves out.
    pub ignores: Vec<String>,
    /// Modules that installed `.pth` files import at every start.
    pub at_start: Vec<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Why a folder is on the search path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootReason {
    /// The folder.
    pub folder: String,
    /// What says so.
    pub reason: String,
}

/// A project's `pyproject.toml`.
pub(super) fn manifest(files: &dyn Files, project: &str) -> Option<Table> {
    text_at(files, &join(project, "pyproject.toml"))?.parse().ok()
}

/// A value in nested tables.
pub(super) fn value_at<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

/// The sections of a settings file of the project.
pub(super) fn sections_of(files: &dyn Files, project: &str, name: &str) -> Vec<Section> {
    text_at(files, &join(project, name)).map(|text| ini::sections(&text)).unwrap_or_default()
}

/// The `pythonpath` that pytest would follow, and the file that says it. As pytest does: a `pytest.ini` counts alone, even when it is empty.
pub(super) fn pytest_path(files: &dyn Files, project: &str) -> Option<(String, Vec<String>)> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for name in ["pytest.ini", ".pytest.ini"] {
        if files.read(&join(project, name)).is_ok() {
            let sections = sections_of(files, project, name);
            let section = sections.iter().find(|section| section.name == "pytest");
            return section
                .and_then(|section| section.get("pythonpath"))
                .map(|value| (name.to_owned(), words(value)));
        }
    }
    if let Some(options) = manifest(files, project)
        .as_ref()
        .and_then(|table| value_at(table, &["tool", "pytest", "ini_options"]))
    {
        let value = options.get("pythonpath")?;
        return Some(("pyproject.toml".to_owned(), value.as_str().map_or_else(|| texts(value), words)));
    }
    for (name, section) in [("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")] {
        let sections = sections_of(files, project, name);
        if let Some(section) = sections.iter().find(|found| found.name == section) {
            return section.get("pythonpath").map(|value| (name.to_owned(), words(value)));
        }
    }
    None
}

/// The strings of an array, or the one string.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    }
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether modules of the project may lie here.
    code: bool,
}

/// A walk over a project's folders, each of which it enters once: what links lead to after all that has no link in its path.
struct Walk<'a> {
    files: &'a dyn Files,
    project: &'a str,
    /// The folders that were entered, by their paths without links, and whether modules may lie there.
    seen: HashMap<String, bool>,
    /// Links that were met: the path of each, where it leads, and what is known of the place.
    links: VecDeque<(String, String, Place)>,
}

/// Where a folder lies that a text of the project names.
enum Named {
    /// In the project: its path without links.
    Inside(String),
    /// It would lie there, but is not there.
    Nowhere,
    /// It is somebody else's.
    Outside,
}

// === impl Named ===

impl Named {
    /// Looks for the folder at `path`, which has no `..`.
    fn of(files: &dyn Files, project: &str, path: &str) -> Self {
        if !is_within(path, project) {
            return Self::Outside;
        }
        let mut folder = project.to_owned();
        let names = path.strip_prefix(project).unwrap_or_default().split('/');
        for name in names.filter(|name| !name.is_empty()) {
            let entries = files.list(&folder).unwrap_or_default();
            let found = entries.into_iter().find(|entry| entry.name == name);
            let Some(found) = found.filter(|entry| entry.kind == EntryKind::Folder) else {
                return Self::Nowhere;
            };
            folder = found.link.unwrap_or_else(|| join(&folder, name));
        }
        if is_within(&folder, project) { Self::Inside(folder) } else { Self::Outside }
    }
}

// === impl Layout ===

impl Layout {
    /// Reads a project's settings and lists its files.
    pub fn discover(files: &dyn Files, around: &Surroundings) -> Self {
        let mut layout = Self {
            roots: Vec::new(),
            reasons: Vec::new(),
            sources: Vec::new(),
            texts: Vec::new(),
            units: Vec::new(),
            starters: Vec::new(),
            ignores: Vec::new(),
            at_start: Vec::new(),
            unread: Vec::new(),
        };
        let project = &around.project;
        if let Some((file, folders)) = pytest_path(files, project) {
            for folder in folders {
                layout.add_project(files, project, &folder, &format!("`pythonpath` in `{file}`"));
            }
        }
        for (folder, reason) in packaged(files, project) {
            layout.add_project(files, project, &folder, &reason);
        }
        // A package of this name is imported by it.
        if files.read(&join(project, "src/__init__.py")).is_err() {
            layout.add_project(files, project, "src", "a folder `src`");
        }
        for folder in &around.python_path {
            layout.add(files, folder.clone(), Home::Project, "`PYTHONPATH`");
        }
        layout.add(files, project.clone(), Home::Project, "the project's folder");
        for folder in &around.site_packages {
            layout.add(files, folder.clone(), Home::Site, "installed distributions");
            layout.add_paths(files, project, folder);
        }
        layout.walk_all(&mut Walk { files, project, seen: HashMap::new(), links: VecDeque::new() });
        layout.sources.sort();
        layout.texts.sort();
        layout.texts.dedup();
        layout
    }

    fn add_project(&mut self, files: &dyn Files, project: &str, folder: &str, reason: &str) {
        match Named::of(files, project, &normal(project, folder)) {
            Named::Inside(folder) => self.add(files, folder, Home::Project, reason),
            Named::Nowhere => {}
            Named::Outside => self.leave_out(".", &format!("{reason} names")),
        }
    }

    /// Says that a folder is no root, because of where it lies.
    fn leave_out(&mut self, path: &str, named: &str) {
        let reason = format!("{named} a folder outside of the audited directory");
        self.unread.push(Unread { path: path.to_owned(), reason });
    }

    fn add(&mut self, files: &dyn Files, folder: String, home: Home, reason: &str) {
        if self.roots.iter().any(|root| root.folder == folder) || files.list(&folder).is_err() {
            return;
        }
        if home == Home::Project {
            self.reasons.push(RootReason { folder: folder.clone(), reason: reason.to_owned() });
        }
        self.roots.push(SearchRoot { folder, home });
    }

    /// Follows the `.pth` files of a folder with installed distributions. One that lies in the project is a text of it, which leads
    /// nowhere outside.
    fn add_paths(&mut self, files: &dyn Files, project: &str, site: &str) {
        let ours = is_within(site, project);
        let entries = files.list(site).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.name.ends_with(".pth")) {
            let file = join(site, &entry.name);
            for line in text_at(files, &file).unwrap_or_default().lines() {
                match line.trim_end() {
                    "" => {}
                    comment if comment.starts_with('#') => {}
                    code if code.starts_with("import ") || code.starts_with("import\t") => {
                        self.at_start.extend(syntax::with_module(code, |module, _| imported(&module.body)));
                    }
                    path if !ours => self.add(files, normal(site, path), Home::Site, ".pth"),
                    path => match Named::of(files, project, &normal(site, path)) {
                        Named::Inside(folder) => self.add(files, folder, Home::Site, ".pth"),
                        Named::Nowhere => {}
                        Named::Outside => self.leave_out(&file, "it names"),
                    },
                }
            }
        }
    }

    fn walk_all(&mut self, walk: &mut Walk<'_>) {
        self.walk(walk, (walk.project, walk.project), Place { depth: 0, code: true });
        while let Some((path, target, place)) = walk.links.pop_front() {
            // What lies in the project is told under its own name.
            let inside = is_within(&target, walk.project);
            let installed = || target.split('/').any(|name| NOT_OURS.contains(&name));
            if !(inside && installed()) {
                self.walk(walk, (if inside { &target } else { &path }, &target), place);
            }
        }
    }

    /// Lists what lies in a folder, which has another path without links.
    fn walk(&mut self, walk: &mut Walk<'_>, (folder, real): (&str, &str), place: Place) {
        let before = walk.seen.get(real);
        if before.is_some_and(|code| *code || !place.code) {
            return;
        }
        walk.seen.insert(real.to_owned(), place.code);
        let entries = match walk.files.list(folder) {
            Ok(entries) if place.depth <= 64 => entries,
            Ok(_) => {
                return self.unread.push(Unread {
                    path: folder.to_owned(),
                    reason: "more than 64 folders deep".to_owned(),
                });
            }
            Err(error) => {
                return self.unread.push(Unread { path: folder.to_owned(), reason: error.to_string() });
            }
        };
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        // Only where no code is looked for: a tag must hide none.
        let cache = !place.code && has("CACHEDIR.TAG");
        if (has("pyvenv.cfg") || cache) && place.depth > 0 {
            return;
        }
        if place.code && place.depth > 0 && entries.iter().any(|entry| marks_unit(&entry.name)) {
            self.units.push(folder.to_owned());
        }
        for entry in entries {
            let path = join(folder, &entry.name);
            match entry.kind {
                EntryKind::Folder if NOT_OURS.contains(&entry.name.as_str()) => {}
                EntryKind::Folder => {
                    let built = entry.name.starts_with('.') || BUILT.contains(&entry.name.as_str());
                    let place = Place { depth: place.depth + 1, code: place.code && !built };
                    match entry.link {
                        Some(target) => walk.links.push_back((path, target, place)),
                        None => self.walk(walk, (&path, &join(real, &entry.name)), place),
                    }
                }
                EntryKind::File => {
                    if place.code && entry.name.ends_with(".py") {
                        self.sources.push(path.clone());
                    }
                    if may_name(&entry.name) {
                        self.texts.push(path.clone());
                    }
                    if place.code && may_set_variables(&entry.name) {
                        self.starters.push(path);
                    } else if place.code && entry.name == ".gitignore" {
                        self.ignores.push(path);
                    }
                }
            }
        }
    }
}

/// Folders from which the project's own packages are built, with what says so.
pub(super) fn packaged(files: &dyn Files, project: &str) -> Vec<(String, String)> {
    let mut folders = Vec::new();
    if let Some(table) = manifest(files, project) {
        let mut from = |value: Option<&Value>, reason: &str| {
            let found = value.map(texts).unwrap_or_default();
            folders.extend(found.into_iter().map(|folder| (folder, format!("{reason} in `pyproject.toml`"))));
        };
        from(value_at(&table, &["tool", "setuptools", "package-dir", ""]), "`package-dir`");
        from(value_at(&table, &["tool", "setuptools", "packages", "find", "where"]), "`packages.find.where`");
        from(value_at(&table, &["tool", "maturin", "python-source"]), "`tool.maturin.python-source`");
        from(value_at(&table, &["tool", "uv", "build-backend", "module-root"]), "uv's `module-root`");
        from(value_at(&table, &["tool", "pdm", "build", "package-dir"]), "`tool.pdm.build.package-dir`");
        from(
            value_at(&table, &["tool", "hatch", "build", "targets", "wheel", "sources"]),
            "hatch's `sources`",
        );
        for package in
            value_at(&table, &["tool", "poetry", "packages"]).and_then(Value::as_array).into_iter().flatten()
        {
            from(package.get("from"), "`tool.poetry.packages`");
            // Built into another folder, it is found below that.
            let moved =
                package.get("include").and_then(Value::as_str).filter(|_| package.get("to").is_some());
            let folder = moved.map(|package| Value::from(folder_of(package)));
            from(folder.as_ref(), "`tool.poetry.packages`");
        }
        for keys in [
            &["tool", "hatch", "build", "targets", "wheel", "packages"][..],
            &["tool", "scikit-build", "wheel", "packages"],
        ] {
            let packages = value_at(&table, keys).map(texts).unwrap_or_default();
            let reason = format!("`{}` in `pyproject.toml`", keys.join("."));
            folders.extend(packages.iter().map(|package| (folder_of(package).to_owned(), reason.clone())));
        }
    }
    for section in sections_of(files, project, "setup.cfg") {
        let value = match section.name.as_str() {
            "options" => {
                section.get("package_dir").and_then(|value| Some(value.trim().strip_prefix('=')?.trim()))
            }
            "options.packages.find" => section.get("where"),
            _ => None,
        };
        folders.extend(value.map(|folder| (folder.to_owned(), "`setup.cfg`".to_owned())));
    }
    folders.extend(
        setup_folder(files, project).map(|folder| (folder, "`package_dir` in `setup.py`".to_owned())),
    );
    folders
}

/// `package_dir={"": "src"}` in a call of `setup.py`.
fn setup_folder(files: &dyn Files, project: &str) -> Option<String> {
    let text = text_at(files, &join(project, "setup.py"))?;
    syntax::with_module(&text, |module, _| module.body.iter().find_map(folder_in))
}

fn folder_in(statement: &Stmt) -> Option<String> {
    let call = statement.as_expr_stmt()?.value.as_call_expr()?;
    let folders = call.arguments.find_keyword("package_dir")?.value.as_dict_expr()?;
    folders.items.iter().find_map(|item| {
        let key = item.key.as_ref()?.as_string_literal_expr()?;
        let folder = item.value.as_string_literal_expr()?;
        key.value.is_empty().then(|| folder.value.to_str().to_owned())
    })
}

/// What the `import` statements of a text name.
fn imported(body: &[Stmt]) -> Vec<String> {
    let imports = body.iter().filter_map(Stmt::as_import_stmt);
    imports.flat_map(|import| &import.names).map(|alias| alias.name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;
    use crate::imports::files::{Disk, Memory};

    fn folders(files: &[(&str, &str)]) -> Vec<String> {
        let files = Memory::new(files.iter().copied());
        let around = Surroundings { site_packages: vec!["site".to_owned()], ..Surroundings::default() };
        Layout::discover(&files, &around).roots.into_iter().map(|root| root.folder).collect()
    }

    #[test]
    fn settings_give_the_path() {
        assert_eq!(
            folders(&[
                ("lib/a.py", ""),
                ("pyproject.toml", "[tool.setuptools.package-dir]\n\"\" = \"lib\"\n")
            ]),
            ["lib", ""]
        );
        assert_eq!(
            folders(&[
                ("lib/a.py", ""),
                ("setup.py", "from setuptools import setup\nsetup(package_dir={'': 'lib'})\n")
            ]),
            ["lib", ""]
        );
        assert_eq!(
            folders(&[("lib/a.py", ""), ("setup.cfg", "[options]\npackage_dir =\n    = lib\n")]),
            ["lib", ""]
        );
        assert_eq!(folders(&[("src/a.py", "")]), ["src", ""]);
        assert_eq!(folders(&[("a.py", "")]), [""]);
    }

    #[test]
    fn pytest_reads_one_file() {
        let pyproject = ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['lib']\n");
        assert_eq!(folders(&[("lib/a.py", ""), pyproject]), ["lib", ""]);
        assert_eq!(
            folders(&[("lib/a.py", ""), pyproject, ("pytest.ini", "[tool:pytest]\npythonpath = lib\n")]),
            [""]
        );
        assert_eq!(
            folders(&[("lib/a.py", ""), ("pytest.ini", "[pytest]\npythonpath = lib .\n")]),
            ["lib", ""]
        );
    }

    #[test]
    fn path_files_are_followed() {
        let files = Memory::new([
            ("site/x.pth", "# c\nimport boot; boot.go()\nmore\nabsent\n"),
            ("site/more/a.py", ""),
            ("a.py", ""),
        ]);
        let around = Surroundings { site_packages: vec!["site".to_owned()], ..Surroundings::default() };
        let layout = Layout::discover(&files, &around);
        let folders: Vec<_> = layout.roots.iter().map(|root| root.folder.as_str()).collect();
        assert_eq!(folders, ["", "site", "site/more"]);
        assert_eq!(layout.at_start, ["boot"]);
    }

    #[test]
    fn no_root_lies_outside() {
        let site = "/w/p/.venv/lib/site-packages";
        let files = Memory::new([
            ("/w/p/setup.cfg", "[options]\npackage_dir =\n  = ../pq\n"),
            ("/w/p/pyproject.toml", "[tool.setuptools.packages.find]\nwhere = ['lib/.///b', '/w', '..']\n"),
            ("/w/p/lib/b/a.py", ""),
            ("/w/p/pytest.ini", "[pytest]\npythonpath = ../../../.. ../pq lib/../lib\n"),
            ("/w/pq/a.py", ""),
            ("/w/p/.venv/lib/site-packages/x.pth", "/\n../../../../pq\n../../../lib\n/w/p\n/w/p/own\n"),
            ("/w/p/own/a.py", ""),
        ]);
        let around = Surroundings {
            project: "/w/p".to_owned(),
            site_packages: vec![site.to_owned()],
            ..Surroundings::default()
        };
        let layout = Layout::discover(&files, &around);
        let folders: Vec<_> = layout.roots.iter().map(|root| root.folder.as_str()).collect();
        assert_eq!(folders, ["/w/p/lib", "/w/p/lib/b", "/w/p", site, "/w/p/own"]);
        let told: Vec<_> = layout.unread.iter().map(|one| one.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(told, [".", ".", ".", ".", ".", "x.pth", "x.pth"]);
    }

    #[test]
    fn root_behind_a_link_lies_where_that_leads() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let project = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(project.join("lib")).unwrap();
        fs::write(project.join("pytest.ini"), "[pytest]\npythonpath = out up src lib\n").unwrap();
        for (link, target) in [("out", outside.path()), ("up", Path::new("/")), ("src", Path::new("lib"))] {
            symlink(target, project.join(link)).unwrap();
        }
        let project = project.to_str().unwrap().to_owned();
        let layout =
            Layout::discover(&Disk, &Surroundings { project: project.clone(), ..Surroundings::default() });
        let folders: Vec<_> = layout.roots.iter().map(|root| root.folder.clone()).collect();
        assert_eq!(folders, [format!("{project}/lib"), project]);
    }

    #[test]
    fn environments_are_not_the_project() {
        let files = Memory::new([
            ("env/pyvenv.cfg", ""),
            ("env/lib/a.py", ""),
            (".hidden/b.py", ""),
            ("pkg/c.py", ""),
        ]);
        let layout = Layout::discover(&files, &Surroundings::default());
        assert_eq!(layout.sources, ["pkg/c.py"]);
    }

    #[test]
    fn folder_behind_links_is_entered_once() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        for (name, others) in [("a", ["b", "c"]), ("b", ["a", "c"]), ("c", ["a", "b"])] {
            fs::create_dir(project.join(name)).unwrap();
            fs::write(project.join(name).join("m.py"), "").unwrap();
            for other in others {
                symlink(format!("../{other}"), project.join(name).join(other)).unwrap();
            }
        }
        fs::create_dir(project.join(".kept")).unwrap();
        fs::write(project.join(".kept/n.py"), "").unwrap();
        symlink(".kept", project.join("shown")).unwrap();
        let project = project.to_str().unwrap().to_owned();
        let layout =
            Layout::discover(&Disk, &Surroundings { project: project.clone(), ..Surroundings::default() });
        let expected = [".kept/n.py", "a/m.py", "b/m.py", "c/m.py"].map(|path| format!("{project}/{path}"));
        assert_eq!(layout.sources, expected, "each under its own name; a link shows what is hidden");
        assert_eq!(layout.texts, expected);
    }
}
