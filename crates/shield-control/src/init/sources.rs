//! The source files of a project, read within bounds.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Most files that are read.
const FILES_MAX: usize = 2_000;

/// Most of one file that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Most directories that are listed.
const DIRECTORIES_MAX: usize = 2_000;

/// Directories that hold other people's code, products or tests.
const SKIPPED: [&str; 16] = [
    "node_modules",
    "target",
    "venv",
    "env",
    "site-packages",
    "__pycache__",
    "build",
    "vendor",
    "test",
    "tests",
    "__tests__",
    "spec",
    "benches",
    "examples",
    "coverage",
    "migrations",
];

/// One source file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Path from the project's root.
    pub(crate) path: PathBuf,
    /// Its text, cut at [`FILE_BYTES_MAX`].
    pub(crate) text: String,
}

/// The files below `root` that end in one of `endings`: shallow ones first, then by name, tests left out.
pub(crate) fn read_sources(root: &Path, endings: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut level = vec![PathBuf::new()];
    let mut listed = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        for directory in level {
            listed += 1;
            if listed > DIRECTORIES_MAX || files.len() >= FILES_MAX {
                return files;
            }
            let (found, below) = list(root, &directory, endings);
            files.extend(found);
            next.extend(below);
        }
        level = next;
    }
    files.truncate(FILES_MAX);
    files
}

/// The source files of one directory, and the directories in it. Links are not followed.
fn list(root: &Path, directory: &Path, endings: &[&str]) -> (Vec<SourceFile>, Vec<PathBuf>) {
    let Ok(children) = fs::read_dir(root.join(directory)) else {
        return (Vec::new(), Vec::new());
    };
    let mut children: Vec<_> = children.flatten().take(FILES_MAX).collect();
    children.sort_by_key(fs::DirEntry::file_name);
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for child in children {
        let name = child.file_name().to_string_lossy().into_owned();
        let path = directory.join(&name);
        match child.file_type() {
            Ok(kind) if kind.is_dir() && !skipped(&name) && !root.join(&path).join("pyvenv.cfg").exists() => {
                directories.push(path);
            }
            Ok(kind)
                if kind.is_file()
                    && endings.iter().any(|ending| name.ends_with(ending))
                    && !is_test(&name) =>
            {
                files.extend(read_text(&root.join(&path)).map(|text| SourceFile { path, text }));
            }
            _ => {}
        }
    }
    (files, directories)
}

fn skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}

fn is_test(name: &str) -> bool {
    name.starts_with("test_")
        || name == "conftest.py"
        || ["_test.py", "_tests.rs", "tests.rs"].iter().any(|ending| name.ends_with(ending))
        || [".test.", ".spec."].iter().any(|part| name.contains(part))
}

/// The text of a file, cut at [`FILE_BYTES_MAX`]; `None` when it cannot be read.
pub(crate) fn read_text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// All texts in one, for searches that do not care where something stands.
pub(crate) fn joined(files: &[SourceFile]) -> String {
    files.iter().map(|file| file.text.as_str()).collect::<Vec<_>>().join("\n")
}
