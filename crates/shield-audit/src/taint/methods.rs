//! Methods of texts, lists and dictionaries.

use ruff_python_ast::Expr;

use super::{
    calls::{Arguments, Call},
    kinds::Kinds,
    marks::Role,
    run::{Frame, Run},
    state::place,
    value::{Key, Object, ObjectId, Shape, Value},
};
use crate::python::fold::Constant;

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

    fn text_method(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Option<Value<'a>> {
        let same = || Value::unknown(object.marks.clone());
        Some(match name {
            "lower" | "upper" | "title" | "capitalize" | "casefold" | "swapcase" | "strip" | "lstrip"
            | "rstrip" | "removeprefix" | "removesuffix" | "expandtabs" | "zfill" | "ljust" | "rjust"
            | "center" => changed_case(object, name).unwrap_or_else(same),
            "encode" | "decode" | "tobytes" => match &object.shape {
                Shape::Constants(_) | Shape::Prefix(_) => object.clone(),
                _ => same(),
            },
            "startswith" | "endswith" | "isalnum" | "isalpha" | "isdigit" | "isdecimal" | "isnumeric"
            | "isidentifier" | "isspace" | "isupper" | "islower" | "isascii" | "find" | "rfind" | "index"
            | "rindex" | "count" | "__len__" => {
                tested(object, name, arguments).map_or_else(Value::default, Value::constant)
            }
            "format" | "format_map" => {
                let text = object.beginning();
                let before = text.split('{').next().unwrap_or_default();
                let shape = if before.is_empty() { Shape::Unknown } else { Shape::Prefix(before.into()) };
                let mut given = arguments.all();
                given.push(object);
                Value { shape, marks: Self::together(frame, &given) }
            }
            "join" => {
                let list = arguments.positional.first()?;
                self.joined(frame, node, object, list)
            }
            "replace" => {
                let marks = self.derived(frame, node, &object.marks, Role::Part);
                let needle = arguments.positional.first().and_then(Value::only_text).unwrap_or_default();
                let instead = arguments.positional.get(1);
                let gone = instead.and_then(Value::only_text).is_some_and(|text| !text.contains(needle));
                let single = needle.chars().count() == 1;
                let cleared = if gone && single { super::guards::without(needle) } else { Kinds::NONE };
                let given = Self::together(frame, &instead.into_iter().collect::<Vec<_>>());
                Value::unknown(marks.clear(cleared).join(&given))
            }
            "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => {
                let marks = self.derived(frame, node, &object.marks, Role::Part);
                self.make(frame, node, Object::Bag(Value::unknown(marks)))
            }
            // Of what is unknown it may be a dictionary of somebody's data.
            "get" | "getlist" | "getall" | "get_all" | "pop" | "keys" | "values" | "items" | "copy"
                if !object.marks.is_empty() =>
            {
                let marks = self.derived(frame, node, &object.marks, Role::Part);
                let given = Self::together(frame, &arguments.all());
                Value::unknown(marks.join(&given.unsure()))
            }
            _ => return None,
        })
    }

    fn joined(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        between: &Value<'a>,
        list: &Value<'a>,
    ) -> Value<'a> {
        if let [id] = list.objects()
            && let Some(Object::List(items)) = frame.state.object(*id)
        {
            let items = items.clone();
            let mut parts = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    parts.push(between.clone());
                }
                parts.push(item);
            }
            return self.concatenated(frame, &parts);
        }
        let item = self.item(frame, node, list);
        let marks = between.marks.join(&frame.state.all_marks(&item));
        Value::unknown(marks)
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

/// A known text in other letters.
fn changed_case<'a>(object: &Value<'a>, name: &str) -> Option<Value<'a>> {
    let text = object.only_text().filter(|_| object.marks.is_empty())?;
    match name {
        "lower" | "casefold" => Some(Value::text(text.to_lowercase())),
        "upper" => Some(Value::text(text.to_uppercase())),
        _ => None,
    }
}

/// What a question about a known text says.
fn tested(object: &Value<'_>, name: &str, arguments: &Arguments<'_>) -> Option<Constant> {
    let text = object.only_text().filter(|_| object.marks.is_empty())?;
    let other = arguments.positional.first().and_then(Value::only_text);
    let all = |test: fn(char) -> bool| Constant::Bool(!text.is_empty() && text.chars().all(test));
    let at = |place: Option<usize>| {
        let before = place.map(|place| text[..place].chars().count());
        Constant::Int(before.map_or(-1, |before| i64::try_from(before).unwrap_or(i64::MAX)))
    };
    match name {
        "startswith" => Some(Constant::Bool(text.starts_with(other?))),
        "endswith" => Some(Constant::Bool(text.ends_with(other?))),
        "isdigit" => Some(all(|one| one.is_ascii_digit())),
        "isalnum" => Some(all(char::is_alphanumeric)),
        "isalpha" => Some(all(char::is_alphabetic)),
        "find" if arguments.positional.len() == 1 => Some(at(text.find(other?))),
        "rfind" if arguments.positional.len() == 1 => Some(at(text.rfind(other?))),
        _ => None,
    }
}
