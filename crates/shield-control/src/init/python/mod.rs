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

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

use self::{
    application::{Application, application},
    build::{build_command, build_sentence},
    ready::ready_guess,
    requirements::{Requirements, names_fastapi, names_pytest, requirements},
};
use super::{
    guess::{Guess, ProjectKind},
    name,
    sources::{joined, read_sources, read_text},
};
use crate::manifest::FILE_NAME;

/// How far tests are looked for: levels of directories, and files of each level.
const TEST_LEVELS_MAX: usize = 4;
const TEST_FILES_MAX: usize = 2_000;

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
    let project = Project::read(directory, PathBuf::new())?;
    project.fastapi_is_listed.then(|| project.guess(directory))
}

/// The guess for a directory whose sources make an application, whatever its lists of dependencies say.
pub(crate) fn inspect_sources(directory: &Path) -> Option<Guess> {
    Project::read(directory, PathBuf::new()).map(|project| project.guess(directory))
}

/// What was found.
struct Project {
    /// The directory that becomes the artifact; everything else is relative to it.
    base: PathBuf,
    application: Application,
    requirements: Requirements,
    fastapi_is_listed: bool,
    /// All sources in one.
    text: String,
}

// === impl Project ===

impl Project {
    /// Looks at `base` below `root`, or at a directory in it that has a list of dependencies and an application of its own:
    /// that is where people start it, and what its relative paths mean.
    fn read(root: &Path, base: PathBuf) -> Option<Self> {
        let directory = root.join(&base);
        let sources = read_sources(&directory, &[".py"]);
        let application = application(&directory, &sources)?;
        let requirements = requirements(&directory, &application.file);
        let own = requirements.file().and_then(Path::parent).filter(|own| !own.as_os_str().is_empty());
        match own.filter(|own| base.as_os_str().is_empty() && application.directory.starts_with(own)) {
            Some(own) => Self::read(root, own.to_owned()),
            None => {
                let fastapi_is_listed = names_fastapi(&directory, &requirements);
                Some(Self { base, application, requirements, fastapi_is_listed, text: joined(&sources) })
            }
        }
    }

    fn guess(&self, root: &Path) -> Guess {
        let directory = root.join(&self.base);
        let test = self.test_command(&directory);
        let mut exclude: Vec<String> = EXCLUDE.map(str::to_owned).into();
        exclude.splice(0..0, other_environments(&directory));
        let guess = Guess {
            kind: ProjectKind::FastApi,
            name: service_name(root),
            start: start_command(&self.application),
            env: ["PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"]
                .map(|name| (name.to_owned(), "1".to_owned()))
                .into(),
            build: Some(build_command(&self.requirements, &self.base)),
            artifact: if self.base.as_os_str().is_empty() {
                ".".into()
            } else {
                self.base.display().to_string()
            },
            exclude,
            sentences: self.sentences(test.as_deref()),
            test,
            ready: (String::new(), String::new()),
        };
        guess.with_ready(ready_guess(&self.text, &self.application))
    }

    fn sentences(&self, test: Option<&str>) -> Vec<String> {
        let application = &self.application;
        let artifact = match self.base.as_os_str().is_empty() {
            true => "the project directory".to_owned(),
            false => {
                format!("the directory `{}`, which has its own list of dependencies,", self.base.display())
            }
        };
        let mut sentences = vec![
            format!(
                "start command: uvicorn serves `{}:{}`, because {}",
                application.module, application.object, application.reason
            ),
            build_sentence(&self.requirements),
            format!("artifact: {artifact} with `.venv`, without caches"),
        ];
        sentences.extend(test.map(|test| format!("test command: `{test}`, because pytest is a dependency")));
        sentences
    }

    /// pytest, when it is among what is installed and there is something to test.
    fn test_command(&self, directory: &Path) -> Option<String> {
        let tests = ["tests", "test"].iter().any(|tests| has_tests(&directory.join(tests)));
        if !tests || !names_pytest(directory, &self.requirements) {
            return None;
        }
        let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
        let enter = match self.base.as_os_str().is_empty() {
            true => String::new(),
            false => format!("cd {} && ", quoted(&self.base)),
        };
        let imports = match self.application.directory.as_os_str().is_empty() {
            true => String::new(),
            false => format!("PYTHONPATH={} ", quoted(&self.application.directory)),
        };
        Some(format!("{enter}{imports}.venv/bin/python -m pytest -q"))
    }
}

/// True when pytest finds a file of tests in `directory`; without one it fails.
fn has_tests(directory: &Path) -> bool {
    let named = |path: &Path| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
    };
    let mut level = vec![directory.to_owned()];
    for _ in 0..TEST_LEVELS_MAX {
        let children = level.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten();
        let paths: Vec<PathBuf> = children.take(TEST_FILES_MAX).map(|child| child.path()).collect();
        if paths.iter().any(|path| named(path)) {
            return true;
        }
        level = paths.into_iter().filter(|path| path.is_dir() && !path.is_symlink()).collect();
    }
    false
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
