//! What a text does with its names, found out once for all of them.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

use ruff_python_ast::{
    Expr, Parameter, Stmt,
    visitor::{Visitor, walk_expr, walk_parameter, walk_stmt},
};

use super::syntax;

/// A text with what its names are used for, found out once for all of them.
pub(crate) struct Reading<'t> {
    pub(super) text: &'t str,
    words: OnceCell<HashMap<&'t str, usize>>,
    uses: OnceCell<HashMap<String, Use>>,
}

/// What a text does with a name.
#[derive(Debug, Default)]
struct Use {
    /// What it takes from it: `Name.MEMBER`.
    members: BTreeSet<String>,
    /// How often it does anything else with it, or binds it otherwise than by an import from a module.
    otherwise: u32,
    /// How often such an import binds it.
    imports: u32,
}

#[derive(Default)]
struct Uses(HashMap<String, Use>);

// === impl Reading ===

impl<'t> Reading<'t> {
    pub(crate) const fn of(text: &'t str) -> Self {
        Self { text, words: OnceCell::new(), uses: OnceCell::new() }
    }

    /// Whether a word stands anywhere in the text, be it in a comment or a string, but in one range of it.
    pub(super) fn occurs(&self, word: &str, except: &Range<u32>) -> bool {
        let words = self.words.get_or_init(|| {
            let mut words = HashMap::new();
            each_word(self.text).for_each(|word| *words.entry(word).or_default() += 1);
            words
        });
        let inside = self.text.get(except.start as usize..except.end as usize).unwrap_or_default();
        words.get(word).copied().unwrap_or(0) > each_word(inside).filter(|one| *one == word).count()
    }

    /// What the text takes from a name that one import binds; `None` if it does anything else with it, or binds it anew.
    pub(super) fn members_taken(&self, name: &str) -> Option<&BTreeSet<String>> {
        let uses = self.uses.get_or_init(|| {
            let mut uses = Uses(HashMap::new());
            syntax::with_module(self.text, |tree, _| uses.visit_body(&tree.body));
            uses.0
        });
        uses.get(name).filter(|one| one.otherwise == 0 && one.imports == 1).map(|one| &one.members)
    }
}

fn each_word(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

// === impl Uses ===

impl Uses {
    fn of(&mut self, name: &str) -> &mut Use {
        self.0.entry(name.to_owned()).or_default()
    }
}

impl<'a> Visitor<'a> for Uses {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.of(bound.split('.').next().unwrap_or(bound)).otherwise += 1;
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.of(alias.asname.as_ref().unwrap_or(&alias.name)).imports += 1;
                }
            }
            Stmt::ClassDef(class) => self.of(&class.name).otherwise += 1,
            Stmt::FunctionDef(function) => self.of(&function.name).otherwise += 1,
            Stmt::Global(global) => global.names.iter().for_each(|name| self.of(name).otherwise += 1),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(attribute) if attribute.ctx.is_load() => {
                if let Expr::Name(name) = attribute.value.as_ref() {
                    self.of(&name.id).members.insert(attribute.attr.to_string());
                    return;
                }
            }
            Expr::Name(name) => self.of(&name.id).otherwise += 1,
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.of(&parameter.name).otherwise += 1;
        walk_parameter(self, parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_occur() {
        let text = "from a import X\nXY = x.X1\n# not _X\n";
        let occurs = |text: &str, except: Range<u32>| Reading::of(text).occurs("X", &except);
        assert!(!occurs(text, 0..15));
        assert!(occurs(text, 0..5));
        for used in ["X", "'X'", "# X", "(X)", "a.X"] {
            assert!(occurs(&format!("{text}{used}"), 0..15), "{used}");
        }
    }

    #[test]
    fn only_members_count_as_taken() {
        let import = "from m import A\n";
        let taken = |rest: &str| {
            let text = format!("{import}{rest}");
            Reading::of(&text).members_taken("A").map(BTreeSet::len)
        };
        assert_eq!(taken("x = [A.B, A.C.D, A.B]\n"), Some(2));
        for rest in
            ["f(A)", "A.B = 1", "def f(A): A.B", "A = 1", "class A: pass", import, "import A.b", "f(x=A)"]
        {
            assert_eq!(taken(&format!("A.B\n{rest}\n")), None, "{rest}");
        }
    }
}
