//! Operators.

use ruff_python_ast::{Expr, Operator};

use super::{
    kinds::Kinds,
    marks::Marks,
    placement::{Before, of_percent},
    run::{Frame, Run},
    tables::{is_markup, names_own_page},
    value::{Object, Shape, Value},
};
use crate::python::fold::{Constant, arithmetic};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What an operator makes of two values.
    pub(super) fn operation(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        left: &Value<'a>,
        operator: Operator,
        right: &Value<'a>,
    ) -> Value<'a> {
        if let Some(value) = known(left, operator, right) {
            return value;
        }
        match operator {
            // It escapes what is put into it or behind it.
            Operator::Add | Operator::Mod if left.external_name().is_some_and(is_markup) => {
                let given = frame.state.all_marks(right).clear(Kinds::MARKUP);
                left.clone().with(left.marks.join(&given))
            }
            // The address of one of the server's own pages, and something for that page.
            Operator::Add
                if left.external_name().is_some_and(is_own_address)
                    && right.beginning().starts_with(['?', '#']) =>
            {
                Value::from(Shape::Prefix(right.beginning().into())).with(left.marks.join(&right.marks))
            }
            Operator::Add if !left.objects().is_empty() || !right.objects().is_empty() => {
                self.joined_lists(frame, node, left, right)
            }
            Operator::Add => {
                let before = match node {
                    Expr::BinOp(sum) if left.only_text().is_none() => Before::of_expr(&sum.left),
                    _ => {
                        let mut before = Before::default();
                        before.value(left);
                        before
                    }
                };
                let right = right.clone().with(before.put(&frame.state.all_marks(right)));
                self.concatenated(frame, &[left.clone(), right])
            }
            // What is put into a template comes behind its first words.
            Operator::Mod => {
                let text = left.beginning();
                let before = text.split('%').next().unwrap_or_default();
                let marks = left.marks.join(&Self::put_into(frame, left, right));
                let beginning =
                    if before.is_empty() { Value::default() } else { Shape::Prefix(before.into()).into() };
                beginning.with(marks)
            }
            Operator::Div => {
                let marks = left.marks.join(&right.marks);
                let paths = [left, right].into_iter().find(|value| is_path(value));
                paths.map_or_else(Value::default, |path| path.clone().with(marks))
            }
            Operator::Mult | Operator::BitOr => Value::unknown(Self::together(frame, &[left, right])),
            // Numbers.
            _ => Value::unknown(Marks::default()),
        }
    }

    /// Marks of what is put into a template of `%`.
    fn put_into(frame: &Frame<'a>, template: &Value<'a>, given: &Value<'a>) -> Marks {
        let Some(template) = template.only_text() else {
            return Before::UNKNOWN.put(&frame.state.all_marks(given));
        };
        let places = of_percent(template);
        let items = match given.objects() {
            [id] => match frame.state.object(*id) {
                Some(Object::List(items)) if items.len() == places.len() => items.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        if items.is_empty() {
            return Before::everywhere(&places).put(&frame.state.all_marks(given));
        }
        let marks = places.iter().zip(items).map(|(place, item)| place.put(&frame.state.all_marks(item)));
        marks.fold(given.marks.clone(), |all, marks| all.join(&marks))
    }

    fn joined_lists(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Value<'a> {
        let marks = left.marks.join(&right.marks);
        let items = |value: &Value<'a>| match value.objects() {
            [id] => match frame.state.object(*id) {
                Some(Object::List(items)) => Some(items.clone()),
                _ => None,
            },
            _ => None,
        };
        let object = match (items(left), items(right)) {
            (Some(left), Some(right)) => {
                let mut list = Object::List(left);
                right.into_iter().for_each(|item| list.push(item));
                list
            }
            _ => {
                let left = self.item(frame, node, left);
                Object::Bag(left.join(&self.item(frame, node, right)))
            }
        };
        self.make(frame, node, object).with(marks)
    }
}

fn is_own_address(name: &str) -> bool {
    name.strip_suffix("()").is_some_and(names_own_page)
}

fn is_path(value: &Value<'_>) -> bool {
    value.external_name().is_some_and(|name| name.starts_with("pathlib."))
}

fn known<'a>(left: &Value<'a>, operator: Operator, right: &Value<'a>) -> Option<Value<'a>> {
    if !left.marks.is_empty() || !right.marks.is_empty() {
        return None;
    }
    match (left.only()?, operator, right.only()?) {
        (Constant::Text(left), Operator::Add, Constant::Text(right))
            if left.len() + right.len() < 4 << 10 =>
        {
            Some(Value::text(format!("{left}{right}")))
        }
        (left, operator, right) => arithmetic(left.number()?, operator, right.number()?)
            .map(|number| Value::constant(Constant::Int(number))),
    }
}
