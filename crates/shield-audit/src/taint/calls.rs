//! Following calls: to a function of the project, to a library that is known, to something nobody knows.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    kinds::Kinds,
    marks::{Role, What},
    objects,
    run::{Frame, Run},
    sanitisers::{is_token, sanitised},
    sources, tables,
    value::{Object, Shape, Value},
};

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
#[derive(Clone, Debug, Default, PartialEq)]
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
            Shape::External(_)
            | Shape::Module(_)
            | Shape::Class(..)
            | Shape::Of(..)
            | Shape::Function(_)
            | Shape::Partial(_) => false,
            Shape::Objects(ids) => {
                !ids.iter().any(|id| matches!(frame.state.object(*id), Some(Object::Instance { .. })))
            }
            Shape::Unknown | Shape::Constants(_) | Shape::Prefix(_) => true,
        };
        if method_of_builtin {
            let arguments = self.arguments(frame, call);
            self.filled_outside(frame, call, &arguments);
            return self.method(frame, node, &object, name, &arguments);
        }
        if TEXT_METHODS.contains(&name)
            && object.external_name().is_some_and(|whole| !whole.starts_with("pathlib."))
            // `jwt.decode`, `codecs.encode` are functions.
            && (!object.marks.is_empty() || !matches!(name, "encode" | "decode"))
        {
            let arguments = self.arguments(frame, call);
            return self.method(frame, node, &object, name, &arguments);
        }
        if let Some(value) = self.queued(frame, node, call, (&object, name)) {
            return value;
        }
        let name = self.started(&frame.state, &object, name);
        let callee = self.attribute(frame, &call.func, &object, name);
        let arguments = self.arguments(frame, call);
        self.filled_outside(frame, call, &arguments);
        self.call_value(frame, node, &callee, Some((&object, name)), arguments)
    }

    pub(super) fn arguments(&mut self, frame: &mut Frame<'a>, call: &'a ast::ExprCall) -> Arguments<'a> {
        let mut arguments = Arguments::default();
        for expr in &call.arguments.args {
            let value = self.expr(frame, expr);
            if expr.is_starred_expr() {
                self.spread_list(frame, expr, &value, &mut arguments);
            } else if arguments.rest.is_none() {
                arguments.positional.push(value);
            } else {
                arguments.mix(value);
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.expr(frame, &keyword.value);
            match &keyword.arg {
                Some(name) => arguments.named.push((name.as_str(), value)),
                None => {
                    let marks = frame.state.all_marks(&value);
                    arguments.mix(Value::unknown(marks));
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
                let place = (callable.file, callable.body.range().start().to_u32());
                if let Some((name, models)) = self.model_of(place, method.map(|(_, name)| name)) {
                    let call = Call { node, name: &name, receiver, arguments: &arguments };
                    return self.library(frame, call, &models);
                }
                let callable = self.as_decorated(frame, &callable);
                let value = self.call_function(frame, node.range(), &callable, arguments);
                self.step(frame, value, node, What::Returned)
            }
            Shape::Partial(partial) => {
                let arguments = partial.with(arguments);
                self.call_value(frame, node, &partial.callee, None, arguments)
            }
            Shape::Class(file, class)
                if let Some((name, models)) = self.model_of((*file, class.start().to_u32()), None) =>
            {
                self.library(frame, Call { node, name: &name, receiver, arguments: &arguments }, &models)
            }
            Shape::Class(file, class) => self.instance(frame, node.range(), (*file, class), arguments),
            Shape::External(name) => {
                let name = Rc::clone(name);
                // The marks of a method are those of its object: read where it is named.
                let receiver = receiver.map(|object| object.clone().with(callee.marks.clone()));
                let receiver = receiver.as_ref().or((!callee.marks.is_empty()).then_some(callee));
                self.external(frame, Call { node, name: &name, receiver, arguments: &arguments })
            }
            Shape::Of(..) | Shape::Objects(_)
                if let Some(method) = self.called_as_function(frame, node, callee) =>
            {
                self.call_value(frame, node, &method, None, arguments)
            }
            _ => {
                let name = method.map_or_else(|| "?".to_owned(), |(_, name)| format!("?.{name}"));
                self.external(frame, Call { node, name: &name, receiver, arguments: &arguments })
            }
        }
    }

    /// The `__call__` of an object of the project.
    fn called_as_function(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
    ) -> Option<Value<'a>> {
        let value = self.attribute(frame, node, object, "__call__");
        matches!(value.shape, Shape::Function(_)).then_some(value)
    }

    /// What a call of a library, or of something unknown, gives.
    pub(super) fn external(&mut self, frame: &mut Frame<'a>, call: Call<'_, 'a>) -> Value<'a> {
        let models = self.project.models.of_call(call.name);
        self.library(frame, call, &models)
    }

    /// The same, of something that these models are about.
    fn library(&mut self, frame: &mut Frame<'a>, call: Call<'_, 'a>, models: &[u32]) -> Value<'a> {
        if let Some(value) = self.modelled(frame, &call, models) {
            return value;
        }
        self.sinks(frame, &call);
        if let Some(value) = self.interpreter(frame, &call) {
            return value;
        }
        if let Some(value) = objects::made(self, frame, &call) {
            return value;
        }
        if let Some(value) = self.handed_over(frame, &call) {
            return value;
        }
        let Call { node, name, receiver, arguments } = call;
        let own = receiver.map(|value| frame.state.all_marks(value)).unwrap_or_default();
        let given = arguments.all();
        // A default is handed on, a key is not.
        let skipped = usize::from(tables::looks_up(name)) * given.len();
        let handed: Vec<_> = if name == "builtins.getattr" {
            [0, 2].into_iter().filter_map(|at| arguments.positional.get(at)).collect()
        } else {
            given.into_iter().skip(skipped).collect()
        };
        let passed = Self::together(frame, &handed);
        let cleared = sanitised(frame, name, arguments) | as_number(name, arguments);
        if cleared.has(Kinds::ALL) {
            return Self::named_result(name);
        }
        let marks = if tables::decodes(name) {
            self.derived(frame, node, &passed, Role::Whole).join(&own)
        } else if tables::resolves(name) {
            self.derived(frame, node, &passed.join(&own), Role::Resolved)
        } else if name.starts_with("os.path.") || name.starts_with("pathlib.") || name == "builtins.str" {
            passed.join(&own)
        } else if tables::hands_on(name) || is_token(name) {
            let part = self.derived(frame, node, &own, Role::Part);
            passed.join(&part)
        } else {
            let part = self.derived(frame, node, &own, Role::Part);
            let passed = self.derived(frame, node, &passed, Role::Part);
            passed.unsure().join(&part)
        };
        Self::named_result(name).with(marks.clear(cleared))
    }

    pub(super) fn named_result(name: &str) -> Value<'a> {
        match tables::result(name) {
            Some(result) => Value::external(result),
            None if name.starts_with('?') || name == "constants" || tables::hands_on(name) => {
                Value::default()
            }
            None => Value::external(format!("{name}()")),
        }
    }
}

/// `type=int`: what comes out is a number. In `args.get` it may stand third, in `args.getlist` second.
fn as_number(name: &str, arguments: &Arguments<'_>) -> Kinds {
    let place = match name.rsplit_once('.') {
        Some((object, "get")) if sources::of(object).is_some() => Some(2),
        Some((object, "getlist")) if sources::of(object).is_some() => Some(1),
        _ => None,
    };
    let by_place = place.and_then(|place| arguments.positional.get(place));
    let named = arguments.named("type").or(by_place).and_then(Value::external_name);
    match named {
        Some("builtins.int" | "builtins.float" | "builtins.bool" | "uuid.UUID") => Kinds::ALL,
        _ => Kinds::NONE,
    }
}
