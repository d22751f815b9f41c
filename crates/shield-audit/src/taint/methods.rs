//! Methods of texts, lists and dictionaries.

use ruff_python_ast::Expr;

use super::{
    calls::{Arguments, Call},
    run::{Frame, Run},
    state::place,
    value::{Key, Object, ObjectId, Value},
};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a method of a text, a collection or something unknown gives.
    pub(super) fn method(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &'a str,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        if name == "sort" {
            self.handed_over(frame, &Call { node, name: "?.sort", receiver: Some(object), arguments });
        }
        if let Some(value) = self.collection(frame, node, object, name, arguments) {
            return value;
        }
        if let Some(value) = self.text_method(frame, node, object, name, arguments) {
            return value;
        }
        let of = super::objects::name_of(frame, object);
        let whole = format!("{}.{name}", of.as_deref().unwrap_or("?"));
        let value = self.external(frame, Call { node, name: &whole, receiver: Some(object), arguments });
        self.filled(frame, node, arguments);
        value
    }

    /// An unknown object that is given something may hold it afterwards.
    fn filled(&mut self, frame: &mut Frame<'a>, node: &'a Expr, arguments: &Arguments<'a>) {
        let Expr::Call(call) = node else { return };
        let Expr::Attribute(attribute) = call.func.as_ref() else { return };
        let Expr::Name(name) = attribute.value.as_ref() else { return };
        if !matches!(
            attribute.attr.as_str(),
            "append" | "add" | "extend" | "update" | "insert" | "write" | "set"
        ) {
            return;
        }
        let marks = Self::together(frame, &arguments.all());
        if let (false, Some(value)) = (marks.is_empty(), frame.state.variables.get(name.id.as_str()).cloned())
        {
            let marks = value.marks.join(&marks.unsure());
            frame.state.set(name.id.as_str(), value.with(marks));
        }
    }

    /// What a method of a list or dictionary gives; `None` of anything else.
    fn collection(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &'a str,
        arguments: &Arguments<'a>,
    ) -> Option<Value<'a>> {
        let ids = object.objects().to_vec();
        let mut found: Option<Value<'a>> = None;
        for id in &ids {
            let value = self.one_collection(frame, node, *id, name, arguments)?;
            found = Some(found.map_or_else(|| value.clone(), |found| found.join(&value)));
        }
        let value = found?;
        let marks = value.marks.join(&object.marks);
        Some(value.with(marks))
    }

    fn one_collection(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        id: ObjectId,
        name: &'a str,
        arguments: &Arguments<'a>,
    ) -> Option<Value<'a>> {
        let first = arguments.positional.first();
        let object = frame.state.object(id)?.clone();
        match object {
            Object::Made { .. } => super::objects::method(self, frame, id, name, arguments),
            Object::Instance { .. } => None,
            Object::Table { .. } => self.table_method(frame, node, (id, &object), name, arguments),
            Object::List(_) | Object::Bag(_) => {
                let nothing = Value::default();
                Some(match name {
                    "append" | "add" | "appendleft" => {
                        frame.state.change(id, |list| match name {
                            "append" => list.push(first.cloned().unwrap_or_default()),
                            _ => list.mix(first.cloned().unwrap_or_default()),
                        });
                        nothing
                    }
                    "extend" | "update" | "union" | "extendleft" => {
                        let item = self.item(frame, node, first?);
                        frame.state.change(id, |list| list.mix(item));
                        if name == "union" { Value::object(id) } else { nothing }
                    }
                    "insert" => {
                        let item = arguments.positional.get(1).cloned().unwrap_or_default();
                        let at = first.and_then(Value::only_int);
                        frame.state.change(id, |list| insert(list, at, item));
                        nothing
                    }
                    "pop" | "popleft" => {
                        let at = match (name, first) {
                            ("popleft", _) => Some(0),
                            (_, None) => Some(-1),
                            (_, Some(value)) => value.only_int(),
                        };
                        let mut taken = Value::default();
                        frame.state.change(id, |list| taken = take(list, at));
                        self.read(frame, taken)
                    }
                    "clear" => {
                        frame.state.change(id, |list| *list = Object::List(Vec::new()));
                        nothing
                    }
                    "remove" | "discard" | "sort" | "reverse" => {
                        frame.state.change(id, |list| *list = Object::Bag(list.any()));
                        nothing
                    }
                    "copy" => self.make(frame, node, object),
                    "index" | "count" => nothing,
                    _ => return None,
                })
            }
        }
    }

    fn table_method(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        table: (ObjectId, &Object<'a>),
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Option<Value<'a>> {
        let (id, object) = table;
        let key = arguments.positional.first().map(|key| key.only().and_then(Key::of));
        let other = arguments.get(1, "default");
        Some(match name {
            "get" | "pop" | "setdefault" | "__getitem__" => {
                let found = object.at(key?.as_ref());
                let value = match (found, other) {
                    (Some(found), Some(other)) => found.join(other),
                    (Some(found), None) => found,
                    (None, other) => other.cloned().unwrap_or_default(),
                };
                if name == "setdefault" {
                    let key = arguments.positional.first().and_then(|key| key.only().and_then(Key::of));
                    frame.state.change(id, |table| table.put(key, value.clone()));
                }
                self.read(frame, value)
            }
            "update" => {
                let mut changed = object.clone();
                if let Some(value) = arguments.positional.first() {
                    self.spread(frame, &mut changed, value);
                }
                for (name, value) in &arguments.named {
                    changed.put(Some(Key::Text((*name).to_owned())), value.clone());
                }
                if let Some(rest) = &arguments.rest {
                    changed.mix(rest.clone());
                }
                frame.state.change(id, |table| *table = changed);
                Value::default()
            }
            "keys" => Value::object(id),
            "values" => self.make(frame, node, Object::Bag(object.any())),
            "items" => {
                let pair = Object::List(vec![Value::default(), object.any()]);
                let pair = self.make(frame, node, pair);
                let marks = frame.state.all_marks(&pair);
                Value::unknown(marks)
            }
            "copy" => self.make(frame, node, object.clone()),
            "clear" => {
                frame.state.change(id, |table| *table = Object::table());
                Value::default()
            }
            _ => return None,
        })
    }
}

fn insert<'a>(list: &mut Object<'a>, at: Option<i64>, item: Value<'a>) {
    match (list, at) {
        (Object::List(items), Some(at)) => {
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = if at < 0 { (at + length).max(0) } else { at.min(length) };
            items.insert(usize::try_from(at).unwrap_or_default(), item);
        }
        (list, _) => list.mix(item),
    }
}

fn take<'a>(list: &mut Object<'a>, at: Option<i64>) -> Value<'a> {
    match list {
        Object::List(items) => match at.map(|at| place(at, items.len())) {
            Some(Some(place)) => items.remove(place),
            Some(None) => Value::default(),
            None => {
                let any = list.any();
                *list = Object::Bag(any.clone());
                any
            }
        },
        other => other.any(),
    }
}
