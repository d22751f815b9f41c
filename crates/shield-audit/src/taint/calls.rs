//! Following calls: to a function of the project, to a library that is known, to something nobody knows.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::{
    kinds::Kinds,
    marks::{Marks, Role, What},
    objects,
    run::{Frame, Run},
    sources, tables,
    value::{Key, Object, Shape, Value},
};
use crate::python::fold::Constant;

/// Methods that texts have and hardly anything else.
const TEXT_METHODS: [&str; 14] = [
    "lower",
    "upper",
    "title",
    "strip",
    "lstrip",
    "rstrip",
    "replace",
    "split",
    "rsplit",
    "splitlines",
    "encode",
    "decode",
    "startswith",
    "endswith",
];

/// What a call is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments<'a> {
    pub(super) positional: Vec<Value<'a>>,
    pub(super) named: Vec<(&'a str, Value<'a>)>,
    /// `*args` and `**kwargs`: anything may be anywhere.
    pub(super) rest: Option<Value<'a>>,
}

/// A call of something that is not the project's.
pub(super) struct Call<'c, 'a> {
    pub(super) node: &'a Expr,
    /// What is called: `os.system`, `?.execute` of an unknown object.
    pub(super) name: &'c str,
    /// What a method is called on.
    pub(super) receiver: Option<&'c Value<'a>>,
    pub(super) arguments: &'c Arguments<'a>,
}

// === impl Arguments ===

impl<'a> Arguments<'a> {
    /// An argument given by place or name.
    pub(super) fn get(&self, position: usize, name: &str) -> Option<&Value<'a>> {
        self.positional.get(position).or_else(|| self.named(name))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Value<'a>> {
        self.named.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Everything it is given.
    pub(super) fn all(&self) -> Vec<&Value<'a>> {
        let named = self.named.iter().map(|(_, value)| value);
        self.positional.iter().chain(named).chain(&self.rest).collect()
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a call gives.
    pub(super) fn call(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        call: &'a ast::ExprCall,
    ) -> Value<'a> {
        let Expr::Attribute(attribute) = call.func.as_ref() else {
            let callee = self.expr(frame, &call.func);
            let arguments = self.arguments(frame, call);
            return self.call_value(frame, node, &callee, None, arguments);
        };
        let object = self.expr(frame, &attribute.value);
        let name = attribute.attr.as_str();
        let method_of_builtin = match &object.shape {
            Shape::External(_) | Shape::Module(_) | Shape::Class(..) | Shape::Of(..) | Shape::Function(_) => {
                false
            }
            Shape::Objects(ids) => {
                !ids.iter().any(|id| matches!(frame.state.object(*id), Some(Object::Instance { .. })))
            }
            Shape::Unknown | Shape::Constants(_) | Shape::Prefix(_) => true,
        };
        if method_of_builtin {
            let arguments = self.arguments(frame, call);
            return self.method(frame, node, &object, name, &arguments);
        }
        if TEXT_METHODS.contains(&name)
            && object.external_name().is_some_and(|whole| !whole.starts_with("pathlib."))
        {
            let arguments = self.arguments(frame, call);
            return self.method(frame, node, &object, name, &arguments);
        }
        let callee = self.attribute(frame, &call.func, &object, name);
        let arguments = self.arguments(frame, call);
        self.call_value(frame, node, &callee, Some((&object, name)), arguments)
    }

    fn arguments(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall) -> Arguments<'a> {
        let mut arguments = Arguments::default();
        for expr in &call.arguments.args {
            let value = self.expr(frame, expr);
            if expr.is_starred_expr() {
                let item = self.item(frame, expr, &value);
                arguments.rest =
                    Some(arguments.rest.map_or_else(|| item.clone(), |rest: Value<'a>| rest.join(&item)));
            } else if arguments.rest.is_none() {
                arguments.positional.push(value);
            } else {
                arguments.rest = arguments.rest.map(|rest| rest.join(&value));
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.expr(frame, &keyword.value);
            match &keyword.arg {
                Some(name) => arguments.named.push((name.as_str(), value)),
                None => {
                    let marks = frame.state.all_marks(&value);
                    let value = Value::unknown(marks);
                    arguments.rest =
                        Some(arguments.rest.map_or_else(|| value.clone(), |rest| rest.join(&value)));
                }
            }
        }
        arguments
    }

    /// What a call of a value gives.
    pub(super) fn call_value(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        callee: &Value<'a>,
        method: Option<(&Value<'a>, &'a str)>,
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let receiver = method.map(|(object, _)| object);
        match &callee.shape {
            Shape::Function(callable) => {
                let callable = Rc::clone(callable);
                let value = self.call_function(frame, node.range(), &callable, arguments);
                self.step(frame, value, node, What::Returned)
            }
            Shape::Class(file, class) => self.instance(frame, node.range(), (*file, class), arguments),
            Shape::External(name) => {
                let name = Rc::clone(name);
                // The marks of a method are those of its object: read where it is named.
                let receiver = receiver.map(|object| object.clone().with(callee.marks.clone()));
                let receiver = receiver.as_ref().or((!callee.marks.is_empty()).then_some(callee));
                self.external(frame, Call { node, name: &name, receiver, arguments: &arguments })
            }
            _ => {
                let name = method.map_or_else(|| "?".to_owned(), |(_, name)| format!("?.{name}"));
                self.external(frame, Call { node, name: &name, receiver, arguments: &arguments })
            }
        }
    }

    /// What a call of a library, or of something unknown, gives.
    pub(super) fn external(&mut self, frame: &mut Frame<'a>, call: Call<'_, 'a>) -> Value<'a> {
        self.sinks(frame, &call);
        if let Some(value) = self.interpreter(frame, &call) {
            return value;
        }
        if let Some(value) = objects::made(self, frame, &call) {
            return value;
        }
        let Call { node, name, receiver, arguments } = call;
        let own = receiver.map(|value| frame.state.all_marks(value)).unwrap_or_default();
        let given = arguments.all();
        let passed = Self::together(frame, &given);
        self.handed_over(frame, node, arguments);
        let cleared = tables::sanitised(name) | as_number(arguments);
        if cleared.has(Kinds::ALL) {
            return Self::named_result(name);
        }
        let marks = if tables::decodes(name) {
            self.derived(frame, node, &passed, Role::Whole).join(&own)
        } else if tables::resolves(name) {
            self.derived(frame, node, &passed.join(&own), Role::Resolved)
        } else if name.starts_with("os.path.") || name.starts_with("pathlib.") || name == "builtins.str" {
            passed.join(&own)
        } else if tables::hands_on(name) {
            let part = self.derived(frame, node, &own, Role::Part);
            passed.join(&part)
        } else {
            let part = self.derived(frame, node, &own, Role::Part);
            let passed = self.derived(frame, node, &passed, Role::Part);
            passed.unsure().join(&part)
        };
        Self::named_result(name).with(marks.clear(cleared))
    }

    /// A function that is handed to a library is called by it, with what is handed over behind it.
    fn handed_over(&mut self, frame: &mut Frame<'a>, node: &'a Expr, arguments: &Arguments<'a>) {
        for (at, value) in arguments.positional.iter().enumerate() {
            if let Shape::Function(callable) = &value.shape {
                let arguments = Arguments {
                    positional: arguments.positional[at + 1..].to_vec(),
                    named: arguments.named.clone(),
                    rest: arguments.rest.clone(),
                };
                let callable = Rc::clone(callable);
                self.call_function(frame, node.range(), &callable, arguments);
            }
        }
    }

    fn named_result(name: &str) -> Value<'a> {
        match tables::result(name) {
            Some(result) => Value::external(result),
            None if name.starts_with('?') || name == "constants" || tables::hands_on(name) => {
                Value::default()
            }
            None => Value::external(format!("{name}()")),
        }
    }

    /// A new object of a class of the project.
    pub(super) fn instance(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        class: (u32, &'a ast::StmtClassDef),
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let (file, class) = class;
        let given = arguments.all();
        if !given.iter().any(|value| Self::matters(&frame.state, value, 2)) {
            return Shape::Of(file, class).into();
        }
        let fields = std::collections::BTreeMap::new();
        let object = Object::Instance { file, class: super::value::ClassRef(class), fields };
        let value = self.make(frame, node, object);
        match self.class_attribute(file, class, "__init__", Some(&value)).map(|init| init.shape) {
            Some(Shape::Function(init)) => drop(self.call_function(frame, node, &init, arguments)),
            _ => self.fill(frame, &value, class, &arguments),
        }
        value
    }

    /// Fields of a data class are set in the order they are declared in.
    fn fill(
        &mut self,
        frame: &mut Frame<'a>,
        value: &Value<'a>,
        class: &'a ast::StmtClassDef,
        arguments: &Arguments<'a>,
    ) {
        let declared = class.body.iter().filter_map(|stmt| match stmt {
            ast::Stmt::AnnAssign(stmt) => stmt.target.as_name_expr().map(|name| name.id.as_str()),
            _ => None,
        });
        let by_place = declared.zip(arguments.positional.iter().cloned());
        let all: Vec<_> = by_place.chain(arguments.named.iter().cloned()).collect();
        for id in value.objects() {
            frame.state.change(*id, |object| {
                if let Object::Instance { fields, .. } = object {
                    fields.extend(all.iter().cloned());
                }
            });
        }
    }

    /// What a call of the interpreter's own functions gives, where more is known than for libraries.
    fn interpreter(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) -> Option<Value<'a>> {
        let name = call.name.strip_prefix("builtins.")?;
        let first = call.arguments.positional.first();
        let node = call.node;
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
            "next" | "min" | "max" => {
                let value = first?;
                self.item(frame, node, value)
            }
            "enumerate" => {
                let item = self.item(frame, node, first?);
                let pair = self.make(frame, node, Object::List(vec![Value::default(), item.clone()]));
                Value::unknown(item.marks).join(&pair)
            }
            "dict" => {
                let mut object = Object::table();
                if let Some(value) = first {
                    self.spread(frame, &mut object, value);
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

/// `type=int`: what comes out is a number.
fn as_number(arguments: &Arguments<'_>) -> Kinds {
    let named = arguments.named("type").and_then(Value::external_name);
    match named {
        Some("builtins.int" | "builtins.float" | "builtins.bool" | "uuid.UUID") => Kinds::ALL,
        _ => Kinds::NONE,
    }
}
