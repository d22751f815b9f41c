//! What most commands need first: the project, its `shield.toml`, its state directory.

use std::{env, fs, path::PathBuf};

use shield_control::{
    Layout,
    manifest::{FILE_NAME, Manifest},
};

use crate::{
    cli::Place,
    exit::{Exit, Failure},
};

/// An opened project.
pub(crate) struct Context {
    pub(crate) project: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) layout: Layout,
}

impl Context {
    /// Reads `shield.toml` and opens the state directory.
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        let project = project(place)?;
        let shown =
            if place.project.as_os_str() == "." { FILE_NAME.into() } else { place.project.join(FILE_NAME) };
        let manifest = load(&project, &shown)?;
        let layout = layout(place)?;
        Ok(Self { project, manifest, layout })
    }
}

/// Paths in messages are as the user wrote them.
fn load(project: &std::path::Path, shown: &std::path::Path) -> Result<Manifest, Failure> {
    let path = if shown.is_relative() && project == env::current_dir().unwrap_or_default() {
        shown.to_owned()
    } else {
        project.join(FILE_NAME)
    };
    Manifest::load(&path).map_err(|error| Failure::new(Exit::Usage, &error, &error.hints()))
}

/// The project directory, absolute.
pub(crate) fn project(place: &Place) -> Result<PathBuf, Failure> {
    fs::canonicalize(&place.project).map_err(|error| {
        let message = format!("failed to find project directory `{}`: {error}", place.project.display());
        Failure::plain(Exit::Usage, &message, "pass the directory of shield.toml with --project")
    })
}

/// The state directory, for commands that do not need `shield.toml`.
pub(crate) fn layout(place: &Place) -> Result<Layout, Failure> {
    let root = match &place.state {
        Some(state) => state.clone(),
        None => project(place)?.join(".shield"),
    };
    Layout::open(&root).map_err(|error| Failure::new(Exit::NotRecorded, &error, &[]))
}

/// Who runs this command, for the history and for locks.
pub(crate) fn requester() -> String {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()));
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{} (process {})", host.trim(), std::process::id())
}
