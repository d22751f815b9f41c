//! Rust packages and workspaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    guess::{Guess, ProjectKind},
    listen, name, ready,
    sources::{joined, read_sources, read_text},
};

/// Most members of a workspace that are looked at.
const MEMBERS_MAX: usize = 500;

/// Crates and types that a server needs: what tells it from the tools beside it.
const SERVERS: [&str; 12] = [
    "TcpListener",
    "actix_web",
    "axum",
    "hyper",
    "ntex",
    "poem",
    "rocket",
    "salvo",
    "tide",
    "tiny_http",
    "tonic",
    "warp",
];

/// A binary of the project.
struct Binary {
    name: String,
    package: String,
    /// Directory of the package, from the project's root; empty for the root itself.
    directory: PathBuf,
    /// Its main file, from the project's root.
    file: PathBuf,
    /// True when Cargo itself would pick it.
    preferred: bool,
}

/// The guess for a directory with a `Cargo.toml` that has a binary.
pub(crate) fn inspect(directory: &Path) -> Option<Guess> {
    let manifest = read_manifest(directory)?;
    let binaries = binaries(directory, &manifest);
    let binary = binaries.iter().min_by_key(|binary| rank(directory, binary))?;
    let text = joined(&read_sources(&directory.join(&binary.directory), &[".rs"]));
    let package = match manifest.get("workspace").is_some() {
        true => format!(" -p {}", binary.package),
        false => String::new(),
    };
    let one_of_many = if binaries.len() > 1 { format!(" --bin {}", binary.name) } else { String::new() };
    let build = format!("cargo build --release{package}{one_of_many} --target-dir target");
    let test = format!("cargo test --release{package} --target-dir target");
    let options = listen::options(&text);
    let env = listen::variables(&text, &binary.package);
    let sentences = vec![
        choice(&binaries, binary, &build),
        format!("artifact: `target/release/{}`, where that command puts it", binary.name),
        format!("test command: `{test}`"),
        start_sentence(&options, &env, &text),
    ];
    let guess = Guess {
        kind: ProjectKind::Cargo,
        name: name::service_name(&binary.name),
        start: format!("{{artifact}}{options}"),
        env,
        build: Some(build),
        artifact: format!("target/release/{}", binary.name),
        exclude: Vec::new(),
        test: Some(test),
        ready: (String::new(), String::new()),
        sentences,
    };
    Some(guess.with_ready(ready::guess(&text)))
}

/// What Cargo itself would pick comes first, then what serves, then what is called like its package.
fn rank(root: &Path, binary: &Binary) -> (bool, bool, bool, bool) {
    let serves = |text: &str| SERVERS.iter().any(|server| text.contains(server));
    let file = read_text(&root.join(&binary.file)).is_some_and(|text| serves(&text));
    let package = || serves(&joined(&read_sources(&root.join(&binary.directory), &[".rs"])));
    (!binary.preferred, !file, !package(), binary.name != binary.package)
}

fn choice(binaries: &[Binary], chosen: &Binary, build: &str) -> String {
    let others: Vec<String> = binaries
        .iter()
        .filter(|binary| binary.name != chosen.name)
        .map(|binary| format!("`{}`", binary.name))
        .collect();
    match others.is_empty() {
        true => format!("build command: `{build}`, because Cargo.toml has one binary, `{}`", chosen.name),
        false => format!(
            "build command: `{build}`, for `{}`, the likeliest of {} binaries (the others: {})",
            chosen.name,
            binaries.len(),
            others.join(", ")
        ),
    }
}

fn start_sentence(options: &str, env: &[(String, String)], text: &str) -> String {
    let names: Vec<String> = env.iter().map(|(name, _)| format!("`{name}`")).collect();
    let read = env.iter().any(|(name, _)| listen::reads(text, name));
    let sure = match options.is_empty() && !read {
        true => {
            "; the sources were not seen to read any of them, so check that the service listens on `{port}`"
        }
        false => "",
    };
    format!("start command: `{{artifact}}{options}` with {} in the environment{sure}", names.join(", "))
}

fn read_manifest(directory: &Path) -> Option<Table> {
    read_text(&directory.join("Cargo.toml"))?.parse().ok()
}

/// The binaries of the package at the root, or else of the workspace's members, by package and name.
fn binaries(root: &Path, manifest: &Table) -> Vec<Binary> {
    let own = package_binaries(root, PathBuf::new(), manifest);
    if !own.is_empty() {
        return own;
    }
    let Some(workspace) = manifest.get("workspace") else {
        return Vec::new();
    };
    let defaults: BTreeSet<PathBuf> = members(root, workspace.get("default-members")).into_iter().collect();
    let excluded: BTreeSet<PathBuf> = members(root, workspace.get("exclude")).into_iter().collect();
    let mut found = Vec::new();
    for member in members(root, workspace.get("members")) {
        if excluded.contains(&member) {
            continue;
        }
        if let Some(manifest) = read_manifest(&root.join(&member)) {
            let preferred = defaults.contains(&member);
            let binaries = package_binaries(root, member, &manifest).into_iter();
            found.extend(binaries.map(|binary| Binary { preferred, ..binary }));
        }
    }
    found
}

/// The directories that a list of members names; `*` may stand for its last part.
fn members(root: &Path, list: Option<&Value>) -> Vec<PathBuf> {
    let patterns = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut members = BTreeSet::new();
    for pattern in patterns {
        match pattern.strip_suffix("/*") {
            Some(parent) => {
                let children = fs::read_dir(root.join(parent)).into_iter().flatten().flatten();
                members.extend(
                    children.take(MEMBERS_MAX).map(|child| Path::new(parent).join(child.file_name())),
                );
            }
            None => drop(members.insert(PathBuf::from(pattern))),
        }
    }
    members
        .into_iter()
        .filter(|member| root.join(member).join("Cargo.toml").is_file())
        .take(MEMBERS_MAX)
        .collect()
}

/// The binaries of one package: those it names, `src/main.rs`, and those in `src/bin`.
fn package_binaries(root: &Path, directory: PathBuf, manifest: &Table) -> Vec<Binary> {
    let Some(package) = manifest.get("package") else {
        return Vec::new();
    };
    let Some(package_name) = package.get("name").and_then(Value::as_str) else {
        return Vec::new();
    };
    let sources = root.join(&directory).join("src");
    let declared = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    let declared: Vec<&Value> = declared.collect();
    let file = |path: &str| directory.join(path);
    let mut files: BTreeMap<String, PathBuf> = declared
        .iter()
        .filter_map(|binary| {
            let name = binary.get("name")?.as_str()?;
            let path = binary.get("path").and_then(Value::as_str).unwrap_or("src/main.rs");
            Some((name.to_owned(), file(path)))
        })
        .collect();
    let main_is_declared =
        declared.iter().any(|binary| binary.get("path").and_then(Value::as_str) == Some("src/main.rs"));
    if package.get("autobins").and_then(Value::as_bool) != Some(false) {
        if sources.join("main.rs").is_file() && !main_is_declared {
            files.entry(package_name.to_owned()).or_insert(file("src/main.rs"));
        }
        for (name, path) in in_bin_directory(&sources.join("bin"), declared.as_slice()) {
            files.entry(name).or_insert(file("src/bin").join(path));
        }
    }
    let default_run = package.get("default-run").and_then(Value::as_str);
    files
        .into_iter()
        .map(|(name, file)| Binary {
            preferred: default_run == Some(name.as_str()),
            name,
            package: package_name.to_owned(),
            directory: directory.clone(),
            file,
        })
        .collect()
}

/// Names and files of `src/bin/NAME.rs` and `src/bin/NAME/main.rs`, unless a `[[bin]]` gives the file another name.
fn in_bin_directory(directory: &Path, declared: &[&Value]) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for child in fs::read_dir(directory).into_iter().flatten().flatten().take(MEMBERS_MAX) {
        let path = child.path();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let file = path.extension().is_some_and(|extension| extension == "rs");
        let taken = declared.iter().any(|binary| {
            binary.get("path").and_then(Value::as_str).is_some_and(|taken| path.ends_with(taken))
        });
        let main =
            if file { child.file_name().into() } else { Path::new(&child.file_name()).join("main.rs") };
        if directory.join(&main).is_file() && (file || path.is_dir()) && !taken {
            found.push((stem, main));
        }
    }
    found
}
