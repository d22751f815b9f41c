//! Answers whose type is said somewhere: `Response(text, mimetype="text/plain")`, or afterwards, `answer.mimetype = "text/plain"`.

use ruff_python_ast::{self as ast, Expr, Stmt, visitor::Visitor};
use ruff_text_size::Ranged;
use rustc_hash::{FxHashMap, FxHashSet};

use super::expressions::{STACK_LEFT, STACK_MORE, literal};
use crate::python::fold::Constant;

/// What says the type of an answer, as an argument or an attribute.
pub(super) const TYPES: [&str; 3] = ["mimetype", "content_type", "media_type"];

/// A variable of a function, by where that begins.
type Variable<'a> = (u32, &'a str);

/// The answers of a file that are no pages, as its functions say.
#[derive(Debug, Default)]
pub(super) struct TypedAnswers<'a> {
    /// Functions around, by where they begin.
    function: u32,
    /// The variable that each call is put into, by where the call begins.
    made: FxHashMap<u32, Variable<'a>>,
    typed: FxHashSet<Variable<'a>>,
}

// === impl TypedAnswers ===

impl<'a> TypedAnswers<'a> {
    pub(super) fn of(body: &'a [Stmt]) -> Self {
        let mut answers = Self::default();
        answers.visit_body(body);
        answers
    }

    /// Whether what a call makes gets another type than that of a page.
    pub(super) fn is_typed(&self, call: &Expr) -> bool {
        self.made.get(&call.start().to_u32()).is_some_and(|variable| self.typed.contains(variable))
    }

    /// Whether what a variable of a function holds says that it is no page.
    pub(super) fn is_other(&self, function: u32, name: &'a str) -> bool {
        self.typed.contains(&(function, name))
    }

    fn assigned(&mut self, target: &'a Expr, value: &'a Expr) {
        let says_type = |owner: &'a Expr| match owner {
            Expr::Name(name) => Some((self.function, name.id.as_str())),
            _ => None,
        };
        let typed = match target {
            Expr::Name(name) => {
                let variable = (self.function, name.id.as_str());
                let call = match value {
                    Expr::Await(awaited) => &awaited.value,
                    other => other,
                };
                self.made.insert(call.start().to_u32(), variable);
                call.as_call_expr().filter(|call| is_typed_call(call)).map(|_| variable)
            }
            Expr::Attribute(attribute) if TYPES.contains(&attribute.attr.as_str()) && !is_page(value) => {
                says_type(&attribute.value)
            }
            Expr::Subscript(subscript) if is_type_header(&subscript.slice) && !is_page(value) => {
                match subscript.value.as_ref() {
                    Expr::Attribute(headers) if headers.attr.as_str() == "headers" => {
                        says_type(&headers.value)
                    }
                    owner => says_type(owner),
                }
            }
            _ => None,
        };
        self.typed.extend(typed);
    }
}

impl<'a> Visitor<'a> for TypedAnswers<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let around = self.function;
        match stmt {
            Stmt::FunctionDef(def) => self.function = def.start().to_u32(),
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.assigned(target, &assign.value));
            }
            _ => {}
        }
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || ast::visitor::walk_stmt(self, stmt));
        self.function = around;
    }

    // Nothing is assigned in an expression that would be looked for.
    fn visit_expr(&mut self, _: &'a Expr) {}
}

fn is_typed_call(call: &ast::ExprCall) -> bool {
    let mut keywords = call.arguments.keywords.iter();
    keywords.any(|keyword| {
        keyword.arg.as_ref().is_some_and(|name| TYPES.contains(&name.as_str())) && !is_page(&keyword.value)
    })
}

fn is_type_header(key: &Expr) -> bool {
    matches!(literal(key), Some(Constant::Text(key)) if key.eq_ignore_ascii_case("content-type"))
}

fn is_page(kind: &Expr) -> bool {
    matches!(literal(kind), Some(Constant::Text(kind)) if kind.contains("html"))
}
