//! Directories that hold nothing known: a template with blanks.

use std::path::Path;

use super::{
    guess::{Guess, ProjectKind},
    name::directory_name,
    ready::any_answer,
};

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
