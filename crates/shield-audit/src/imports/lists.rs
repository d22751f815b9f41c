//! Files that name distributions, in all forms but `pyproject.toml` and `setup.py`: as lines of requirements.

use std::collections::BTreeSet;

use toml::Table;

use super::{
    files::{EntryKind, Files, folder_of, join, text_at},
    layout::sections_of,
    own_path::normal,
};

/// Lists for pip that other lists may name: more is no project.
const LISTS_MAX: usize = 256;

/// Conda's lists.
const CONDA: [&str; 2] = ["environment.yml", "environment.yaml"];

/// The project's lists for pip: `requirements*` and `*requirements` as text or for `pip-compile`, and all such in a folder `requirements`.
pub(super) fn pip(files: &dyn Files, project: &str) -> Vec<String> {
    let mut lists = Vec::new();
    for folder in [project.to_owned(), join(project, "requirements")] {
        for entry in files.list(&folder).unwrap_or_default() {
            let list = entry.name.contains("requirements") || folder != project;
            if entry.kind == EntryKind::File
                && list
                && [".txt", ".in"].iter().any(|end| entry.name.ends_with(end))
            {
                lists.push(join(&folder, &entry.name));
            }
        }
    }
    lists
}

/// Whether a text of `setup.py` can be the name of a list: `reqs/base.txt`, and no sentence.
pub(super) fn is_named_as_one(text: &str) -> bool {
    text.contains("req")
        && text.len() < 256
        && !text.contains(|one: char| one.is_whitespace() || "<>=~".contains(one))
}

/// The lines of lists for pip, and of those that they name, each with its file.
pub(super) fn lines(files: &dyn Files, lists: Vec<String>) -> Vec<(String, String)> {
    let (mut open, mut seen, mut lines) = (lists, BTreeSet::new(), Vec::new());
    while let Some(path) = open.pop() {
        if seen.len() >= LISTS_MAX || !seen.insert(path.clone()) {
            continue;
        }
        for line in text_at(files, &path).unwrap_or_default().lines() {
            let options = ["-r", "--requirement", "-c", "--constraint"];
            let named = options.iter().find_map(|option| line.trim().strip_prefix(option));
            match named.map(|named| named.trim_start_matches([' ', '=']).trim()) {
                Some(named) => open.push(normal(folder_of(&path), named)),
                None => lines.push((path.clone(), line.to_owned())),
            }
        }
    }
    lines
}

/// The requirements of `setup.cfg`, `Pipfile` and conda's lists, each with its file.
pub(super) fn others(files: &dyn Files, project: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for section in sections_of(files, project, "setup.cfg") {
        let all = section.name == "options.extras_require";
        let settings = section.settings.iter();
        for (_, value) in
            settings.filter(|(key, _)| all || section.name == "options" && key == "install_requires")
        {
            lines.extend(value.lines().map(|line| (join(project, "setup.cfg"), line.to_owned())));
        }
    }
    let pipfile = join(project, "Pipfile");
    let table: Option<Table> = text_at(files, &pipfile).and_then(|text| text.parse().ok());
    for (name, value) in table.into_iter().flatten() {
        let Some(packages) =
            value.as_table().filter(|_| !matches!(&*name, "requires" | "pipenv" | "scripts"))
        else {
            continue;
        };
        lines.extend(packages.keys().map(|package| (pipfile.clone(), package.clone())));
    }
    for name in CONDA {
        let path = join(project, name);
        for line in text_at(files, &path).unwrap_or_default().lines() {
            let Some(item) = line.trim().strip_prefix("- ") else { continue };
            let item = item.trim().trim_matches(['"', '\'']);
            lines.push((path.clone(), item.rsplit("::").next().unwrap_or(item).to_owned()));
        }
    }
    lines
}

/// What `tox.ini`, container files and scripts install: words that can be requirements.
pub(super) fn installed(files: &dyn Files, project: &str, starters: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for section in sections_of(files, project, "tox.ini") {
        for line in section.get("deps").unwrap_or_default().lines() {
            // `py38: x` asks for it in one environment only.
            words.push(line.rsplit(": ").next().unwrap_or(line).trim().to_owned());
        }
    }
    for path in starters {
        let text = text_at(files, path).unwrap_or_default().replace("\\\n", " ");
        for line in text.lines().filter(|line| line.contains("pip") || line.contains("conda")) {
            for command in line.split(['&', ';', '|']) {
                let mut parts = command
                    .split(|end: char| end.is_whitespace() || matches!(end, ',' | '"' | '\'' | '[' | ']'))
                    .filter(|word| !word.is_empty());
                if parts.any(|word| word == "install") {
                    words.extend(parts.filter(|word| !word.starts_with('-')).map(str::to_owned));
                }
            }
        }
    }
    words
}
