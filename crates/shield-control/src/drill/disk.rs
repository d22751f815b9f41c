//! Whether the disk may be filled: only a filesystem that was named, and holds nothing but the state directory.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// What `disk-full` would fill.
pub(super) struct DiskPlace<'a> {
    /// `drill.disk` of `shield.toml`.
    pub(super) named: Option<&'a Path>,
    /// The state directory.
    pub(super) state: &'a Path,
    /// Where the guard keeps what it needs to undo the fault.
    pub(super) journals: &'a Path,
}

/// How to make one.
const HOW: &str = "mount a filesystem of its own, put the state directory on it (`--state`), and name its mount point in shield.toml: `[drill] disk = \"/mount/point\"`";

// === impl DiskPlace ===

impl<'a> DiskPlace<'a> {
    /// The mount point that may be filled, or why none may be.
    pub(super) fn check(&self) -> Result<&'a Path, String> {
        let Some(named) = self.named else {
            return Err(format!("no filesystem is named that may be filled; {HOW}"));
        };
        let shown = named.display();
        let device = |path: &Path| {
            device(path).map_err(|error| format!("look at `{}`: {error}; {HOW}", path.display()))
        };
        let filled = device(named)?;
        if filled == device(Path::new("/"))? {
            return Err(format!(
                "`{shown}` lies on the root filesystem, which everything else needs, too; {HOW}"
            ));
        }
        let above = named.parent().ok_or_else(|| format!("`{shown}` is the root; {HOW}"))?;
        if device(above)? == filled {
            return Err(format!("`{shown}` is not a mount point; {HOW}"));
        }
        if device(self.state)? != filled {
            return Err(format!(
                "the state directory `{}` does not lie on `{shown}`; {HOW}",
                self.state.display()
            ));
        }
        if let Some(other) =
            self.others(named).map_err(|error| format!("look into `{shown}`: {error}; {HOW}"))?
        {
            return Err(format!(
                "`{other}` lies on `{shown}` as well, and would have no space either; {HOW}"
            ));
        }
        if device(self.journals)? == filled {
            let journals = self.journals.display();
            return Err(format!(
                "what undoes the fault is kept in `{journals}`, on the same filesystem; set TMPDIR to another one"
            ));
        }
        Ok(named)
    }
}

impl DiskPlace<'_> {
    /// Something on the filesystem that is neither on the way to the state directory nor made with every filesystem.
    fn others(&self, named: &Path) -> io::Result<Option<String>> {
        let state = fs::canonicalize(self.state)?;
        let mut directory = fs::canonicalize(named)?;
        while directory != state && state.starts_with(&directory) {
            let mut next = None;
            for entry in fs::read_dir(&directory)? {
                let path = entry?.path();
                if state.starts_with(&path) {
                    next = Some(path);
                } else if !path.ends_with("lost+found") {
                    return Ok(Some(path.display().to_string()));
                }
            }
            let Some(next) = next else { break };
            directory = next;
        }
        Ok(None)
    }
}

fn device(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(named: Option<&Path>, state: &Path) -> String {
        let journals = tempfile::tempdir().unwrap();
        DiskPlace { named, state, journals: journals.path() }.check().unwrap_err()
    }

    #[test]
    fn only_a_named_filesystem_is_filled() {
        let state = tempfile::tempdir().unwrap();
        assert!(refused(None, state.path()).starts_with("no filesystem is named"));
        assert!(refused(Some(Path::new("/")), state.path()).contains("root filesystem"));
        assert!(
            refused(Some(Path::new("/nowhere/at/all")), state.path()).contains("look at `/nowhere/at/all`")
        );
        // Every Linux has /proc, and nobody keeps a state directory there.
        assert!(refused(Some(Path::new("/proc/self")), state.path()).contains("is not a mount point"));
        assert!(refused(Some(Path::new("/proc")), state.path()).contains("does not lie on `/proc`"));
    }
}
