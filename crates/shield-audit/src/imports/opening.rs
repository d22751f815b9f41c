//! Whether a text of the project can load what only the running program knows, in other ways than a call that imports.
//!
//! Code that is made at run time, loaders that are given a file, objects that are read back (a pickle names the modules it needs), functions
//! of frameworks that import by a dotted text, and the means to import handed on under another name. Each says yes unless it is given
//! a literal: literals are named by [`super::named`].

use std::collections::BTreeSet;

use memchr::memmem;
use ruff_python_ast::{
    Expr, ExprCall, InterpolatedStringElement, Stmt,
    visitor::{Visitor, walk_expr, walk_stmt},
};

use super::{
    dynamic::{called, import_of},
    facts::What,
    syntax,
};

/// What import by themselves.
const IMPORTS: [&str; 2] = ["import_module", "__import__"];
/// What import, run or look up what a text names.
const BY_TEXT: [&str; 18] = [
    "run_module",
    "resolve_name",
    "import_string",
    "import_from_string",
    "import_by_path",
    "import_by_name",
    "import_object",
    "import_class",
    "import_item",
    "import_name",
    "import_attr",
    "load_object",
    "load_class",
    "load_entry_point",
    "symbol_by_name",
    "safe_import",
    "iter_entry_points",
    "entry_points",
];
/// What load a file as a module, or run it.
const OF_FILES: [&str; 11] = [
    "spec_from_file_location",
    "module_from_spec",
    "SourceFileLoader",
    "SourcelessFileLoader",
    "ExtensionFileLoader",
    "load_module",
    "load_source",
    "load_dynamic",
    "zipimporter",
    "run_path",
    "execfile",
];
/// What run a text, or the value of one.
const RUNS: [&str; 2] = ["exec", "eval"];
/// What read objects back that name their own modules.
const PICKLERS: [&str; 9] =
    ["pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "jsonpickle", "torch"];
/// How they do.
const UNPICKLES: [&str; 6] = ["load", "loads", "open", "decode", "Unpickler", "*"];
/// The same of others, wherever they come from.
const UNPICKLERS: [&str; 5] = ["Unpickler", "read_pickle", "unsafe_load", "unsafe_load_all", "UnsafeLoader"];
/// What may be taken from a module by a text.
const TAKES_BY_TEXT: [&str; 4] = ["getattr", "__dict__", "globals", "vars"];

/// Whether it can.
pub(super) fn is_open(text: &str) -> bool {
    may_be_open(text)
        && syntax::with_module(text, |module, _| {
            let takes = TAKES_BY_TEXT.iter().any(|word| has(text, word));
            let mut opening = Opening { takes, ..Opening::default() };
            opening.visit_body(&module.body);
            opening.open || opening.unpickled.iter().any(|name| opening.picklers.contains(name))
        })
}

/// Whether a word of it says that it could; all that can be said of what is no plain Python.
pub(super) fn may_be_open(text: &str) -> bool {
    [&IMPORTS[..], &BY_TEXT, &OF_FILES, &RUNS, &PICKLERS, &UNPICKLERS, &["executable", "python"]]
        .into_iter()
        .flatten()
        .any(|word| has(text, word))
}

fn has(text: &str, word: &str) -> bool {
    memmem::find(text.as_bytes(), word.as_bytes()).is_some()
}

#[derive(Default)]
struct Opening {
    /// Something of the text takes members by a text.
    takes: bool,
    open: bool,
    /// What modules are called here that read objects back.
    picklers: BTreeSet<String>,
    /// What is asked here to read something back.
    unpickled: BTreeSet<String>,
}

fn is_literal(argument: &Expr) -> bool {
    argument.is_string_literal_expr()
}

/// Whether an expression is Python's own program, by how it is written.
fn is_python(expression: &Expr) -> bool {
    match expression {
        Expr::Attribute(attribute) => attribute.attr.as_str() == "executable",
        Expr::Name(name) => matches!(name.id.as_str(), "executable" | "python"),
        Expr::StringLiteral(text) => text.value.to_str().contains("python"),
        _ => false,
    }
}

/// Whether a command that is put together runs Python with something that is not literal: `f"python -m {name}"`.
fn runs_unknown<'e>(elements: impl Iterator<Item = &'e InterpolatedStringElement>) -> bool {
    let (mut python, mut unknown) = (false, false);
    for element in elements {
        match element {
            InterpolatedStringElement::Literal(text) => {
                python |= text.value.contains("python");
                unknown |= text.value.trim_end().ends_with("-m") || text.value.trim_end().ends_with("-c");
            }
            InterpolatedStringElement::Interpolation(part) => python |= is_python(&part.expression),
        }
    }
    python && unknown
}

// === impl Opening ===

impl Opening {
    fn call(&mut self, call: &ExprCall) {
        if import_of(call) == Some(What::Anything) {
            self.open = true;
        }
        let Some(name) = called(&call.func) else { return };
        let first = call.arguments.args.first();
        let given = first.or_else(|| call.arguments.keywords.first().map(|keyword| &keyword.value));
        let open = given.is_some_and(|given| !is_literal(given));
        let of_module = call.func.as_attribute_expr().and_then(|function| function.value.as_name_expr());
        let bare = call.func.is_name_expr();
        let built_in = bare || of_module.is_some_and(|module| module.id.contains("builtins"));
        let locates = name == "locate" && (bare || of_module.is_some_and(|module| module.id == "pydoc"));
        self.open |= OF_FILES.contains(&name)
            || (open && (BY_TEXT.contains(&name) || locates || (built_in && RUNS.contains(&name))));
        if let Some(module) = of_module.filter(|_| UNPICKLES.contains(&name)) {
            self.unpickled.insert(module.id.to_string());
        }
    }

    /// Something that imports or runs, and is not called here, is called elsewhere.
    fn handed_on(&mut self, expression: &Expr) {
        let name = called(expression).unwrap_or_default();
        let built_in = match expression {
            Expr::Name(_) => true,
            Expr::Attribute(of) => of.value.as_name_expr().is_some_and(|base| base.id.contains("builtins")),
            _ => false,
        };
        self.open |= IMPORTS.contains(&name)
            || OF_FILES.contains(&name)
            || UNPICKLERS.contains(&name)
            || (built_in && RUNS.contains(&name));
    }

    /// The arguments of a program: `[sys.executable, "-m", name]`.
    fn arguments(&mut self, elements: &[Expr]) {
        let run = elements.first().is_some_and(is_python);
        let unknown = elements.windows(2).any(|two| {
            let option = two[0].as_string_literal_expr().map(|text| text.value.to_str());
            matches!(option, Some("-m" | "-c")) && !is_literal(&two[1])
        });
        self.open |= run && unknown;
    }
}

impl<'a> Visitor<'a> for Opening {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                let picklers = import.names.iter().filter(|alias| PICKLERS.contains(&alias.name.as_str()));
                self.picklers
                    .extend(picklers.map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()));
            }
            Stmt::ImportFrom(import) => {
                let of_pickler = import.module.as_ref().is_some_and(|name| PICKLERS.contains(&name.as_str()));
                self.open |= import.names.iter().any(|alias| {
                    let name = alias.name.as_str();
                    let known = [&IMPORTS[..], &BY_TEXT, &OF_FILES, &RUNS].into_iter().flatten();
                    (alias.asname.is_some() && known.into_iter().any(|known| *known == name))
                        || (of_pickler && UNPICKLES.contains(&name))
                });
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) => {
                self.call(call);
                if UNPICKLERS.contains(&called(&call.func).unwrap_or_default()) {
                    self.open = true;
                }
                match &*call.func {
                    Expr::Name(_) => {}
                    Expr::Attribute(function) => self.visit_expr(&function.value),
                    function => self.visit_expr(function),
                }
                return self.visit_arguments(&call.arguments);
            }
            Expr::Name(name) if name.ctx.is_load() => self.handed_on(expression),
            Expr::Attribute(_) => self.handed_on(expression),
            Expr::StringLiteral(literal) => {
                self.open |= self.takes && IMPORTS.contains(&literal.value.to_str());
            }
            Expr::List(list) => self.arguments(&list.elts),
            Expr::Tuple(tuple) => self.arguments(&tuple.elts),
            Expr::FString(formatted) => {
                self.open |= runs_unknown(formatted.value.elements());
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_others_are_settled() {
        for text in [
            "exec('x = 1'); eval(\"1 + 1\")",
            "model.eval(); session.exec(query)",
            "import pickle\npickle.dumps(x)",
            "import json\njson.load(file)",
            "importlib.import_module('a'); import_string('a:b')",
            "['git', 'commit', '-m', text]; [sys.executable, '-m', 'a']",
            "runpy.run_module('a'); entry_points(group='a'); entry_points()",
            "PATTERNS = ['eval(', '__import__']",
            "from importlib import import_module\nfrom pickle import dumps as d",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn what_only_the_program_knows_is_open() {
        for text in [
            "exec(text)",
            "exec('imp' + 'ort a')",
            "builtins.eval(x)",
            "list(map(eval, texts))",
            "importlib.import_module(os.environ['A'])",
            "load = importlib.import_module",
            "i = __builtins__.__import__\ni(x)",
            "from importlib import import_module as load",
            "getattr(importlib, 'import_module')(x)",
            "import_string(settings.X); x",
            "runpy.run_module(name)",
            "pkgutil.resolve_name(f'{a}:b')",
            "SourceFileLoader('a', 'b.py').load_module()",
            "spec_from_file_location('a', path)",
            "import pickle as p\np.loads(x)",
            "from pickle import loads",
            "pandas.read_pickle(x)",
            "yaml.load(x, Loader=yaml.UnsafeLoader)",
            "subprocess.run([sys.executable, '-m', name])",
            "os.system(f'python -m {name}')",
            "for e in entry_points(group=name): e.load()",
        ] {
            assert!(is_open(text), "{text}");
        }
    }
}
