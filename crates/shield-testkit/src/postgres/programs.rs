//! PostgreSQL's programs, where they are and as whom they run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::geteuid;

use super::PostgresError;

/// Where Debian and Ubuntu put the programs of each version.
pub(super) const VERSIONS: &str = "/usr/lib/postgresql";

/// `$1` is the directory, the rest is the server's command line. Quotes would keep the list of children together. A line of
/// input has a server that was killed started again, with that line behind its command.
pub(super) const KEEPER: &str = r#"directory=$1
shift
while
    "$@" >>"$directory/log" 2>&1 &
    server=$!
    echo "$server"
    read -r more
do
    wait "$server"
    set -- "$@" $more
done
kill -CONT $server $(cat "/proc/$server/task/$server/children" 2>/dev/null) 2>/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$directory"
"#;

/// The programs of the newest version.
pub(super) fn programs() -> Result<PathBuf, PostgresError> {
    let versions = fs::read_dir(VERSIONS).map_err(|_| PostgresError::Missing)?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter_map(|entry| Some(entry.ok()?.path())).max_by_key(number);
    let programs = newest.map(|version| version.join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).ok_or(PostgresError::Missing)
}

/// What comes before a command that must not run as root: becomes that command, so that its pid is the server's.
pub(super) fn as_postgres() -> Vec<&'static str> {
    match geteuid().is_root() {
        true => vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"],
        false => Vec::new(),
    }
}

/// Answers what it printed.
pub(super) fn run(
    program: &str,
    arguments: &[&str],
    directory: Option<&Path>,
) -> Result<String, PostgresError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).current_dir(directory.unwrap_or(Path::new("/")));
    let failed = |source| PostgresError::Run { program: program.to_owned(), source };
    let Output { status, stdout, stderr } = command.output().map_err(failed)?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).trim().to_owned());
    }
    let output = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Err(PostgresError::Failed { program: format!("{program} {}", arguments.join(" ")), output })
}

/// A fresh one, in which the server may write.
pub(super) fn make_directory() -> Result<PathBuf, PostgresError> {
    let failed = |source| PostgresError::Run { program: "mkdir".to_owned(), source };
    let directory = tempfile::Builder::new().prefix("shield-postgres-").tempdir().map_err(failed)?.keep();
    if geteuid().is_root() {
        // PostgreSQL refuses to run as root; Debian's package makes this user.
        let path = directory.display().to_string();
        run("install", &["-d", "-o", "postgres", "-m", "700", &path], None)?;
    }
    Ok(directory)
}

pub(super) fn data(directory: &Path) -> String {
    directory.join("data").display().to_string()
}

pub(super) fn program(programs: &Path, name: &str) -> String {
    programs.join(name).display().to_string()
}
