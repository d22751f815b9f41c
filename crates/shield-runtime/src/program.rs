//! Finds the program of a start command, and says why when there is none.
//!
//! The search is ours and not `execvp`'s for two reasons: the error can name every folder searched, and `execvp` hands a
//! file the kernel refuses to `/bin/sh`, which turns a program of the wrong architecture into a puzzling syntax error.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use crate::launch::LaunchError;

/// Longest `#!` line the kernel reads.
const SHEBANG_BYTES_MAX: u64 = 256;

/// The file that `program` means: a path from `directory` when it has a slash, else the first match in `search`.
pub(crate) fn resolve(program: &str, directory: &Path, search: &OsStr) -> Result<PathBuf, LaunchError> {
    if program.contains('/') {
        let path = directory.join(program);
        return match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() && executable(&metadata) => Ok(path),
            Ok(_) => Err(LaunchError::NotExecutable { program: path }),
            Err(source) => Err(LaunchError::FileNotFound { program: path, source }),
        };
    }
    let mut refused = None;
    for folder in search.as_bytes().split(|byte| *byte == b':') {
        let path = directory.join(OsStr::from_bytes(folder)).join(program);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() && executable(&metadata) => return Ok(path),
            Ok(metadata) if metadata.is_file() => refused = refused.or(Some(path)),
            _ => {}
        }
    }
    Err(match refused {
        Some(program) => LaunchError::NotExecutable { program },
        None => LaunchError::NotInPath {
            program: program.to_owned(),
            search: search.to_string_lossy().into_owned(),
        },
    })
}

/// What the file at `program` needs to run it: the program of its `#!` line, else the loader of its binary format.
pub(crate) fn interpreter(program: &Path) -> String {
    let mut head = Vec::new();
    if let Ok(file) = File::open(program) {
        // An unreadable file has no line to show; the general answer below fits it too.
        let _ = file.take(SHEBANG_BYTES_MAX).read_to_end(&mut head);
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match line.strip_prefix(b"#!") {
        Some(command) => {
            let command = String::from_utf8_lossy(command);
            command.split_whitespace().next().unwrap_or_default().to_owned()
        }
        None => "the dynamic loader it was linked for".to_owned(),
    }
}

fn executable(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, mode: u32) {
        fs::write(path, "#!/nowhere/python3 -u\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn searches_folders_in_order() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a", "b"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        file(&root.path().join("a/tool"), 0o644);
        let search = OsStr::new("a:b");
        let refused = resolve("tool", root.path(), search).unwrap_err();
        assert!(matches!(refused, LaunchError::NotExecutable { program } if program.ends_with("a/tool")));
        file(&root.path().join("b/tool"), 0o755);
        assert!(resolve("tool", root.path(), search).unwrap().ends_with("b/tool"));
        assert!(resolve("a/tool", root.path(), search).is_err());
        assert!(resolve("./b/tool", root.path(), search).is_ok());
        assert!(matches!(resolve("other", root.path(), search), Err(LaunchError::NotInPath { .. })));
    }

    #[test]
    fn reads_interpreter_of_script() {
        let root = tempfile::tempdir().unwrap();
        file(&root.path().join("tool"), 0o755);
        assert_eq!(interpreter(&root.path().join("tool")), "/nowhere/python3");
    }
}
