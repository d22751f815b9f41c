//! Lists, dictionaries and comprehensions, and what is taken out of them.

use std::{collections::BTreeMap, rc::Rc};

use ruff_python_ast::{self as ast, Expr, UnaryOp};

use super::{
    expressions::literal,
    marks::Role,
    run::{Frame, Run},
    state::place,
    value::{Key, Object, Value},
};
use crate::python::{fold::Constant, scopes};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What `a[b]` is.
    pub(super) fn subscript(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        key: &Value<'a>,
    ) -> Value<'a> {
        if let Some(value) = known_item(object, key) {
            return value;
        }
        let mut found: Option<Value<'a>> = None;
        for id in object.objects() {
            let part = match (frame.state.object(*id), key.only()) {
                (Some(Object::List(items)), Some(Constant::Int(index))) => {
                    place(*index, items.len()).map_or_else(Value::default, |place| items[place].clone())
                }
                (Some(table @ Object::Table { .. }), constant) => {
                    table.at(constant.and_then(Key::of).as_ref()).unwrap_or_default()
                }
                (Some(Object::Instance { .. }), _) => Value::unknown(frame.state.all_marks(object)),
                (Some(other), _) => other.any(),
                (None, _) => Value::default(),
            };
            found = Some(found.map_or_else(|| part.clone(), |found| found.join(&part)));
        }
        let inside = is_inside(node);
        let role = if inside { Role::Inside } else { Role::Part };
        let own = self.derived(frame, node, &object.marks, role);
        match found {
            Some(value) if is_slice(node) => {
                let marks = value.marks.join(&own);
                self.make(frame, node, Object::Bag(value)).with(marks)
            }
            Some(value) => {
                let marks = value.marks.join(&own);
                let value = value.with(marks);
                self.read(frame, value)
            }
            None => Value::unknown(own),
        }
    }

    /// One item of what is looped over.
    pub(super) fn item(&mut self, frame: &mut Frame<'a>, node: &'a Expr, over: &Value<'a>) -> Value<'a> {
        let own = self.derived(frame, node, &over.marks, Role::Part);
        let mut found: Option<Value<'a>> = None;
        for id in over.objects() {
            let part = match frame.state.object(*id) {
                Some(Object::Table { known, rest }) => {
                    let keys = known.keys().map(|key| match key {
                        Key::Text(text) => Value::text(text.clone()),
                        Key::Int(number) => Value::constant(Constant::Int(*number)),
                    });
                    let rest = rest.as_ref().map(|_| Value::default());
                    keys.chain(rest).reduce(|all, one| all.join(&one)).unwrap_or_default()
                }
                Some(object) => object.any(),
                None => Value::default(),
            };
            found = Some(found.map_or_else(|| part.clone(), |found| found.join(&part)));
        }
        let value = found.unwrap_or_default();
        let marks = value.marks.join(&own);
        let value = value.with(marks);
        self.read(frame, value)
    }

    pub(super) fn sequence(&mut self, frame: &mut Frame<'a>, node: &'a Expr, items: &'a [Expr]) -> Value<'a> {
        let mut object = Object::List(Vec::new());
        for expr in items {
            let value = self.expr(frame, expr);
            if expr.is_starred_expr() {
                let item = self.item(frame, expr, &value);
                object.mix(item);
            } else {
                object.push(value);
            }
        }
        self.make(frame, node, object)
    }

    pub(super) fn dict(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        dict: &'a ast::ExprDict,
    ) -> Value<'a> {
        let mut object = Object::table();
        for item in &dict.items {
            let value = self.expr(frame, &item.value);
            match &item.key {
                Some(key) => {
                    let key = self.expr(frame, key);
                    object.put(key.only().and_then(Key::of), value);
                }
                None => self.spread(frame, &mut object, &value),
            }
        }
        self.make(frame, node, object)
    }

    /// `**value` in a dictionary.
    pub(super) fn spread(&self, frame: &Frame<'a>, into: &mut Object<'a>, value: &Value<'a>) {
        match value.objects() {
            [id] => {
                if let Some(Object::Table { known, rest }) = frame.state.object(*id) {
                    known.iter().for_each(|(key, value)| into.put(Some(key.clone()), value.clone()));
                    rest.iter().for_each(|value| into.mix(value.clone()));
                }
            }
            _ => into.mix(Value::unknown(frame.state.all_marks(value))),
        }
    }

    pub(super) fn comprehension(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
        let (variables, checked) = (Rc::clone(&frame.state.variables), Rc::clone(&frame.state.checked));
        for generator in scopes::generators(expr) {
            let over = self.expr(frame, &generator.iter);
            let item = self.item(frame, &generator.iter, &over);
            self.assign(frame, &generator.target, item);
            for test in &generator.ifs {
                self.expr(frame, test);
                self.assume(frame, test, true);
            }
        }
        let object = match expr {
            Expr::ListComp(node) => Object::Bag(self.expr(frame, &node.elt)),
            Expr::SetComp(node) => Object::Bag(self.expr(frame, &node.elt)),
            Expr::Generator(node) => Object::Bag(self.expr(frame, &node.elt)),
            Expr::DictComp(node) => {
                let rest = Some(self.expr(frame, &node.value));
                Object::Table { known: BTreeMap::new(), rest }
            }
            _ => Object::table(),
        };
        (frame.state.variables, frame.state.checked) = (variables, checked);
        self.make(frame, expr, object)
    }

    /// The bounds of a slice, as a list of two numbers if they are known.
    pub(super) fn slice_bounds(&mut self, frame: &mut Frame<'a>, slice: &'a ast::ExprSlice) -> Value<'a> {
        let mut bound = |expr: &'a Option<Box<Expr>>| match expr {
            Some(expr) => self.expr(frame, expr).only().cloned(),
            None => Some(Constant::None),
        };
        let (lower, upper) = (bound(&slice.lower), bound(&slice.upper));
        match (lower, upper, &slice.step) {
            (Some(lower), Some(upper), None) => Value::constant(Constant::Sequence(vec![lower, upper])),
            _ => Value::default(),
        }
    }
}

/// A character or a piece of a text that is known.
fn known_item<'a>(object: &Value<'a>, key: &Value<'a>) -> Option<Value<'a>> {
    let text = object.only_text()?;
    let characters: Vec<char> = text.chars().collect();
    match key.only()? {
        Constant::Int(index) => {
            place(*index, characters.len()).map(|place| Value::text(characters[place].to_string()))
        }
        Constant::Sequence(bounds) => {
            let bound = |bound: &Constant, none: usize| match bound {
                Constant::Int(number) => {
                    let length = i64::try_from(characters.len()).ok()?;
                    let number = if *number < 0 { number + length } else { *number };
                    usize::try_from(number.clamp(0, length)).ok()
                }
                _ => Some(none),
            };
            let (lower, upper) = (bound(bounds.first()?, 0)?, bound(bounds.get(1)?, characters.len())?);
            Some(Value::text(characters.get(lower..upper.max(lower))?.iter().collect::<String>()))
        }
        _ => None,
    }
}

fn is_slice(node: &Expr) -> bool {
    matches!(node, Expr::Subscript(subscript) if subscript.slice.is_slice_expr())
}

/// `x[1:-1]`.
fn is_inside(node: &Expr) -> bool {
    let Expr::Subscript(subscript) = node else { return false };
    let Expr::Slice(slice) = subscript.slice.as_ref() else { return false };
    let is = |expr: &Option<Box<Expr>>, number: i64| match expr.as_deref() {
        Some(Expr::UnaryOp(minus)) if minus.op == UnaryOp::USub => {
            literal(&minus.operand) == Some(Constant::Int(-number))
        }
        Some(expr) => literal(expr) == Some(Constant::Int(number)),
        None => false,
    };
    is(&slice.lower, 1) && is(&slice.upper, -1) && slice.step.is_none()
}
