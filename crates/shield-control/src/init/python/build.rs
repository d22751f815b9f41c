//! The command that makes `.venv` and installs into it.

use std::path::Path;

use super::requirements::Requirements;
use crate::manifest::FILE_NAME;

/// Writes `[project] dependencies` as a file for pip. Python before 3.11 has the TOML parser only inside pip.
const LIST_PROJECT: &str = include_str!("list_project.py");
/// The same for `[tool.poetry.dependencies]` and a `Pipfile`, which write versions in a way of their own.
const LIST_TABLE: &str = include_str!("list_table.py");
/// Writes what a lock file pins as constraints for pip.
const LIST_LOCKED: &str = include_str!("list_locked.py");

/// Where the lists go.
const LISTED: &str = ".venv/shield-requirements.txt";
const PINNED: &str = ".venv/shield-constraints.txt";

pub(super) fn build_sentence(requirements: &Requirements) -> String {
    let file = requirements.file().map(|file| file.display().to_string()).unwrap_or_default();
    let pins = requirements.lock().map_or(String::new(), |lock| format!(", as {} pins them", lock.display()));
    let what = match requirements {
        Requirements::File(_) => format!("{file}, fastapi and uvicorn"),
        Requirements::Project(..) | Requirements::Poetry(..) | Requirements::Pipfile(_) => {
            format!("the dependencies of {file}, fastapi and uvicorn{pins}")
        }
        Requirements::Package(_) => format!("the package of {file}, fastapi and uvicorn"),
        Requirements::Nowhere => {
            return "build command: makes `.venv` and installs fastapi and uvicorn, because no list of dependencies was \
                    found; when the service needs more, write a requirements.txt and run `shield init --force`"
                .to_owned();
        }
    };
    format!("build command: makes `.venv` and installs {what}, only when they changed")
}

/// Installs when the requirements changed since the last time, so that a second run is fast.
///
/// `base` is the directory that it happens in. FastAPI and uvicorn are asked for in a step of their own: what the list pins stays, also when it pins by hash.
pub(super) fn build_command(requirements: &Requirements, base: &Path) -> String {
    let enter = match base.as_os_str().is_empty() {
        true => String::new(),
        false => format!("cd {}\n", quoted(base)),
    };
    let pip = ".venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile";
    let constraints = if requirements.lock().is_some() { format!(" -c {PINNED}") } else { String::new() };
    let list = listing(requirements);
    let install =
        install(requirements).map_or(String::new(), |what| format!("  {pip}{constraints} {what}\n"));
    format!(
        r#"set -eu  # dependencies into .venv
{enter}.venv/bin/python -c "" 2>/dev/null || python3 -m venv --clear .venv
wanted="$(cat {inputs} | cksum) $(.venv/bin/python -V)"
if [ "$(cat .venv/shield-installed 2>/dev/null)" != "$wanted" ]; then
  .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip --default-pip
{list}{install}  {pip}{constraints} fastapi uvicorn
  # Files get new times when they are copied, so the bytecode is checked by hash. What does not compile is never imported.
  .venv/bin/python -m compileall -q -f --invalidation-mode checked-hash .venv/lib || true
  printf '%s\n' "$wanted" > .venv/shield-installed
fi
"#,
        inputs = inputs(requirements, base),
    )
}

/// The files that say what is installed, for a shell. `shield.toml` is one: people add packages to its command.
fn inputs(requirements: &Requirements, base: &Path) -> String {
    let mut inputs = vec![format!("{}{FILE_NAME}", "../".repeat(base.components().count()))];
    inputs.extend(match requirements {
        Requirements::File(file) => Some(siblings(file)),
        other => other.file().map(quoted),
    });
    inputs.extend(requirements.lock().map(quoted));
    inputs.join(" ")
}

/// A file of pip may refer to its neighbours.
fn siblings(file: &Path) -> String {
    let pattern = if file.ends_with("requirements.txt") { "requirements*.txt" } else { "*.txt" };
    match file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => format!("{}/{pattern}", quoted(parent)),
        None => pattern.to_owned(),
    }
}

/// The lines that make lists for pip.
fn listing(requirements: &Requirements) -> String {
    let heredoc = |script: &str, file: &Path, into: &str| {
        format!("  .venv/bin/python - {} > {into} <<'END'\n{script}END\n", quoted(file))
    };
    let list = match requirements {
        Requirements::Project(file, _) => heredoc(LIST_PROJECT, file, LISTED),
        Requirements::Poetry(file, _) | Requirements::Pipfile(file) => heredoc(LIST_TABLE, file, LISTED),
        Requirements::File(_) | Requirements::Package(_) | Requirements::Nowhere => String::new(),
    };
    let pins = requirements.lock().map_or(String::new(), |lock| heredoc(LIST_LOCKED, lock, PINNED));
    list + &pins
}

/// What pip is asked to install besides FastAPI and uvicorn.
fn install(requirements: &Requirements) -> Option<String> {
    match requirements {
        Requirements::File(file) => Some(format!("-r {}", quoted(file))),
        Requirements::Project(..) | Requirements::Poetry(..) | Requirements::Pipfile(_) => {
            Some(format!("-r {LISTED}"))
        }
        Requirements::Package(file) => {
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            Some(directory.map_or(".".to_owned(), |parent| quoted(&Path::new(".").join(parent))))
        }
        Requirements::Nowhere => None,
    }
}

fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
