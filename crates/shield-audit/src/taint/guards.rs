//! What a condition says about the texts in it, on the way where it holds and on the way where it does not.

use std::rc::Rc;

use ruff_python_ast::{
    self as ast, BoolOp, CmpOp, Expr, UnaryOp,
    visitor::{Visitor, walk_expr},
};

use super::{
    allowed::{Match, allowed},
    characters::{fact_without, has_host, is_instance, of_characters, vouched, vouches, without},
    expressions::literal,
    kinds::Kinds,
    marks::Role,
    run::{Frame, Run},
    state::State,
    value::{Object, Shape, Value},
};
use crate::python::{fold::Constant, names::Bound};

/// Longer conditions that a variable has the answer of are not looked at.
const EXPRESSIONS_MAX: usize = 64;

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
            Expr::Name(_) | Expr::Attribute(_) => {
                if let Some(asked) = self.asked_before(frame, test) {
                    self.assume(frame, asked, holds);
                }
                // Of what counts as false no data is left to speak of.
                if !holds {
                    let value = self.quietly(frame, test);
                    self.rule_out(frame, &value, Kinds::ALL);
                }
            }
            _ => {}
        }
    }

    /// The condition that a variable has the answer of: `ok = is_safe(name)`. Nothing in it may have changed since.
    fn asked_before(&self, frame: &Frame<'a>, test: &'a Expr) -> Option<&'a Expr> {
        let names = self.project.file(frame.file).module.names;
        let only = |name: &str, at| names.only_binding(name, at).copied();
        let binding = only(test.as_name_expr()?.id.as_str(), frame.at(test))?;
        let Bound::Value(asked @ (Expr::Call(_) | Expr::Compare(_))) = binding.bound else { return None };
        let mut subjects = Subjects::default();
        subjects.visit_expr(asked);
        if subjects.left_out {
            return None;
        }
        let same = subjects
            .names
            .iter()
            .all(|name| only(name, binding.at).is_some_and(|one| one.at.scope == binding.at.scope));
        (!subjects.names.is_empty() && same).then_some(asked)
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
    pub(super) fn quietly(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
        match expr {
            // What a display holds is looked at afterwards.
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) => return self.expr(frame, expr),
            Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) | Expr::Call(_) => {}
            _ => return literal(expr).map_or_else(Value::default, Value::constant),
        }
        let (hits, left) = (self.hits.len(), self.left.len());
        let state = frame.state.clone();
        let value = self.expr(frame, expr);
        frame.state = state;
        self.hits.truncate(hits);
        self.left.truncate(left);
        value
    }

    fn rule_out(&mut self, frame: &mut Frame<'a>, value: &Value<'a>, kinds: Kinds) {
        if kinds == Kinds::NONE {
            return;
        }
        let kinds = kinds.and_parts();
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
                    Some(characters) if !characters.is_empty() => {
                        let kinds = of_characters(&characters);
                        // A letter that is one of these is no command.
                        Some(if kinds.has(Kinds::OF_WORDS) { kinds | Kinds::CHARACTERS } else { kinds })
                    }
                    _ => Some(Kinds::ALL),
                }
            }
            // Names of constants, settings, the members of a class.
            (Shape::Class(..) | Shape::Of(..) | Shape::Module(_), _) => Some(Kinds::ALL),
            (Shape::External(name), _) if !name.ends_with("()") => Some(Kinds::ALL),
            // What a file, a database or a function holds may be any text, in which any text occurs.
            _ => Some(if self.is_collection(frame, node) { Kinds::ALL } else { Kinds::DOUBT }),
        }
    }

    /// Whether an expression is, by its look, a collection of the program's own.
    fn is_collection(&self, frame: &Frame<'a>, node: &Expr) -> bool {
        let capitals =
            |name: &str| name.chars().any(char::is_alphabetic) && name.chars().all(|one| !one.is_lowercase());
        let name = match node {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        let names = self.project.file(frame.file).module.names;
        let set = names.value_of(node, frame.at(node)).map(|(value, _)| value);
        capitals(name)
            || set.is_some_and(|value| match value {
                Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) | Expr::Dict(_) | Expr::DictComp(_) => true,
                Expr::Call(call) => call.func.as_name_expr().is_some_and(|made| {
                    matches!(made.id.as_str(), "set" | "frozenset" | "dict" | "tuple" | "list" | "range")
                }),
                _ => false,
            })
    }

    fn asked(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall, holds: bool) {
        let first = subject(call);
        match call.func.as_ref() {
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                let how = match name {
                    "fullmatch" => Some(Match::Whole),
                    "match" => Some(Match::Beginning),
                    "search" => Some(Match::Anywhere),
                    _ => None,
                };
                if let Some(how) = how {
                    return self.matched_by(frame, call, how, holds);
                }
                let value = self.quietly(frame, &attribute.value);
                let given = first.map(|expr| self.quietly(frame, expr));
                let kinds = self.answered_by(frame, name, (&value, given.as_ref()), holds);
                self.rule_out(frame, &value, kinds);
                if holds && vouches(name) {
                    call.arguments
                        .args
                        .iter()
                        .chain(first.filter(|_| call.arguments.args.is_empty()))
                        .for_each(|expr| {
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
            ("isdigit" | "isdecimal" | "isnumeric", _) => Kinds::CHARACTERS,
            ("isalnum" | "isalpha" | "isidentifier", _) => Kinds::OF_WORDS,
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
    fn matched_by(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall, how: Match, holds: bool) {
        if !holds {
            return;
        }
        let [pattern, text, ..] = call.arguments.args.as_ref() else {
            // A pattern that was compiled elsewhere: somebody looked.
            if let Some(text) = call.arguments.args.first() {
                let value = self.quietly(frame, text);
                self.rule_out(frame, &value, Kinds::DOUBT);
            }
            return;
        };
        let pattern = self.quietly(frame, pattern);
        let value = self.quietly(frame, text);
        // Flags may let `$` hold at the end of every line.
        let plain = how == Match::Whole || call.arguments.len() == 2;
        let few = pattern.only_text().filter(|_| plain).and_then(|pattern| allowed(pattern, how));
        let kinds = match few {
            Some(few) if has_host(&few.beginning) => {
                of_characters(&few.characters) | Kinds::REDIRECT | Kinds::FORGERY
            }
            Some(few) => of_characters(&few.characters),
            None => Kinds::NONE,
        };
        let all = kinds.has(Kinds::OF_WORDS);
        self.rule_out(frame, &value, if all { kinds } else { kinds | Kinds::DOUBT });
    }
}

/// What a call is asked about: its first argument.
fn subject(call: &ast::ExprCall) -> Option<&Expr> {
    call.arguments.args.first().or_else(|| call.arguments.keywords.first().map(|keyword| &keyword.value))
}

/// The variables that a condition speaks of; functions that it calls are none.
#[derive(Default)]
struct Subjects<'a> {
    names: Vec<&'a str>,
    seen: usize,
    /// Whether the condition is too long to be looked at whole.
    left_out: bool,
}

impl<'a> Visitor<'a> for Subjects<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.seen += 1;
        self.left_out |= self.seen > EXPRESSIONS_MAX;
        match expr {
            _ if self.left_out => {}
            Expr::Name(name) => self.names.push(name.id.as_str()),
            Expr::Call(call) => {
                if let Expr::Attribute(method) = call.func.as_ref() {
                    self.visit_expr(&method.value);
                }
                self.visit_arguments(&call.arguments);
            }
            _ => walk_expr(self, expr),
        }
    }
}
