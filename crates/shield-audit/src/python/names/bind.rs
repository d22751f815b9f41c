//! Collecting what a file binds.

use ruff_python_ast::{
    self as ast, Alias, ExceptHandler, Expr, ExprContext, ModModule, Parameters, Pattern, Stmt,
    StmtImportFrom, WithItem,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextSize};
use rustc_hash::FxHashMap;

use super::{At, Binding, Bound, Names, Scope, ScopeId, ScopeKind};
use crate::python::scopes::{self, ScopeNode, ScopeVisitor};

/// Collects the bindings of a file.
pub(super) fn names(syntax: &ModModule) -> Names<'_> {
    let mut binder = Binder { names: Names::default(), stack: Vec::new(), elsewhere: FxHashMap::default() };
    binder.open(ScopeKind::Module);
    binder.visit_body(&syntax.body);
    binder.names
}

/// Walks over a file and notes each binding.
struct Binder<'a> {
    names: Names<'a>,
    stack: Vec<ScopeId>,
    /// Names that a scope declares `global` or `nonlocal`, and whose they are.
    elsewhere: FxHashMap<(ScopeId, &'a str), ScopeId>,
}

// === impl Binder ===

impl<'a> Binder<'a> {
    fn scope(&self) -> ScopeId {
        self.stack.last().copied().unwrap_or(ScopeId::MODULE)
    }

    fn open(&mut self, kind: ScopeKind<'a>) -> ScopeId {
        let id = ScopeId(u32::try_from(self.names.scopes.len()).unwrap_or(u32::MAX));
        self.names.scopes.push(Scope { kind, parent: self.scope() });
        self.stack.push(id);
        id
    }

    fn bind(&mut self, name: &'a str, position: TextSize, bound: Bound<'a>) {
        let mut scope = self.scope();
        if let Some(owner) = self.elsewhere.get(&(scope, name)) {
            scope = *owner;
        }
        self.bind_in(scope, name, position, bound);
    }

    fn bind_in(&mut self, scope: ScopeId, name: &'a str, position: TextSize, bound: Bound<'a>) {
        let index = self.push(scope, position, bound);
        self.names.bindings[index as usize].previous = self.names.last.insert((scope, name), index);
    }

    fn push(&mut self, scope: ScopeId, position: TextSize, bound: Bound<'a>) -> u32 {
        let index = u32::try_from(self.names.bindings.len()).unwrap_or(u32::MAX);
        self.names.bindings.push(Binding { at: At { scope, position }, bound, previous: None });
        index
    }

    /// Binds what a target names: to the value if it is one name, else to parts of it.
    fn target(&mut self, target: &'a Expr, position: TextSize, bound: Bound<'a>) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), position, bound),
            Expr::Attribute(attribute) => self.attribute(attribute, position, bound),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let values = match bound {
                    Bound::Value(Expr::Tuple(tuple)) if tuple.elts.len() == elts.len() => Some(&tuple.elts),
                    _ => None,
                };
                for (index, target) in elts.iter().enumerate() {
                    let part = values.and_then(|values| values.get(index));
                    let starred = elts.iter().any(Expr::is_starred_expr);
                    let bound = part.filter(|_| !starred).map_or(Bound::Unknown, Bound::Value);
                    self.target(target, position, bound);
                }
            }
            Expr::Starred(starred) => self.target(&starred.value, position, Bound::Unknown),
            _ => {}
        }
    }

    /// `self.name = value` in a method belongs to the class.
    fn attribute(&mut self, attribute: &'a ast::ExprAttribute, position: TextSize, bound: Bound<'a>) {
        let Expr::Name(object) = attribute.value.as_ref() else { return };
        let scope = self.scope();
        let Some((class, receiver)) = self.names.method(scope) else { return };
        if object.id.as_str() == receiver {
            let index = self.push(scope, position, bound);
            let last = self.names.last_attribute.insert((class, attribute.attr.as_str()), index);
            self.names.bindings[index as usize].previous = last;
        }
    }

    fn parameters(&mut self, parameters: &'a Parameters) {
        let start = parameters.start();
        let positional = parameters.posonlyargs.iter().chain(&parameters.args).enumerate();
        let named = parameters.kwonlyargs.iter().map(|parameter| (usize::MAX, parameter));
        for (index, parameter) in positional.chain(named) {
            let bound = Bound::Parameter(index, parameter.default.as_deref());
            self.bind(parameter.parameter.name.as_str(), start, bound);
        }
        for variadic in [&parameters.vararg, &parameters.kwarg].into_iter().flatten() {
            self.bind(variadic.name.as_str(), start, Bound::Parameter(usize::MAX, None));
        }
    }

    fn import(&mut self, alias: &'a Alias, end: TextSize) {
        let name = alias.name.as_str();
        self.names.imported.push(name.to_owned());
        let (bound_name, module) = match &alias.asname {
            Some(other) => (other.as_str(), name),
            None => {
                let top = name.split('.').next().unwrap_or(name);
                (top, top)
            }
        };
        self.bind(bound_name, end, Bound::Module(module));
    }

    fn import_from(&mut self, import: &'a StmtImportFrom) {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        for alias in &import.names {
            let member = alias.name.as_str();
            self.names.imported.push(dotted(module, import.level, member));
            if member == "*" {
                self.names.star.push(module);
                continue;
            }
            let name = alias.asname.as_ref().map_or(member, |other| other.as_str());
            self.bind(name, import.end(), Bound::Member { module, level: import.level, member });
        }
    }

    fn declare_elsewhere(&mut self, stmt: &'a Stmt) {
        let here = self.scope();
        let (names, global) = match stmt {
            Stmt::Global(stmt) => (&stmt.names, true),
            Stmt::Nonlocal(stmt) => (&stmt.names, false),
            _ => return,
        };
        for name in names {
            let owner = if global { Some(ScopeId::MODULE) } else { self.outer_function(name.as_str()) };
            if let Some(owner) = owner {
                self.elsewhere.insert((here, name.as_str()), owner);
            }
        }
    }

    /// The nearest enclosing function that binds a name.
    fn outer_function(&self, name: &'a str) -> Option<ScopeId> {
        let outer = self.stack.iter().rev().skip(1);
        outer
            .copied()
            .find(|scope| *scope != ScopeId::MODULE && self.names.last.contains_key(&(*scope, name)))
    }
}

impl<'a> ScopeVisitor<'a> for Binder<'a> {
    fn enter(&mut self, node: ScopeNode<'a>) {
        let kind = match node {
            ScopeNode::Function(function) => ScopeKind::Function(function),
            ScopeNode::Class(class) => ScopeKind::Class(class),
            ScopeNode::Lambda(lambda) => ScopeKind::Lambda(lambda),
            ScopeNode::Comprehension(_) => ScopeKind::Comprehension,
        };
        let id = self.open(kind);
        self.names.by_range.insert(node.range(), id);
        match node {
            ScopeNode::Function(function) => self.parameters(&function.parameters),
            ScopeNode::Lambda(lambda) => {
                lambda.parameters.iter().for_each(|parameters| self.parameters(parameters))
            }
            // An element comes before the variables it uses.
            ScopeNode::Comprehension(expr) => {
                for generator in scopes::generators(expr) {
                    self.target(&generator.target, expr.start(), Bound::Unknown);
                }
            }
            ScopeNode::Class(_) => {}
        }
    }

    fn leave(&mut self) {
        self.stack.pop();
    }
}

impl<'a> Visitor<'a> for Binder<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // A function sees its own name from inside as everybody does from outside.
            Stmt::FunctionDef(function) => {
                self.bind(function.name.as_str(), function.name.end(), Bound::Function(function));
            }
            Stmt::ClassDef(class) => self.bind(class.name.as_str(), class.name.end(), Bound::Class(class)),
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.import(alias, import.end())),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Global(_) | Stmt::Nonlocal(_) => self.declare_elsewhere(stmt),
            _ => {}
        }
        scopes::walk_stmt(self, stmt);
        // What a statement evaluates still sees the names as they were.
        match stmt {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.target(target, assign.end(), Bound::Value(&assign.value));
                }
            }
            Stmt::AnnAssign(ast::StmtAnnAssign { target, value: Some(value), .. }) => {
                self.target(target, stmt.end(), Bound::Value(value));
            }
            Stmt::AugAssign(assign) => self.target(&assign.target, assign.end(), Bound::Unknown),
            Stmt::TypeAlias(alias) => self.target(&alias.name, alias.end(), Bound::Unknown),
            _ => {}
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Named(named) => self.walrus(named),
            // Loops, `del` and comprehensions: the statements above bind their targets themselves, with the value.
            Expr::Name(name) if name.ctx == ExprContext::Del => self.target(expr, expr.end(), Bound::Unknown),
            _ => {}
        }
        scopes::walk_expr(self, expr);
    }

    fn visit_body(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            if let Stmt::For(ast::StmtFor { target, .. }) = stmt {
                self.target(target, target.end(), Bound::Unknown);
            }
            self.visit_stmt(stmt);
        }
    }

    fn visit_with_item(&mut self, item: &'a WithItem) {
        if let Some(target) = &item.optional_vars {
            self.target(target, item.end(), Bound::Context(&item.context_expr));
        }
        visitor::walk_with_item(self, item);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.bind(name.as_str(), name.end(), Bound::Unknown);
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str(), name.end(), Bound::Unknown);
        }
        visitor::walk_pattern(self, pattern);
    }
}

impl<'a> Binder<'a> {
    /// `(name := value)` binds in the scope around comprehensions.
    fn walrus(&mut self, named: &'a ast::ExprNamed) {
        let Expr::Name(name) = named.target.as_ref() else { return };
        let around = self.stack.iter().rev().copied();
        let scope =
            around.clone().find(|scope| !matches!(self.names.scope(*scope).kind, ScopeKind::Comprehension));
        self.bind_in(
            scope.unwrap_or(ScopeId::MODULE),
            name.id.as_str(),
            named.end(),
            Bound::Value(&named.value),
        );
    }
}

/// The dotted name of an imported member.
pub(super) fn dotted(module: &str, level: u32, member: &str) -> String {
    let mut name = ".".repeat(level as usize);
    name.push_str(module);
    if !module.is_empty() {
        name.push('.');
    }
    name.push_str(member);
    name
}
