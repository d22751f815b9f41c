//! Which language a file is written in.

/// A language that is looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// JavaScript, with elements (JSX); also TypeScript with elements.
    JavaScript,
    /// TypeScript without elements: casts are written where they would begin.
    TypeScript,
    /// Go.
    Go,
    /// Rust.
    Rust,
}

// === impl Language ===

impl Language {
    /// The language of a file of this name.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.rsplit_once('.')?.1 {
            "js" | "mjs" | "cjs" | "jsx" | "tsx" => Some(Self::JavaScript),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "go" => Some(Self::Go),
            "rs" => Some(Self::Rust),
            _ => None,
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::JavaScript => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
        }
    }

    /// Whether the rules of one are the rules of the other.
    pub(super) fn shares_rules(self, other: Self) -> bool {
        let script = |language| matches!(language, Self::JavaScript | Self::TypeScript);
        self == other || script(self) && script(other)
    }

    /// Whether a file of this name holds tests.
    pub(super) fn is_test(self, path: &str) -> bool {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let below = |names: &[&str]| directory.split('/').any(|part| names.contains(&part));
        match self {
            Self::Go => name.ends_with("_test.go") || below(&["testdata"]),
            Self::Rust => below(&["tests", "benches"]) || matches!(name, "tests.rs" | "test.rs"),
            Self::JavaScript | Self::TypeScript => {
                name.contains(".test.")
                    || name.contains(".spec.")
                    || below(&["__tests__", "test", "tests", "e2e", "cypress"])
            }
        }
    }
}
