//! Functions that are handed to a library, which calls them: threads, executors, tasks, `map` and its kind, `partial`.
//!
//! It is known of these with what they call it, and what they give of what it returns. Any other library is taken to call a function
//! of the project with what is handed over behind it.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};

use super::{
    calls::{Arguments, Call},
    run::{Frame, Run},
    sources,
    state::State,
    value::{Key, Object, Partial, Shape, Value},
};

/// Deeper in each other, functions with some of their arguments are values of which nothing is known.
const PARTIALS_MAX: u32 = 8;

/// How something calls a function that it is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// With what is handed over behind it.
    Behind,
    /// With what a list and a dictionary hold that are handed over.
    Packed,
    /// With one item of each collection behind it.
    Items,
    /// With what came out the last time, and one item.
    Folded,
    /// With one item of what is put in order.
    Compared,
}

/// What comes of what the function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Yields {
    /// It is given back, now or later.
    Result,
    /// A collection of it.
    Many,
    /// Nothing: what is given back comes from the arguments.
    Nothing,
}

/// Something that calls a function.
#[derive(Clone, Copy, Debug)]
struct Caller {
    /// Where the function stands among the arguments, and its name.
    place: Option<usize>,
    name: &'static str,
    manner: Manner,
    yields: Yields,
}

const fn caller(place: usize, name: &'static str, manner: Manner, yields: Yields) -> Caller {
    Caller { place: Some(place), name, manner, yields }
}

impl Caller {
    /// What is known to call a function, by its name.
    fn of(name: &str) -> Option<Self> {
        let method = name.rsplit('.').next().unwrap_or(name);
        Some(match name {
            "builtins.map" => caller(0, "function", Manner::Items, Yields::Many),
            "builtins.filter" | "itertools.filterfalse" | "itertools.takewhile" | "itertools.dropwhile" => {
                caller(0, "function", Manner::Items, Yields::Nothing)
            }
            "functools.reduce" => caller(0, "function", Manner::Folded, Yields::Result),
            "builtins.sorted" | "builtins.min" | "builtins.max" | "?.sort" => {
                Self { place: None, name: "key", manner: Manner::Compared, yields: Yields::Nothing }
            }
            "threading.Thread" | "multiprocessing.Process" => {
                caller(1, "target", Manner::Packed, Yields::Nothing)
            }
            "threading.Timer" => caller(1, "function", Manner::Packed, Yields::Nothing),
            "_thread.start_new_thread" => caller(0, "function", Manner::Packed, Yields::Nothing),
            "asyncio.to_thread"
            | "fastapi.concurrency.run_in_threadpool"
            | "starlette.concurrency.run_in_threadpool"
            | "anyio.to_thread.run_sync" => caller(0, "func", Manner::Behind, Yields::Result),
            _ if name.starts_with("builtins.") => return None,
            _ => match method {
                "submit" => caller(0, "fn", Manner::Behind, Yields::Result),
                "run_in_executor" => caller(1, "func", Manner::Behind, Yields::Result),
                "add_task" => caller(0, "func", Manner::Behind, Yields::Nothing),
                "call_soon" | "call_soon_threadsafe" => {
                    caller(0, "callback", Manner::Behind, Yields::Nothing)
                }
                "call_later" | "call_at" => caller(1, "callback", Manner::Behind, Yields::Nothing),
                "apply" | "apply_async" => caller(0, "func", Manner::Packed, Yields::Result),
                "map" | "map_async" | "imap" | "imap_unordered" => {
                    caller(0, "func", Manner::Items, Yields::Many)
                }
                _ => return None,
            },
        })
    }

    fn function<'v, 'a>(self, arguments: &'v Arguments<'a>) -> Option<&'v Value<'a>> {
        let by_place = self.place.and_then(|place| arguments.positional.get(place));
        by_place.or_else(|| arguments.named(self.name))
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// A library calls what it is handed. Gives what it hands back, if that is what the function returns.
    pub(super) fn handed_over(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) -> Option<Value<'a>> {
        if call.name == "functools.partial" {
            self.called_by_any(frame, call);
            return partial(frame, call.arguments);
        }
        let known = Caller::of(call.name);
        let function =
            known.and_then(|caller| caller.function(call.arguments)).filter(|one| can_be_called(one));
        let (Some(caller), Some(function)) = (known, function) else {
            self.called_by_any(frame, call);
            return None;
        };
        let given = self.given_by(frame, call, caller, function);
        let result = self.call_value(frame, call.node, function, None, given);
        match caller.yields {
            Yields::Nothing => None,
            Yields::Result => Some(result),
            Yields::Many => Some(self.make(frame, call.node, Object::Bag(result))),
        }
    }

    /// Something of which nothing is known calls the functions of the project that it is handed.
    fn called_by_any(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) {
        for (at, value) in call.arguments.positional.iter().enumerate() {
            if matches!(value.shape, Shape::Function(_) | Shape::Partial(_)) {
                let arguments = Arguments {
                    positional: call.arguments.positional[at + 1..].to_vec(),
                    named: call.arguments.named.clone(),
                    rest: call.arguments.rest.clone(),
                };
                self.call_value(frame, call.node, value, None, arguments);
            }
        }
    }

    /// What a function is called with.
    fn given_by(
        &mut self,
        frame: &mut Frame<'a>,
        call: &Call<'_, 'a>,
        caller: Caller,
        function: &Value<'a>,
    ) -> Arguments<'a> {
        let all = call.arguments;
        let behind = caller.place.map_or(0, |place| place + 1).min(all.positional.len());
        let behind = &all.positional[behind..];
        let others = all.named.iter().filter(|(name, _)| *name != caller.name).cloned();
        match caller.manner {
            Manner::Behind => {
                Arguments { positional: behind.to_vec(), named: others.collect(), rest: all.rest.clone() }
            }
            Manner::Items => Arguments {
                positional: behind.iter().map(|each| self.item(frame, call.node, each)).collect(),
                named: Vec::new(),
                rest: all.rest.clone(),
            },
            Manner::Compared => {
                let over = all.positional.first().or(call.receiver);
                let item = over.map(|over| self.item(frame, call.node, over));
                Arguments { positional: item.into_iter().collect(), ..Arguments::default() }
            }
            Manner::Folded => {
                let items: Vec<_> =
                    behind.first().map(|over| self.item(frame, call.node, over)).into_iter().collect();
                let before = items.iter().chain(behind.get(1)).cloned().reduce(|all, one| all.join(&one));
                Arguments { positional: before.into_iter().chain(items).collect(), ..Arguments::default() }
            }
            Manner::Packed => {
                let list = all.named("args").or_else(|| behind.iter().find(|one| !is_table(frame, one)));
                let table = all.named("kwargs").or_else(|| behind.iter().find(|one| is_table(frame, one)));
                let mut given = Arguments::default();
                if let Some(list) = list.cloned() {
                    self.spread_list(frame, call.node, &list, &mut given);
                }
                if let Some(table) = table {
                    spread_table(frame, table, function, &mut given);
                }
                given
            }
        }
    }

    /// A function of the project that is called as a task, elsewhere and later: `run.delay(x)`.
    pub(super) fn queued(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        call: &'a ast::ExprCall,
        method: (&Value<'a>, &str),
    ) -> Option<Value<'a>> {
        let (function, method) = method;
        if !matches!(function.shape, Shape::Function(_))
            || !["delay", "send", "apply_async"].contains(&method)
        {
            return None;
        }
        let arguments = self.arguments(frame, call);
        let manner = if method == "apply_async" { Manner::Packed } else { Manner::Behind };
        let caller = Caller { place: None, name: "", manner, yields: Yields::Nothing };
        let task = Call { node, name: method, receiver: None, arguments: &arguments };
        let given = self.given_by(frame, &task, caller, function);
        self.call_value(frame, node, function, None, given);
        Some(Value::default())
    }

    /// `start` of a thread of the project calls its `run`.
    pub(super) fn started(&mut self, state: &State<'a>, object: &Value<'a>, method: &'a str) -> &'a str {
        if method != "start" {
            return method;
        }
        let class = match (&object.shape, object.objects()) {
            (Shape::Of(file, class), _) => Some((*file, *class)),
            (_, [id]) => match state.object(*id) {
                Some(Object::Instance { file, class, .. }) => Some((*file, class.0)),
                _ => None,
            },
            _ => None,
        };
        let Some((file, class)) = class else { return method };
        let mut has = |name| self.class_member(file, class, name, 0).is_some();
        if !has("start") && has("run") { "run" } else { method }
    }

    /// `*list` among arguments.
    pub(super) fn spread_list(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        list: &Value<'a>,
        into: &mut Arguments<'a>,
    ) {
        if let ([id], true, None) = (list.objects(), list.marks.is_empty(), &into.rest)
            && let Some(Object::List(items)) = frame.state.object(*id)
        {
            into.positional.extend(items.iter().cloned());
            return;
        }
        let item = self.item(frame, node, list);
        into.mix(item);
    }
}

/// `**table` among the arguments of a function: by name where the function has such parameters.
fn spread_table<'a>(frame: &Frame<'a>, table: &Value<'a>, function: &Value<'a>, into: &mut Arguments<'a>) {
    let parameters = match &function.shape {
        Shape::Function(callable) => callable.body.parameters(),
        _ => None,
    };
    let object = table.objects().first().and_then(|id| frame.state.object(*id));
    if let (Some(parameters), Some(Object::Table { known, rest: None })) = (parameters, object) {
        for parameter in parameters.iter_non_variadic_params() {
            let name = parameter.parameter.name.as_str();
            let value = known.get(&Key::Text(name.to_owned())).cloned();
            into.named.extend(value.map(|value| (name, value)));
        }
        return;
    }
    into.mix(Value::unknown(frame.state.all_marks(table)));
}

fn is_table(frame: &Frame<'_>, value: &Value<'_>) -> bool {
    let object = value.objects().first().and_then(|id| frame.state.object(*id));
    matches!(object, Some(Object::Table { .. }))
}

/// Whether a value is a function, a class or a method, by its name if it is a library's.
fn can_be_called(value: &Value<'_>) -> bool {
    match &value.shape {
        Shape::Function(_) | Shape::Partial(_) | Shape::Class(..) => true,
        Shape::External(name) => {
            value.marks.is_empty()
                && !name.ends_with("()")
                && !sources::is_request(name)
                && &**name != "constants"
        }
        _ => false,
    }
}

/// A function with some of its arguments; none if it is made of too many such.
fn partial<'a>(frame: &Frame<'a>, arguments: &Arguments<'a>) -> Option<Value<'a>> {
    let callee = arguments.positional.first().filter(|callee| can_be_called(callee))?;
    let marks = Run::together(frame, &arguments.all());
    let depth_of = |value: &Value<'a>| match &value.shape {
        Shape::Partial(inner) => inner.depth,
        _ => 0,
    };
    let depth = 1 + arguments.all().into_iter().map(depth_of).max().unwrap_or_default();
    let arguments = Arguments { positional: arguments.positional[1..].to_vec(), ..arguments.clone() };
    let partial = Partial { callee: callee.clone(), arguments, depth };
    (depth <= PARTIALS_MAX).then(|| Value::from(Shape::Partial(Rc::new(partial))).with(marks))
}

// === impl Partial ===

impl<'a> Partial<'a> {
    /// The arguments that it has, and these behind them.
    pub(super) fn with(&self, given: Arguments<'a>) -> Arguments<'a> {
        let Arguments { positional, named, rest } = given;
        let own =
            self.arguments.named.iter().filter(|(name, _)| named.iter().all(|(other, _)| other != name));
        let mut all = Arguments {
            positional: self.arguments.positional.iter().cloned().chain(positional).collect(),
            named: own.cloned().chain(named.iter().cloned()).collect(),
            rest: self.arguments.rest.clone(),
        };
        rest.into_iter().for_each(|rest| all.mix(rest));
        all
    }
}

// === impl Arguments ===

impl<'a> Arguments<'a> {
    /// One more that may be anywhere.
    pub(super) fn mix(&mut self, value: Value<'a>) {
        self.rest = Some(self.rest.take().map_or_else(|| value.clone(), |rest| rest.join(&value)));
    }
}
