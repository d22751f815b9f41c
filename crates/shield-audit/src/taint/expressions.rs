//! Following expressions.

use std::rc::Rc;

use ruff_python_ast::{self as ast, BoolOp, Expr, FStringPart, InterpolatedStringElement, Number, UnaryOp};
use ruff_text_size::Ranged;

use super::{
    characters::behind_base,
    marks::Marks,
    placement::Before,
    run::{Frame, Run},
    value::{Body, Callable, Object, Shape, Value},
};
use crate::python::fold::{Constant, holds};

/// Longer texts are not kept, in bytes.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Room for one more level of expressions, and what is added when there is none, in bytes.
pub(super) const STACK_LEFT: usize = 256 << 10;
pub(super) const STACK_MORE: usize = 4 << 20;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// The value of an expression.
    pub(super) fn expr(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
        if !self.spend(1) {
            return Value::default();
        }
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.value(frame, expr))
    }

    fn value(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
        match expr {
            Expr::Name(name) => {
                let value = self.name(frame, name.id.as_str(), expr);
                self.modelled_read(frame, expr, value)
            }
            Expr::Attribute(attribute) => {
                let value = self.attribute_read(frame, expr, attribute);
                self.modelled_read(frame, expr, value)
            }
            Expr::Call(call) => self.call(frame, expr, call),
            Expr::Subscript(subscript) => {
                let object = self.expr(frame, &subscript.value);
                let key = self.expr(frame, &subscript.slice);
                self.subscript(frame, expr, &object, &key)
            }
            Expr::FString(text) => self.f_string(frame, text),
            Expr::BinOp(operation) => {
                let left = self.expr(frame, &operation.left);
                let right = self.expr(frame, &operation.right);
                self.operation(frame, expr, &left, operation.op, &right)
            }
            Expr::BoolOp(operation) => self.either(frame, operation),
            Expr::UnaryOp(operation) => {
                let value = self.expr(frame, &operation.operand);
                match (operation.op, value.truth(), value.only_int()) {
                    (UnaryOp::Not, Some(truth), _) => Value::constant(Constant::Bool(!truth)),
                    (UnaryOp::USub, _, Some(number)) => number
                        .checked_neg()
                        .map_or_else(Value::default, |number| Value::constant(Constant::Int(number))),
                    _ => Value::default(),
                }
            }
            Expr::Compare(compare) => self.compare(frame, compare),
            Expr::If(choice) => self.choice(frame, choice),
            Expr::Named(named) => {
                let value = self.expr(frame, &named.value);
                self.assign(frame, &named.target, value.clone());
                value
            }
            Expr::Await(inner) => self.expr(frame, &inner.value),
            Expr::Starred(inner) => self.expr(frame, &inner.value),
            Expr::Yield(ast::ExprYield { value: Some(inner), .. }) => self.yielded(frame, inner),
            Expr::YieldFrom(inner) => self.yielded(frame, &inner.value),
            Expr::Lambda(node) => {
                let closure = Some(Rc::clone(&frame.state.variables));
                let body = Body::Lambda(node);
                let callable = Callable { file: frame.file, body, receiver: None, closure, bare: true };
                Shape::Function(Rc::new(callable)).into()
            }
            Expr::List(ast::ExprList { elts, .. })
            | Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => self.sequence(frame, expr, elts),
            Expr::Dict(dict) => self.dict(frame, expr, dict),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::Generator(_) | Expr::DictComp(_) => {
                self.comprehension(frame, expr)
            }
            Expr::Slice(slice) => self.slice_bounds(frame, slice),
            Expr::TString(_) | Expr::Yield(_) | Expr::IpyEscapeCommand(_) | Expr::EllipsisLiteral(_) => {
                Value::default()
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_) => literal(expr).map_or_else(Value::default, Value::constant),
        }
    }

    fn yielded(&mut self, frame: &mut Frame<'a>, inner: &'a Expr) -> Value<'a> {
        let value = self.expr(frame, inner);
        frame.returned = Some(match frame.returned.take() {
            Some(before) => before.join(&value),
            None => value,
        });
        Value::default()
    }

    fn f_string(&mut self, frame: &mut Frame<'a>, text: &'a ast::ExprFString) -> Value<'a> {
        let mut parts = Vec::new();
        for part in &text.value {
            match part {
                FStringPart::Literal(literal) => parts.push(Value::text(literal.as_str())),
                FStringPart::FString(inner) => {
                    for element in &inner.elements {
                        parts.push(match element {
                            InterpolatedStringElement::Literal(literal) => {
                                Value::text(literal.value.to_string())
                            }
                            InterpolatedStringElement::Interpolation(inner) => {
                                let value = self.expr(frame, &inner.expression);
                                let spec = inner.format_spec.as_ref();
                                let spec = spec.map_or("", |spec| self.source_text(frame.file, spec.range()));
                                // Only numbers can be written so.
                                let number = spec.ends_with(['d', 'f', 'x', 'e', 'b', 'o', 'g', '%']);
                                let marks = frame.state.all_marks(&value);
                                let marks = if number { Marks::default() } else { marks };
                                let shape = if inner.debug_text.is_some() || !spec.is_empty() {
                                    Shape::Unknown
                                } else {
                                    value.shape
                                };
                                Value { shape, marks }
                            }
                        });
                    }
                }
            }
        }
        self.concatenated(frame, &parts)
    }

    /// Texts one after the other.
    pub(super) fn concatenated(&mut self, frame: &Frame<'a>, parts: &[Value<'a>]) -> Value<'a> {
        let mut beginning = String::new();
        let mut whole = true;
        let mut marks = Marks::default();
        let mut before = Before::default();
        for part in parts {
            marks = marks.join(&before.put(&frame.state.all_marks(part)));
            before.value(part);
            if !whole || beginning.len() > TEXT_BYTES_MAX {
                whole = false;
                continue;
            }
            match part.only() {
                Some(Constant::Text(text)) => beginning.push_str(text),
                Some(Constant::Int(number)) => beginning.push_str(&number.to_string()),
                _ => {
                    beginning.push_str(part.beginning());
                    whole = false;
                }
            }
        }
        let marks = marks.clear(behind_base(parts));
        let shape = if whole && marks.is_empty() {
            Shape::Constants(Rc::new([Constant::Text(beginning)]))
        } else if beginning.is_empty() {
            Shape::Unknown
        } else {
            Shape::Prefix(beginning.into())
        };
        Value { shape, marks }
    }

    fn either(&mut self, frame: &mut Frame<'a>, operation: &'a ast::ExprBoolOp) -> Value<'a> {
        let any = operation.op == BoolOp::Or;
        let before = frame.state.clone();
        let mut joined: Option<Value<'a>> = None;
        let last = operation.values.len().saturating_sub(1);
        for (index, expr) in operation.values.iter().enumerate() {
            let value = self.expr(frame, expr);
            let truth = value.truth();
            if truth == Some(any) || index == last {
                joined = Some(joined.map_or_else(|| value.clone(), |all| all.join(&value)));
                break;
            }
            if truth.is_none() {
                // Of what counts as false no data is left to speak of.
                let value = if any { value } else { Value::default() };
                joined = Some(joined.map_or_else(|| value.clone(), |all| all.join(&value)));
            }
            self.assume(frame, expr, !any);
        }
        // What was assumed for the later parts holds no longer.
        frame.state.checked = before.checked;
        joined.unwrap_or_default()
    }

    fn choice(&mut self, frame: &mut Frame<'a>, choice: &'a ast::ExprIf) -> Value<'a> {
        let truth = self.expr(frame, &choice.test).truth();
        if let Some(truth) = truth {
            return self.expr(frame, if truth { &choice.body } else { &choice.orelse });
        }
        let before = frame.state.clone();
        self.assume(frame, &choice.test, true);
        let left = self.expr(frame, &choice.body);
        let left_state = std::mem::replace(&mut frame.state, before);
        self.assume(frame, &choice.test, false);
        let right = self.expr(frame, &choice.orelse);
        self.spend(frame.state.size());
        frame.state = left_state.join(&frame.state);
        left.join(&right)
    }

    fn compare(&mut self, frame: &mut Frame<'a>, compare: &'a ast::ExprCompare) -> Value<'a> {
        let mut left = self.expr(frame, &compare.left);
        let mut known = Some(true);
        for (operator, expr) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.expr(frame, expr);
            let verdict = self.verdict(frame, &left, *operator, &right);
            known = match (known, verdict) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            left = right;
        }
        known.map_or_else(Value::default, |known| Value::constant(Constant::Bool(known)))
    }

    fn verdict(
        &self,
        frame: &Frame<'a>,
        left: &Value<'a>,
        operator: ast::CmpOp,
        right: &Value<'a>,
    ) -> Option<bool> {
        let list;
        let rights: &[Constant] = match right.objects() {
            [id] => match frame.state.object(*id)? {
                Object::List(items) => {
                    let items = items.iter().map(|item| item.only().cloned()).collect::<Option<Vec<_>>>()?;
                    list = [Constant::Sequence(items)];
                    &list
                }
                _ => return None,
            },
            _ => right.constants(),
        };
        let mut answers = left
            .constants()
            .iter()
            .flat_map(|left| rights.iter().map(move |right| holds(left, operator, right)));
        let first = answers.next()??;
        answers.all(|answer| answer == Some(first)).then_some(first)
    }

    /// A function of the project.
    pub(super) fn function(
        &mut self,
        file: u32,
        node: &'a ast::StmtFunctionDef,
        closure: Option<Rc<super::value::Variables<'a>>>,
    ) -> Value<'a> {
        let body = Body::Def(node);
        let bare = node.decorator_list.is_empty();
        Shape::Function(Rc::new(Callable { file, body, receiver: None, closure, bare })).into()
    }
}

/// The constant that a literal is.
pub(super) fn literal(expr: &Expr) -> Option<Constant> {
    match expr {
        Expr::StringLiteral(text) => {
            let text = text.value.to_str();
            (text.len() <= TEXT_BYTES_MAX).then(|| Constant::Text(text.to_owned()))
        }
        Expr::BytesLiteral(bytes) => {
            Some(Constant::Bytes(bytes.value.bytes().take(TEXT_BYTES_MAX).collect()))
        }
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(number) => number.as_i64().map(Constant::Int),
            Number::Float(_) | Number::Complex { .. } => None,
        },
        Expr::BooleanLiteral(value) => Some(Constant::Bool(value.value)),
        Expr::NoneLiteral(_) => Some(Constant::None),
        _ => None,
    }
}
