//! Whether what a call gives decides something: it is compared where the outcome is a condition, or is what a function answers.
//!
//! Told by names within one file and not by scopes, so rather too often than too seldom: what is compared here is a person's to judge. A comparison
//! that is only a piece of data (a value of a dictionary, an argument) decides nothing by itself. What other files do with a value is not seen.

use std::{
    collections::{HashMap, HashSet},
    slice,
};

use ruff_python_ast::{
    Expr, ExprCall, Stmt,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

use super::site::Site;
use crate::python::{Module, scopes};

/// What compares two texts in the time that takes for equal ones.
const COMPARE_DIGEST: &str = "compare_digest";

/// The comparisons of a file that decide something, and which values go where.
#[derive(Debug, Default)]
pub(super) struct Guards<'m> {
    /// Where they stand.
    ranges: Vec<TextRange>,
    /// The names of what they compare.
    compared: HashSet<&'m str>,
    /// From the name of a value, or of the function that gives it, to names that it is given.
    given: HashMap<&'m str, Vec<&'m str>>,
    /// The functions around what is looked at.
    functions: Vec<&'m str>,
}

/// The names that stand for a value: its own, or those of what it is taken from. A text that is put together is another value.
fn carriers<'m>(expr: &'m Expr, into: &mut Vec<&'m str>) {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Name(name) => into.push(name.id.as_str()),
            Expr::Attribute(attribute) => {
                into.push(attribute.attr.as_str());
                open.push(&attribute.value);
            }
            Expr::Subscript(subscript) => {
                if let Expr::StringLiteral(key) = subscript.slice.as_ref() {
                    into.push(key.value.to_str());
                }
                open.push(&subscript.value);
            }
            Expr::Call(call) => {
                open.push(&call.func);
                open.extend(call.arguments.args.iter());
            }
            Expr::Await(awaited) => open.push(&awaited.value),
            Expr::Named(named) => open.extend([&*named.target, &*named.value]),
            Expr::Tuple(tuple) => open.extend(&tuple.elts),
            Expr::If(choice) => open.extend([&*choice.body, &*choice.orelse]),
            _ => {}
        }
    }
}

fn is_compare_digest(call: &ExprCall) -> bool {
    match call.func.as_ref() {
        Expr::Attribute(attribute) => attribute.attr.as_str() == COMPARE_DIGEST,
        Expr::Name(name) => name.id.as_str() == COMPARE_DIGEST,
        _ => false,
    }
}

// === impl Guards ===

impl<'m> Guards<'m> {
    /// Those of a file.
    pub(super) fn of(module: &Module<'m>) -> Self {
        let mut guards = Self::default();
        guards.visit_body(&module.syntax.body);
        guards
    }

    /// Every comparison below a condition.
    fn condition(&mut self, expr: &'m Expr) {
        Conditions(self).visit_expr(expr);
    }

    /// A value that is a comparison, or is put together of some.
    fn answer(&mut self, expr: &'m Expr) {
        if matches!(expr, Expr::Compare(_) | Expr::BoolOp(_) | Expr::UnaryOp(_)) {
            self.condition(expr);
        }
    }

    fn compares(&mut self, range: TextRange, sides: impl IntoIterator<Item = &'m Expr>) {
        self.ranges.push(range);
        let mut names = Vec::new();
        sides.into_iter().for_each(|side| carriers(side, &mut names));
        self.compared.extend(names);
    }

    fn gives(&mut self, value: &'m Expr, names: &[&'m str]) {
        let mut from = Vec::new();
        carriers(value, &mut from);
        for one in from {
            self.given.entry(one).or_default().extend(names);
        }
    }

    fn assigned(&mut self, targets: &'m [Expr], value: &'m Expr) {
        let mut names = Vec::new();
        targets.iter().for_each(|target| carriers(target, &mut names));
        self.gives(value, &names);
        self.answer(value);
    }

    /// Whether one of these names, or one that is given their value, is compared.
    fn reaches(&self, names: Vec<&'m str>) -> bool {
        let (mut open, mut seen) = (names, HashSet::new());
        while let Some(name) = open.pop() {
            if self.compared.contains(name) {
                return true;
            }
            if seen.insert(name) {
                open.extend(self.given.get(name).into_iter().flatten());
            }
        }
        false
    }
}

impl<'m> Visitor<'m> for Guards<'m> {
    fn visit_stmt(&mut self, stmt: &'m Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.functions.push(function.name.as_str());
                visitor::walk_stmt(self, stmt);
                self.functions.pop();
                return;
            }
            Stmt::If(branch) => {
                self.condition(&branch.test);
                branch
                    .elif_else_clauses
                    .iter()
                    .filter_map(|clause| clause.test.as_ref())
                    .for_each(|test| self.condition(test));
            }
            Stmt::While(repeated) => self.condition(&repeated.test),
            Stmt::Assert(assertion) => self.condition(&assertion.test),
            Stmt::Match(choice) => self.compares(choice.subject.range(), [&*choice.subject]),
            Stmt::Return(returned) => {
                if let Some(value) = returned.value.as_deref() {
                    let function: Vec<&str> = self.functions.last().copied().into_iter().collect();
                    self.gives(value, &function);
                    self.answer(value);
                }
            }
            Stmt::Assign(assign) => self.assigned(&assign.targets, &assign.value),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = assign.value.as_deref() {
                    self.assigned(slice::from_ref(&*assign.target), value);
                }
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'m Expr) {
        match expr {
            Expr::If(choice) => self.condition(&choice.test),
            Expr::Lambda(lambda) => self.answer(&lambda.body),
            Expr::Named(named) => self.assigned(slice::from_ref(&*named.target), &named.value),
            Expr::Call(call) if is_compare_digest(call) => {
                self.compares(call.range(), call.arguments.args.iter())
            }
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::Generator(_) | Expr::DictComp(_) => {
                let conditions = scopes::generators(expr).iter().flat_map(|one| &one.ifs);
                conditions.for_each(|condition| self.condition(condition));
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

/// Finds the comparisons below a condition.
struct Conditions<'g, 'm>(&'g mut Guards<'m>);

// === impl Conditions ===

impl<'m> Visitor<'m> for Conditions<'_, 'm> {
    fn visit_expr(&mut self, expr: &'m Expr) {
        if let Expr::Compare(compare) = expr {
            self.0.compares(compare.range, [&*compare.left].into_iter().chain(&*compare.comparators));
        }
        visitor::walk_expr(self, expr);
    }
}

// === impl Site ===

impl Site<'_> {
    /// Whether the value of the call decides something in its file.
    pub(super) fn decides(&self) -> bool {
        let around = |range: &TextRange| range.contains_range(self.node.range());
        if self.guards.ranges.iter().any(around) {
            return true;
        }
        let mut names = Vec::new();
        match self.scene.statement {
            Some(Stmt::Assign(assign)) => assign.targets.iter().for_each(|to| carriers(to, &mut names)),
            Some(Stmt::AnnAssign(assign)) => carriers(&assign.target, &mut names),
            Some(Stmt::Return(_)) => names.extend(self.finding.context.rsplit('.').next()),
            _ => {}
        }
        for parent in self.scene.parents {
            if let Expr::Named(named) = parent {
                carriers(&named.target, &mut names);
            }
        }
        self.guards.reaches(names)
    }
}
