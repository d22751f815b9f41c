//! Whether a lock file is one: its form is known, and something is in it.
//!
//! An empty file and one in a form of next year both parse, and both hold no packages; neither may look like a project that uses
//! none.

use super::{Manifest, SourceKind};
use crate::finding::Place;

/// What to do about a lock file that cannot be believed.
pub(super) const MAKE_ANEW: &str =
    "make it anew by the program that writes it, or remove it if nothing is locked";

/// What a lock file says of its own form.
pub(super) struct Form<'a> {
    /// The version, as written.
    pub version: Option<&'a str>,
    /// Whether it has the part that lists packages, be it empty.
    pub lists: bool,
}

// === impl Form ===

impl Form<'_> {
    /// Says so in the manifest if the form is not known. What is in it is read all the same.
    pub(super) fn judge(&self, manifest: &mut Manifest, place: Place) {
        match self.version {
            Some(version) if !known(manifest.kind, version) => {
                let version: String = version.chars().take(40).collect();
                let reason = format!(
                    "its form is of version `{version}`, which is not known here, so that it may hold more than was read: use a newer \
                     `shield`, or make it anew in an older form"
                );
                manifest.refuse(place, reason);
            }
            None if !self.lists => {
                manifest.refuse(place, format!("neither a version nor packages are in it: {MAKE_ANEW}"));
            }
            _ => {}
        }
    }
}

/// Whether what is written in a version of a form is understood.
fn known(kind: SourceKind, version: &str) -> bool {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let known = match kind {
        SourceKind::CargoLock => 1..=4,
        SourceKind::UvLock | SourceKind::PyLock => 1..=1,
        SourceKind::PoetryLock => 1..=2,
        SourceKind::PdmLock => 2..=4,
        SourceKind::PipfileLock => 6..=6,
        SourceKind::PackageLock => 1..=3,
        SourceKind::PnpmLock => 5..=9,
        _ => return true,
    };
    major.is_some_and(|major| known.contains(&major))
}
