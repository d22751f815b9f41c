//! FastAPI services: where the application object lies, and how dependencies get into the artifact.
//!
//! Dependencies are installed into `.venv` inside the project, which becomes part of the artifact. Scripts in `.venv/bin`
//! name their interpreter by absolute path and break when the directory is copied; `python -m uvicorn` does not. Bytecode of
//! dependencies is compiled with hashes of its source, since times change in a copy; a running instance writes none, as the
//! artifact must stay what its digest says.

mod application;
mod build;
mod import;
mod ready;
mod requirements;

use std::path::Path;

use toml::Table;

use self::{
    application::{Application, application},
    build::{build_command, build_sentence},
    ready::ready_guess,
    requirements::{Requirements, names_fastapi, requirements},
};
use super::{
    guess::{Guess, ProjectKind},
    name,
    sources::{joined, read_sources, read_text},
};
use crate::manifest::FILE_NAME;

/// What the artifact leaves out; the last but one keeps what the virtual environment needs.
const EXCLUDE: [&str; 11] = [
    ".git",
    ".shield",
    FILE_NAME,
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "node_modules",
    "!.venv",
    ".venv/shield-installed",
];

/// The guess for a directory with a list of dependencies that names FastAPI, and sources that make an application.
pub(crate) fn inspect(directory: &Path) -> Option<Guess> {
    Project::read(directory)
        .filter(|project| project.fastapi_is_listed)
        .map(|project| project.guess(directory))
}

/// The guess for a directory whose sources make an application, whatever its lists of dependencies say.
pub(crate) fn inspect_sources(directory: &Path) -> Option<Guess> {
    Project::read(directory).map(|project| project.guess(directory))
}

/// What was found.
struct Project {
    application: Application,
    requirements: Requirements,
    fastapi_is_listed: bool,
    /// All sources in one.
    text: String,
}

// === impl Project ===

impl Project {
    fn read(directory: &Path) -> Option<Self> {
        let sources = read_sources(directory, &[".py"]);
        let application = application(directory, &sources)?;
        let requirements = requirements(directory, &application.file);
        let fastapi_is_listed = names_fastapi(directory, &requirements);
        Some(Self { application, requirements, fastapi_is_listed, text: joined(&sources) })
    }

    fn guess(&self, directory: &Path) -> Guess {
        let test = test_command(directory);
        let mut exclude: Vec<String> = EXCLUDE.map(str::to_owned).into();
        exclude.splice(0..0, other_environments(directory));
        let guess = Guess {
            kind: ProjectKind::FastApi,
            name: service_name(directory),
            start: start_command(&self.application),
            env: ["PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"]
                .map(|name| (name.to_owned(), "1".to_owned()))
                .into(),
            build: Some(build_command(&self.requirements)),
            artifact: ".".to_owned(),
            exclude,
            sentences: self.sentences(test.as_deref()),
            test,
            ready: (String::new(), String::new()),
        };
        guess.with_ready(ready_guess(&self.text, &self.application))
    }

    fn sentences(&self, test: Option<&str>) -> Vec<String> {
        let application = &self.application;
        let mut sentences = vec![
            format!(
                "start command: uvicorn serves `{}:{}`, because {}",
                application.module, application.object, application.reason
            ),
            build_sentence(&self.requirements),
            "artifact: the project directory with `.venv`, without caches".to_owned(),
        ];
        sentences.extend(test.map(|test| format!("test command: `{test}`, because pytest is a dependency")));
        sentences
    }
}

fn service_name(directory: &Path) -> shield_types::ServiceName {
    let pyproject = read_text(&directory.join("pyproject.toml")).and_then(|text| text.parse::<Table>().ok());
    let named = pyproject.as_ref().and_then(|table| {
        let tables = [table.get("project"), table.get("tool").and_then(|tool| tool.get("poetry"))];
        tables.into_iter().flatten().find_map(|table| table.get("name")?.as_str())
    });
    named.map_or_else(|| name::directory_name(directory), name::service_name)
}

/// Virtual environments beside `.venv`: they would only make the artifact large.
fn other_environments(directory: &Path) -> Vec<String> {
    let names = ["venv", "env", ".env", "virtualenv"];
    let found = names.into_iter().filter(|name| directory.join(name).join("pyvenv.cfg").is_file());
    found.map(str::to_owned).collect()
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
