//! The FastAPI object, or the function that makes it.

use std::path::{Path, PathBuf};

use super::{
    super::sources::{SourceFile, read_text},
    import::{import_path, is_identifier},
};

/// Names of modules that usually hold the application, the most usual first.
const MODULES: [&str; 9] =
    ["main", "app", "asgi", "server", "api", "application", "service", "run", "__init__"];

/// Files that may say how the service is run elsewhere.
const RUN_FILES: [&str; 4] = ["Procfile", "Dockerfile", "docker-compose.yml", "Makefile"];

/// The application object that uvicorn serves.
pub(super) struct Application {
    /// Directory that modules are imported from, relative to the project's root.
    pub(super) directory: PathBuf,
    /// `package.module`.
    pub(super) module: String,
    /// Name of the object, or of the function that makes it.
    pub(super) object: String,
    /// True when `object` is a function.
    pub(super) factory: bool,
    /// The file it stands in.
    pub(super) file: PathBuf,
    /// Why it was chosen.
    pub(super) reason: String,
}

/// What a file offers to be served.
struct Candidate<'s> {
    file: &'s SourceFile,
    object: String,
    factory: bool,
}

/// The application: the one that a run command names, or else an object before a function that makes one, in the module
/// with the most usual name, nearest to the root.
pub(super) fn application(root: &Path, sources: &[SourceFile]) -> Option<Application> {
    let factories: Vec<&str> =
        sources.iter().flat_map(|file| factories(&file.text)).map(|(name, _)| name).collect();
    let mut candidates: Vec<Candidate<'_>> = sources
        .iter()
        .flat_map(|file| {
            let objects = objects(&file.text, &factories).into_iter().map(|name| (name, false));
            let callable = self::factories(&file.text).into_iter().filter(|(_, callable)| *callable);
            let functions = callable.map(|(name, _)| (name.to_owned(), true));
            objects.chain(functions).map(move |(object, factory)| Candidate { file, object, factory })
        })
        .collect();
    candidates.sort_by_key(|candidate| rank(candidate));
    named_elsewhere(root, sources, &candidates).or_else(|| {
        let best = candidates.first()?;
        let (directory, module) = import_path(root, best.file);
        let reason = format!("{} makes the FastAPI application", best.file.path.display());
        Some(best.application(directory, module, reason))
    })
}

fn rank(candidate: &Candidate<'_>) -> (bool, bool, usize, usize) {
    let stem =
        candidate.file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let usual = MODULES.iter().position(|module| *module == stem).unwrap_or(MODULES.len());
    (candidate.factory, usual == MODULES.len(), candidate.file.path.components().count(), usual)
}

// === impl Candidate ===

impl Candidate<'_> {
    fn application(&self, directory: PathBuf, module: String, reason: String) -> Application {
        let (object, factory, file) = (self.object.clone(), self.factory, self.file.path.clone());
        Application { directory, module, object, factory, file, reason }
    }
}

/// The candidate that `uvicorn package.module:object` means, in the sources or a file that runs the service.
fn named_elsewhere(root: &Path, sources: &[SourceFile], candidates: &[Candidate<'_>]) -> Option<Application> {
    let run_files = RUN_FILES.iter().filter_map(|name| Some(((*name).into(), read_text(&root.join(name))?)));
    let run_files: Vec<(PathBuf, String)> = run_files.collect();
    let texts = run_files.iter().map(|(path, text)| (path, text));
    let texts = texts.chain(sources.iter().map(|file| (&file.path, &file.text)));
    for (path, text) in texts {
        for (module, object) in served_by_uvicorn(text) {
            let dotted = PathBuf::from(module.replace('.', "/"));
            for candidate in candidates.iter().filter(|candidate| candidate.object == object) {
                let file = candidate.file.path.with_extension("");
                let file = if file.ends_with("__init__") { file.parent().unwrap_or(&file) } else { &file };
                if file.ends_with(&dotted) {
                    let directory =
                        file.ancestors().nth(dotted.components().count()).unwrap_or(Path::new(""));
                    let reason = format!("{} runs it like that", path.display());
                    return Some(candidate.application(directory.to_owned(), module.to_owned(), reason));
                }
            }
        }
    }
    None
}

/// `module:object` in what follows each `uvicorn`.
fn served_by_uvicorn(text: &str) -> Vec<(&str, &str)> {
    let word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ':');
    let follows =
        text.match_indices("uvicorn").map(|(at, _)| text[at..].split('\n').next().unwrap_or_default());
    follows
        .filter_map(|line| {
            line.split(|letter| !word(letter)).find_map(|token| {
                let (module, object) = token.split_once(':')?;
                (module.split('.').all(is_identifier) && is_identifier(object)).then_some((module, object))
            })
        })
        .collect()
}

/// Names at the start of a line that are given an application: `name = FastAPI(`, `name: FastAPI = FastAPI(` or the result
/// of one of `factories`. One that another one mounts comes last.
fn objects(text: &str, factories: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = text.lines().filter_map(|line| object_name(line, factories)).collect();
    names.sort_by_key(|name| (mounted(text, name), name != "app"));
    names
}

fn object_name(line: &str, factories: &[&str]) -> Option<String> {
    let (left, right) = line.split_once('=')?;
    let call = right.trim_start().split_once('(')?.0.trim_end();
    let callee = call.rsplit('.').next()?;
    let name = left.split(':').next()?.trim_end();
    let makes = (callee == "FastAPI" || factories.contains(&callee)) && call.split('.').all(is_identifier);
    (makes && is_identifier(name)).then(|| name.to_owned())
}

fn mounted(text: &str, name: &str) -> bool {
    let mounts = |line: &str| {
        let arguments = line.split_once(".mount(").map(|(_, arguments)| arguments);
        arguments.is_some_and(|arguments| {
            arguments
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .any(|word| word == name)
        })
    };
    text.lines().any(mounts)
}

/// The functions whose body makes an application, and whether each can be called without arguments.
fn factories(text: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut function = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let rest = &text[offset..];
        offset += line.len();
        if let Some(signature) = rest.strip_prefix("def ") {
            let Some((name, parameters)) = signature.split_once('(') else { continue };
            function = is_identifier(name).then(|| (name, all_have_defaults(parameters)));
        } else if line.starts_with([' ', '\t']) {
            if line.contains("FastAPI(") && function.is_some() {
                found.extend(function.take());
            }
        } else if !line.trim().is_empty() && !line.starts_with([')', '#']) {
            function = None;
        }
    }
    found
}

/// True when each parameter up to the closing parenthesis has a default. `text` starts behind the opening one.
fn all_have_defaults(text: &str) -> bool {
    let mut depth = 0;
    let mut parameters = vec![String::new()];
    for letter in text.chars() {
        match letter {
            ')' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parameters.push(String::new());
                continue;
            }
            _ => {}
        }
        parameters.last_mut().expect("there is always a last one").push(letter);
    }
    parameters.iter().map(|parameter| parameter.trim()).all(|parameter| {
        parameter.is_empty()
            || parameter.starts_with('*')
            || parameter.starts_with('#')
            || parameter.contains('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_objects_in_their_order() {
        let names = |text| objects(text, &["create_app"]);
        assert_eq!(names("app = FastAPI(title='x')"), ["app"]);
        assert_eq!(names("api: fastapi.FastAPI = fastapi.FastAPI("), ["api"]);
        assert_eq!(names("server = create_app(settings)"), ["server"]);
        assert_eq!(names("    app = FastAPI()\n# app = FastAPI()\nx == FastAPI()\n"), [""; 0]);
        assert_eq!(
            names("admin = FastAPI()\nsite = FastAPI()\nsite.mount('/admin', admin)\n"),
            ["site", "admin"]
        );
    }

    #[test]
    fn finds_functions_that_make_it() {
        for (text, found) in [
            ("def make():\n    return FastAPI()\n", Some(("make", true))),
            ("def make(debug=False, *, x: int = 1) -> FastAPI:\n\tapp = FastAPI()\n", Some(("make", true))),
            ("def make(\n    settings: Settings,\n):\n    app = FastAPI()\n", Some(("make", false))),
            (
                "def make(\n    x: dict[str, int] = f(1, 2),\n):\n\n    app = FastAPI()\n",
                Some(("make", true)),
            ),
            ("def other():\n    pass\n\napp = FastAPI()\n", None),
        ] {
            assert_eq!(factories(text).first().copied(), found, "{text}");
        }
    }

    #[test]
    fn reads_run_commands() {
        assert_eq!(served_by_uvicorn("uvicorn.run(\"shop.main:app\", port=1)"), [("shop.main", "app")]);
        assert_eq!(
            served_by_uvicorn("CMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\"]"),
            [("main", "app")]
        );
        assert_eq!(served_by_uvicorn("uvicorn.run(app, host='0.0.0.0:80')\nmain:app"), []);
    }
}
