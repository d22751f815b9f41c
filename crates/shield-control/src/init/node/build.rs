//! The command that installs dependencies and builds.

use std::path::Path;

use serde_json::Value;

/// A lock file, and how to install exactly what it says.
struct Lock {
    file: &'static str,
    /// The package manager, and the version that is fetched where it is not installed and `package.json` names none.
    manager: (&'static str, &'static str),
    /// For people.
    shown: &'static str,
    arguments: &'static str,
}

const LOCKS: [Lock; 4] = [
    Lock { file: "package-lock.json", manager: ("npm", ""), shown: "npm ci", arguments: NPM_CI },
    Lock { file: "npm-shrinkwrap.json", manager: ("npm", ""), shown: "npm ci", arguments: NPM_CI },
    Lock {
        file: "pnpm-lock.yaml",
        manager: ("pnpm", "pnpm@9"),
        shown: "pnpm install",
        arguments: "install --frozen-lockfile --prod=false --config.confirm-modules-purge=false",
    },
    Lock {
        file: "yarn.lock",
        manager: ("yarn", "yarn@1"),
        shown: "yarn install",
        arguments: "install --frozen-lockfile --production=false",
    },
];

const NPM_CI: &str = "ci --include=dev --no-audit --no-fund";

/// Installs without a lock file, and leaves none behind: the project is not ours to change.
const UNLOCKED: &str = "npm install --include=dev --no-package-lock --no-audit --no-fund";

/// How the artifact is made, and why so.
pub(super) struct Build {
    pub(super) command: Option<String>,
    pub(super) sentence: String,
}

/// Installs dependencies when there are any, then runs the build script when there is one, and what the start script does
/// before it starts the server.
pub(super) fn build(directory: &Path, package: &Value, before: &[String]) -> Build {
    let has_entries = |value: &Value| value.as_object().is_some_and(|entries| !entries.is_empty());
    let dependencies = has_entries(&package["dependencies"]) || has_entries(&package["devDependencies"]);
    let lock = LOCKS.into_iter().find(|lock| directory.join(lock.file).is_file());
    let (install, shown, reason) = match (dependencies, lock) {
        (false, _) => (None, None, "package.json has no dependencies"),
        (true, Some(lock)) => {
            let command = format!("{} {}", lock.program(package), lock.arguments);
            (Some(install_once(lock.file, &command)), Some(lock.shown), "dependencies are locked")
        }
        (true, None) => {
            (Some(install_once("package.json", UNLOCKED)), Some("npm install"), "there is no lock file")
        }
    };
    let reason = if package.is_object() { reason } else { "there is no package.json" };
    let steps = steps(package, before);
    let all: Vec<String> =
        shown.into_iter().chain(steps.iter().map(String::as_str)).map(|step| format!("`{step}`")).collect();
    let what = if all.is_empty() { "none".to_owned() } else { all.join(" and ") };
    Build {
        command: (!all.is_empty()).then(|| command(install.as_deref(), &steps)),
        sentence: format!("build command: {what}, because {reason}"),
    }
}

// === impl Lock ===

impl Lock {
    /// The package manager for a shell: the installed one, or else one that npm fetches.
    fn program(&self, package: &Value) -> String {
        let (name, version) = self.manager;
        if version.is_empty() {
            return name.to_owned();
        }
        let wanted = package["packageManager"].as_str().and_then(|wanted| wanted.split('+').next());
        let wanted = wanted.filter(|wanted| wanted.starts_with(&format!("{name}@"))).unwrap_or(version);
        format!("$(command -v {name} || echo npx --yes {})", shell_words::quote(wanted))
    }
}

/// The build script first, then the rest, each once.
fn steps(package: &Value, before: &[String]) -> Vec<String> {
    let script = package["scripts"]["build"].is_string().then(|| "npm run build".to_owned());
    let is_build = |step: &&String| matches!(step.as_str(), "npm run build" | "yarn build" | "pnpm build");
    let rest = before.iter().filter(|step| !is_build(step)).cloned();
    script.into_iter().chain(rest).collect()
}

fn command(install: Option<&str>, steps: &[String]) -> String {
    let mut command = match install {
        Some(_) => "set -eu  # dependencies into node_modules\n".to_owned(),
        None => "set -eu\n".to_owned(),
    };
    command.push_str(install.unwrap_or_default());
    if steps.iter().any(|step| !step.starts_with("npm ")) {
        command.push_str("PATH=\"$PWD/node_modules/.bin:$PATH\"\n");
    }
    steps.iter().for_each(|step| command.push_str(&format!("{step}\n")));
    command
}

/// Installs when the list changed since the last time, so that a second run is fast.
fn install_once(list: &str, command: &str) -> String {
    format!(
        r#"wanted="$(cksum < {list}) $(node -v)"
if [ "$(cat node_modules/.shield-installed 2>/dev/null)" != "$wanted" ]; then
  {command}
  mkdir -p node_modules
  printf '%s\n' "$wanted" > node_modules/.shield-installed
fi
"#
    )
}
