//! Methods of texts.

use ruff_python_ast::Expr;

use super::{
    calls::Arguments,
    characters::without,
    kinds::Kinds,
    marks::Role,
    placement::{Before, of_braces},
    run::{Frame, Run},
    value::{Object, Shape, Value},
};
use crate::python::fold::Constant;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    pub(super) fn text_method(
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
                let places = match object.only_text() {
                    Some(template) => Before::everywhere(&of_braces(template)),
                    None => Before::UNKNOWN,
                };
                Value { shape, marks: places.put(&Self::together(frame, &given)) }
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
                let cleared = if gone && single { without(needle) } else { Kinds::NONE };
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
                // A default is handed on, a key is not.
                let default = arguments.get(1, "default").map(|value| frame.state.all_marks(value));
                Value::unknown(marks.join(&default.unwrap_or_default()))
            }
            _ => return None,
        })
    }

    pub(super) fn joined(
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
