//! Folders from which programs of the project are started: what lies there is found by its own name, by what lies there too.

use super::{
    environment::{FOLDERS_MAX, inside},
    files::{folder_of, join, name_of, text_at},
    folders::Folders,
    own_path::OwnPath,
    units::Units,
};

/// Words of containers, lists of processes and scripts behind which such a folder comes.
const WORDS: [&str; 6] = ["WORKDIR", "cd", "working_dir:", "directory=", "--chdir", "--app-dir"];

/// Files of Python that start a program, and what they add to the search path is there for all of it.
const SCRIPTS: [&str; 3] = ["manage.py", "wsgi.py", "asgi.py"];

/// The folders, by what `starters` say, by scripts that everybody starts, and by `__main__.py` of a folder that is no package.
pub(super) fn started_folders(
    known: &Folders<'_>,
    units: Units<'_>,
    starters: &[String],
    sources: &[String],
) -> Vec<String> {
    let (files, project) = (known.files, units.project);
    let mut folders = Vec::new();
    for path in starters {
        let Some(text) = text_at(files, path) else { continue };
        for folder in named(&text).take(FOLDERS_MAX) {
            let below = |base: &str| inside(files, (project, base), folder);
            folders.extend(below(project).or_else(|| below(folder_of(path))));
        }
    }
    for path in sources {
        let folder = folder_of(path);
        match name_of(path) {
            "__main__.py" if files.read(&join(folder, "__init__.py")).is_err() => {
                folders.push(folder.to_owned());
            }
            name if SCRIPTS.contains(&name) => folders.extend(OwnPath::of(known, units, path).own()),
            _ => {}
        }
    }
    folders.sort();
    folders.dedup();
    folders
}

fn named(text: &str) -> impl Iterator<Item = &str> {
    let ends = |one: char| matches!(one, '"' | '\'' | ';' | '&' | ',' | '[' | ']' | '(' | ')');
    let mut words =
        text.split(move |one: char| one.is_whitespace() || ends(one)).filter(|word| !word.is_empty());
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let given = WORDS.iter().find_map(|known| word.strip_prefix(known));
            match given.map(|rest| rest.trim_start_matches('=')) {
                Some("") => return words.next(),
                // `--chdir=app`; a longer word is another one.
                Some(rest) if word.contains('=') => return Some(rest),
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    #[test]
    fn whatever_starts_a_program_says_where() {
        let text = "WORKDIR /srv/api\nRUN cd web && make\nCMD [\"gunicorn\", \"--chdir\", \"jobs\"]\nworking_dir: \"bots\"\n--app-dir=cli cdrom x";
        assert_eq!(named(text).collect::<Vec<_>>(), ["/srv/api", "web", "jobs", "bots", "cli"]);
    }

    #[test]
    fn folders_are_those_of_the_project() {
        let files = Memory::new([
            ("/p/Dockerfile", "WORKDIR /srv/api\n"),
            ("/p/api/main.py", ""),
            ("/p/tool/__main__.py", ""),
            ("/p/pkg/__main__.py", ""),
            ("/p/pkg/__init__.py", ""),
            (
                "/p/manage.py",
                "import sys\nfrom pathlib import Path\nsys.path.append(str(Path(__file__).parent / 'shop'))\n",
            ),
        ]);
        let sources = ["manage.py", "pkg/__main__.py", "tool/__main__.py"].map(|path| format!("/p/{path}"));
        let units = Units { project: "/p", folders: &[] };
        let folders = started_folders(&Folders::of(&files), units, &["/p/Dockerfile".to_owned()], &sources);
        assert_eq!(folders, ["/p/api", "/p/shop", "/p/tool"]);
    }
}
