//! What most commands need first: the project, its `shield.toml`, its state directory.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use shield_control::{
    Layout, OpenLayoutError,
    manifest::{FILE_NAME, LoadManifestError, Manifest},
};

use crate::{
    cli::Place,
    exit::{Exit, Failure},
};

/// The state directory of a project that does not name another.
const STATE_NAME: &str = ".shield";

/// An opened project.
pub(crate) struct Context {
    pub(crate) project: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) layout: Layout,
}

impl Context {
    /// Reads `shield.toml` and opens the state directory.
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        let (project, manifest) = described(place)?;
        let layout = layout(place)?;
        Ok(Self { project, manifest, layout })
    }
}

/// The project and its `shield.toml`; looking at them makes no state directory.
pub(crate) fn described(place: &Place) -> Result<(PathBuf, Manifest), Failure> {
    let project = project(place)?;
    let shown =
        if place.project.as_os_str() == "." { FILE_NAME.into() } else { place.project.join(FILE_NAME) };
    let manifest = load(&project, &shown)?;
    Ok((project, manifest))
}

/// Paths in messages are as the user wrote them.
fn load(project: &Path, shown: &Path) -> Result<Manifest, Failure> {
    let path = if shown.is_relative() && project == env::current_dir().unwrap_or_default() {
        shown.to_owned()
    } else {
        project.join(FILE_NAME)
    };
    Manifest::load(&path).map_err(|error| {
        let mut hints = error.hints();
        if matches!(error, LoadManifestError::Missing { .. }) {
            hints.extend(above(project, FILE_NAME));
        }
        Failure::new(Exit::Usage, &error, &hints)
    })
}

/// Points to the nearest directory above `project` that has `name`: people run commands from below.
fn above(project: &Path, name: &str) -> Option<String> {
    let found = project.ancestors().skip(1).find(|directory| directory.join(name).exists())?;
    Some(format!("`{}` has one: go there, or pass it with --project", found.display()))
}

/// The project directory, absolute.
pub(crate) fn project(place: &Place) -> Result<PathBuf, Failure> {
    fs::canonicalize(&place.project).map_err(|error| {
        let message = format!("failed to find project directory `{}`: {error}", place.project.display());
        Failure::plain(Exit::Usage, &message, "pass the directory of shield.toml with --project")
    })
}

/// The state directory, made on first use.
fn layout(place: &Place) -> Result<Layout, Failure> {
    let root = root(place)?;
    open(&root)
}

/// The state directory of a project that was shipped before; looking at one must not make it. A project that was not fails with
/// `missing`.
pub(crate) fn existing_layout(place: &Place, missing: Exit) -> Result<Layout, Failure> {
    let root = root(place)?;
    if root.is_dir() {
        return open(&root);
    }
    let message =
        format!("failed to find state directory `{}`: nothing was shipped from here", root.display());
    let above =
        project(place).ok().filter(|_| place.state.is_none()).and_then(|project| above(&project, STATE_NAME));
    let hint =
        above.unwrap_or_else(|| "`shield ship` makes it; --project and --state name other places".to_owned());
    Err(Failure::plain(missing, &message, &hint))
}

fn open(root: &Path) -> Result<Layout, Failure> {
    Layout::open(root).map_err(|error| match &error {
        OpenLayoutError::Damaged { .. } => {
            Failure::new(Exit::Recovered, &error, &["nothing was done; run the command once more".to_owned()])
        }
        _ => Failure::new(Exit::NotRecorded, &error, &[]),
    })
}

fn root(place: &Place) -> Result<PathBuf, Failure> {
    match &place.state {
        Some(state) => Ok(state.clone()),
        None => Ok(project(place)?.join(STATE_NAME)),
    }
}

/// Who runs this command, for the history and for locks.
pub(crate) fn requester() -> String {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()));
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{} (process {})", host.trim(), std::process::id())
}
