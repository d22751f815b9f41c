//! What else lies in the directory: said, since it is easily overlooked.

use std::{fs, path::Path};

use super::guess::{Guess, ProjectKind};

/// Endings of files that databases write while the service runs.
const DATABASES: [&str; 4] = [".db", ".db3", ".sqlite", ".sqlite3"];

/// Most files that are looked at.
const CHILDREN_MAX: usize = 2_000;

/// Files of projects, and the kinds whose guess is made of them.
const PROJECT_FILES: [(&str, &[ProjectKind]); 5] = [
    ("Cargo.toml", &[ProjectKind::Cargo]),
    ("pyproject.toml", &[ProjectKind::FastApi]),
    ("requirements.txt", &[ProjectKind::FastApi]),
    ("package.json", &[ProjectKind::Node]),
    ("go.mod", &[]),
];

/// The guess, with what the artifact takes along or leaves out, and which other project was seen.
pub(crate) fn with_surroundings(directory: &Path, mut guess: Guess) -> Guess {
    if guess.kind == ProjectKind::Other {
        return guess;
    }
    let artifact = directory.join(&guess.artifact);
    if artifact.is_dir() {
        let databases = databases(&artifact);
        if !databases.is_empty() {
            let names: Vec<String> = databases.iter().map(|name| format!("`{name}`")).collect();
            guess.sentences.push(format!(
                "left out: {}, which the service writes itself; what must outlive a release belongs into `{{data}}`",
                names.join(", ")
            ));
            guess.exclude.splice(0..0, databases);
        }
        if artifact.join(".env").is_file() {
            guess.sentences.push(
                "`.env` becomes part of the artifact; add it to `stage.build.exclude` if it must not"
                    .to_owned(),
            );
        }
    }
    let others = PROJECT_FILES.iter().filter(|(_, kinds)| !kinds.contains(&guess.kind));
    let others: Vec<String> = others
        .filter(|(file, _)| directory.join(file).is_file())
        .map(|(file, _)| format!("`{file}`"))
        .collect();
    if !others.is_empty() {
        guess.sentences.push(format!("also there, and not used for the guess: {}", others.join(", ")));
    }
    guess
}

/// Names of databases in the directory itself, sorted.
fn databases(directory: &Path) -> Vec<String> {
    let children = fs::read_dir(directory).into_iter().flatten().flatten().take(CHILDREN_MAX);
    let names = children.filter_map(|child| {
        let name = child.file_name().into_string().ok()?;
        let database = DATABASES.iter().any(|ending| name.ends_with(ending));
        (database && child.file_type().is_ok_and(|kind| kind.is_file())).then_some(name)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
