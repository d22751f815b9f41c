//! Names that nothing in a module binds: an import that somebody forgot, or took away.
//!
//! A use of such a name fails whenever it is reached. Only what is certain is said: where names come with a star or by `globals()`, where the use is
//! within `try`, or where another version of Python would be needed to reach it, nothing is. An import is offered where the name has one
//! meaning only: a module of the standard library whose attribute is used, or a type of `typing` in an annotation.

use ruff_python_ast::{
    Expr, Stmt,
    visitor::{self, Visitor},
};
use ruff_python_stdlib::builtins::is_python_builtin;
use ruff_text_size::Ranged;
use serde::{Deserialize, Serialize};

use super::{facts::When, library::GIVEN};
use crate::python::{
    Kind, Module,
    names::{At, Lookup, ScopeId, ScopeKind},
    scopes::{self, ScopeNode, ScopeVisitor},
};

/// A use of a name that nothing binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undefined {
    /// The name.
    pub name: String,
    /// The byte at which it is used first.
    pub at: u32,
    /// Its line, from 1.
    pub line: u32,
    /// When it is reached: while the module is loaded, or later if at all.
    pub when: When,
    /// The import that it lacks, if there is only one that can be meant.
    pub import: Option<String>,
}

/// Modules of the standard library that nobody takes for anything else, least of all for a variable.
const MODULES: [&str; 30] = [
    "argparse",
    "asyncio",
    "base64",
    "collections",
    "contextlib",
    "csv",
    "dataclasses",
    "functools",
    "glob",
    "hashlib",
    "hmac",
    "importlib",
    "inspect",
    "ipaddress",
    "itertools",
    "json",
    "logging",
    "math",
    "os",
    "pathlib",
    "re",
    "shutil",
    "socket",
    "sqlite3",
    "sys",
    "tempfile",
    "threading",
    "traceback",
    "uuid",
    "warnings",
];

/// Names of `typing` that nobody takes for anything else.
const TYPES: [&str; 30] = [
    "Any",
    "AsyncGenerator",
    "AsyncIterable",
    "AsyncIterator",
    "Awaitable",
    "Callable",
    "ClassVar",
    "Coroutine",
    "DefaultDict",
    "Deque",
    "Dict",
    "Final",
    "FrozenSet",
    "Generator",
    "Iterable",
    "Iterator",
    "List",
    "Literal",
    "Mapping",
    "MutableMapping",
    "NamedTuple",
    "NoReturn",
    "Optional",
    "Sequence",
    "Set",
    "Tuple",
    "Type",
    "TypeVar",
    "TypedDict",
    "Union",
];

/// Names that programs bind for what they run: IPython and Jupyter, Databricks, Snakemake.
const HOSTED: [&str; 5] = ["dbutils", "display", "get_config", "get_ipython", "snakemake"];

/// Texts with which a module can get names that it does not show.
const HIDDEN: [&str; 8] = [
    "globals()",
    "exec(",
    "locals()[",
    "locals().update",
    "vars()[",
    "vars().update",
    "__builtins__",
    "import builtins",
];

/// The youngest version whose builtins are taken for known: more names can only hide a finding.
const PYTHON_MINOR: u8 = 14;

struct Walk<'m> {
    module: &'m Module<'m>,
    scopes: Vec<ScopeId>,
    /// How many functions are around.
    deferred: u32,
    /// How many statements are around that may not run, or whose errors are caught.
    guarded: u32,
    /// Annotations are texts: nothing in them runs.
    postponed: bool,
    found: Vec<Undefined>,
}

/// The names that nothing in a text binds, each at its first use while the module is loaded, or else at its first use.
#[must_use]
pub fn undefined(text: &str) -> Vec<Undefined> {
    if HIDDEN.iter().any(|hidden| text.contains(hidden)) {
        return Vec::new();
    }
    let found = Module::with(text, Kind::Code, |module| {
        let starred = module.syntax.body.iter().any(has_star);
        if module.error.is_some() || starred {
            return Vec::new();
        }
        let postponed = module.names.imports("__future__.annotations");
        let mut walk = Walk {
            module,
            scopes: vec![ScopeId::MODULE],
            deferred: 0,
            guarded: 0,
            postponed,
            found: Vec::new(),
        };
        walk.visit_body(&module.syntax.body);
        walk.found
    });
    // Too deep for anybody: the survey says so.
    let mut found = found.unwrap_or_default();
    found.sort_by(|left, right| (&left.name, left.when, left.at).cmp(&(&right.name, right.when, right.at)));
    found.dedup_by(|later, first| {
        let same = later.name == first.name;
        if same && first.import.is_none() {
            first.import = later.import.take();
        }
        same
    });
    found.sort_by_key(|one| one.at);
    found
}

fn has_star(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::ImportFrom(import) => import.names.iter().any(|alias| alias.name.as_str() == "*"),
        Stmt::If(conditional) => {
            conditional.body.iter().any(has_star)
                || conditional.elif_else_clauses.iter().any(|clause| clause.body.iter().any(has_star))
        }
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().any(|handler| {
                let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                handler.body.iter().any(has_star)
            });
            handlers || attempt.body.iter().chain(&attempt.orelse).any(has_star)
        }
        Stmt::With(with) => with.body.iter().any(has_star),
        _ => false,
    }
}

// === impl Walk ===

impl<'m> Walk<'m> {
    fn name(&mut self, node: &'m ruff_python_ast::ExprName, import: Option<String>) {
        let name = node.id.as_str();
        let scope = self.scopes.last().copied().unwrap_or(ScopeId::MODULE);
        let at = At { scope, position: node.start() };
        let free = node.ctx.is_load() && matches!(self.module.names.lookup(name, at), Lookup::Free);
        let bound_later = self.module.names.bindings(ScopeId::MODULE, name).next().is_some();
        let in_class = matches!(self.module.names.scope(scope).kind, ScopeKind::Class(_));
        let given = is_python_builtin(name, PYTHON_MINOR, false)
            || GIVEN.contains(&name)
            || HOSTED.contains(&name)
            || name == "__class__"
            || in_class && matches!(name, "__qualname__" | "__module__")
            || name == "_" && self.module.text.contains("gettext");
        if self.guarded > 0 || !free || bound_later || given {
            return;
        }
        let when = if self.deferred > 0 { When::Deferred } else { When::Load };
        let line = self.module.lines.line(node.start());
        self.found.push(Undefined { name: name.to_owned(), at: node.start().to_u32(), line, when, import });
    }

    fn within(&mut self, guarded: bool, visit: impl FnOnce(&mut Self)) {
        self.guarded += u32::from(guarded);
        visit(self);
        self.guarded -= u32::from(guarded);
    }
}

impl<'m> ScopeVisitor<'m> for Walk<'m> {
    fn enter(&mut self, node: ScopeNode<'m>) {
        self.scopes.push(self.module.names.scope_of(node.range()).unwrap_or(ScopeId::MODULE));
        self.deferred += u32::from(matches!(node, ScopeNode::Function(_) | ScopeNode::Lambda(_)));
    }

    fn leave(&mut self) {
        let left = self.scopes.pop().map(|scope| self.module.names.scope(scope).kind);
        let function = matches!(left, Some(ScopeKind::Function(_) | ScopeKind::Lambda(_)));
        self.deferred -= u32::from(function);
    }
}

impl<'m> Visitor<'m> for Walk<'m> {
    fn visit_stmt(&mut self, stmt: &'m Stmt) {
        match stmt {
            Stmt::If(_) | Stmt::Try(_) | Stmt::With(_) | Stmt::While(_) | Stmt::For(_) | Stmt::Match(_) => {
                self.within(true, |walk| scopes::walk_stmt(walk, stmt));
            }
            // Neither runs what is in its annotation: a local variable's is only for readers.
            Stmt::AnnAssign(assign) if self.deferred > 0 || self.postponed => {
                assign.value.iter().for_each(|value| self.visit_expr(value));
            }
            // Parameters of types have a scope that is not followed.
            Stmt::FunctionDef(ruff_python_ast::StmtFunctionDef { type_params: Some(_), .. })
            | Stmt::ClassDef(ruff_python_ast::StmtClassDef { type_params: Some(_), .. })
            | Stmt::TypeAlias(_) => {}
            _ => scopes::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'m Expr) {
        match expr {
            Expr::Name(name) => self.name(name, None),
            Expr::Attribute(attribute) => match attribute.value.as_ref() {
                Expr::Name(name) => {
                    let module = MODULES.contains(&name.id.as_str());
                    self.name(name, module.then(|| format!("import {}", name.id)));
                }
                other => self.visit_expr(other),
            },
            // One side of these may never run.
            Expr::If(_) | Expr::BoolOp(_) => self.within(true, |walk| visitor::walk_expr(walk, expr)),
            _ => scopes::walk_expr(self, expr),
        }
    }

    fn visit_annotation(&mut self, expr: &'m Expr) {
        if self.postponed {
            return;
        }
        Annotation(self).visit_expr(expr);
    }
}

/// A walk over an annotation, in which types are meant.
struct Annotation<'w, 'm>(&'w mut Walk<'m>);

impl<'m> Visitor<'m> for Annotation<'_, 'm> {
    fn visit_expr(&mut self, expr: &'m Expr) {
        match expr {
            Expr::Name(name) => {
                let known = TYPES.contains(&name.id.as_str());
                self.0.name(name, known.then(|| format!("from typing import {}", name.id)));
            }
            Expr::Subscript(_) | Expr::Tuple(_) | Expr::List(_) | Expr::BinOp(_) => {
                visitor::walk_expr(self, expr)
            }
            _ => self.0.visit_expr(expr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let say = |one: Undefined| {
            format!("{} {} {:?} {}", one.line, one.name, one.when, one.import.unwrap_or_default())
        };
        undefined(text).into_iter().map(say).collect()
    }

    #[test]
    fn forgotten_imports_are_found() {
        assert_eq!(said("import os\nsys.path.insert(0, os.sep)\nsys.exit()\n"), ["2 sys Load import sys"]);
        assert_eq!(
            said("class A:\n    async def f(self, x: List[str]) -> Optional[int]: pass\n"),
            ["2 List Load from typing import List", "2 Optional Load from typing import Optional"]
        );
        assert_eq!(
            said("def f():\n    return json.dumps(x)\n"),
            ["2 json Deferred import json", "2 x Deferred "]
        );
        assert_eq!(said("def f():\n    sys.exit()\nsys.path\n"), ["3 sys Load import sys"]);
        assert_eq!(said("@nobody\ndef f(a=nothing): pass"), ["1 nobody Load ", "2 nothing Load "]);
    }

    #[test]
    fn uncertain_uses_are_passed_over() {
        for text in [
            "from x import *\nsys.path",
            "globals()['sys'] = 1\nsys.path",
            "try:\n    unicode\nexcept NameError:\n    unicode = str\n",
            "if PY2:\n    x = unicode\n",
            "def f():\n    return later()\ndef later(): pass\n",
            "def f():\n    global made\n    made = 1\ndef g():\n    made\n",
            "from __future__ import annotations\ndef f(x: List[str]): pass\nx: Dict = {}\n",
            "def f():\n    x: List[int] = []\n",
            "def f[T](x: T) -> T: return x\n",
            "[x for x in range(3)]\n(lambda a: a)(1)\n",
            "class A:\n    def f(self): return __class__\n",
            "def f():\n    import sys\n    sys.path\n",
            "print(__file__, len)\n",
            "c = get_config()\nget_ipython().system('x')\n",
            "x = a and b",
            "import a.b\na.b.c\n",
            "from contextlib import suppress\nwith suppress(ImportError):\n    from local import *\nDEBUG\n",
            "locals().update(x=1)\nx\n",
            "class A:\n    name = __qualname__\n",
            "import gettext\ngettext.install('a')\n_('text')\n",
            "import builtins\nbuiltins.log = print\nlog('x')\n",
            "print(__cached__)\n",
            "sys.path = (\n",
        ] {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
    }
}
