//! Calls that never come back: what stands behind them is not reached.

use ruff_python_ast::{self as ast, BoolOp, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{
    run::{Frame, Run},
    value::{Body, Shape},
};
use crate::python::names::{At, Names};

/// What raises, or ends the process.
const ENDINGS: [&str; 12] = [
    "flask.abort",
    "werkzeug.exceptions.abort",
    "quart.abort",
    "flask_restful.abort",
    "flask_restx.abort",
    "flask_smorest.abort",
    "bottle.abort",
    "sys.exit",
    "os._exit",
    "os.abort",
    "builtins.exit",
    "builtins.quit",
];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Goes on behind an expression that stands alone, if the way goes on.
    pub(super) fn ends(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => frame.dead |= self.never_returns(frame, call),
            Expr::Await(inner) => self.ends(frame, &inner.value),
            // `x in known or abort(404)`.
            Expr::BoolOp(operation) => {
                if let [first, Expr::Call(call)] = operation.values.as_slice()
                    && self.never_returns(frame, call)
                {
                    self.assume(frame, first, operation.op == BoolOp::Or);
                }
            }
            _ => {}
        }
    }

    fn never_returns(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall) -> bool {
        if !matches!(call.func.as_ref(), Expr::Name(_) | Expr::Attribute(_)) {
            return false;
        }
        let callee = match call.func.as_ref() {
            // What a method is called on was followed already.
            Expr::Attribute(attribute) if !attribute.value.is_name_expr() => return false,
            func => self.expr(frame, func),
        };
        match &callee.shape {
            Shape::External(name) => ENDINGS.contains(&name.as_ref()),
            Shape::Function(callable) => match callable.body {
                Body::Def(def) => {
                    let names = self.project.file(callable.file).module.names;
                    let place = (callable.file, def.range.start().to_u32());
                    *self.endings.entry(place).or_insert_with(|| always_raises(def, names))
                }
                Body::Lambda(_) => false,
            },
            _ => false,
        }
    }
}

/// Whether a function has no other way out than an exception: it returns nowhere, and does not end at its end.
fn always_raises(def: &ast::StmtFunctionDef, names: &Names<'_>) -> bool {
    if def.is_async || !def.decorator_list.is_empty() {
        return false;
    }
    let raises = match def.body.last() {
        Some(Stmt::Raise(_)) => true,
        Some(Stmt::Expr(stmt)) => stmt.value.as_call_expr().is_some_and(|call| {
            let scope = names.scope_of(def.range);
            let at = scope.map(|scope| At { scope, position: call.start() });
            at.and_then(|at| names.resolve(&call.func, at))
                .is_some_and(|name| ENDINGS.contains(&name.as_str()))
        }),
        _ => false,
    };
    raises && !def.body.iter().any(leaves)
}

/// Whether a statement may leave the function other than by an exception, or is too nested to tell.
fn leaves(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Return(_) | Stmt::Match(_) | Stmt::Try(_) | Stmt::With(_) | Stmt::While(_) | Stmt::For(_) => {
            true
        }
        Stmt::If(stmt) => {
            stmt.body.iter().any(leaves)
                || stmt.elif_else_clauses.iter().any(|clause| clause.body.iter().any(leaves))
        }
        Stmt::Expr(stmt) => stmt.value.is_yield_expr() || stmt.value.is_yield_from_expr(),
        Stmt::Assign(stmt) => stmt.value.is_yield_expr() || stmt.value.is_yield_from_expr(),
        _ => false,
    }
}
