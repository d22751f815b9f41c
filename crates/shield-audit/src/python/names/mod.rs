//! What names mean in one file.
//!
//! Scopes are Python's: a name bound anywhere in a function is local to it, classes are not seen from their methods,
//! comprehensions and lambdas have their own. In the scope it is used in, a name means what was bound to it last before; seen
//! from an inner scope, what was bound last of all. A binding to `None` is passed over, since nobody calls it or reads an
//! attribute of it: `try: import x` / `except ImportError: x = None` means `x`.
//!
//! [`Names::resolve`] follows imports, aliases, attributes, `getattr` and `import_module` with literal names, and attributes of
//! `self`, to a dotted name as the interpreter would import it; names of the interpreter's own are in `builtins`. What it
//! cannot follow has no name: rules never guess.

mod bind;
mod resolve;
mod table;

pub use table::{At, Binding, Bound, Lookup, Names, Scope, ScopeId, ScopeKind};

#[cfg(test)]
mod tests {
    use ruff_python_ast::{Expr, ExprCall, Stmt, visitor::Visitor};
    use ruff_text_size::Ranged;

    use super::*;
    use crate::python::{
        Kind, Module,
        scopes::{self, ScopeNode, ScopeVisitor},
    };

    /// Finds the call of `MARK(…)` and the scope it is in.
    struct Marked<'m> {
        names: &'m Names<'m>,
        scopes: Vec<ScopeId>,
        found: Vec<(&'m ExprCall, At)>,
    }

    impl<'m> ScopeVisitor<'m> for Marked<'m> {
        fn enter(&mut self, node: ScopeNode<'m>) {
            self.scopes.push(self.names.scope_of(node.range()).unwrap());
        }

        fn leave(&mut self) {
            self.scopes.pop();
        }
    }

    impl<'m> Visitor<'m> for Marked<'m> {
        fn visit_stmt(&mut self, stmt: &'m Stmt) {
            scopes::walk_stmt(self, stmt);
        }

        fn visit_expr(&mut self, expr: &'m Expr) {
            if let Expr::Call(call) = expr
                && call.func.as_name_expr().is_some_and(|name| name.id.as_str() == "MARK")
            {
                let scope = *self.scopes.last().unwrap();
                self.found.push((call, At { scope, position: call.start() }));
            }
            scopes::walk_expr(self, expr);
        }
    }

    /// What the argument of `MARK` is, by `ask`.
    fn marked(text: &str, ask: impl Fn(&Names<'_>, &Expr, At) -> Option<String>) -> String {
        Module::with(text, Kind::Code, |module| {
            assert_eq!(module.error, None, "{text}");
            let mut marked = Marked { names: module.names, scopes: vec![ScopeId::MODULE], found: Vec::new() };
            marked.visit_body(&module.syntax.body);
            let (call, at) = marked.found.first().unwrap();
            ask(module.names, &call.arguments.args[0], *at).unwrap_or_default()
        })
        .unwrap()
    }

    fn resolved(text: &str) -> String {
        marked(text, |names, expr, at| names.resolve(expr, at))
    }

    #[test]
    fn imports_and_aliases_are_followed() {
        for (text, name) in [
            ("import a.b\nMARK(a.b.c)", "a.b.c"),
            ("import a.b as x\nMARK(x.c)", "a.b.c"),
            ("from a.b import c as x\nMARK(x.d)", "a.b.c.d"),
            ("from . import c\nMARK(c)", ".c"),
            ("from ..a import c\nMARK(c.d)", "..a.c.d"),
            ("import hashlib as h\nm = h\nn = m.md5\nMARK(n)", "hashlib.md5"),
            ("from os import *\nMARK(system)", "os.system"),
            ("from os import *\nMARK(len)", "builtins.len"),
            ("MARK(eval)", "builtins.eval"),
            ("MARK(nobody)", ""),
            ("(m := eval)\nMARK(m)", "builtins.eval"),
            ("import a, b\nx, y = a, b.c\nMARK(y)", "b.c"),
            ("import a\nx = a\nx = f()\nMARK(x.y)", ""),
        ] {
            assert_eq!(resolved(text), name, "{text}");
        }
    }

    #[test]
    fn the_last_binding_before_is_found_among_many() {
        let bindings =
            |from: u32| (from..from + 200).map(|number| format!("x = m{number}\n")).collect::<String>();
        let imports = (0..400).map(|number| format!("import m{number}\n")).collect::<String>();
        let (first, second) = (bindings(0), bindings(200));
        for (text, name) in [
            (format!("{first}MARK(x)\n{second}"), "m199"),
            (format!("MARK(x)\n{first}{second}"), ""),
            (format!("x = m0\nMARK(x)\n{first}{second}"), "m0"),
            (format!("{first}{second}MARK(x)"), "m399"),
            (format!("def f():\n    MARK(x)\n{first}{second}"), "m399"),
        ] {
            assert_eq!(resolved(&format!("{imports}{text}")), name);
        }
    }

    #[test]
    fn texts_that_name_things_are_followed() {
        for (text, name) in [
            ("import hashlib\nMARK(getattr(hashlib, 'md5'))", "hashlib.md5"),
            ("import hashlib\nN = 'md5'\nMARK(getattr(hashlib, N))", "hashlib.md5"),
            ("import hashlib\nMARK(getattr(hashlib, 'm' + 'd5'))", ""),
            ("import hashlib\nMARK(getattr(hashlib, 'm\\x645'))", ""),
            ("import importlib\nMARK(importlib.import_module('a.' + 'b').c)", "a.b.c"),
            ("MARK(__import__('a.b').c)", "a.c"),
            ("def getattr(a, b): pass\nimport a\nMARK(getattr(a, 'b'))", ""),
        ] {
            assert_eq!(resolved(text), name, "{text}");
        }
    }

    #[test]
    fn scopes_are_python_s() {
        for (text, name) in [
            ("def f():\n    MARK(m)\nimport m", "m"),
            ("import m\ndef f(m):\n    MARK(m)", ""),
            ("import m\ndef f():\n    MARK(m)\n    m = 1", ""),
            ("import m\ndef f(x=MARK(m), m=1): pass", "m"),
            ("import m\n[MARK(m) for m in x]", ""),
            ("import m\n[m for m in MARK(m)]", "m"),
            ("import m\nf = lambda m: MARK(m)", ""),
            ("class C:\n    eval = 1\n    def f(self):\n        MARK(eval)", "builtins.eval"),
            ("class C:\n    import m\n    MARK(m)", "m"),
            ("def f():\n    import m\n    def g():\n        MARK(m)", "m"),
            ("def f():\n    global m\n    import a as m\ndef g():\n    MARK(m)", "a"),
            (
                "def f():\n    import m\n    def g():\n        nonlocal m\n        import a as m\n    MARK(m)",
                "a",
            ),
            ("MARK(eval)\ndef eval(): pass", "builtins.eval"),
            ("def eval(): pass\nMARK(eval)", ""),
            ("import m\nfor m in x:\n    MARK(m)", ""),
            ("import m\nwith x as m:\n    MARK(m)", ""),
            ("import m\ntry: pass\nexcept E as m:\n    MARK(m)", ""),
            ("import m\nmatch x:\n    case {'a': m}:\n        MARK(m)", ""),
            ("import m\ndel m\nMARK(m)", ""),
            ("try:\n    import m\nexcept ImportError:\n    m = None\nMARK(m.f)", "m.f"),
        ] {
            assert_eq!(resolved(text), name, "{text}");
        }
    }

    #[test]
    fn attributes_of_self_are_followed() {
        let class = "import hashlib\nclass C:\n    h = hashlib.md5\n    def __init__(self):\n        self.g = hashlib.sha1\n";
        assert_eq!(resolved(&format!("{class}    def f(self):\n        MARK(self.h)")), "hashlib.md5");
        assert_eq!(resolved(&format!("{class}    def f(this):\n        MARK(this.g.x)")), "hashlib.sha1.x");
        let twice = format!("{class}    def f(self):\n        self.g = 1\n        MARK(self.g)");
        assert_eq!(resolved(&twice), "");
        assert_eq!(resolved(&format!("{class}def f(self):\n    MARK(self.h)")), "");
    }

    #[test]
    fn makers_are_followed() {
        let made = |text| marked(text, |names, expr, at| names.made_by(expr, at));
        for (text, maker) in [
            ("from flask import Flask\napp = Flask(__name__)\ndef f():\n    MARK(app)", "flask.Flask"),
            ("import a\nwith a.B() as b:\n    MARK(b)", "a.B"),
            (
                "import a\nclass C:\n    def __init__(self):\n        self.b = a.B()\n    def f(self):\n        MARK(self.b)",
                "a.B",
            ),
            ("import a\nMARK(a.B())", "a.B"),
            ("import a\nb = c = a.B()\nd = c\nMARK(d)", "a.B"),
            ("a = a\nMARK(a)", ""),
        ] {
            assert_eq!(made(text), maker, "{text}");
        }
    }

    #[test]
    fn long_chains_cost_no_stack() {
        let text = format!("import a\nMARK(a{})", ".b".repeat(1_000));
        assert_eq!(resolved(&text).len(), 2_001);
    }
}
