//! Walking over a tree with its scopes.
//!
//! Python evaluates decorators, defaults, annotations, base classes and the first iterable of a comprehension outside of the
//! scope they belong to. This is said once, here, for everything that walks.

use ruff_python_ast::{
    self as ast, Comprehension, Expr, Parameters, Stmt,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

/// What opens a scope.
#[derive(Clone, Copy, Debug)]
pub enum ScopeNode<'a> {
    /// `def`, with or without `async`.
    Function(&'a ast::StmtFunctionDef),
    /// `class`.
    Class(&'a ast::StmtClassDef),
    /// `lambda`.
    Lambda(&'a ast::ExprLambda),
    /// A comprehension or generator.
    Comprehension(&'a Expr),
}

/// A visitor that is told when a scope begins and ends.
pub trait ScopeVisitor<'a>: Visitor<'a> {
    /// What comes next is inside.
    fn enter(&mut self, node: ScopeNode<'a>);
    /// What comes next is outside again.
    fn leave(&mut self);
}

// === impl ScopeNode ===

impl Ranged for ScopeNode<'_> {
    fn range(&self) -> TextRange {
        match self {
            Self::Function(node) => node.range,
            Self::Class(node) => node.range,
            Self::Lambda(node) => node.range,
            Self::Comprehension(node) => node.range(),
        }
    }
}

/// Walks over the parts of a statement, entering scopes.
pub fn walk_stmt<'a, V: ScopeVisitor<'a>>(visitor: &mut V, stmt: &'a Stmt) {
    match stmt {
        Stmt::FunctionDef(function) => {
            function.decorator_list.iter().for_each(|decorator| visitor.visit_decorator(decorator));
            walk_defaults(visitor, &function.parameters);
            function.returns.iter().for_each(|returns| visitor.visit_annotation(returns));
            visitor.enter(ScopeNode::Function(function));
            visitor.visit_body(&function.body);
            visitor.leave();
        }
        Stmt::ClassDef(class) => {
            class.decorator_list.iter().for_each(|decorator| visitor.visit_decorator(decorator));
            class.arguments.iter().for_each(|arguments| visitor.visit_arguments(arguments));
            visitor.enter(ScopeNode::Class(class));
            visitor.visit_body(&class.body);
            visitor.leave();
        }
        _ => visitor::walk_stmt(visitor, stmt),
    }
}

/// Walks over the parts of an expression, entering scopes.
pub fn walk_expr<'a, V: ScopeVisitor<'a>>(visitor: &mut V, expr: &'a Expr) {
    match expr {
        Expr::Lambda(lambda) => {
            lambda.parameters.iter().for_each(|parameters| walk_defaults(visitor, parameters));
            visitor.enter(ScopeNode::Lambda(lambda));
            visitor.visit_expr(&lambda.body);
            visitor.leave();
        }
        Expr::ListComp(node) => walk_comprehension(visitor, expr, [Some(&node.elt), None]),
        Expr::SetComp(node) => walk_comprehension(visitor, expr, [Some(&node.elt), None]),
        Expr::Generator(node) => walk_comprehension(visitor, expr, [Some(&node.elt), None]),
        Expr::DictComp(node) => walk_comprehension(visitor, expr, [node.key.as_deref(), Some(&node.value)]),
        _ => visitor::walk_expr(visitor, expr),
    }
}

/// The loops of a comprehension; none of any other expression.
pub fn generators(expr: &Expr) -> &[Comprehension] {
    match expr {
        Expr::ListComp(node) => &node.generators,
        Expr::SetComp(node) => &node.generators,
        Expr::Generator(node) => &node.generators,
        Expr::DictComp(node) => &node.generators,
        _ => &[],
    }
}

fn walk_comprehension<'a, V: ScopeVisitor<'a>>(
    visitor: &mut V,
    expr: &'a Expr,
    elements: [Option<&'a Expr>; 2],
) {
    let generators = generators(expr);
    if let Some(first) = generators.first() {
        visitor.visit_expr(&first.iter);
    }
    visitor.enter(ScopeNode::Comprehension(expr));
    for (index, generator) in generators.iter().enumerate() {
        if index > 0 {
            visitor.visit_expr(&generator.iter);
        }
        visitor.visit_expr(&generator.target);
        generator.ifs.iter().for_each(|condition| visitor.visit_expr(condition));
    }
    elements.into_iter().flatten().for_each(|element| visitor.visit_expr(element));
    visitor.leave();
}

fn walk_defaults<'a, V: ScopeVisitor<'a>>(visitor: &mut V, parameters: &'a Parameters) {
    for parameter in parameters {
        if let Some(default) = parameter.default() {
            visitor.visit_expr(default);
        }
        if let Some(annotation) = parameter.annotation() {
            visitor.visit_annotation(annotation);
        }
    }
}
