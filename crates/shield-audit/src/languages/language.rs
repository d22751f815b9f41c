//! Which language a file is written in.

/// A language that is looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// JavaScript, with elements or without.
    JavaScript,
    /// TypeScript without elements: casts are written where they would begin.
    TypeScript,
    /// TypeScript with elements.
    TypeScriptElements,
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
            "js" | "mjs" | "cjs" | "jsx" => Some(Self::JavaScript),
            "tsx" => Some(Self::TypeScriptElements),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "go" => Some(Self::Go),
            "rs" => Some(Self::Rust),
            _ => None,
        }
    }

    pub(crate) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScriptElements => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
        }
    }

    /// Whether the rules of one are the rules of the other.
    pub(super) fn shares_rules(self, other: Self) -> bool {
        self == other || self.is_script() && other.is_script()
    }

    fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript | Self::TypeScriptElements)
    }

    /// Whether a file of this name holds tests.
    pub(crate) fn is_test(self, path: &str) -> bool {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let below = |names: &[&str]| directory.split('/').any(|part| names.contains(&part));
        match self {
            Self::Go => name.ends_with("_test.go") || below(&["testdata"]),
            Self::Rust => below(&["tests", "benches"]) || matches!(name, "tests.rs" | "test.rs"),
            Self::JavaScript | Self::TypeScript | Self::TypeScriptElements => {
                name.contains(".test.")
                    || name.contains(".spec.")
                    || below(&["__tests__", "test", "tests", "e2e", "cypress"])
            }
        }
    }
}
