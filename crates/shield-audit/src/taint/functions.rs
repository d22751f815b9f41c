//! Following a call into a function of the project.
//!
//! What a function does to values without objects is worked out once for each way they can look (a summary), with labels in
//! place of the caller's data, and put into effect for every caller. Objects are followed into the function itself, since it
//! may change them.

use std::rc::Rc;

use ruff_python_ast as ast;
use ruff_text_size::TextRange;

use super::{
    calls::Arguments,
    marks::{Marks, Site, What},
    run::{CALLS_MAX, Frame, Run},
    sources,
    state::State,
    unfollowed::Limit,
    value::{Body, Callable, Object, Shape, Value, Variables},
};

/// How deep in objects is looked for what a stranger sent.
const NESTED_MAX: u8 = 3;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a call of a function of the project gives.
    pub(super) fn call_function(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let left = self.leave(frame);
        let value = self.entered(frame, node, callable, arguments);
        Self::forget(frame, &left);
        value
    }

    fn entered(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let key = (callable.file, callable.body.range().start().to_u32());
        let mut given = Variables::new();
        self.bind(frame, (node, callable), arguments, &mut given);
        if frame.depth == CALLS_MAX
            && given.values().any(|value| Self::matters(&frame.state, value, NESTED_MAX))
        {
            self.stopped.insert((Site::new(frame.file, node), Limit::Depth));
        }
        let refused = frame.depth >= CALLS_MAX || self.summaries.active.contains(&key);
        if refused || !self.spend(4) {
            let values: Vec<_> = given.values().collect();
            return Value::unknown(Self::together(frame, &values).unsure());
        }
        let matters = given.values().any(|value| Self::matters(&frame.state, value, NESTED_MAX));
        let objects = given.values().any(|value| !value.objects().is_empty());
        if matters && objects || Self::sees_objects(&frame.state, callable) {
            return self.call_inline(frame, node, callable, given);
        }
        if !matters {
            // Nobody's data goes in: what comes out does not depend on the rest.
            for value in given.values_mut() {
                if matches!(value.shape, Shape::Constants(_) | Shape::Prefix(_) | Shape::Objects(_)) {
                    value.shape = Shape::Unknown;
                }
            }
        }
        let given = given
            .into_iter()
            .map(|(name, value)| {
                let value = self.step(frame, value, node, What::Passed);
                (name, value)
            })
            .collect();
        self.call_summary(frame, node, callable, given)
    }

    /// Whether a function uses what is around it where it is called: a lambda, or what has objects of a stranger's data around it.
    fn sees_objects(state: &State<'a>, callable: &Callable<'a>) -> bool {
        let holds =
            |value: &Value<'a>| !value.objects().is_empty() && Self::matters(state, value, NESTED_MAX);
        callable
            .closure
            .as_ref()
            .is_some_and(|around| matches!(callable.body, Body::Lambda(_)) || around.values().any(holds))
    }

    /// Whether a value is a stranger's data, or leads to it.
    pub(super) fn matters(state: &State<'a>, value: &Value<'a>, depth: u8) -> bool {
        if !value.marks.is_empty() || value.external_name().is_some_and(sources::is_request) {
            return true;
        }
        depth > 0
            && value
                .objects()
                .iter()
                .filter_map(|id| state.object(*id))
                .any(|object| object.values().iter().any(|value| Self::matters(state, value, depth - 1)))
    }

    /// Follows a function with the caller's objects.
    fn call_inline(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        given: Variables<'a>,
    ) -> Value<'a> {
        let context = self.context(frame.context, frame.site(node));
        let mut inner = self.inner(callable, context, frame.depth + 1);
        inner.fixed_path = frame.fixed_path;
        inner.state.heap = Rc::clone(&frame.state.heap);
        inner.state.checked = Rc::clone(&frame.state.checked);
        let given =
            given.into_iter().map(|(name, value)| (name, self.step(frame, value, node, What::Passed)));
        inner.state.variables = Rc::new(given.collect());
        let (value, end) = self.follow(&mut inner, callable);
        if let Some(end) = end {
            (frame.state.heap, frame.state.checked) = (end.heap, end.checked);
        }
        value
    }

    pub(super) fn inner(&self, callable: &Callable<'a>, context: u32, depth: u32) -> Frame<'a> {
        let names = self.project.file(callable.file).module.names;
        let scope = names.scope_of(callable.body.range()).unwrap_or(crate::python::names::ScopeId::MODULE);
        let mut inner = Frame::new(callable.file, scope, context);
        inner.depth = depth;
        inner.closure.clone_from(&callable.closure);
        inner
    }

    /// Follows the body of a function: what it returns, and what is known then.
    pub(super) fn follow(
        &mut self,
        inner: &mut Frame<'a>,
        callable: &Callable<'a>,
    ) -> (Value<'a>, Option<State<'a>>) {
        let key = (callable.file, callable.body.range().start().to_u32());
        self.summaries.active.push(key);
        match callable.body {
            Body::Def(def) => self.body(inner, &def.body),
            Body::Lambda(lambda) => inner.returned = Some(self.expr(inner, &lambda.body)),
        }
        self.summaries.active.pop();
        if !inner.dead {
            let state = inner.state.clone();
            State::join_into(&mut inner.ends, state);
        }
        if !inner.kept.is_empty() {
            // One that never comes back, a worker's loop, leaves what it has.
            if let Some(ends) = &inner.ends {
                inner.state = ends.clone();
            }
            self.leave(inner);
        }
        let returned = inner.returned.take().unwrap_or_default();
        let annotation = match callable.body {
            Body::Def(def) => def.returns.as_deref(),
            Body::Lambda(_) => None,
        };
        (self.typed(callable.file, annotation, returned), inner.ends.take())
    }

    /// Puts arguments into the parameters of a function.
    fn bind(
        &mut self,
        frame: &mut Frame<'a>,
        called: (TextRange, &Callable<'a>),
        arguments: Arguments<'a>,
        into: &mut Variables<'a>,
    ) {
        let (node, callable) = called;
        let Some(parameters) = callable.body.parameters() else { return };
        let Arguments { positional, named, rest } = arguments;
        let mut positional = callable.receiver.iter().cloned().chain(positional);
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs) {
            let name = parameter.parameter.name.as_str();
            let keyword_only = parameters.kwonlyargs.iter().any(|one| std::ptr::eq(one, parameter));
            let by_place = if keyword_only { None } else { positional.next() };
            let by_name = named.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
            let value = by_place.or(by_name).or_else(|| rest.clone());
            let value = value.unwrap_or_else(|| self.default(callable.file, parameter));
            into.insert(name, self.typed(callable.file, parameter.annotation(), value));
        }
        let left: Vec<_> = positional.collect();
        if let Some(vararg) = &parameters.vararg {
            let mut list = Object::List(left);
            rest.iter().for_each(|value| list.mix(value.clone()));
            let value = self.variadic(frame, (node, callable, vararg), list);
            into.insert(vararg.name.as_str(), value);
        }
        if let Some(kwarg) = &parameters.kwarg {
            let all = parameters.iter_non_variadic_params().map(|one| one.parameter.name.as_str());
            let known: Vec<&str> = all.collect();
            let others = named.iter().filter(|(name, _)| !known.contains(name)).map(|(_, value)| value);
            let marks = others
                .chain(&rest)
                .fold(Marks::default(), |marks, value| marks.join(&frame.state.all_marks(value)));
            into.insert(kwarg.name.as_str(), Value::unknown(marks));
        }
    }

    /// `*args`: item by item where that matters.
    fn variadic(
        &mut self,
        frame: &mut Frame<'a>,
        called: (TextRange, &Callable<'a>, &'a ast::Parameter),
        list: Object<'a>,
    ) -> Value<'a> {
        let (node, callable, parameter) = called;
        let matters = |value: &&Value<'a>| {
            matches!(value.shape, Shape::Function(_) | Shape::Partial(_))
                || Self::matters(&frame.state, value, NESTED_MAX)
        };
        if !list.values().iter().any(matters) {
            return Value::default();
        }
        // Each call has its own.
        let context = self.context(frame.context, frame.site(node));
        let site = Site::new(callable.file, parameter.range);
        self.make_at(frame, (site, context), list)
    }

    fn default(&mut self, file: u32, parameter: &'a ast::ParameterWithDefault) -> Value<'a> {
        let constant = parameter.default.as_deref().and_then(super::expressions::literal);
        match (constant, parameter.annotation()) {
            (Some(constant), _) => Value::constant(constant),
            (None, Some(annotation)) => self.annotated(file, annotation),
            (None, None) => Value::default(),
        }
    }
}

impl<'a> Object<'a> {
    pub(super) fn values_mut(&mut self) -> Vec<&mut Value<'a>> {
        match self {
            Self::List(items) => items.iter_mut().collect(),
            Self::Bag(item) => vec![item],
            Self::Table { known, rest } => known.values_mut().chain(rest).collect(),
            Self::Instance { fields, .. } => fields.values_mut().collect(),
            Self::Made { fields, .. } => fields.values_mut().collect(),
        }
    }
}
