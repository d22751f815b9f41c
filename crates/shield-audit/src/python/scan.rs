//! One walk over a file that shows every rule what it looks at.

use ruff_python_ast::{
    self as ast, Alias, Decorator, ElifElseClause, Expr, Stmt,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

use super::{
    Audit, Kind, Module,
    names::{At, ScopeId},
    prefilter::Active,
    rules::{Call, Check, Hit, Scene, Shape, Test},
    scopes::{self, ScopeNode, ScopeVisitor},
};
use crate::{
    custom::Look,
    finding::{Confidence, Rule},
};

/// What a rule found, and where that lies.
pub(super) struct Found {
    pub(super) rule: &'static Rule,
    pub(super) confidence: Confidence,
    pub(super) hit: Hit,
    pub(super) context: String,
}

type LookAtExpression = fn(&Scene<'_>, &Expr) -> Option<Hit>;

type Looks<F> = Vec<(&'static Check, F)>;

/// The rules that look at this file, by what they look at.
#[derive(Default)]
struct Rules {
    names: bool,
    imports: Looks<&'static [&'static str]>,
    calls: Looks<fn(&Scene<'_>, &Call<'_>) -> Option<Hit>>,
    texts: Looks<LookAtExpression>,
    composed: Looks<LookAtExpression>,
    comparisons: Looks<LookAtExpression>,
    tables: Looks<LookAtExpression>,
    statements: Looks<fn(&Scene<'_>, &Stmt) -> Vec<Hit>>,
}

pub(super) struct Scan<'m> {
    audit: &'m Audit,
    pub(super) module: &'m Module<'m>,
    active: Active,
    rules: Rules,
    /// What rule files do not want, where there may be any of it.
    pub(super) bans: Option<Look<'m>>,
    scopes: Vec<ScopeId>,
    /// Names of the definitions around.
    pub(super) context: Vec<&'m str>,
    parents: Vec<&'m Expr>,
    statement: Option<&'m Stmt>,
    /// How many annotations are around.
    pub(super) in_annotation: u32,
    /// How many blocks around run for type checkers only.
    pub(super) type_checking: u32,
    /// Reused for the name of each callee.
    name: String,
    pub(super) found: Vec<Found>,
}

/// Everything that the active rules find in a file, in the order of the walk.
pub(super) fn scan<'m>(
    audit: &'m Audit,
    module: &'m Module<'m>,
    active: Active,
    bans: Option<Look<'m>>,
) -> Vec<Found> {
    if active.is_empty() && bans.is_none() {
        return Vec::new();
    }
    let mut scan = Scan {
        audit,
        module,
        active,
        rules: Rules::default(),
        bans,
        scopes: vec![ScopeId::MODULE],
        context: Vec::new(),
        parents: Vec::new(),
        statement: None,
        in_annotation: 0,
        type_checking: 0,
        name: String::new(),
        found: Vec::new(),
    };
    scan.choose();
    scan.visit_body(&module.syntax.body);
    scan.found
}

// === impl Scan ===

impl<'m> Scan<'m> {
    /// Sorts the active rules by what they look at; those that look at the file look at once.
    fn choose(&mut self) {
        let audit = self.audit;
        let active = self.active;
        let chosen = audit.checks.iter().copied().enumerate().filter(|(index, _)| active.has(*index));
        for check in chosen.map(|(_, check)| check) {
            match check.test {
                Test::Names(_) => self.rules.names = true,
                Test::Imports(modules) => self.rules.imports.push((check, modules)),
                Test::Call(look) => self.rules.calls.push((check, look)),
                Test::Expression(Shape::Text, look) => self.rules.texts.push((check, look)),
                Test::Expression(Shape::Composed, look) => self.rules.composed.push((check, look)),
                Test::Expression(Shape::Comparison, look) => self.rules.comparisons.push((check, look)),
                Test::Expression(Shape::Table, look) => self.rules.tables.push((check, look)),
                Test::Statement(look) => self.rules.statements.push((check, look)),
                Test::File(look) => {
                    let hit = look(&self.scene(TextRange::default()));
                    self.note(check, hit);
                }
            }
        }
    }

    fn scope(&self) -> ScopeId {
        self.scopes.last().copied().unwrap_or(ScopeId::MODULE)
    }

    pub(super) fn scene(&self, range: TextRange) -> Scene<'_> {
        let at = At { scope: self.scope(), position: range.start() };
        Scene {
            module: self.module,
            at,
            parents: &self.parents,
            statement: self.statement,
            type_checking: self.type_checking > 0,
        }
    }

    fn note(&mut self, check: &'static Check, hits: impl IntoIterator<Item = Hit>) {
        for hit in hits {
            let confidence = hit.confidence.unwrap_or(check.confidence);
            self.found.push(Found { rule: &check.rule, confidence, hit, context: self.context.join(".") });
        }
    }

    fn call(&mut self, call: &Call<'_>) {
        let audit = self.audit;
        if let Some(bans) = self.bans
            && call.arguments.is_some()
        {
            let found = bans.call(&self.scene(call.range), call);
            self.note_banned(found);
        }
        if self.rules.names
            && let Some(indexes) = audit.by_name.get(call.name)
        {
            let active = self.active;
            for &index in indexes.iter().filter(|index| active.has(**index)) {
                let check = audit.checks[index];
                let message = format!("`{}`: {}", call.name, check.rule.title);
                self.note(check, Some(call.hit(message)));
            }
        }
        for position in 0..self.rules.calls.len() {
            let (check, look) = self.rules.calls[position];
            let hit = look(&self.scene(call.range), call);
            self.note(check, hit);
        }
    }

    /// Shows an expression to the rules that look at its shape.
    fn expression(&mut self, expr: &'m Expr, rules: fn(&Rules) -> &Looks<LookAtExpression>) {
        if self.in_annotation > 0 {
            return;
        }
        for position in 0..rules(&self.rules).len() {
            let (check, look) = rules(&self.rules)[position];
            let hit = look(&self.scene(expr.range()), expr);
            self.note(check, hit);
        }
    }

    /// Shows a call, or a decorator, to the rules that look at calls.
    fn callee(&mut self, callee: &'m Expr, arguments: Option<&'m ast::Arguments>, range: TextRange) {
        if !self.rules.names && self.rules.calls.is_empty() && self.bans.is_none() {
            return;
        }
        let mut name = std::mem::take(&mut self.name);
        // `getattr(x, "y")` and its kind mean what they return, but what is called here is `getattr`.
        self.module.names.resolve_into(
            callee,
            At { scope: self.scope(), position: range.start() },
            &mut name,
        );
        self.call(&Call { callee, name: &name, arguments, range });
        self.name = name;
    }

    /// Shows an imported name to the rules that look at imports.
    fn import(&mut self, name: &str, range: TextRange) {
        // Stubs and blocks for type checkers never run.
        if self.module.kind == Kind::Stub || self.type_checking > 0 {
            return;
        }
        for position in 0..self.rules.imports.len() {
            let (check, modules) = self.rules.imports[position];
            let within = |module: &&str| {
                name.strip_prefix(*module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if let Some(module) = modules.iter().find(|module| within(module)) {
                let message = format!("`{module}` is imported: {}", check.rule.title);
                self.note(check, Some(Hit::at(range, *module, message)));
            }
        }
    }

    fn imports(&mut self, stmt: &'m Stmt) {
        if self.rules.imports.is_empty() {
            return;
        }
        match stmt {
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.import(alias.name.as_str(), alias.range));
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                let Some(module) = &import.module else { return };
                import.names.iter().for_each(|alias: &Alias| {
                    self.import(
                        &format!("{module}.{}", alias.name),
                        TextRange::new(stmt.start(), module.end()),
                    );
                });
            }
            _ => {}
        }
    }

    /// A module that is imported by a call counts as imported.
    fn import_call(&mut self, call: &'m ast::ExprCall) {
        if self.rules.imports.is_empty() && self.bans.is_none()
            || !matches!(call.func.as_ref(), Expr::Name(_) | Expr::Attribute(_))
        {
            return;
        }
        let scene = self.scene(call.range());
        let callee = scene.resolve(&call.func);
        if matches!(
            callee.as_deref(),
            Some("importlib.import_module" | "importlib.__import__" | "builtins.__import__")
        ) && let Some(module) = call.arguments.find_argument_value("name", 0)
            && let Some(module) = scene.text(module)
        {
            self.import(&module, call.range());
            self.banned_import(&module, call.range());
        }
    }

    fn is_type_checking(test: &Expr) -> bool {
        match test {
            Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
            Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
            _ => false,
        }
    }
}

impl<'m> ScopeVisitor<'m> for Scan<'m> {
    fn enter(&mut self, node: ScopeNode<'m>) {
        let scope = self.module.names.scope_of(node.range());
        self.scopes.push(scope.unwrap_or(ScopeId::MODULE));
        match node {
            ScopeNode::Function(function) => self.context.push(function.name.as_str()),
            ScopeNode::Class(class) => self.context.push(class.name.as_str()),
            ScopeNode::Lambda(_) | ScopeNode::Comprehension(_) => {}
        }
    }

    fn leave(&mut self) {
        let scope = self.scopes.pop();
        let named = scope.is_some_and(|scope| self.module.names.scope(scope).is_named());
        if named {
            self.context.pop();
        }
    }
}

impl<'m> Visitor<'m> for Scan<'m> {
    fn visit_stmt(&mut self, stmt: &'m Stmt) {
        let outer = self.statement.replace(stmt);
        // A statement within an expression's parts does not exist: blocks start anew.
        let parents = std::mem::take(&mut self.parents);
        self.imports(stmt);
        if self.bans.is_some() {
            self.banned_imports(stmt);
        }
        for position in 0..self.rules.statements.len() {
            let (check, look) = self.rules.statements[position];
            let hits = look(&self.scene(stmt.range()), stmt);
            self.note(check, hits);
        }
        match stmt {
            Stmt::If(conditional) if Self::is_type_checking(&conditional.test) => {
                self.visit_expr(&conditional.test);
                self.type_checking += 1;
                self.visit_body(&conditional.body);
                self.type_checking -= 1;
                conditional
                    .elif_else_clauses
                    .iter()
                    .for_each(|clause: &ElifElseClause| self.visit_elif_else_clause(clause));
            }
            _ => scopes::walk_stmt(self, stmt),
        }
        self.parents = parents;
        self.statement = outer;
    }

    fn visit_decorator(&mut self, decorator: &'m Decorator) {
        self.banned_decorator(decorator);
        if !decorator.expression.is_call_expr() {
            self.callee(&decorator.expression, None, decorator.range);
        }
        visitor::walk_decorator(self, decorator);
    }

    fn visit_expr(&mut self, expr: &'m Expr) {
        if let Expr::Call(call) = expr {
            self.import_call(call);
            self.callee(&call.func, Some(&call.arguments), call.range());
        }
        match expr {
            Expr::StringLiteral(_) => self.expression(expr, |rules| &rules.texts),
            Expr::FString(_) => {
                self.expression(expr, |rules| &rules.texts);
                self.expression(expr, |rules| &rules.composed);
            }
            Expr::BinOp(_) | Expr::Call(_) => self.expression(expr, |rules| &rules.composed),
            Expr::Compare(_) => self.expression(expr, |rules| &rules.comparisons),
            Expr::Dict(_) => self.expression(expr, |rules| &rules.tables),
            Expr::Name(_) | Expr::Attribute(_) => self.banned_attribute(expr),
            _ => {}
        }
        self.parents.push(expr);
        scopes::walk_expr(self, expr);
        self.parents.pop();
    }

    fn visit_annotation(&mut self, expr: &'m Expr) {
        // What a type calls is run; its texts are names of types.
        self.in_annotation += 1;
        self.visit_expr(expr);
        self.in_annotation -= 1;
    }
}
