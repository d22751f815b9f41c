//! The trees that are audited: projects with the packages of the original.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::harness::{Result, Trouble};

const DATA: &str = "SHIELD_BAR_DATA";
const PACKAGES: &str = "site-packages";
/// 65,538 lines, one literal.
const LITERAL: &str = "faker/decode/codes.py";
/// Of so many files one is in the sample.
const SAMPLED: usize = 40;

/// Projects, removed when this is dropped.
pub(super) struct Trees {
    /// Has all the packages.
    pub(super) project: PathBuf,
    /// These packages themselves: ruff passes over a directory of this name unless it is told of it.
    pub(super) packages: PathBuf,
    /// How many files of Python that is.
    pub(super) python_files: usize,
    /// Has some of their files.
    pub(super) sample: PathBuf,
    /// How many.
    pub(super) sample_files: usize,
    /// Has the one literal as its own file.
    pub(super) literal: PathBuf,
    _directory: TempDir,
}

// === impl Trees ===

impl Trees {
    /// Makes them out of the packages in the folder of the data.
    pub(super) fn make() -> Result<Self> {
        let packages = env::var_os(DATA).map(PathBuf::from).map(|folder| folder.join(PACKAGES));
        let packages = packages.filter(|folder| folder.join(LITERAL).is_file()).ok_or_else(|| {
            Trouble::new(format!(
                "find `{PACKAGES}/` in the folder named by {DATA}: install the requirements of the original there (without `hmac` \
                 and `hashlib`) by `pip install --no-compile --target`"
            ))
        })?;
        let directory = tempfile::tempdir().map_err(|error| Trouble::caused("make a directory", error))?;
        let [project, sample, literal] =
            ["project", "sample", "literal"].map(|name| directory.path().join(name));
        let files = files(&packages)?;
        let python: Vec<&PathBuf> = files.iter().filter(|file| is_python(file)).collect();
        let sampled: Vec<&PathBuf> = python.iter().step_by(SAMPLED).copied().collect();
        let installed = project.join(PACKAGES);
        bring(&packages, files.iter(), &installed)?;
        bring(&packages, sampled.iter().copied(), &sample.join(PACKAGES))?;
        bring(&packages, [&packages.join(LITERAL)].into_iter(), &literal)?;
        let (python_files, sample_files) = (python.len(), sampled.len());
        Ok(Self {
            project,
            packages: installed,
            python_files,
            sample,
            sample_files,
            literal,
            _directory: directory,
        })
    }
}

fn is_python(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "py")
}

/// Every file below a directory, in the order of their paths.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut directories) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = directories.pop() {
        let failed = |error| Trouble::caused(format!("read `{}`", directory.display()), error);
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            match kind.is_dir() {
                true => directories.push(entry.path()),
                false if kind.is_file() => files.push(entry.path()),
                false => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Files of one directory at the same places of another: as links where that is possible, which costs neither time nor room.
fn bring<'a>(from: &Path, files: impl Iterator<Item = &'a PathBuf>, to: &Path) -> Result<()> {
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap_or(file));
        let made = fs::create_dir_all(target.parent().unwrap_or(to))
            .and_then(|()| fs::hard_link(file, &target).or_else(|_| fs::copy(file, &target).map(drop)));
        made.map_err(|error| Trouble::caused(format!("write `{}`", target.display()), error))?;
    }
    Ok(())
}
