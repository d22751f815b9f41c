//! The oldest version of Python that a project may run on.

use std::sync::LazyLock;

use regex::Regex;

use crate::imports::{Files, PythonVersion};

/// A version with what comes before it in a specifier: `>=3.9`, `^3.10`, `==3.11.*`, or alone.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(>=|~=|===?|\^|~|>|<=?|!=|^)\s*v?3\.(\d{1,3})").expect("the pattern is fixed and tested")
});
/// `python_requires` as `setup.py` and `setup.cfg` say it.
static REQUIRES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*python_requires\s*=\s*["']?([^"'\r\n]*)"#).expect("the pattern is fixed and tested")
});

/// Where an installation says its version, relative to a project.
const FOUND: [&str; 5] =
    [".python-version", "runtime.txt", ".venv/pyvenv.cfg", "venv/pyvenv.cfg", "env/pyvenv.cfg"];

/// The oldest version that a project declares: `requires-python` and its older forms. Where nothing is declared, the one that it was found to
/// run on: its own virtual environment, `.python-version`, `runtime.txt`. `None` if nothing says.
#[must_use]
pub fn python_minimum(files: &dyn Files, project: &str) -> Option<PythonVersion> {
    let text = |name: &str| {
        let path = if project.is_empty() { name.to_owned() } else { format!("{project}/{name}") };
        String::from_utf8(files.read(&path).ok()?).ok()
    };
    let requires = |name: &str| {
        let text = text(name)?;
        oldest(REQUIRES.captures(&text)?.get(1)?.as_str())
    };
    let declared = text("pyproject.toml").and_then(|text| manifest(&text));
    // Several that disagree allow what any of them does.
    let declared = [declared, requires("setup.cfg"), requires("setup.py")].into_iter().flatten().min();
    declared.or_else(|| FOUND.into_iter().filter_map(|name| installed(&text(name)?)).min())
}

fn manifest(text: &str) -> Option<PythonVersion> {
    let table: toml::Table = text.parse().ok()?;
    let at = |keys: &[&str]| {
        let (last, folders) = keys.split_last()?;
        let inner = folders.iter().try_fold(&table, |table, key| table.get(*key)?.as_table())?;
        inner.get(*last)?.as_str()
    };
    oldest(at(&["project", "requires-python"]).or_else(|| at(&["tool", "poetry", "dependencies", "python"]))?)
}

/// The oldest version that a specifier admits; `None` if it has no lower end.
fn oldest(specifier: &str) -> Option<PythonVersion> {
    let lower = VERSION.captures_iter(specifier).filter_map(|found| {
        let minor: u8 = found.get(2)?.as_str().parse().ok()?;
        match found.get(1)?.as_str() {
            "<" | "<=" | "!=" => None,
            _ => Some(PythonVersion(minor)),
        }
    });
    // Alternatives (`||`) admit the oldest of them; within one, all ends hold, and more than one lower end is not worth a mistake.
    lower.min()
}

/// The version of an installation: `3.11.7`, `python-3.11.7`, `version = 3.11.7`.
fn installed(text: &str) -> Option<PythonVersion> {
    let lines = text.lines().map(str::trim);
    let version = lines.filter_map(|line| match line.split_once('=') {
        Some((key, value)) if key.trim().starts_with("version") => Some(value.trim()),
        Some(_) => None,
        None => Some(line.strip_prefix("python-").unwrap_or(line)),
    });
    version
        .filter_map(|version| version.strip_prefix("3.")?.split('.').next()?.parse().ok())
        .map(PythonVersion)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::Memory;

    fn of(files: &[(&str, &str)]) -> Option<u8> {
        let files = Memory::new(files.iter().map(|(name, text)| (format!("/p/{name}"), *text)));
        python_minimum(&files, "/p").map(|PythonVersion(minor)| minor)
    }

    #[test]
    fn oldest_admitted_is_taken() {
        for (specifier, minor) in [
            (">=3.8", Some(8)),
            (">= 3.10, <3.13", Some(10)),
            ("^3.9", Some(9)),
            ("~=3.11.2", Some(11)),
            ("==3.12.*", Some(12)),
            ("<4", None),
            ("3.9", Some(9)),
            (">=2.7, !=3.0.*, !=3.1.*", None),
        ] {
            let manifest = format!("[project]\nrequires-python = '{specifier}'\n");
            assert_eq!(of(&[("pyproject.toml", &manifest)]), minor, "{specifier}");
        }
    }

    #[test]
    fn every_place_is_read() {
        assert_eq!(of(&[("setup.py", "setup(\n    python_requires=\">=3.7\",\n)")]), Some(7));
        assert_eq!(of(&[("setup.cfg", "[options]\npython_requires = >=3.9\n")]), Some(9));
        assert_eq!(of(&[("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.10'")]), Some(10));
        assert_eq!(of(&[(".venv/pyvenv.cfg", "home = /usr\nversion = 3.11.7\n")]), Some(11));
        assert_eq!(of(&[(".python-version", "3.12\n")]), Some(12));
        let both = [("setup.py", "python_requires='>=3.8'"), (".python-version", "3.12\n")];
        assert_eq!(of(&both), Some(8), "what is declared counts before what is found");
        assert_eq!(of(&[]), None);
    }
}
