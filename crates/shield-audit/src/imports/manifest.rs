//! A `pyproject.toml` for a project that has none, from what was found.
//!
//! Where `setup.py` or `setup.cfg` describe the package already, only the build system and pytest's path are written, so that nothing is said twice.

use serde::Serialize;
use toml::{Table, Value};

use super::{
    declared::normal,
    files::{Files, folder_of, join, name_of, text_at},
    inventory::{Home, Inventory, Shape},
    layout::{Layout, sections_of},
    relocate::is_test,
};

/// A file to write where none is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewFile {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Why, in one sentence for people.
    pub reason: String,
}

/// The `pyproject.toml` that a project lacks; none if it has one, even one that does not parse.
pub fn missing_manifest(
    files: &dyn Files,
    project: &str,
    layout: &Layout,
    inventory: &Inventory,
) -> Option<NewFile> {
    let path = join(project, "pyproject.toml");
    if files.read(&path).is_ok() {
        return None;
    }
    let described =
        ["setup.py", "setup.cfg"].into_iter().any(|name| files.read(&join(project, name)).is_ok());
    let packages: Vec<(&str, &str)> = inventory
        .modules()
        .map(|(_, module)| module)
        .filter(|module| {
            module.home == Home::Project
                && module.shape == Shape::Package
                && !module.name.contains('.')
                && !is_test(&module.path)
        })
        .map(|module| (&*module.name, folder_of(folder_of(&module.path))))
        // A search root with an `__init__.py` is no package.
        .filter(|(name, folder)| !layout.roots.iter().any(|root| root.folder == join(folder, name)))
        .collect();
    let mut table = Table::new();
    let build = [
        ("requires".to_owned(), list(["setuptools>=61"])),
        ("build-backend".to_owned(), Value::from("setuptools.build_meta")),
    ];
    table.insert("build-system".to_owned(), Value::Table(build.into_iter().collect()));
    let inside = |folder: &str| folder.strip_prefix(project).unwrap_or(folder).trim_matches('/').to_owned();
    let mut tool = Table::new();
    if !described {
        table.insert("project".to_owned(), Value::Table(description(files, project, &packages)));
        let mut folders: Vec<String> = packages.iter().map(|(_, folder)| inside(folder)).collect();
        folders.sort();
        folders.dedup();
        let include = packages.iter().map(|(name, _)| format!("{name}*"));
        let find = [
            (
                "where".to_owned(),
                list(folders.iter().map(|folder| if folder.is_empty() { "." } else { folder })),
            ),
            ("include".to_owned(), list(include)),
        ];
        let mut setuptools = nested("packages", nested("find", find.into_iter().collect()));
        if files.read(&join(project, "requirements.txt")).is_ok() {
            let file = [("file".to_owned(), list(["requirements.txt"]))].into_iter().collect();
            setuptools.insert("dynamic".to_owned(), Value::Table(nested("dependencies", file)));
        }
        tool.insert("setuptools".to_owned(), Value::Table(setuptools));
    }
    // What stands elsewhere already counts alone, or would be hidden by what stood here.
    if !says_pytest(files, project) {
        let roots = layout
            .roots
            .iter()
            .filter(|root| root.home == Home::Project && root.folder.starts_with(project))
            .map(|root| inside(&root.folder));
        let path = [(
            "pythonpath".to_owned(),
            list(roots.map(|folder| if folder.is_empty() { ".".to_owned() } else { folder })),
        )];
        tool.insert("pytest".to_owned(), Value::Table(nested("ini_options", path.into_iter().collect())));
    }
    table.insert("tool".to_owned(), Value::Table(tool));
    let names: Vec<&str> = packages.iter().map(|(name, _)| *name).collect();
    let reason = format!(
        "no `pyproject.toml`; packages found: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    );
    Some(NewFile {
        path,
        text: toml::to_string(&table).expect("a table of texts and lists can always be written"),
        reason,
    })
}

/// Whether some file has settings of pytest.
fn says_pytest(files: &dyn Files, project: &str) -> bool {
    let has = |name: &str| files.read(&join(project, name)).is_ok();
    let section = |(file, name): (&str, &str)| {
        sections_of(files, project, file).iter().any(|section| section.name == name)
    };
    has("pytest.ini")
        || has(".pytest.ini")
        || [("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")].into_iter().any(section)
}

fn description(files: &dyn Files, project: &str, packages: &[(&str, &str)]) -> Table {
    let folder = name_of(project.trim_end_matches('/'));
    let name = packages.first().map_or(folder, |(name, _)| name);
    // What PyPA's names may hold; a folder may have any name.
    let name: String =
        normal(name).chars().filter(|one| one.is_ascii_alphanumeric() || *one == '-').collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "project" } else { name };
    let mut described: Table =
        [("name".to_owned(), Value::from(name)), ("version".to_owned(), Value::from("0.0.0"))]
            .into_iter()
            .collect();
    if text_at(files, &join(project, "requirements.txt")).is_some() {
        described.insert("dynamic".to_owned(), list(["dependencies"]));
    }
    described
}

fn list<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::Array(texts.into_iter().map(|text| Value::from(text.into())).collect())
}

fn nested(key: &str, inner: Table) -> Table {
    [(key.to_owned(), Value::Table(inner))].into_iter().collect()
}
