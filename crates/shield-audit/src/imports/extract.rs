//! From a module's tree to its [`Facts`]: one walk, statements only unless the text has calls that can import.

use std::{collections::BTreeSet, ops::Range};

use memchr::memmem;
use ruff_python_ast::{
    ExceptHandler, Expr, ExprCall, ExprContext, Pattern, Stmt, StmtIf, StmtImportFrom, StmtTry, StmtWith,
    StringLiteral,
    visitor::{Visitor, walk_expr, walk_pattern, walk_stmt},
};
use ruff_text_size::{Ranged, TextRange};

use super::{
    conditions::{Target, Truth},
    dynamic,
    facts::{Bound, Facts, Guard, Import, ImportedName, Mention, Origin, What, When},
    syntax,
};

/// Texts with which a module can get names that it does not show, and submodules that have no file.
const HIDDEN_NAMES: [&str; 9] = [
    "globals()",
    "sys.modules[__name__",
    "sys.meta_path",
    "locals()[",
    "locals().update",
    "vars()[",
    "vars().update",
    "__path__",
    "global_enum",
];

/// Reads a module's text for `target`.
pub fn facts(text: &str, target: &Target) -> Facts {
    let hides = |hidden: &&str| memmem::find(text.as_bytes(), hidden.as_bytes()).is_some();
    let open = HIDDEN_NAMES.iter().any(hides) || executes(text);
    syntax::with_module(text, |module, faults| {
        let mut extractor = Extractor {
            facts: Facts { faults, open, ..Facts::default() },
            text,
            target,
            at: Situation { when: When::Load, guard: Guard::None, scope: Scope::Module },
            look: if has_calls(text) { Look::Everywhere } else { Look::Statements },
        };
        extractor.visit_body(&module.body);
        extractor.facts
    })
}

/// Whether a text has the builtin `exec`, not a method of that name.
pub(super) fn executes(text: &str) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(*byte, b'_' | b'.');
    memmem::find_iter(text.as_bytes(), "exec(").any(|at| !text.as_bytes()[..at].last().is_some_and(named))
}

/// Every text in a module, each once, with the literal pieces of those that are put together.
pub(super) fn texts(text: &str) -> BTreeSet<String> {
    let mut texts = Texts::default();
    syntax::with_module(text, |module, _| texts.visit_body(&module.body));
    texts.0
}

#[derive(Default)]
struct Texts(BTreeSet<String>);

/// Where the walk is.
#[derive(Clone, Copy)]
struct Situation {
    when: When,
    guard: Guard,
    scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Module,
    Class,
    Function,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Statements,
    Everywhere,
}

struct Extractor<'a> {
    facts: Facts,
    text: &'a str,
    target: &'a Target,
    at: Situation,
    look: Look,
}

/// Whether a text can have a call that imports, one that names what to replace, or an assignment within an expression.
fn has_calls(text: &str) -> bool {
    let bytes = text.as_bytes();
    let call = |word: &str| {
        memmem::find_iter(bytes, word).any(|at| {
            let behind = bytes[at + word.len()..]
                .iter()
                .find(|byte| !(byte.is_ascii_alphanumeric() || **byte == b'_'));
            behind == Some(&b'(')
        })
    };
    call("import")
        || call("Import")
        || call("patch")
        || call("setattr")
        || memmem::find(bytes, b":=").is_some()
}

fn bytes(range: TextRange) -> Range<u32> {
    range.start().into()..range.end().into()
}

/// What the handlers of a `try` catch.
fn caught(handlers: &[ExceptHandler]) -> Guard {
    let guards = handlers.iter().map(|ExceptHandler::ExceptHandler(handler)| {
        handler.type_.as_deref().map_or(Guard::Everything, catches)
    });
    guards.max().unwrap_or(Guard::None)
}

fn catches(exception: &Expr) -> Guard {
    match exception {
        Expr::Tuple(tuple) => tuple.elts.iter().map(catches).max().unwrap_or(Guard::None),
        Expr::Name(name) => match name.id.as_str() {
            "ImportError" | "ModuleNotFoundError" => Guard::ImportError,
            "Exception" | "BaseException" => Guard::Everything,
            _ => Guard::None,
        },
        _ => Guard::None,
    }
}

/// The literals of a list, tuple or set of strings.
fn strings(value: &Expr) -> Vec<String> {
    let elements = match value {
        Expr::List(list) => &list.elts[..],
        Expr::Tuple(tuple) => &tuple.elts[..],
        Expr::Set(set) => &set.elts[..],
        Expr::BinOp(sum) => return [strings(&sum.left), strings(&sum.right)].concat(),
        Expr::StringLiteral(_) => std::slice::from_ref(value),
        _ => &[],
    };
    elements
        .iter()
        .filter_map(|element| Some(element.as_string_literal_expr()?.value.to_str().to_owned()))
        .collect()
}

// === impl Texts ===

impl<'a> Visitor<'a> for Texts {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::StringLiteral(literal) => {
                self.0.insert(literal.value.to_str().to_owned());
            }
            Expr::BytesLiteral(literal) => {
                let bytes: Vec<u8> = literal.value.bytes().collect();
                self.0.extend(String::from_utf8(bytes));
            }
            Expr::FString(formatted) => self.0.extend(
                formatted
                    .value
                    .elements()
                    .filter_map(|element| Some(element.as_literal()?.value.to_string())),
            ),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

// === impl Extractor ===

impl<'a> Extractor<'a> {
    fn within(&mut self, situation: Situation, walk: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.at, situation);
        walk(self);
        self.at = before;
    }

    fn import(&mut self, range: TextRange, what: What) {
        let Situation { when, guard, .. } = self.at;
        self.facts.imports.push(Import { range: bytes(range), when, guard, replaced: false, what });
    }

    fn bind(&mut self, name: &str, statement: TextRange, origin: Origin) {
        if self.at.scope == Scope::Module {
            self.facts.bound.push(Bound {
                name: name.to_owned(),
                from: statement.end().into(),
                when: self.at.when,
                origin,
            });
        }
    }

    fn bind_targets(&mut self, target: &Expr, statement: TextRange) {
        match target {
            Expr::Name(name) => self.bind(&name.id, statement, Origin::Value),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.bind_targets(element, statement)),
            Expr::List(list) => list.elts.iter().for_each(|element| self.bind_targets(element, statement)),
            Expr::Starred(starred) => self.bind_targets(&starred.value, statement),
            _ => {}
        }
    }

    fn import_from(&mut self, statement: &StmtImportFrom) {
        let imported = |alias: &ruff_python_ast::Alias| ImportedName {
            name: alias.name.to_string(),
            renamed: alias.asname.as_ref().map(ToString::to_string),
            at: bytes(alias.range),
        };
        for alias in statement.names.iter().filter(|alias| alias.name.as_str() != "*") {
            self.bind(alias.asname.as_ref().unwrap_or(&alias.name), statement.range, Origin::Import);
        }
        let what = What::From {
            level: statement.level,
            module: statement.module.as_ref().map(ToString::to_string).unwrap_or_default(),
            at: self.origin_of(statement),
            names: statement.names.iter().map(imported).collect(),
        };
        self.import(statement.range, what);
    }

    /// The bytes of dots and name between `from` and `import`.
    fn origin_of(&self, statement: &StmtImportFrom) -> Range<u32> {
        let start = statement.range.start().to_usize() + "from".len();
        let blank =
            self.text[start..].find(|next: char| !(next.is_whitespace() || next == '\\')).unwrap_or(0);
        let start = start + blank;
        let end = match &statement.module {
            Some(module) => module.range.end().to_usize(),
            None => self.text[start..].rfind_dot_run().map_or(start, |length| start + length),
        };
        u32::try_from(start).unwrap_or(u32::MAX)..u32::try_from(end).unwrap_or(u32::MAX)
    }

    fn branches(&mut self, statement: &'a StmtIf) {
        self.visit_expr(&statement.test);
        let mut before = Truth::of(&statement.test, self.target);
        self.branch(before, &statement.body);
        before = before.negated();
        for clause in &statement.elif_else_clauses {
            let own = clause.test.as_ref().map_or(Truth::Yes, |test| Truth::of(test, self.target));
            if let Some(test) = &clause.test {
                self.visit_expr(test);
            }
            let taken = match before {
                Truth::Yes => own,
                Truth::No => Truth::No,
                Truth::Typing | Truth::Running if own == Truth::Yes => before,
                _ if own == Truth::No => Truth::No,
                _ => Truth::Open,
            };
            self.branch(taken, &clause.body);
            before = match own {
                Truth::Yes => Truth::No,
                Truth::No => before,
                _ if before == Truth::Yes => own.negated(),
                _ => before,
            };
        }
    }

    fn branch(&mut self, truth: Truth, body: &'a [Stmt]) {
        let when = match truth {
            Truth::Yes | Truth::Running | Truth::Open => When::Load,
            Truth::Main => When::Deferred,
            Truth::Typing => When::Typing,
            Truth::No => When::Never,
        };
        let situation = Situation { when: self.at.when.max(when), ..self.at };
        self.within(situation, |this| this.visit_body(body));
    }

    fn attempt(&mut self, statement: &'a StmtTry) {
        let guard = self.at.guard.max(caught(&statement.handlers));
        let first = self.facts.imports.len();
        self.within(Situation { guard, ..self.at }, |this| this.visit_body(&statement.body));
        let tried = first..self.facts.imports.len();
        for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            // What comes here is asked for only where the first one is missing.
            let instead = handler.type_.as_deref().map_or(Guard::Everything, catches);
            let first = self.facts.imports.len();
            let guard = self.at.guard.max(instead);
            self.within(Situation { guard, ..self.at }, |this| this.visit_body(&handler.body));
            let (before, after) = self.facts.imports.split_at_mut(first);
            for import in before[tried.clone()].iter_mut().filter(|_| instead != Guard::None) {
                import.replaced |= after.iter().any(|other| other.what.replaces(&import.what));
            }
        }
        self.visit_body(&statement.orelse);
        self.visit_body(&statement.finalbody);
    }

    fn with(&mut self, statement: &'a StmtWith) {
        let mut guard = self.at.guard;
        for item in &statement.items {
            self.visit_expr(&item.context_expr);
            if let Some(target) = &item.optional_vars {
                self.bind_targets(target, item.range);
            }
            if let Expr::Call(call) = &item.context_expr
                && matches!(&*call.func, Expr::Name(name) if name.id == "suppress")
                    | matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "suppress")
            {
                guard = call.arguments.args.iter().map(catches).fold(guard, Guard::max);
            }
        }
        self.within(Situation { guard, ..self.at }, |this| this.visit_body(&statement.body));
    }

    fn assigned(&mut self, targets: &[Expr], value: &Expr, statement: TextRange) {
        for target in targets {
            self.bind_targets(target, statement);
            let Expr::Name(name) = target else { continue };
            match name.id.as_str() {
                "__all__" if self.at.scope == Scope::Module => {
                    self.facts.listed = is_whole_list(value)
                        && self.at.when == When::Load
                        && memmem::find_iter(self.text.as_bytes(), "__all__").count() == 1;
                    self.facts.all.extend(strings(value));
                }
                "pytest_plugins" if self.at.scope == Scope::Module => {
                    for name in strings(value) {
                        self.import(statement, What::Called { level: 0, name, at: None });
                    }
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, call: &ExprCall) {
        if let Some(what) = dynamic::import_of(call) {
            self.import(call.range(), what);
        }
        if replaces(&call.func)
            && let Some(Expr::StringLiteral(argument)) = call.arguments.args.first()
            && let Some(literal) = argument.as_single_part_string()
            && let Some(mention) = self.mention(literal)
        {
            self.facts.mentions.push(mention);
        }
    }

    fn mention(&self, literal: &StringLiteral) -> Option<Mention> {
        let range = literal.content_range();
        let text = &self.text[range];
        let plain =
            text == &*literal.value && text.contains('.') && dynamic::dotted(text) && !text.starts_with('.');
        plain.then(|| Mention { text: text.to_owned(), at: bytes(range) })
    }
}

impl<'a> Visitor<'a> for Extractor<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let bound = alias
                        .asname
                        .as_ref()
                        .map_or_else(|| name.split('.').next().unwrap_or(name), |renamed| renamed.as_str());
                    self.bind(bound, import.range, Origin::Import);
                    let renamed = alias.asname.as_ref().map(ToString::to_string);
                    self.import(
                        import.range,
                        What::Module { name: name.to_owned(), at: bytes(alias.name.range), renamed },
                    );
                }
            }
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => {
                if self.at.scope == Scope::Module && function.name.as_str() == "__getattr__" {
                    self.facts.answers = true;
                }
                self.bind(&function.name, function.range, Origin::Definition);
                let situation = Situation {
                    when: self.at.when.max(When::Deferred),
                    guard: Guard::None,
                    scope: Scope::Function,
                };
                self.within(situation, |this| walk_stmt(this, statement));
            }
            Stmt::ClassDef(class) => {
                self.bind(&class.name, class.range, Origin::Definition);
                let scope = if self.at.scope == Scope::Function { Scope::Function } else { Scope::Class };
                self.within(Situation { scope, ..self.at }, |this| walk_stmt(this, statement));
            }
            Stmt::If(branches) => self.branches(branches),
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::With(with) => self.with(with),
            Stmt::For(each) => {
                self.bind_targets(&each.target, each.target.range());
                walk_stmt(self, statement);
            }
            Stmt::Assign(assignment) => {
                self.assigned(&assignment.targets, &assignment.value, assignment.range);
                walk_stmt(self, statement);
            }
            Stmt::AnnAssign(assignment) => {
                if let Some(value) = &assignment.value {
                    self.assigned(std::slice::from_ref(&assignment.target), value, assignment.range);
                }
                walk_stmt(self, statement);
            }
            Stmt::AugAssign(assignment) => {
                self.assigned(std::slice::from_ref(&assignment.target), &assignment.value, assignment.range);
                walk_stmt(self, statement);
            }
            Stmt::TypeAlias(alias) => self.bind_targets(&alias.name, alias.range),
            Stmt::Global(global) => {
                for name in &global.names {
                    self.facts.bound.push(Bound {
                        name: name.to_string(),
                        from: 0,
                        when: When::Load,
                        origin: Origin::Value,
                    });
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let captured = match pattern {
            Pattern::MatchAs(capture) => capture.name.as_ref(),
            Pattern::MatchStar(rest) => rest.name.as_ref(),
            Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = captured {
            self.bind(name, pattern.range(), Origin::Value);
        }
        walk_pattern(self, pattern);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if self.look == Look::Statements {
            return;
        }
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Named(named) => self.bind_targets(&named.target, named.range),
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_expr_context(&mut self, _context: &'a ExprContext) {}
}

/// Whether a list or tuple is made of literal strings alone.
fn is_whole_list(value: &Expr) -> bool {
    match value {
        Expr::List(list) => list.elts.iter().all(Expr::is_string_literal_expr),
        Expr::Tuple(tuple) => tuple.elts.iter().all(Expr::is_string_literal_expr),
        _ => false,
    }
}

/// Whether a call replaces what a string names: `patch("a.b")`, `mocker.patch(…)`, `monkeypatch.setattr("a.b", …)`.
///
/// Clients of HTTP have a method `patch`, too: whose it is, the name before the dot says.
fn replaces(function: &Expr) -> bool {
    let before = |object: &Expr| match object {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(attribute) => attribute.attr.to_string(),
        _ => String::new(),
    };
    match function {
        Expr::Name(name) => name.id == "patch",
        Expr::Attribute(attribute) => match attribute.attr.as_str() {
            "patch" => before(&attribute.value).contains("mock"),
            "setattr" | "delattr" => matches!(before(&attribute.value).as_str(), "monkeypatch" | "mp"),
            _ => replaces(&attribute.value),
        },
        _ => false,
    }
}

/// The dots of a relative import that names no module.
trait Dots {
    /// How many bytes reach from the start to the last dot before the first letter.
    fn rfind_dot_run(&self) -> Option<usize>;
}

impl Dots for str {
    fn rfind_dot_run(&self) -> Option<usize> {
        let letters = self.find(|next: char| next.is_alphabetic()).unwrap_or(self.len());
        self[..letters].rfind('.').map(|last| last + 1)
    }
}
