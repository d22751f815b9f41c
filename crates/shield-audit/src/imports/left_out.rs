//! What `.gitignore` leaves out of a repository: settings and generated modules that each machine makes for itself.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{
    files::{Files, folder_of, text_at},
    own_path::normal,
    units::lies_in,
};

/// The rules of all `.gitignore` of a project, each with its folder.
#[derive(Debug)]
pub(super) struct LeftOut(Vec<(String, Gitignore)>);

// === impl LeftOut ===

impl LeftOut {
    /// Reads these files; a line that git would not understand says nothing.
    pub(super) fn read(files: &dyn Files, ignores: &[String]) -> Self {
        let rules = ignores.iter().filter_map(|path| {
            let (folder, text) = (folder_of(path), text_at(files, path)?);
            // Paths are handed over relative to the folder.
            let mut rules = GitignoreBuilder::new("");
            for line in text.lines() {
                let _refused = rules.add_line(None, line);
            }
            Some((folder.to_owned(), rules.build().ok()?))
        });
        Self(rules.collect())
    }

    /// Whether the module whose file or folder has this path, without its ending, is left out.
    pub(super) fn has_module(&self, path: &str) -> bool {
        [format!("{path}.py"), format!("{path}/__init__.py")].iter().any(|file| self.has(file))
    }

    fn has(&self, file: &str) -> bool {
        let around = self.0.iter().filter(|(folder, _)| lies_in(file, folder));
        // The innermost that says anything decides.
        let said = around.filter_map(|(folder, rules)| {
            // An absolute path, also one that only is once `./` is taken off, would be the end of the matcher.
            let inside = normal("", file.strip_prefix(folder.as_str())?.trim_start_matches('/'));
            let found = rules.matched_path_or_any_parents(inside, false);
            (!found.is_none()).then(|| (folder.len(), found.is_ignore()))
        });
        said.max_by_key(|(length, _)| *length).is_some_and(|(_, ignored)| ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    #[test]
    fn innermost_rules_decide() {
        let files = Memory::new([
            ("/p/.gitignore", "local_settings.py\n*_pb2.py\n/gen/\n"),
            ("/p/kept/.gitignore", "!one_pb2.py\n"),
        ]);
        let ignores = ["/p/.gitignore".to_owned(), "/p/kept/.gitignore".to_owned()];
        let left_out = LeftOut::read(&files, &ignores);
        for (path, expected) in [
            ("/p/shop/local_settings", true),
            ("/p/shop/settings", false),
            ("/p/a_pb2", true),
            ("/p/gen", true),
            ("/p/gen/deep/b", true),
            ("/p/shop/gen", false),
            ("/p/kept/one_pb2", false),
            ("/p/kept/two_pb2", true),
            ("/other/a_pb2", false),
            ("/p//a", false),
            ("/p////a_pb2", true),
            ("/p/", false),
            ("/p/.///a_pb2", true),
            ("/p/a/.///gen", false),
            ("/p/../a", false),
        ] {
            assert_eq!(left_out.has_module(path), expected, "{path}");
        }
    }
}
