//! Following expressions.

use std::{collections::BTreeMap, rc::Rc};

use ruff_python_ast::{self as ast, BoolOp, Expr, FStringPart, InterpolatedStringElement, Number, UnaryOp};
use ruff_text_size::Ranged;

use super::{
    marks::{Marks, Role},
    run::{Frame, Run},
    sources,
    state::place,
    value::{Body, Callable, Key, Object, Shape, Value},
};
use crate::python::{
    fold::{Constant, holds},
    names::Bound,
    scopes,
};

/// Longer texts are not kept, in bytes.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Room for one more level of expressions, and what is added when there is none, in bytes.
const STACK_LEFT: usize = 256 << 10;
const STACK_MORE: usize = 4 << 20;

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
            Expr::Name(name) => self.name(frame, name.id.as_str(), expr),
            Expr::Attribute(attribute) => {
                let object = self.expr(frame, &attribute.value);
                self.attribute(frame, expr, &object, attribute.attr.as_str())
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
                Shape::Function(Rc::new(Callable { file: frame.file, body, receiver: None, closure })).into()
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

    /// What `a.b` is.
    pub(super) fn attribute(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &'a str,
    ) -> Value<'a> {
        match &object.shape {
            Shape::Module(module) => self.member(module, name),
            Shape::External(whole) => self.external_attribute(frame, node, whole, name, &object.marks),
            Shape::Class(file, class) => self.class_attribute(*file, class, name, None).unwrap_or_default(),
            Shape::Of(file, class) => self.field_of(frame, node, object, (*file, class), name),
            Shape::Objects(ids) => {
                let parts: Vec<_> = ids.iter().map(|id| self.field(frame, node, object, *id, name)).collect();
                let joined = parts.into_iter().reduce(|all, one| all.join(&one)).unwrap_or_default();
                self.read(frame, joined)
            }
            _ => Value::unknown(self.derived(frame, node, &object.marks, Role::Part)),
        }
    }

    fn external_attribute(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &str,
        name: &str,
        marks: &Marks,
    ) -> Value<'a> {
        let whole = format!("{object}.{name}");
        let mut marks = marks.clone();
        if let Some(source) = sources::of(&whole)
            && !(source.of_path && frame.fixed_path)
        {
            let mark = self.source(frame, node);
            marks = marks.join(&Marks::one(mark).clear(source.cleared));
        } else if !marks.is_empty() {
            let host = object.starts_with("urllib.parse.url") && matches!(name, "netloc" | "hostname");
            let kept = sources::names_a_file(&whole);
            let role = if host { Role::Host } else { Role::Part };
            marks = self.derived(frame, node, &marks, role).clear(kept);
        }
        Value::external(whole).with(marks)
    }

    /// What an attribute of one object is.
    fn field(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        id: super::value::ObjectId,
        name: &'a str,
    ) -> Value<'a> {
        match frame.state.object(id) {
            Some(Object::Instance { file, class, fields }) => {
                if let Some(value) = fields.get(name) {
                    return value.clone();
                }
                let (file, class) = (*file, class.0);
                let own = Value::object(id).with(object.marks.clone());
                self.field_of(frame, node, &own, (file, class), name)
            }
            Some(Object::Made { fields, .. }) => {
                fields.get(&Key::Text(name.to_owned())).cloned().unwrap_or_default()
            }
            _ => Value::unknown(self.derived(frame, node, &object.marks, Role::Part)),
        }
    }

    /// What an object has that its class says something of.
    fn field_of(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        class: (u32, &'a ast::StmtClassDef),
        name: &'a str,
    ) -> Value<'a> {
        let (file, class) = class;
        match self.class_attribute(file, class, name, Some(object)) {
            Some(value) if matches!(value.shape, Shape::Function(_) | Shape::Class(..)) => {
                self.property(frame, node, value)
            }
            Some(value) if object.marks.is_empty() && !matches!(value.shape, Shape::Unknown) => value,
            // What a stranger sends fills the fields that the class declares.
            _ if !object.marks.is_empty() => {
                let marks = self.derived(frame, node, &object.marks, Role::Part);
                self.declared(file, class, name, marks)
            }
            _ => self.set_by_methods(file, class, name, 0),
        }
    }

    /// A function that looks like an attribute is called at once.
    fn property(&mut self, frame: &mut Frame<'a>, node: &'a Expr, value: Value<'a>) -> Value<'a> {
        if let Shape::Function(callable) = &value.shape
            && let Body::Def(def) = callable.body
            && def.decorator_list.iter().any(|decorator| {
                decorator
                    .expression
                    .as_name_expr()
                    .is_some_and(|name| matches!(name.id.as_str(), "property" | "cached_property"))
            })
        {
            let callable = Rc::clone(callable);
            return self.call_function(frame, node.range(), &callable, super::calls::Arguments::default());
        }
        value
    }

    /// What a class or one of its bases has under a name; functions bound to the receiver.
    pub(super) fn class_attribute(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        receiver: Option<&Value<'a>>,
    ) -> Option<Value<'a>> {
        let (file, binding) = self.class_member(file, class, name, 0)?;
        match binding.bound {
            Bound::Function(node) => {
                let unbound = node.decorator_list.iter().any(|decorator| {
                    decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "staticmethod")
                });
                let receiver = match receiver {
                    _ if unbound => None,
                    Some(receiver) => Some(receiver.clone()),
                    None if is_class_method(node) => Some(Shape::Class(file, class).into()),
                    None => None,
                };
                let body = Body::Def(node);
                Some(Shape::Function(Rc::new(Callable { file, body, receiver, closure: None })).into())
            }
            Bound::Class(node) => Some(Shape::Class(file, node).into()),
            Bound::Value(expr) => Some(literal(expr).map_or_else(Value::default, Value::constant)),
            _ => Some(Value::default()),
        }
    }

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
        for part in parts {
            marks = marks.join(&frame.state.all_marks(part));
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

    fn sequence(&mut self, frame: &mut Frame<'a>, node: &'a Expr, items: &'a [Expr]) -> Value<'a> {
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

    fn dict(&mut self, frame: &mut Frame<'a>, node: &'a Expr, dict: &'a ast::ExprDict) -> Value<'a> {
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

    fn comprehension(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Value<'a> {
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
    fn slice_bounds(&mut self, frame: &mut Frame<'a>, slice: &'a ast::ExprSlice) -> Value<'a> {
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

    /// A function of the project.
    pub(super) fn function(
        &mut self,
        file: u32,
        node: &'a ast::StmtFunctionDef,
        closure: Option<Rc<super::value::Variables<'a>>>,
    ) -> Value<'a> {
        let body = Body::Def(node);
        Shape::Function(Rc::new(Callable { file, body, receiver: None, closure })).into()
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

fn is_class_method(node: &ast::StmtFunctionDef) -> bool {
    node.decorator_list.iter().any(|decorator| {
        decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "classmethod")
    })
}
