//! Who answers for a file.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Serialize;

use crate::finding::Place;

/// Where GitHub and GitLab look for the list of owners, in this order.
pub const OWNER_FILES: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// Who answers for a place, and what says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Owner {
    /// The list of owners names them.
    List {
        /// As the list writes them.
        names: Vec<String>,
    },
    /// Nobody is listed; this one wrote the line last.
    Author {
        /// Their name.
        name: String,
    },
    /// Nothing says.
    Nobody {
        /// What was asked in vain.
        why: String,
    },
}

/// A list of owners (`CODEOWNERS`): of all patterns that match a file the last one counts.
#[derive(Debug)]
pub struct CodeOwners {
    /// One matcher for each line, since the order of the lines decides, with the names behind the pattern.
    lines: Vec<(Gitignore, Vec<String>)>,
    /// Lines that are no pattern with owners, by number from 1, and why.
    pub unread: Vec<(usize, String)>,
}

/// Whoever can be asked who wrote a line last.
pub trait Blame {
    /// The author of a place.
    ///
    /// # Errors
    /// Why nobody can be named, in words.
    fn author(&self, place: &Place) -> Result<String, String>;
}

// === impl Owner ===

impl Owner {
    /// The owner of a place: by the list, else by who wrote it last.
    #[must_use]
    pub fn of(place: &Place, list: Option<&CodeOwners>, blame: Option<&dyn Blame>) -> Self {
        let listed = list.and_then(|list| list.of(&place.file));
        if let Some(names) = listed.filter(|names| !names.is_empty()) {
            return Self::List { names: names.to_vec() };
        }
        let unlisted = if list.is_some() { "`CODEOWNERS` names nobody" } else { "there is no `CODEOWNERS`" };
        match blame.map(|blame| blame.author(place)) {
            Some(Ok(name)) => Self::Author { name },
            Some(Err(why)) => Self::Nobody { why: format!("{unlisted}, and git no author: {why}") },
            None => Self::Nobody { why: format!("{unlisted}, and git was not asked") },
        }
    }
}

// === impl CodeOwners ===

impl CodeOwners {
    /// Reads a list.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut owners = Self { lines: Vec::new(), unread: Vec::new() };
        for (line, number) in text.lines().zip(1..) {
            let line = line.split(" #").next().unwrap_or(line).trim();
            // GitLab's sections have headings; their owners are defaults of the lines below, which are not followed.
            if line.is_empty() || line.starts_with(['#', '[', '^']) {
                continue;
            }
            let mut words = line.split_whitespace();
            let pattern = words.next().unwrap_or_default();
            // What a list of ignored files could say, and this one cannot.
            if pattern.starts_with('!') {
                owners.unread.push((number, format!("`{pattern}`: nothing can be excluded here")));
                continue;
            }
            let mut builder = GitignoreBuilder::new("");
            match builder.add_line(None, pattern).and_then(|builder| builder.build()) {
                Ok(matcher) => owners.lines.push((matcher, words.map(str::to_owned).collect())),
                Err(error) => owners.unread.push((number, error.to_string())),
            }
        }
        owners
    }

    /// The owners of a file; none where no line matches, nobody where the last one that does names nobody.
    #[must_use]
    pub fn of(&self, file: &str) -> Option<&[String]> {
        let path = Path::new(file);
        let last = self
            .lines
            .iter()
            .rev()
            .find(|(matcher, _)| matcher.matched_path_or_any_parents(path, false).is_ignore());
        last.map(|(_, names)| names.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Span;

    struct Author(Result<String, String>);

    impl Blame for Author {
        fn author(&self, _: &Place) -> Result<String, String> {
            self.0.clone()
        }
    }

    fn place(file: &str) -> Place {
        Place { file: file.to_owned(), span: Some(Span { line: 1, column: 1, end_line: 1, end_column: 2 }) }
    }

    #[test]
    fn last_matching_line_counts() {
        let list = CodeOwners::read("# all\n* @all\n/src/ @src a@b.c # why\n*.js @js\n/src/free.py\n!x @y\n");
        for (file, names) in [
            ("readme", &["@all"][..]),
            ("src/a/b.py", &["@src", "a@b.c"]),
            ("src/x.js", &["@js"]),
            ("lib/src/b.py", &["@all"]),
            ("src/free.py", &[]),
        ] {
            assert_eq!(list.of(file).unwrap(), names, "{file}");
        }
        assert_eq!(list.unread.len(), 1);
        assert_eq!(CodeOwners::read("/a @a").of("b"), None);
    }

    #[test]
    fn author_stands_in_and_absence_is_said() {
        let list = CodeOwners::read("/a.py @a\n");
        let (known, unknown) = (Author(Ok("Ann".to_owned())), Author(Err("new".to_owned())));
        let of = |file: &str, blame: Option<&dyn Blame>| Owner::of(&place(file), Some(&list), blame);
        assert_eq!(of("a.py", Some(&known)), Owner::List { names: vec!["@a".to_owned()] });
        assert_eq!(of("b.py", Some(&known)), Owner::Author { name: "Ann".to_owned() });
        let Owner::Nobody { why } = of("b.py", Some(&unknown)) else { panic!("somebody") };
        assert_eq!(why, "`CODEOWNERS` names nobody, and git no author: new");
        let Owner::Nobody { why } = Owner::of(&place("b.py"), None, None) else { panic!("somebody") };
        assert_eq!(why, "there is no `CODEOWNERS`, and git was not asked");
    }
}
