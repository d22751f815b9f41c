//! Which functions of a package anything can call.
//!
//! By names alone: a function that another one names may be called by it, whatever that name means there. Calls begin with what is run when
//! a program starts (`init`, `main`, values of variables), with every method, since an interface may hide the call, and with every name
//! that a file which imports the package has. So `Parse` is called if `MustParse` calls it and `MustParse` stands anywhere in such a file.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use crate::languages::{Language, parse};

/// Run without a call.
const AT_START: [&str; 2] = ["init", "main"];
/// Lets a function be called by another name.
pub(super) const LINKED: &str = "go:linkname";

/// The names in a package.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// What each function names; those of one name together.
    functions: BTreeMap<String, BTreeSet<String>>,
    /// What is named by what runs without a call.
    started: BTreeSet<String>,
}

/// The names of a text, be it code or not.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .filter(|name| !name.is_empty())
}

/// Every name in a piece of code, in the order of the text; as deep as it is, on no stack.
fn each_name<'t>(node: Node<'t>, mut tell: impl FnMut(Node<'t>)) {
    let mut cursor = node.walk();
    loop {
        if cursor.node().kind().ends_with("identifier") {
            tell(cursor.node());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

// === impl Package ===

impl Package {
    /// Of these files; none if one is not understood, or lets its functions be called by other names.
    pub(super) fn read<'t>(files: impl Iterator<Item = (&'t str, &'t str)>) -> Option<Self> {
        let mut package = Self::default();
        for (path, text) in files {
            if text.contains(LINKED) {
                return None;
            }
            if !path.ends_with(".go") {
                package.started.extend(names(text).map(str::to_owned));
                continue;
            }
            let tree = parse(text, Language::Go).ok()?;
            let root = tree.root_node();
            if root.has_error() {
                return None;
            }
            let mut cursor = root.walk();
            for node in root.named_children(&mut cursor) {
                package.declaration(node, text);
            }
        }
        Some(package)
    }

    fn declaration(&mut self, node: Node<'_>, text: &str) {
        let name = node.child_by_field_name("name").filter(|_| node.kind() == "function_declaration");
        let name = name.and_then(|name| text.get(name.byte_range())).filter(|name| !AT_START.contains(name));
        let into = match name {
            Some(name) => self.functions.entry(name.to_owned()).or_default(),
            None => &mut self.started,
        };
        // Its own name is the first; what it calls itself it names again.
        let mut own = name;
        each_name(node, |named| {
            let named = text.get(named.byte_range()).unwrap_or_default();
            if own.take_if(|own| *own == named).is_none() {
                into.insert(named.to_owned());
            }
        });
    }

    /// Whether one of these functions may be called, given the files that import the package. An empty name is all of them.
    pub(super) fn may_call<'t>(&self, wanted: &BTreeSet<&str>, users: impl Iterator<Item = &'t str>) -> bool {
        let known = |name: &&str| self.functions.contains_key(*name);
        // A method, a type or a variable: it is there once the package is.
        if !wanted.iter().all(known) {
            return true;
        }
        let mut waiting: Vec<&str> = self.started.iter().map(String::as_str).filter(known).collect();
        let mut called: BTreeSet<&str> = BTreeSet::new();
        for user in users {
            waiting.extend(
                names(user).filter_map(|name| self.functions.get_key_value(name)).map(|(name, _)| &**name),
            );
        }
        while let Some(name) = waiting.pop() {
            if called.insert(name) {
                waiting.extend(self.functions[name].iter().map(String::as_str).filter(known));
            }
        }
        wanted.iter().any(|name| called.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(package: &str, user: &str, name: &str) -> bool {
        let package = Package::read([("p/a.go", package)].into_iter());
        package.is_none_or(|package| package.may_call(&BTreeSet::from([name]), [user].into_iter()))
    }

    const PACKAGE: &str = "package p\n\nvar Table = build()\n\nfunc build() int { return inner() }\nfunc inner() int { return 1 }\n\
        // Parse is named in its own comment.\nfunc Parse(s string) int { return Parse(s[1:]) }\nfunc MustParse(s string) int { return Parse(s) }\n\
        func Other() {}\nfunc init() { started() }\nfunc started() {}\nfunc (t T) Method() { behind() }\nfunc behind() {}\n";

    #[test]
    fn calls_are_followed() {
        for (user, name, expected) in [
            ("p.Parse(x)", "Parse", true),
            ("p.MustParse(x)", "Parse", true),
            ("f := p.MustParse", "Parse", true),
            ("p.Other()", "Parse", false),
            ("p.Parse(x)", "MustParse", false),
            ("", "build", true),
            ("", "inner", true),
            ("", "started", true),
            ("", "behind", true),
            ("", "Other", false),
            ("", "T.Method", true),
            ("", "T", true),
            ("", "", true),
            ("", "Gone", true),
        ] {
            assert_eq!(called(PACKAGE, user, name), expected, "{user} {name}");
        }
    }

    #[test]
    fn what_is_not_understood_may_call() {
        for broken in ["package p\nfunc Parse( {", "package p\n//go:linkname x y\nfunc Parse() {}\n"] {
            assert!(called(broken, "", "Parse"), "{broken}");
        }
    }
}
