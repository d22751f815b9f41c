//! The interpreter's own functions.

use super::{
    calls::Call,
    marks::Marks,
    run::{Frame, Run},
    sources,
    value::{Key, Object, Shape, Value},
};
use crate::python::fold::Constant;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a call of the interpreter's own functions gives, where more is known than for libraries.
    pub(super) fn interpreter(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) -> Option<Value<'a>> {
        let name = call.name.strip_prefix("builtins.")?;
        let first = call.arguments.positional.first();
        let node = call.node;
        if call.arguments.named("key").is_some() {
            self.handed_over(frame, call);
        }
        Some(match name {
            "len" => match first.map(|value| value.constants()) {
                Some([Constant::Text(text)]) => {
                    Value::constant(Constant::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)))
                }
                _ => Value::default(),
            },
            "str" => match first {
                Some(value) if matches!(value.shape, Shape::Constants(_) | Shape::Prefix(_)) => value.clone(),
                Some(value) => Value::unknown(frame.state.all_marks(value)),
                None => Value::text(""),
            },
            "list" | "set" | "tuple" | "sorted" | "reversed" | "frozenset" | "iter" => {
                let object = match first {
                    Some(value) => Object::Bag(self.item(frame, node, value)),
                    None => Object::List(Vec::new()),
                };
                self.make(frame, node, object)
            }
            "next" | "min" | "max" => match call.arguments.positional.as_slice() {
                [over] => self.item(frame, node, over),
                [over, other] if name == "next" => self.item(frame, node, over).join(other),
                several => several.iter().cloned().reduce(|all, one| all.join(&one))?,
            },
            "enumerate" => {
                let item = self.item(frame, node, first?);
                let pair = self.make(frame, node, Object::List(vec![Value::default(), item.clone()]));
                Value::unknown(item.marks).join(&pair)
            }
            "dict" => {
                let mut object = Object::table();
                if let Some(value) = first {
                    self.spread(frame, &mut object, value);
                    // Pairs of keys and values.
                    let pairs = value.objects().iter().filter_map(|id| frame.state.object(*id));
                    if pairs.clone().any(|object| matches!(object, Object::List(_) | Object::Bag(_))) {
                        let pair = self.item(frame, node, value);
                        let second = Value::constant(Constant::Int(1));
                        object.mix(self.subscript(frame, node, &pair, &second));
                    }
                }
                for (name, value) in &call.arguments.named {
                    object.put(Some(Key::Text((*name).to_owned())), value.clone());
                }
                if let Some(rest) = &call.arguments.rest {
                    object.mix(rest.clone());
                }
                self.make(frame, node, object)
            }
            "getattr" => {
                let text = call.arguments.positional.get(1)?.only_text()?;
                let value = first?;
                match &value.shape {
                    Shape::External(whole) => {
                        let name = format!("{whole}.{text}");
                        let source = sources::of(&name).is_some();
                        let own = value.marks.clone();
                        let marks =
                            if source { own.join(&Marks::one(self.source(frame, node))) } else { own };
                        Value::external(name).with(marks)
                    }
                    _ => return None,
                }
            }
            "isinstance" | "print" | "super" | "input" => Value::external(format!("builtins.{name}()")),
            _ => return None,
        })
    }
}
