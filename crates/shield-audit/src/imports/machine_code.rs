//! Names of modules in texts: in the literals of Python, and in machine code. What machine code imports is guessed from the texts in it: a module that is imported by name is there as a text.
//!
//! A dotted name counts wherever it occurs, since compilers of Python keep many names in one text; a single word only as a text of its own,
//! and only if it looks like a name that machine code has for its helpers.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::inventory::{Inventory, ModuleId, Shape};

/// The names of all modules, ready to be looked for.
pub(super) struct TextIndex<'a> {
    inventory: &'a Inventory,
    dotted: OnceLock<Names>,
    top: OnceLock<Names>,
}

type Names = Option<(AhoCorasick, Vec<ModuleId>)>;

/// Looks for the longest of all names at each place.
fn index(names: impl Iterator<Item = (Vec<u8>, ModuleId)>) -> Names {
    let (patterns, ids): (Vec<_>, Vec<_>) = names.unzip();
    let searcher = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(patterns).ok()?;
    Some((searcher, ids))
}

/// A word as a text of its own ends with a zero, and starts behind one.
fn text_alone(word: &str) -> Vec<u8> {
    [b"\0", word.as_bytes(), b"\0"].concat()
}

// === impl TextIndex ===

impl<'a> TextIndex<'a> {
    /// Over all modules; nothing is made before it is needed.
    pub(super) const fn new(inventory: &'a Inventory) -> Self {
        Self { inventory, dotted: OnceLock::new(), top: OnceLock::new() }
    }

    /// The modules whose dotted names stand behind a quote in a text of Python. Sorted, each once.
    pub(super) fn named_in(&self, text: &str) -> impl Iterator<Item = ModuleId> {
        let bytes = text.as_bytes();
        let mut found: Vec<ModuleId> = Vec::new();
        if let Some((searcher, ids)) = self.dotted() {
            for hit in searcher.find_iter(bytes) {
                let quoted = hit.start() > 0 && matches!(bytes[hit.start() - 1], b'"' | b'\'');
                // Behind it the text ends, or goes on with something in the module.
                let whole =
                    bytes.get(hit.end()).is_some_and(|next| matches!(next, b'"' | b'\'' | b':' | b'.'));
                found.extend((quoted && whole).then(|| ids[hit.pattern().as_usize()]));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter()
    }

    /// The modules whose names are texts in a module's machine code: dotted, top-level, or beside it. Sorted, each once.
    pub(super) fn modules_in(&self, id: ModuleId, code: &[u8]) -> impl Iterator<Item = ModuleId> {
        let package = self.inventory.package_of(id);
        let prefix = format!("{package}.");
        let beside = self.inventory.below(&prefix).filter(|_| !package.is_empty()).filter_map(|other| {
            let word =
                self.inventory.module(other).name.strip_prefix(&prefix).filter(|word| !word.contains('.'))?;
            Some((text_alone(word), other))
        });
        // Cython can keep its texts compressed: then it may use every helper beside it.
        let compressed = memchr::memmem::find(code, b"__pyx").is_some();
        let neighbours: Vec<(Vec<u8>, ModuleId)> = beside.collect();
        let helper = |(word, other): &&(Vec<u8>, ModuleId)| {
            word.starts_with(b"\0_") || self.inventory.module(*other).shape == Shape::Extension
        };
        let mut found: Vec<ModuleId> =
            neighbours.iter().filter(|_| compressed).filter(helper).map(|(_, other)| *other).collect();
        let beside = index(neighbours.into_iter());
        let all = || self.inventory.modules().filter(|(_, module)| !module.name.is_empty());
        // Other single words are too common in machine code.
        let marked = |name: &str| !name.contains('.') && (name.starts_with('_') || name.contains("__"));
        let top = self.top.get_or_init(|| {
            index(
                all()
                    .filter(|(_, module)| marked(&module.name))
                    .map(|(other, module)| (text_alone(&module.name), other)),
            )
        });
        for (searcher, ids) in [self.dotted(), top, &beside].into_iter().flatten() {
            // Two texts share the zero between them, so the search goes on at that zero.
            let mut at = 0;
            while let Some(hit) = searcher.find(aho_corasick::Input::new(code).range(at..)) {
                found.push(ids[hit.pattern().as_usize()]);
                at = hit.end() - usize::from(code[hit.end() - 1] == 0);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter(move |other| *other != id)
    }

    fn dotted(&self) -> &Names {
        self.dotted.get_or_init(|| {
            let named = self.inventory.modules().filter(|(_, module)| module.name.contains('.'));
            index(named.map(|(id, module)| (module.name.as_bytes().to_vec(), id)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::{
        files::Memory,
        inventory::{Home, SearchRoot},
        standard::PythonVersion,
    };

    #[test]
    fn names_are_found_in_code() {
        let files = Memory::new(
            ["a/__init__.py", "a/x.so", "a/b.py", "a/c/__init__.py", "a/c/d.py", "_e.py", "f.py"]
                .map(|path| (path, "")),
        );
        let roots = [SearchRoot { folder: String::new(), home: Home::Site }];
        let inventory = Inventory::read(&files, &roots, PythonVersion(11));
        let texts = TextIndex::new(&inventory);
        let own = inventory.find("a.x").unwrap();
        let names = |code: &[u8]| {
            texts.modules_in(own, code).map(|id| inventory.module(id).name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(b"\x01\0a.c.d\0\x02"), ["a.c.d"]);
        assert_eq!(names(b"import a.c.dnothing"), ["a.c.d"]);
        assert_eq!(names(b"\0b\0_e\0"), ["_e", "a.b"]);
        assert_eq!(names(b"before\0f\0"), [""; 0]);
    }
}
