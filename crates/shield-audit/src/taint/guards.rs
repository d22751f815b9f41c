//! What a condition says about the texts in it, on the way where it holds and on the way where it does not.

use std::rc::Rc;

use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, UnaryOp};

use super::{
    characters::{fact_without, has_host, in_class, is_instance, of_characters, vouched, vouches, without},
    expressions::literal,
    kinds::Kinds,
    marks::Role,
    run::{Frame, Run},
    state::State,
    value::{Object, Shape, Value},
};
use crate::python::fold::Constant;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Goes on where a condition holds, or where it does not.
    pub(super) fn assume(&mut self, frame: &mut Frame<'a>, test: &'a Expr, holds: bool) {
        match test {
            Expr::UnaryOp(operation) if operation.op == UnaryOp::Not => {
                self.assume(frame, &operation.operand, !holds);
            }
            Expr::BoolOp(operation) => {
                if (operation.op == BoolOp::And) == holds {
                    operation.values.iter().for_each(|one| self.assume(frame, one, holds));
                } else {
                    self.assume_any(frame, &operation.values, holds);
                }
            }
            Expr::Compare(compare) => {
                if let ([operator], [right]) = (compare.ops.as_ref(), compare.comparators.as_ref()) {
                    self.compared(frame, (&compare.left, *operator, right), holds);
                }
            }
            Expr::Call(call) => self.asked(frame, call, holds),
            Expr::Named(named) => self.assume(frame, &named.target, holds),
            // Of what counts as false no data is left to speak of.
            Expr::Name(_) | Expr::Attribute(_) if !holds => {
                let value = self.quietly(frame, test);
                self.rule_out(frame, &value, Kinds::ALL);
            }
            _ => {}
        }
    }

    /// At least one of several conditions holds (or fails): what is known whichever it is.
    fn assume_any(&mut self, frame: &mut Frame<'a>, tests: &'a [Expr], holds: bool) {
        let before = Rc::clone(&frame.state.checked);
        let mut joined: Option<State<'a>> = None;
        for (index, test) in tests.iter().enumerate() {
            frame.state.checked = Rc::clone(&before);
            tests[..index].iter().for_each(|other| self.assume(frame, other, !holds));
            self.assume(frame, test, holds);
            self.spend(1 + frame.state.checked.len() as u64);
            let known = State { checked: Rc::clone(&frame.state.checked), ..State::default() };
            State::join_into(&mut joined, known);
            if index >= 8 {
                // Of more nothing is learnt.
                frame.state.checked = before;
                return;
            }
        }
        frame.state.checked = joined.map_or(before, |joined| joined.checked);
    }

    /// The value of an expression that was followed already: what it does is not done twice.
    fn quietly(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
        match expr {
            // What a display holds is looked at afterwards.
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) => return self.expr(frame, expr),
            Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) | Expr::Call(_) => {}
            _ => return literal(expr).map_or_else(Value::default, Value::constant),
        }
        let hits = self.hits.len();
        let state = frame.state.clone();
        let value = self.expr(frame, expr);
        frame.state = state;
        self.hits.truncate(hits);
        value
    }

    fn rule_out(&mut self, frame: &mut Frame<'a>, value: &Value<'a>, kinds: Kinds) {
        if kinds == Kinds::NONE {
            return;
        }
        for mark in value.marks.iter() {
            frame.state.rule_out(mark.identity, kinds);
            let above = self.ledger.identities[mark.identity as usize];
            match (above.role, above.parent) {
                // Whose host is known leads nowhere else.
                (Role::Host, Some(parent)) if kinds.has(Kinds::REDIRECT) => {
                    frame.state.rule_out(parent, Kinds::REDIRECT | Kinds::FORGERY);
                }
                (Role::Inside, Some(parent)) if kinds.has(Kinds::NO_QUOTE_INSIDE) => {
                    frame.state.rule_out(parent, Kinds::NO_QUOTE_INSIDE);
                }
                _ => {}
            }
        }
    }

    fn compared(&mut self, frame: &mut Frame<'a>, compare: (&'a Expr, CmpOp, &'a Expr), holds: bool) {
        let (left, operator, right) = compare;
        let (left_value, right_value) = (self.quietly(frame, left), self.quietly(frame, right));
        match (operator, holds) {
            (CmpOp::In, true) | (CmpOp::NotIn, false) => {
                if let Some(kinds) = self.one_of(frame, &right_value, right) {
                    self.rule_out(frame, &left_value, kinds);
                }
            }
            (CmpOp::NotIn, true) | (CmpOp::In, false) => {
                let needle = literal(left).or_else(|| left_value.only().cloned());
                if let Some(Constant::Text(needle)) = needle {
                    self.rule_out(frame, &right_value, without(&needle) | fact_without(&needle));
                }
            }
            (CmpOp::Eq | CmpOp::Is, true) | (CmpOp::NotEq | CmpOp::IsNot, false) => {
                let (left_empty, right_empty) = (left_value.marks.is_empty(), right_value.marks.is_empty());
                let fixed = |expr: &Expr, value: &Value<'_>| {
                    literal(expr).is_some()
                        || !value.constants().is_empty()
                        || value.external_name().is_some()
                };
                if right_empty && (fixed(right, &right_value) || !left_empty) {
                    self.rule_out(frame, &left_value, Kinds::ALL);
                } else if left_empty && fixed(left, &left_value) {
                    self.rule_out(frame, &right_value, Kinds::ALL);
                }
            }
            _ => {}
        }
    }

    /// What is ruled out of one of the items of a list that strangers do not make.
    fn one_of(&self, frame: &Frame<'a>, list: &Value<'a>, node: &Expr) -> Option<Kinds> {
        if !frame.state.all_marks(list).is_empty() {
            return None;
        }
        match (&list.shape, node) {
            // A part of a text is any text.
            (Shape::Constants(_) | Shape::Prefix(_), _) | (_, Expr::FString(_)) => None,
            (Shape::Objects(ids), _) => {
                let items = ids.iter().filter_map(|id| frame.state.object(*id)).flat_map(Object::values);
                let characters: Option<Vec<char>> = items
                    .map(|item| {
                        let text = item.only_text()?;
                        text.chars().next().filter(|_| text.chars().count() == 1)
                    })
                    .collect();
                match characters {
                    // One character of several: a text that is made of them can still be long.
                    Some(characters) if !characters.is_empty() => Some(of_characters(&characters)),
                    _ => Some(Kinds::ALL),
                }
            }
            _ => Some(Kinds::ALL),
        }
    }

    fn asked(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall, holds: bool) {
        let first = call.arguments.args.first();
        match call.func.as_ref() {
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                if matches!(name, "fullmatch" | "match") {
                    return self.matched_by(frame, call, name, holds);
                }
                let value = self.quietly(frame, &attribute.value);
                let given = first.map(|expr| self.quietly(frame, expr));
                let kinds = self.answered_by(frame, name, (&value, given.as_ref()), holds);
                self.rule_out(frame, &value, kinds);
                if holds && vouches(name) {
                    call.arguments.args.iter().for_each(|expr| {
                        let value = self.quietly(frame, expr);
                        self.rule_out(frame, &value, vouched(name));
                    });
                }
            }
            Expr::Name(name) => {
                let Some(first) = first else { return };
                let value = self.quietly(frame, first);
                let name = name.id.as_str();
                if name == "isinstance" && holds {
                    let kinds = call.arguments.args.get(1).map_or(Kinds::NONE, is_instance);
                    self.rule_out(frame, &value, kinds);
                } else if holds && vouches(name) {
                    self.rule_out(frame, &value, vouched(name));
                }
            }
            _ => {}
        }
    }

    /// What the answer of a text's method says about it.
    fn answered_by(
        &mut self,
        frame: &Frame<'a>,
        name: &str,
        asked: (&Value<'a>, Option<&Value<'a>>),
        holds: bool,
    ) -> Kinds {
        let (value, given) = asked;
        if !holds {
            return Kinds::NONE;
        }
        let beginning =
            given.map(|given| (given.only_text().unwrap_or_default(), frame.state.all_marks(given)));
        match (name, beginning) {
            ("isalnum" | "isalpha" | "isdigit" | "isdecimal" | "isnumeric" | "isidentifier", _) => {
                Kinds::CHARACTERS
            }
            ("startswith" | "is_relative_to", Some((text, marks))) if marks.is_empty() => {
                let resolved = value
                    .marks
                    .iter()
                    .any(|mark| self.ledger.identities[mark.identity as usize].role == Role::Resolved);
                let mut kinds = if resolved { Kinds::PATH } else { Kinds::NONE };
                if text == "'" || text == "\"" {
                    kinds |= Kinds::QUOTE_BEFORE;
                }
                if has_host(text) {
                    kinds |= Kinds::REDIRECT | Kinds::FORGERY;
                }
                kinds
            }
            ("endswith", Some((text, _))) if text == "'" || text == "\"" => Kinds::QUOTE_BEHIND,
            _ => Kinds::NONE,
        }
    }

    /// A regular expression that allows few characters.
    fn matched_by(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall, name: &str, holds: bool) {
        let [pattern, text, ..] = call.arguments.args.as_ref() else {
            // A pattern that was compiled elsewhere: somebody looked.
            if let (true, Some(text)) = (holds, call.arguments.args.first()) {
                let value = self.quietly(frame, text);
                self.rule_out(frame, &value, Kinds::DOUBT);
            }
            return;
        };
        if !holds {
            return;
        }
        let pattern = self.quietly(frame, pattern);
        let value = self.quietly(frame, text);
        let allows_few = pattern.only_text().is_some_and(|pattern| {
            let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
            let ends = name == "fullmatch" || pattern.ends_with('$') || pattern.ends_with("\\Z");
            ends && ![".", "\\S", "[^", "\\D", "\\W"].iter().any(|wide| {
                pattern
                    .match_indices(wide)
                    .any(|(at, _)| *wide != "." || !pattern[..at].ends_with('\\') && !in_class(pattern, at))
            })
        });
        self.rule_out(frame, &value, if allows_few { Kinds::CHARACTERS } else { Kinds::DOUBT });
    }
}
