//! What kind of file a name stands in: that decides how values are written there, and whether they are meant.

/// How literal values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Reading {
    /// In quotes; what is not quoted is an expression.
    Quoted,
    /// With quotes or without.
    Settings,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Place {
    /// Runs, or is read by what runs.
    Live,
    /// Shows how something is done: prose, templates of settings.
    Documentation,
    /// Tests, and what they need.
    Test,
    /// What a program shows, in the words of one language: `"password": "Passwort"`.
    Translation,
    /// Hashes by the thousand, and no settings.
    Lock,
}

const CODE: &[&str] = &[
    "py", "pyi", "pyx", "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "vue", "svelte", "go", "rs", "java",
    "kt", "kts", "scala", "groovy", "c", "cc", "cpp", "h", "hpp", "cs", "fs", "vb", "rb", "php", "swift",
    "m", "dart", "lua", "pl", "r", "ex", "exs", "erl", "clj", "html", "htm", "css", "scss", "sql", "ipynb",
    "json", "json5", "lock",
];
const PROSE: &[&str] = &["md", "mdx", "rst", "adoc", "txt", "html", "htm", "tex", "org"];
const PROSE_FOLDERS: &[&str] =
    &["docs", "doc", "documentation", "examples", "example", "samples", "demo", "demos", "prompts"];
const PROSE_FILES: &[&str] =
    &["METADATA", "PKG-INFO", "README", "CHANGES", "CHANGELOG", "LICENSE", "COPYING", "NEWS"];
const TEMPLATES: &[&str] = &["example", "sample", "template", "dist", "tmpl"];
const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "testdata",
    "__tests__",
    "spec",
    "specs",
    "fixtures",
    "mocks",
    "__mocks__",
    "e2e",
    "cassettes",
    "snapshots",
    "__snapshots__",
];
const LOCKS: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "Cargo.lock",
    "composer.lock",
    "Gemfile.lock",
    "go.sum",
    "flake.lock",
    "bun.lock",
    "deno.lock",
    "mix.lock",
    "pubspec.lock",
];

/// Folders in which the texts of a program lie, a file for each language.
const TRANSLATION_FOLDERS: &[&str] = &[
    "i18n",
    "intl",
    "l10n",
    "lang",
    "langs",
    "languages",
    "locale",
    "locales",
    "translation",
    "translations",
];
/// What such texts are written in: `lang/` is a folder of compilers, too.
const TRANSLATION_FORMS: &[&str] = &[
    "arb",
    "ftl",
    "js",
    "json",
    "json5",
    "mjs",
    "php",
    "po",
    "properties",
    "resx",
    "strings",
    "ts",
    "xlf",
    "yaml",
    "yml",
];

// === impl Reading ===

impl Reading {
    /// How values are written in `file`.
    pub(in crate::secrets) fn of(file: &str) -> Self {
        match extension(base(file)) {
            Some(extension) if CODE.contains(&extension.to_ascii_lowercase().as_str()) => Self::Quoted,
            _ => Self::Settings,
        }
    }
}

// === impl Place ===

impl Place {
    /// What `file` is for, by its path.
    pub(in crate::secrets) fn of(file: &str) -> Self {
        let name = base(file);
        if LOCKS.contains(&name) {
            return Self::Lock;
        }
        let mut folders = file.split('/').rev().skip(1);
        let test_name = name.starts_with("test_")
            || name == "conftest.py"
            || name.starts_with("tests.")
            || name.starts_with("test.")
            || ["_test.", "_tests.", ".test.", ".spec.", "_spec."].iter().any(|mark| name.contains(mark))
            || extensions(name).any(|extension| extension == "test" || extension == "snap");
        if test_name || folders.clone().any(|folder| TEST_FOLDERS.contains(&folder)) {
            return Self::Test;
        }
        let prose = PROSE_FILES.contains(&name)
            || extension(name).is_some_and(|extension| PROSE.contains(&extension));
        let template = extensions(name).any(|extension| TEMPLATES.contains(&extension));
        if is_translation(name, folders.clone()) {
            return Self::Translation;
        }
        match prose || template || folders.any(|folder| PROSE_FOLDERS.contains(&folder)) {
            true => Self::Documentation,
            false => Self::Live,
        }
    }
}

fn base(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Whether a file holds the texts of a program in one language: by its folder, or by the name of a locale.
fn is_translation<'p>(name: &str, mut folders: impl Iterator<Item = &'p str>) -> bool {
    let Some((stem, form)) = name.rsplit_once('.') else { return false };
    TRANSLATION_FORMS.contains(&form)
        && (is_locale(stem) || folders.any(|folder| TRANSLATION_FOLDERS.contains(&folder)))
}

/// `de-DE`, `pt_BR`, `zh-Hant`: a language with a region or a script. A language alone could be any name.
fn is_locale(stem: &str) -> bool {
    let Some((language, region)) = stem.split_once(['-', '_']) else { return false };
    let script = region.len() == 4 && region.starts_with(|first: char| first.is_ascii_uppercase());
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && (script || region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

fn extensions(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_places() {
        for file in ["src/app.py", "docker-compose.yml", ".env", "src/latest/settings.toml", ""] {
            assert_eq!(Place::of(file), Place::Live, "{file}");
        }
        for file in ["README.md", ".env.example", "docs/conf.yml", "config.yml.dist"] {
            assert_eq!(Place::of(file), Place::Documentation, "{file}");
        }
        for file in [
            "tests/a.py",
            "a/test_b.py",
            "conftest.py",
            "b_test.go",
            "c.spec.ts",
            "tests/README.md",
            ".env.test",
        ] {
            assert_eq!(Place::of(file), Place::Test, "{file}");
        }
        assert_eq!(Place::of("web/yarn.lock"), Place::Lock);
        for file in
            ["src/lang/de.json", "a/zh-Hant.json", "pt_BR.yml", "locales/tr/common.json", "i18n/pl.ts"]
        {
            assert_eq!(Place::of(file), Place::Translation, "{file}");
        }
        for file in ["lang/parser.py", "de.json", "a-b.json", "app-DEV.yml", "locales/run"] {
            assert_eq!(Place::of(file), Place::Live, "{file}");
        }
    }

    #[test]
    fn code_quotes_its_values() {
        assert_eq!(Reading::of("a/b.PY"), Reading::Quoted);
        for file in [".env", "compose.yaml", "Dockerfile", "run.sh", "pip.conf", ""] {
            assert_eq!(Reading::of(file), Reading::Settings, "{file}");
        }
    }
}
