//! The original project, copied so that it can be changed, and its own tests.
//!
//! The folder of `SHIELD_BAR_DATA` holds `original/` (freelancing-solutions/linkshield_backend at f2061f6c), `site-packages/` (its
//! requirements, installed with `pip install --no-compile --target`, without `hmac` and `hashlib`) and `site-extra/` (greenlet 3.5.6 likewise). The tests run
//! with the `python3` (3.11) of the search path, or with the one that `SHIELD_BAR_PYTHON` names.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use shield_audit::remedy::{Stop, TestCommand};

use crate::harness::{Result, Trouble};

const DATA: &str = "SHIELD_BAR_DATA";
const PYTHON: &str = "SHIELD_BAR_PYTHON";
/// What the original's settings want to be told before it can be imported.
pub(super) const SETTINGS: [(&str, &str); 3] = [
    ("LINKSHIELD_ENVIRONMENT", "development"),
    ("LINKSHIELD_DATABASE_URL", "postgresql://test:test@localhost:5432/test_db"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
];
const TESTS_MAX: Duration = Duration::from_secs(300);

/// A folder of the data.
pub(super) fn data(name: &str, what: &str) -> Result<PathBuf> {
    let folder = env::var_os(DATA).map(PathBuf::from).map(|folder| folder.join(name));
    folder.filter(|folder| folder.is_dir()).ok_or_else(|| {
        Trouble::new(format!("find `{name}/` in the folder named by {DATA}: put {what} there"))
    })
}

/// The original, as it is.
pub(super) fn original() -> Result<PathBuf> {
    data("original", "freelancing-solutions/linkshield_backend at f2061f6c")
}

/// What it needs, installed.
pub(super) fn site() -> Result<[PathBuf; 2]> {
    Ok([
        data("site-packages", "the original's requirements, installed with `pip install --target`")?,
        data("site-extra", "greenlet 3.5.6, installed with `pip install --target`")?,
    ])
}

/// Copies the regular files below a folder that `wanted` by their relative paths.
pub(super) fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<usize> {
    let mut copied = 0;
    for file in files(from)? {
        let relative = file.strip_prefix(from).unwrap_or(&file);
        if !wanted(&relative.to_string_lossy()) {
            continue;
        }
        let target = to.join(relative);
        let trouble = |error| Trouble::caused(format!("copy `{}`", file.display()), error);
        fs::create_dir_all(target.parent().unwrap_or(to)).map_err(trouble)?;
        fs::copy(&file, &target).map_err(trouble)?;
        copied += 1;
    }
    Ok(copied)
}

/// All regular files below a folder but those of git, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let trouble = |error| Trouble::caused(format!("list `{}`", folder.display()), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let kind = entry.file_type().map_err(trouble)?;
        if kind.is_dir() && entry.file_name() != ".git" {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| Trouble::caused(format!("read `{}`", file.display()), error))
}

/// pytest in a copy of the original; what it says goes to `output`, which is not in the copy.
pub(super) fn pytest(copy: &Path, arguments: &[&str], output: &Path) -> Result<TestCommand> {
    let site = env::join_paths(site()?).map_err(|error| Trouble::caused("join the search path", error))?;
    let mut environment: Vec<(String, String)> =
        SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    environment.push(("PYTHONPATH".to_owned(), site.to_string_lossy().into_owned()));
    let own = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];
    Ok(TestCommand {
        program: env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned()),
        arguments: own.iter().chain(arguments).map(|argument| (*argument).to_owned()).collect(),
        directory: copy.to_owned(),
        environment,
        limit: TESTS_MAX,
        report: None,
        output: Some(output.to_owned()),
        stop: Stop::default(),
    })
}
