//! Files that a command was asked to write its findings to.
//!
//! Whether they can be written is known before anything is measured or broken. What an earlier command wrote to them is removed
//! then, and a new file takes its place at once and whole: so whatever lies there afterwards is of this command, and a command that
//! could not begin leaves nothing that a build server takes for a result.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// Paths of what this process has open.
const OPEN_FILES: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];

/// Makes sure that each file can be written, and removes what an earlier command wrote to it. `inputs` are what the command reads:
/// none of them is written over.
pub(crate) fn prepare(reports: &[&Path], inputs: &[&Path]) -> Result<(), Failure> {
    let mut places: Vec<PathBuf> = Vec::new();
    let reports: Vec<&Path> = reports.iter().copied().filter(|path| !is_open_elsewhere(path)).collect();
    for path in &reports {
        if *path == Path::new("-") {
            return Err(unwritable(path, "reports are files; standard output is `/dev/stdout`"));
        }
        let place = place(path).map_err(|error| unwritable(path, &error.to_string()))?;
        if inputs.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == place)) {
            return Err(unwritable(path, "this command reads it"));
        }
        if places.contains(&place) {
            return Err(unwritable(path, "it is named twice"));
        }
        places.push(place);
    }
    for (path, place) in reports.iter().zip(&places) {
        try_out(place).map_err(|error| unwritable(path, &error.to_string()))?;
    }
    // Only now: a path that is mistaken costs none of the others its file.
    for (path, place) in reports.iter().zip(&places).filter(|(_, place)| place.is_file()) {
        fs::remove_file(place).map_err(|error| unwritable(path, &error.to_string()))?;
    }
    Ok(())
}

/// Writes a file, whole or not at all; `recorded` says what is not lost if that fails.
pub(crate) fn write(path: &Path, text: &str, recorded: &str) -> Result<(), Failure> {
    let take_its_place = || {
        let place = place(path)?;
        let mut file = beside(&place)?;
        file.write_all(text.as_bytes())?;
        file.persist(&place).map_err(|error| error.error).map(drop)
    };
    let written = if is_open_elsewhere(path) { fs::write(path, text) } else { take_its_place() };
    written.map_err(|error| {
        let message = format!("failed to write `{}`: {error}", path.display());
        Failure::plain(Exit::NotRecorded, &message, &format!("free space, or name another file; {recorded}"))
    })
}

/// Where a path leads, links followed; the file itself need not be there.
fn place(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = parent.map_or_else(env::current_dir, fs::canonicalize)?;
            // A link to nothing leads to where a file will be; one to itself is another error.
            match fs::read_link(path) {
                Ok(target) => place(&directory.join(target)),
                Err(_) => Ok(directory.join(name)),
            }
        }
        found => found,
    }
}

/// A terminal, a pipe, `/dev/null`, an open file such as `/dev/stdout`: it is written to where it is, and nothing takes its place.
fn is_open_elsewhere(path: &Path) -> bool {
    let open_file = OPEN_FILES.iter().any(|open| path.starts_with(open));
    open_file || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn try_out(place: &Path) -> io::Result<()> {
    if place.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut file = beside(place)?;
    // A directory can be written to on a filesystem that has no room for a byte.
    file.write_all(b"\n")?;
    file.close()
}

/// A file that can take the place of another one. It goes away by itself when it does not.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let directory = place.parent().ok_or_else(|| io::Error::other("it names no file"))?;
    tempfile::Builder::new().prefix(".shield-report-").permissions(ordinary()).tempfile_in(directory)
}

/// What any program makes its files with; the user's mask takes the rest away.
fn ordinary() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

fn unwritable(path: &Path, problem: &str) -> Failure {
    let message = format!("failed to write `{}`: {problem}", path.display());
    Failure::plain(Exit::Usage, &message, "name a new file in a directory that exists; nothing was begun")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::{fd::AsRawFd, unix::fs::symlink},
        path::{Path, PathBuf},
    };

    use super::{prepare, write};

    #[test]
    fn old_files_are_gone_before_and_whole_after() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["old", "linked"] {
            fs::write(path(name), "of another run").unwrap();
        }
        symlink(path("linked"), path("link")).unwrap();
        let reports = [path("old"), path("new"), path("link")];
        let reports: Vec<&Path> = reports.iter().map(AsRef::as_ref).collect();
        prepare(&reports, &[]).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        for report in reports {
            write(report, "of this run", "").unwrap();
            assert_eq!(fs::read_to_string(report).unwrap(), "of this run");
        }
        assert_eq!(fs::read_to_string(path("linked")).unwrap(), "of this run");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
    }

    #[test]
    fn mistaken_paths_cost_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("kept"), "kept").unwrap();
        let kept = path("kept");
        for wrong in [path("no/such"), directory.path().to_owned(), directory.path().join(".."), kept.clone()]
        {
            assert!(prepare(&[&kept, &wrong], &[]).is_err(), "{}", wrong.display());
            assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
        }
        assert!(prepare(&[&kept, Path::new("-")], &[]).is_err());
        assert!(prepare(&[&directory.path().join("./kept")], &[&kept]).is_err());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
    }

    #[test]
    fn devices_stay_devices() {
        let (null, open) = (Path::new("/dev/null"), tempfile::NamedTempFile::new().unwrap());
        let descriptor = PathBuf::from(format!("/dev/fd/{}", open.as_file().as_raw_fd()));
        prepare(&[null, &descriptor], &[]).unwrap();
        for path in [null, &descriptor] {
            write(path, "text", "").unwrap();
        }
        assert!(!fs::metadata(null).unwrap().is_file());
        assert_eq!(fs::read_to_string(open.path()).unwrap(), "text");
    }
}
