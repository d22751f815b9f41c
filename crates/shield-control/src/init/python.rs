//! FastAPI services: where the application object lies, and how dependencies get into the artifact.
//!
//! Dependencies are installed into `.venv` inside the project, which becomes part of the artifact. Scripts in `.venv/bin`
//! name their interpreter by absolute path and break when the directory is copied; `python -m uvicorn` does not. Bytecode of
//! dependencies is compiled with hashes of its source, since times change in a copy; a running instance writes none, as the
//! artifact must stay what its digest says.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{
    guess::{Guess, ProjectKind},
    name,
    ready::{self, ReadyGuess},
    sources::{SourceFile, joined, read_sources, read_text},
};
use crate::manifest::FILE_NAME;

/// What the artifact leaves out; the last entry keeps what the virtual environment needs.
const EXCLUDE: [&str; 11] = [
    ".git",
    ".shield",
    FILE_NAME,
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "tests",
    "node_modules",
    "!.venv",
];

/// Where dependencies are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requirements {
    /// `requirements.txt`.
    File,
    /// `[project] dependencies` of `pyproject.toml`.
    Project,
    /// Another table of `pyproject.toml`, which only its own build tool reads.
    BuildTool,
}

/// The application object that uvicorn serves.
struct Application {
    /// Directory that modules are imported from, relative to the project's root.
    directory: PathBuf,
    /// `package.module`.
    module: String,
    /// Name of the object, or of the function that makes it.
    object: String,
    /// True when `object` is a function.
    factory: bool,
    /// The file it stands in.
    file: PathBuf,
}

/// The guess for a directory whose requirements name FastAPI and whose sources make an application.
pub(crate) fn inspect(directory: &Path) -> Option<Guess> {
    let pyproject = read_text(&directory.join("pyproject.toml")).and_then(|text| text.parse::<Table>().ok());
    let requirements = requirements(directory, pyproject.as_ref())?;
    let sources = read_sources(directory, &[".py"]);
    let application = application(directory, &sources)?;
    let start = start_command(&application);
    let test = test_command(directory);
    let mut sentences = vec![
        format!(
            "start command: uvicorn serves `{}:{}`, because {} makes the FastAPI application",
            application.module,
            application.object,
            application.file.display()
        ),
        build_sentence(requirements),
        "artifact: the project directory with `.venv`, without tests and caches".to_owned(),
    ];
    sentences
        .extend(test.as_ref().map(|test| format!("test command: `{test}`, because pytest is a dependency")));
    if directory.join(".env").is_file() {
        sentences.push(
            "`.env` becomes part of the artifact; add it to `stage.build.exclude` if it must not".to_owned(),
        );
    }
    let guess = Guess {
        kind: ProjectKind::FastApi,
        name: service_name(directory, pyproject.as_ref()),
        start,
        env: ["PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"]
            .map(|name| (name.to_owned(), "1".to_owned()))
            .into(),
        build: Some(build_command(requirements)),
        artifact: ".".to_owned(),
        exclude: EXCLUDE.map(str::to_owned).into(),
        test,
        ready: (String::new(), String::new()),
        sentences,
    };
    Some(guess.with_ready(ready_guess(&joined(&sources), &application)))
}

fn requirements(directory: &Path, pyproject: Option<&Table>) -> Option<Requirements> {
    let names_fastapi =
        |text: &str| text.lines().any(|line| line.trim().to_ascii_lowercase().starts_with("fastapi"));
    if read_text(&directory.join("requirements.txt")).is_some_and(|text| names_fastapi(&text)) {
        return Some(Requirements::File);
    }
    let project =
        pyproject?.get("project").and_then(|project| project.get("dependencies")).and_then(Value::as_array);
    let listed = project.is_some_and(|list| list.iter().filter_map(Value::as_str).any(names_fastapi));
    if listed {
        return Some(Requirements::Project);
    }
    let elsewhere = read_text(&directory.join("pyproject.toml"))?.to_ascii_lowercase().contains("fastapi");
    elsewhere.then_some(Requirements::BuildTool)
}

fn service_name(directory: &Path, pyproject: Option<&Table>) -> shield_types::ServiceName {
    let named = pyproject.and_then(|table| table.get("project")?.get("name")?.as_str());
    named.map_or_else(|| name::directory_name(directory), name::service_name)
}

/// The application nearest to the root; an object before a function that makes one.
fn application(root: &Path, sources: &[SourceFile]) -> Option<Application> {
    let candidates = || sources.iter().filter(|file| file.text.contains("FastAPI("));
    let object = candidates().find_map(|file| Some((file, object_name(&file.text)?, false)));
    let (file, object, factory) =
        object.or_else(|| candidates().find_map(|file| Some((file, factory_name(&file.text)?, true))))?;
    let (directory, module) = import_path(root, file);
    Some(Application { directory, module, object, factory, file: file.path.clone() })
}

/// The name in `name = FastAPI(` or `name: FastAPI = FastAPI(` at the start of a line.
fn object_name(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (left, _) = line.split_once("FastAPI(")?;
        let left = left.trim_end().trim_end_matches("fastapi.").trim_end().strip_suffix('=')?;
        let name = left.split(':').next()?.trim_end();
        is_identifier(name).then(|| name.to_owned())
    })
}

/// The function without required parameters whose body makes the application.
fn factory_name(text: &str) -> Option<String> {
    let mut function = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("def ") {
            let (name, parameters) = rest.split_once('(')?;
            let parameters = parameters.split(')').next().unwrap_or_default();
            let callable = parameters.split(',').all(|one| one.trim().is_empty() || one.contains('='));
            function = (callable && is_identifier(name)).then(|| name.to_owned());
        } else if line.starts_with(' ') && line.contains("FastAPI(") && function.is_some() {
            return function;
        } else if !line.is_empty() && !line.starts_with([' ', '\t', ')', '#']) {
            function = None;
        }
    }
    None
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Which directory the module is imported from, and under which name.
///
/// Packages (`__init__.py`) are imported from above; so is a plain directory whose modules name it in their imports.
fn import_path(root: &Path, file: &SourceFile) -> (PathBuf, String) {
    let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut directory = file.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut parts = if stem == "__init__" { Vec::new() } else { vec![stem] };
    while let Some(name) = directory.file_name().map(|name| name.to_string_lossy().into_owned()) {
        let package = root.join(&directory).join("__init__.py").is_file();
        let names_itself =
            [format!("from {name}."), format!("from {name} import"), format!("import {name}.")];
        let relative = file.text.lines().any(|line| line.starts_with("from ."));
        if !package && !relative && !names_itself.iter().any(|import| file.text.contains(import)) {
            break;
        }
        parts.insert(0, name);
        directory.pop();
    }
    (directory, parts.join("."))
}

fn start_command(application: &Application) -> String {
    let directory = match application.directory.as_os_str().is_empty() {
        true => "{artifact}".to_owned(),
        false => {
            shell_words::quote(&format!("{{artifact}}/{}", application.directory.display())).into_owned()
        }
    };
    let factory = if application.factory { " --factory" } else { "" };
    format!(
        "{{artifact}}/.venv/bin/python -m uvicorn --app-dir {directory}{factory} {}:{} --host {{address}} --port {{port}}",
        application.module, application.object
    )
}

fn test_command(directory: &Path) -> Option<String> {
    let pytest = ["requirements.txt", "pyproject.toml"]
        .iter()
        .filter_map(|file| read_text(&directory.join(file)))
        .any(|text| text.lines().any(|line| line.trim().trim_matches(['"', '\'']).starts_with("pytest")));
    let tests = ["tests", "test"].iter().any(|tests| directory.join(tests).is_dir());
    (pytest && tests).then(|| ".venv/bin/python -m pytest -q".to_owned())
}

fn build_sentence(requirements: Requirements) -> String {
    let source = match requirements {
        Requirements::File => "requirements.txt",
        Requirements::Project => "the dependencies of pyproject.toml",
        Requirements::BuildTool => {
            "the project itself (pyproject.toml lists its dependencies for a build tool)"
        }
    };
    format!("build command: makes `.venv` and installs {source}, fastapi and uvicorn, only when they changed")
}

/// Installs when the requirements changed since the last time, so that a second run is fast.
fn build_command(requirements: Requirements) -> String {
    let (inputs, prepare, install) = match requirements {
        Requirements::File => ("requirements*.txt", "", "-r requirements.txt"),
        Requirements::Project => ("pyproject.toml", LIST_DEPENDENCIES, "-r .venv/shield-requirements.txt"),
        Requirements::BuildTool => ("pyproject.toml", "", "."),
    };
    format!(
        r#"set -eu
[ -x .venv/bin/python ] || python3 -m venv .venv
wanted="$(cat {inputs} | cksum) $(.venv/bin/python -V)"
if [ "$(cat .venv/shield-installed 2>/dev/null)" != "$wanted" ]; then
  .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip --default-pip
{prepare}  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile {install} fastapi uvicorn
  # Files get new times when they are copied, so the bytecode is checked by hash. What does not compile is never imported.
  .venv/bin/python -m compileall -q -f --invalidation-mode checked-hash .venv/lib || true
  printf '%s\n' "$wanted" > .venv/shield-installed
fi
"#
    )
}

/// Writes `[project] dependencies` as a requirements file. Python before 3.11 has the TOML parser only inside pip.
const LIST_DEPENDENCIES: &str = r#"  .venv/bin/python - > .venv/shield-requirements.txt <<'END'
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["project"]["dependencies"]))
END
"#;

/// A path that the application itself serves; one on a router may stand below a prefix, so the schema is safer there.
fn ready_guess(text: &str, application: &Application) -> ReadyGuess {
    let direct = ready::served_path(text).filter(|path| {
        let on_application = ['"', '\'']
            .iter()
            .any(|quote| text.contains(&format!("@{}.get({quote}{path}{quote}", application.object)));
        on_application || !ready::mounts(text)
    });
    match direct {
        Some(path) => ready::found(path),
        None if text.contains("openapi_url=None") => ready::any_answer(),
        None => ReadyGuess {
            path: "/openapi.json".to_owned(),
            status: "200".to_owned(),
            sentence: "readiness: GET `/openapi.json`, which FastAPI answers when the application is up; a path that \
                       checks what the service needs would be better"
                .to_owned(),
        },
    }
}
