//! The list of a tree's files.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashSet},
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ignore::{DirEntry, WalkBuilder, WalkParallel, WalkState};

use super::{
    Ignored, Origin, Reason, Settings, Skipped,
    origin::{ENVIRONMENT_MARK, Environments},
    read_regular,
    tracked::tracked,
};

/// How the file `CACHEDIR.TAG` begins.
const CACHE_SIGNATURE: &[u8; 43] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Bytes of the longest `CACHEDIR.TAG`: behind its first line stands a comment.
const TAG_BYTES_MAX: u64 = 64 << 10;

/// A file of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, `/` between names; bytes that are no UTF-8 as U+FFFD.
    pub path: String,
    /// Whose it is.
    pub origin: Origin,
    /// Where it is.
    pub(super) location: PathBuf,
}

/// Every file below a directory, in the order of their paths.
#[derive(Debug)]
pub struct Tree {
    pub(super) entries: Vec<Entry>,
    /// Names that are no files, and why; they matter if somebody wanted to read them.
    pub(super) aside: Vec<(Entry, Reason)>,
    pub(super) skipped: Vec<Skipped>,
}

/// The audited directory is not there.
#[derive(Debug, thiserror::Error)]
#[error("look at `{}`", root.display())]
pub struct WalkError {
    /// What was asked for.
    pub root: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// What a thread of the walk met.
enum Met {
    File(PathBuf),
    Aside(PathBuf, Reason),
    Skipped(PathBuf, Reason),
}

// === impl Tree ===

impl Tree {
    /// Lists what is below `root`, or `root` itself if it is a file.
    ///
    /// # Errors
    /// If `root` is not there. Anything below it that cannot be looked at is a [`Skipped`].
    pub fn walk(root: &Path, settings: &Settings) -> Result<Self, WalkError> {
        let root = fs::canonicalize(root).map_err(|source| WalkError { root: root.to_owned(), source })?;
        let mut met = list(&root, settings, Ignored::Read);
        if settings.ignored == Ignored::LeftOut {
            // What is left out is named too: it is the difference to a second list.
            let kept: BTreeSet<PathBuf> =
                list(&root, settings, Ignored::LeftOut).into_iter().map(Met::into_location).collect();
            for one in &mut met {
                if !kept.contains(one.location()) {
                    *one = Met::Skipped(one.location().to_owned(), Reason::Excluded);
                }
            }
        }
        Ok(Self::of(&root, met))
    }

    /// Every file, in the order of their paths.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a path, relative to the root, is or lies behind a link out of the tree: what is there is somebody else's.
    #[must_use]
    pub fn is_outside(&self, path: &str) -> bool {
        let outside = |name: &str, reason: &Reason| {
            matches!(reason, Reason::LinkOutside | Reason::Interpreter)
                && path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.aside.iter().any(|(entry, reason)| outside(&entry.path, reason))
            || self.skipped.iter().any(|skipped| outside(&skipped.path, &skipped.reason))
    }

    fn of(root: &Path, met: Vec<Met>) -> Self {
        let mut tree = Self { entries: Vec::new(), aside: Vec::new(), skipped: Vec::new() };
        for one in met {
            match one {
                Met::File(location) => tree.entries.push(Entry::at(root, location)),
                Met::Aside(location, reason) => tree.aside.push((Entry::at(root, location), reason)),
                Met::Skipped(location, reason) => {
                    tree.skipped.push(Skipped { path: relative(root, &location), reason });
                }
            }
        }
        let environments = Environments::among(tree.entries.iter().map(|entry| entry.path.as_str()));
        let installed: BTreeSet<&str> =
            tree.entries.iter().filter_map(|entry| environments.installed(&entry.path)).collect();
        let installed: Vec<&str> = installed.into_iter().collect();
        let tracked = tracked(root, &installed).unwrap_or_else(|why| {
            let error = format!("whether it is committed, and so the project's own, is not known: {why}");
            let reason = || Reason::Unreadable { error: error.clone() };
            let unknown = installed.iter().map(|path| Skipped { path: (*path).to_owned(), reason: reason() });
            tree.skipped.extend(unknown);
            HashSet::new()
        });
        for entry in tree.entries.iter_mut().chain(tree.aside.iter_mut().map(|(entry, _)| entry)) {
            if environments.installed(&entry.path).is_some() && !tracked.contains(&entry.path) {
                entry.origin = Origin::Dependency;
            }
        }
        for (entry, reason) in &mut tree.aside {
            let installed = entry.origin == Origin::Dependency;
            if installed && *reason == Reason::LinkOutside && environments.has_interpreter(&entry.path) {
                *reason = Reason::Interpreter;
            }
        }
        // Two names may look alike once bytes that are no UTF-8 are replaced: then the location decides.
        tree.entries.sort_unstable_by(Entry::order);
        tree.aside.sort_unstable_by(|left, right| left.0.order(&right.0));
        tree.skipped.sort_unstable();
        tree
    }
}

// === impl Entry ===

impl Entry {
    fn at(root: &Path, location: PathBuf) -> Self {
        Self { path: relative(root, &location), origin: Origin::Project, location }
    }

    /// Where it is read: an absolute path.
    #[must_use]
    pub fn location(&self) -> &Path {
        &self.location
    }

    fn order(&self, other: &Self) -> Ordering {
        (&self.path, &self.location).cmp(&(&other.path, &other.location))
    }
}

// === impl Met ===

impl Met {
    /// What an entry of the walk is; nothing of directories, whose files come by themselves.
    fn of(root: &Path, found: Result<DirEntry, ignore::Error>) -> Option<Self> {
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => return Some(Self::of_error(root, &error)),
        };
        let kind = entry.file_type();
        let location = entry.into_path();
        match kind {
            Some(kind) if kind.is_dir() => None,
            Some(kind) if kind.is_file() => Some(Self::File(location)),
            Some(kind) if kind.is_symlink() => Self::of_link(root, location),
            _ => Some(Self::Aside(location, Reason::NotRegular)),
        }
    }

    /// A link: nothing if it leads to something of the tree, which is read under its own name.
    fn of_link(root: &Path, link: PathBuf) -> Option<Self> {
        let target = match fs::canonicalize(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some(Self::Aside(link, Reason::LinkBroken));
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return Some(Self::Skipped(link, Reason::LinkLoop));
            }
            Err(error) => return Some(Self::Skipped(link, Reason::unreadable(&error))),
        };
        if link.starts_with(&target) {
            Some(Self::Skipped(link, Reason::LinkLoop))
        } else if target.starts_with(root) {
            None
        } else if target.is_dir() {
            Some(Self::Skipped(link, Reason::LinkOutside))
        } else {
            Some(Self::Aside(link, Reason::LinkOutside))
        }
    }

    fn of_error(root: &Path, error: &ignore::Error) -> Self {
        let (location, reason) = explain(error);
        Self::Skipped(location.unwrap_or(root).to_owned(), reason)
    }

    fn location(&self) -> &Path {
        match self {
            Self::File(location) | Self::Aside(location, _) | Self::Skipped(location, _) => location,
        }
    }

    fn into_location(self) -> PathBuf {
        match self {
            Self::File(location) | Self::Aside(location, _) | Self::Skipped(location, _) => location,
        }
    }
}

/// Walks in parallel; the order of what comes back is any.
fn list(root: &Path, settings: &Settings, ignored: Ignored) -> Vec<Met> {
    let met = Mutex::new(Vec::new());
    let note = |one: Met| met.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    walker(root, settings, ignored).run(|| {
        Box::new(|found| {
            if let Ok(entry) = &found
                && entry.depth() > 0
                && excluded(entry, settings)
            {
                note(Met::Skipped(entry.path().to_owned(), Reason::Excluded));
                return WalkState::Skip;
            }
            if let Some(one) = Met::of(root, found) {
                note(one);
            }
            WalkState::Continue
        })
    });
    met.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn walker(root: &Path, settings: &Settings, ignored: Ignored) -> WalkParallel {
    let heed = ignored == Ignored::LeftOut;
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).ignore(heed).git_ignore(heed).git_exclude(heed).parents(heed);
    // An unpacked archive has `.gitignore` but no repository.
    builder.require_git(false).follow_links(false).threads(settings.threads.get());
    builder.build_parallel()
}

fn excluded(entry: &DirEntry, settings: &Settings) -> bool {
    let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    directory
        && (settings.excluded.iter().any(|name| entry.file_name() == OsStr::new(name))
            || is_cache(entry.path()))
}

/// Whether a directory says of itself that everything in it can be made again (Cache Directory Tagging Specification), a build's
/// output or a tool's cache, and is kept out of the repository: a tag alone must not hide code that ships. Environments of Python
/// are tagged too, and hold code that runs.
fn is_cache(directory: &Path) -> bool {
    let tag = read_regular(&directory.join("CACHEDIR.TAG"), TAG_BYTES_MAX);
    tag.is_ok_and(|tag| tag.starts_with(CACHE_SIGNATURE))
        && !directory.join(ENVIRONMENT_MARK).exists()
        && is_kept_out(directory)
}

/// Whether rules of `.gitignore` keep a directory, or all that lies in it, out of the repository.
fn is_kept_out(directory: &Path) -> bool {
    let kept = |root: &Path, kept: &dyn Fn(&Path) -> bool| {
        let mut builder = WalkBuilder::new(root);
        builder.standard_filters(false).git_ignore(true).git_exclude(true).parents(true).require_git(false);
        builder.max_depth(Some(1)).follow_links(false).build().flatten().any(|entry| kept(entry.path()))
    };
    // Whoever reads a pipe waits for somebody who writes.
    let irregular = |file: PathBuf| fs::metadata(file).is_ok_and(|found| !found.is_file());
    if directory
        .ancestors()
        .any(|above| [".gitignore", ".git/info/exclude"].iter().any(|name| irregular(above.join(name))))
    {
        return false;
    }
    let parent = directory.parent().unwrap_or(directory);
    // Caches of some tools bring a `.gitignore` of their own that names everything.
    !kept(parent, &|path| path == directory)
        || !kept(directory, &|path| path != directory && path != directory.join(".gitignore"))
}

/// Where an error of the walker happened, and what it was.
fn explain(error: &ignore::Error) -> (Option<&Path>, Reason) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (inner, reason) = explain(err);
            (inner.or(Some(path)), reason)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => explain(err),
        ignore::Error::Loop { child, .. } => (Some(child), Reason::LinkLoop),
        ignore::Error::Io(error) => (None, Reason::unreadable(error)),
        other => (None, Reason::Unreadable { error: other.to_string() }),
    }
}

/// The path as reports say it.
fn relative(root: &Path, location: &Path) -> String {
    let inside = location.strip_prefix(root).unwrap_or(location);
    let named = match (inside.as_os_str().is_empty(), location.file_name()) {
        (false, _) => inside.as_os_str(),
        // The root itself: a file has a name, a directory is the place everything is relative to.
        (true, Some(name)) if location.is_file() => name,
        (true, _) => OsStr::new("."),
    };
    named.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::{self, net::UnixListener};

    use super::*;

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.entries().iter().map(|entry| entry.path.as_str()).collect()
    }

    fn write(root: &Path, names: &[&str]) {
        for name in names {
            let location = root.join(name);
            fs::create_dir_all(location.parent().unwrap()).unwrap();
            fs::write(location, name).unwrap();
        }
    }

    #[test]
    fn hidden_and_ignored_are_listed_sorted() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &["b.py", ".hidden/a.py", "a/z.py", "ignored.py", ".git/config", "venv/pyvenv.cfg"],
        );
        fs::write(root.path().join(".gitignore"), "ignored.py\n").unwrap();
        let settings = Settings::default();
        let tree = Tree::walk(root.path(), &settings).unwrap();
        assert_eq!(
            paths(&tree),
            [".gitignore", ".hidden/a.py", "a/z.py", "b.py", "ignored.py", "venv/pyvenv.cfg"]
        );
        assert_eq!(tree.entries()[5].origin, Origin::Dependency);
        assert_eq!(tree.skipped, [Skipped { path: ".git".to_owned(), reason: Reason::Excluded }]);
    }

    #[test]
    fn committed_code_is_the_projects() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["src/pyvenv.cfg", "src/a.py", "node_modules/x/y.js", "node_modules/ours.js"]);
        let git = |arguments: &[&str]| {
            let done = std::process::Command::new("git").arg("-C").arg(root.path()).args(arguments).status();
            assert!(done.unwrap().success());
        };
        let own = || {
            let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
            let own = tree.entries().iter().filter(|entry| entry.origin == Origin::Project);
            own.map(|entry| entry.path.clone()).collect::<Vec<_>>()
        };
        assert!(own().is_empty());
        git(&["init", "-q"]);
        git(&["add", "-f", "src", "node_modules/ours.js"]);
        assert_eq!(own(), ["node_modules/ours.js", "src/a.py", "src/pyvenv.cfg"]);
        fs::write(root.path().join(".git/index"), "broken").unwrap();
        let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
        let gaps: Vec<_> = tree.skipped.iter().filter(|one| one.reason.leaves_gap()).collect();
        assert_eq!(gaps.len(), 2, "nobody knows whose it is: {gaps:?}");
    }

    #[test]
    fn ignored_may_be_left_out_but_is_named() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["b.py", "ignored.py"]);
        fs::write(root.path().join(".gitignore"), "ignored.py\n").unwrap();
        let settings = Settings { ignored: Ignored::LeftOut, ..Settings::default() };
        let tree = Tree::walk(root.path(), &settings).unwrap();
        assert_eq!(paths(&tree), [".gitignore", "b.py"]);
        assert_eq!(tree.skipped, [Skipped { path: "ignored.py".to_owned(), reason: Reason::Excluded }]);
    }

    #[test]
    fn caches_are_left_out_by_name() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &["target/debug/a.py", ".venv/a.py", ".venv/pyvenv.cfg", "src/a.py", "src/CACHEDIR.TAG"],
        );
        let signature = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a tool";
        for directory in ["target", ".venv"] {
            fs::write(root.path().join(directory).join("CACHEDIR.TAG"), signature).unwrap();
        }
        fs::write(root.path().join("src/CACHEDIR.TAG"), signature).unwrap();
        fs::write(root.path().join(".gitignore"), "/target\n").unwrap();
        fs::create_dir(root.path().join(".tool_cache")).unwrap();
        for (name, text) in [("CACHEDIR.TAG", signature), (".gitignore", "*\n"), ("a.py", "x")] {
            fs::write(root.path().join(".tool_cache").join(name), text).unwrap();
        }
        let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
        assert_eq!(
            paths(&tree),
            [
                ".gitignore",
                ".venv/CACHEDIR.TAG",
                ".venv/a.py",
                ".venv/pyvenv.cfg",
                "src/CACHEDIR.TAG",
                "src/a.py"
            ]
        );
        let skipped: Vec<_> = tree.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        assert_eq!(skipped, [".tool_cache", "target"], "a tag alone hides nothing: `src` is read");
    }

    #[test]
    fn pipes_keep_nobody() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["tagged/a.py", "kept/b.py"]);
        fs::write(root.path().join("kept/CACHEDIR.TAG"), CACHE_SIGNATURE).unwrap();
        for pipe in ["tagged/CACHEDIR.TAG", ".gitignore"] {
            let pipe = root.path().join(pipe);
            rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        }
        let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
        assert_eq!(paths(&tree), ["kept/CACHEDIR.TAG", "kept/b.py", "tagged/a.py"]);
    }

    #[test]
    fn links_never_lead_astray() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["a/b.py"]);
        let link = |target: &Path, name: &str| unix::fs::symlink(target, root.path().join(name)).unwrap();
        link(root.path(), "a/up");
        link(Path::new("round"), "round");
        link(Path::new("b.py"), "a/same.py");
        link(outside.path(), "out");
        link(Path::new("nowhere"), "broken.py");
        let _listening = UnixListener::bind(root.path().join("socket.py")).unwrap();
        let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
        assert_eq!(paths(&tree), ["a/b.py"]);
        let skipped: Vec<_> = tree.skipped.iter().map(Skipped::to_string).collect();
        let circle = "a link that leads round in a circle";
        assert_eq!(
            skipped,
            [
                &format!("a/up: {circle}"),
                "out: a link out of the audited directory",
                &format!("round: {circle}")
            ]
        );
        let aside: Vec<_> = tree.aside.iter().map(|(entry, reason)| (entry.path.as_str(), reason)).collect();
        assert_eq!(aside, [("broken.py", &Reason::LinkBroken), ("socket.py", &Reason::NotRegular)]);
    }

    #[test]
    fn unreadable_directory_is_named() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = ignore::Error::WithDepth {
            depth: 2,
            err: Box::new(ignore::Error::WithPath {
                path: PathBuf::from("/root/locked"),
                err: Box::new(ignore::Error::Io(denied)),
            }),
        };
        let met = Met::of(Path::new("/root"), Err(error)).unwrap();
        let tree = Tree::of(Path::new("/root"), vec![met]);
        assert_eq!(tree.skipped[0].to_string(), "locked: not readable: permission denied");
    }

    #[test]
    fn file_is_a_tree_of_one() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["b.py"]);
        let tree = Tree::walk(&root.path().join("b.py"), &Settings::default()).unwrap();
        assert_eq!(paths(&tree), ["b.py"]);
        assert!(Tree::walk(&root.path().join("missing"), &Settings::default()).is_err());
    }
}
