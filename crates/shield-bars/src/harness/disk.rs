//! A file system of a few megabytes, which needs the right to mount.

use std::{fs::File, io::Write, path::Path, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{Result, Trouble};

/// A file system in memory that is unmounted when this is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    directory: TempDir,
}

// === impl SmallDisk ===

impl SmallDisk {
    /// Mounts one of so many megabytes.
    pub(crate) fn mount(megabytes: u32) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("shield-disk-").tempdir();
        let directory = directory.map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let size = format!("size={megabytes}m");
        let arguments = ["-t", "tmpfs", "-o", &size, "shield-bar"];
        let mounted = Command::new("mount").args(arguments).arg(directory.path()).output();
        let mounted = mounted.map_err(|error| Trouble::caused("run `mount`", error))?;
        if mounted.status.success() {
            return Ok(Self { directory });
        }
        Err(Trouble::new(format!("mount a tmpfs: {}", String::from_utf8_lossy(&mounted.stderr).trim())))
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file until nothing more fits.
    pub(crate) fn fill(&self) -> Result<PathBuf> {
        let path = self.path().join("filler");
        fill(&path).map_err(|error| Trouble::caused("fill the disk", error))?;
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What still runs on it keeps it until its end.
        drop(Command::new("umount").arg("-l").arg(self.directory.path()).output());
    }
}

fn fill(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0; size];
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
