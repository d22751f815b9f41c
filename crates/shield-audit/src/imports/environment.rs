//! Folders of the search path that no setting of Python names: those of containers, of environments and of whatever starts programs.

use super::{
    files::{EntryKind, Files, folder_of, join, text_at},
    own_path::normal,
};

/// The variable with the search path.
const VARIABLE: &str = "PYTHONPATH";

/// Folders that `PYTHONPATH` names in the project's container files, environments, scripts and lists of processes, and those that are
/// copied to where a container works.
pub(super) fn search_folders(files: &dyn Files, project: &str) -> Vec<String> {
    let entries = files.list(project).unwrap_or_default();
    let names =
        entries.iter().filter(|entry| entry.kind == EntryKind::File && may_set_variables(&entry.name));
    let mut folders = Vec::new();
    for name in names {
        let Some(text) = text_at(files, &join(project, &name.name)) else { continue };
        folders.extend(named(&text).filter_map(|folder| inside(files, project, &folder)));
        if is_container(&name.name) {
            folders.extend(copied(&text).into_iter().filter_map(|folder| inside(files, project, &folder)));
        }
    }
    folders
}

fn is_container(name: &str) -> bool {
    name.contains("Dockerfile") || name.contains("Containerfile")
}

pub(super) fn may_set_variables(name: &str) -> bool {
    is_container(name)
        || matches!(name, "Procfile" | "Makefile" | "justfile" | "tox.ini" | "setup.cfg")
        || name.starts_with(".env")
        || name.starts_with("docker-compose")
        || name.starts_with("compose.")
        || name.ends_with(".sh")
        || name.ends_with(".service")
}

/// The folders behind each `PYTHONPATH=` or `PYTHONPATH:`.
fn named(text: &str) -> impl Iterator<Item = String> {
    let values = text.split(VARIABLE).skip(1).filter_map(|behind| {
        let value = behind.trim_start_matches([' ', '\t', '"', '\'']);
        let value = value
            .strip_prefix(['=', ':'])
            .or_else(|| behind.strip_prefix(' '))?
            .trim_start_matches([' ', '"', '\'']);
        value.split(|end: char| end.is_whitespace() || matches!(end, '"' | '\'' | ';' | '&' | ',')).next()
    });
    let folders = values.flat_map(|value| value.split(':'));
    folders.filter(|folder| !folder.is_empty() && !folder.contains('$')).map(str::to_owned)
}

/// Folders whose content is copied to where a container works.
fn copied(text: &str) -> Vec<String> {
    let (mut folders, mut work) = (Vec::new(), "/");
    for line in text.lines() {
        let mut words = line.split_whitespace().filter(|word| !word.starts_with("--"));
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("WORKDIR") => work = words.next().unwrap_or(work),
            Some("COPY" | "ADD") => {
                let all: Vec<_> = words.collect();
                let Some((target, sources)) = all.split_last() else { continue };
                if matches!(*target, "." | "./") || target.trim_end_matches('/') == work.trim_end_matches('/')
                {
                    folders.extend(sources.iter().map(|source| (*source).to_owned()));
                }
            }
            _ => {}
        }
    }
    folders
}

/// The folder of the project that is meant. A path of a container names one by its last names.
fn inside(files: &dyn Files, project: &str, folder: &str) -> Option<String> {
    let is_folder = |path: &str| {
        let entries = files.list(folder_of(path)).unwrap_or_default();
        let name = super::files::name_of(path);
        entries.iter().any(|entry| entry.kind == EntryKind::Folder && entry.name == name)
    };
    let mut rest = folder.trim_matches('/');
    loop {
        let path = normal(project, rest);
        if path.len() > project.len() && path.starts_with(project) && is_folder(&path) {
            return Some(path);
        }
        if !folder.starts_with('/') {
            return None;
        }
        rest = rest.split_once('/')?.1;
    }
}
