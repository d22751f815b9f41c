//! Which directory a module is imported from, and under which name.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::super::sources::SourceFile;

pub(super) fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// The directory that `file` is imported from, relative to `root`, and its dotted name.
///
/// A directory that the module's own imports name is a package, however it is marked; one whose other modules it imports by
/// their bare names is where imports start. Else packages (`__init__.py`, or as many levels as relative imports climb)
/// are imported from above.
pub(super) fn import_path(root: &Path, file: &SourceFile) -> (PathBuf, String) {
    let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = file.path.parent().unwrap_or(Path::new(""));
    let above: Vec<String> = parent.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let own = usize::from(stem == "__init__");
    let levels = levels(root, file, parent, &above).max(own).min(above.len());
    let (directory, packages) = above.split_at(above.len() - levels);
    let module = (own == 0).then_some(stem);
    let parts: Vec<String> = packages.iter().cloned().chain(module).collect();
    (directory.iter().collect(), parts.join("."))
}

/// How many of the directories above the module belong to its name.
fn levels(root: &Path, file: &SourceFile, parent: &Path, above: &[String]) -> usize {
    let imported = imported(&file.text);
    if let Some(outermost) = above.iter().position(|name| imported.contains(name.as_str())) {
        return above.len() - outermost;
    }
    let beside = |name: &&str| {
        let path = root.join(parent).join(name);
        let own = file.path.file_stem().is_some_and(|stem| stem == *name);
        !own && (path.is_dir() || path.with_extension("py").is_file())
    };
    if !above.is_empty() && imported.iter().any(beside) {
        return 0;
    }
    let packages = parent
        .ancestors()
        .take_while(|directory| root.join(directory).join("__init__.py").is_file())
        .take(above.len())
        .count();
    packages.max(relative_levels(&file.text))
}

/// The first names of all absolute imports.
fn imported(text: &str) -> BTreeSet<&str> {
    let rest = text.lines().map(str::trim_start).filter_map(|line| {
        line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")).map(str::trim_start)
    });
    let first =
        rest.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next());
    first.filter(|name| !name.is_empty()).collect()
}

/// The dots of the relative import that climbs highest.
fn relative_levels(text: &str) -> usize {
    let relative = text.lines().filter_map(|line| line.trim_start().strip_prefix("from "));
    relative.map(|rest| rest.bytes().take_while(|byte| *byte == b'.').count()).max().unwrap_or(0)
}
