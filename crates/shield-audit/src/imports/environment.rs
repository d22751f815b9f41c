//! Folders of the search path that no setting of Python names: those of containers, of environments and of whatever starts programs.

use super::{
    files::{EntryKind, Files, PATH_BYTES_MAX, folder_of, name_of, text_at},
    own_path::normal,
    units::lies_in,
};

/// Folders that one file names at most, and names of which each of them may be made: the walk over the project goes no deeper.
pub(super) const FOLDERS_MAX: usize = 256;
const NAMES_MAX: usize = 64;

/// The variable with the search path.
const VARIABLE: &str = "PYTHONPATH";

/// Folders that `PYTHONPATH` names in the project's container files, environments, scripts and lists of processes, and those that are
/// copied to where a container works. `starters` are all such files; what they name lies below the project or beside them.
pub(super) fn search_folders(files: &dyn Files, project: &str, starters: &[String]) -> Vec<String> {
    let mut folders = Vec::new();
    for path in starters {
        let Some(text) = text_at(files, path) else { continue };
        let copied = if is_container(name_of(path)) { copied(&text) } else { Vec::new() };
        for folder in named(&text).chain(copied).take(FOLDERS_MAX) {
            let below = |base: &str| inside(files, (project, base), &folder);
            folders.extend(below(project).or_else(|| below(folder_of(path))));
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
            Some("WORKDIR") => work = words.next().unwrap_or(work).trim_end_matches('/'),
            Some("COPY" | "ADD") => {
                let all: Vec<_> = words.collect();
                let Some((target, sources)) = all.split_last() else { continue };
                let target = target.trim_end_matches('/').trim_start_matches("./");
                let below = target.strip_prefix(work).map_or(target, |below| below.trim_start_matches('/'));
                for source in sources.iter().map(|source| source.trim_end_matches('/')) {
                    match below {
                        "" | "." => folders.push(source.to_owned()),
                        // A package under its own name.
                        name if name == name_of(source) => folders.push(folder_of(source).to_owned()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    folders
}

/// The folder of the project that is meant, below one of its folders. A path of a container names one by its last names.
pub(super) fn inside(files: &dyn Files, (project, base): (&str, &str), folder: &str) -> Option<String> {
    let is_folder = |path: &str| {
        let entries = files.list(folder_of(path)).unwrap_or_default();
        let name = name_of(path);
        entries.iter().any(|entry| entry.kind == EntryKind::Folder && entry.name == name)
    };
    if folder.len() > PATH_BYTES_MAX {
        return None;
    }
    let mut rest = folder.trim_matches('/');
    if folder.starts_with('/')
        && let Some((before, _)) = rest.rmatch_indices('/').nth(NAMES_MAX - 1)
    {
        rest = &rest[before + 1..];
    }
    loop {
        let path = normal(base, rest);
        if lies_in(&path, project) && is_folder(&path) {
            return Some(path);
        }
        if !folder.starts_with('/') {
            return None;
        }
        rest = rest.split_once('/')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    #[test]
    fn what_is_no_path_is_not_looked_for() {
        let found = |value: &str| {
            let files = Memory::new([
                ("/p/Dockerfile", format!("ENV PYTHONPATH={value}\n")),
                ("/p/b/c.py", String::new()),
            ]);
            search_folders(&files, "/p", &["/p/Dockerfile".to_owned()])
        };
        assert_eq!(found(&format!("{}/b", "/a".repeat(200))), ["/p/b"], "the last names count");
        assert_eq!(found(&format!("{}/b", "/a".repeat(PATH_BYTES_MAX / 2))), [""; 0]);
        assert_eq!(found(&"b:".repeat(10 * FOLDERS_MAX)).len(), FOLDERS_MAX);
    }
}
