//! Directories that hold nothing known: a template with blanks.

use std::{fs, path::Path};

use super::{
    guess::{Guess, ProjectKind},
    name::directory_name,
    ready::any_answer,
};

/// Most directories that are looked into.
const DIRECTORIES_MAX: usize = 200;

/// Where a project lies, when not in the directory itself.
fn below(directory: &Path) -> Option<String> {
    let children = fs::read_dir(directory).ok()?.flatten().take(DIRECTORIES_MAX);
    let mut names: Vec<String> = children.filter_map(|child| child.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && name != "node_modules" && name != "target");
    names.sort();
    let projects = ["Cargo.toml", "package.json", "pyproject.toml", "requirements.txt"];
    let files = names.iter().flat_map(|name| projects.map(|file| format!("{name}/{file}")));
    let found: Vec<String> =
        files.filter(|file| directory.join(file).is_file()).map(|file| format!("`{file}`")).collect();
    (!found.is_empty()).then(|| {
        format!("further down: {}; run `shield init` in the directory of the service", found.join(", "))
    })
}

/// A template, named after the directory.
pub(crate) fn inspect(directory: &Path) -> Guess {
    let unfinished = [
        ("Cargo.toml", "Cargo.toml has no binary"),
        ("package.json", "package.json names nothing to start"),
        ("pyproject.toml", "pyproject.toml does not name FastAPI, or no `FastAPI(` stands in the sources"),
        (
            "requirements.txt",
            "requirements.txt does not name FastAPI, or no `FastAPI(` stands in the sources",
        ),
    ];
    let mut sentences: Vec<String> = unfinished
        .into_iter()
        .filter(|(file, _)| directory.join(file).is_file())
        .map(|(_, reason)| format!("nothing was guessed from it: {reason}"))
        .collect();
    sentences.extend(below(directory));
    sentences.push(
        "template: no Cargo, FastAPI or Node service was found, so fill in `service.start` and `stage.build.artifact`"
            .to_owned(),
    );
    let guess = Guess {
        kind: ProjectKind::Other,
        name: directory_name(directory),
        start: String::new(),
        env: Vec::new(),
        build: None,
        artifact: String::new(),
        exclude: Vec::new(),
        test: None,
        ready: (String::new(), String::new()),
        sentences,
    };
    let ready = any_answer();
    Guess { ready: (ready.path, ready.status), ..guess }
}
