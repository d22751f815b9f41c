//! Functions that a framework calls with what a stranger sends.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    answers::{is_other, is_response},
    callers,
    calls::Arguments,
    forms::hands_parsed,
    importers::Frameworks,
    kinds::Kinds,
    marks::{Marks, Site},
    rules,
    run::{Frame, Reached, Run},
    value::{Body, Callable, Object, Shape, Value, Variables},
};
use crate::python::names::{At, ScopeId};

/// What a framework makes of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handler {
    /// Whether a text that it returns is a page.
    page: bool,
    /// Which framework calls it.
    framework: Framework,
    /// Whether a decorator hands it what a stranger sent, parsed.
    parsed: bool,
}

/// Who calls a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framework {
    /// None that is known: somebody of the project.
    #[default]
    Nobody,
    Flask,
    FastApi,
    /// It calls with the request alone.
    Starlette,
    Django,
    Aiohttp,
    Sanic,
    Pyramid,
    Falcon,
    Tornado,
    /// One that hands on what was sent, parsed by what the annotations say.
    Caller,
}

/// The rule of a route that is not known.
pub(super) const UNKNOWN_RULE: &str = "<unknown>";

/// Ways a route is declared.
const ROUTES: [&str; 10] =
    ["route", "get", "post", "put", "delete", "patch", "head", "options", "api_route", "websocket"];

/// Ways a function is declared that answers for others, by Flask.
const ANSWERS: [&str; 4] = ["errorhandler", "app_errorhandler", "before_request", "before_app_request"];

// === impl Handler ===

impl Handler {
    /// Of a view that a framework calls.
    pub(super) fn of(framework: Framework) -> Self {
        Self { page: framework == Framework::Flask, framework, parsed: false }
    }

    /// Of a view whose answers a framework sends as JSON, whatever they are.
    pub(super) fn of_data(framework: Framework) -> Self {
        Self { page: false, framework, parsed: false }
    }

    pub(super) fn framework(self) -> Framework {
        self.framework
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Follows a function as its framework calls it.
    pub(super) fn root(
        &mut self,
        file: u32,
        function: &'a ast::StmtFunctionDef,
        class: Option<&'a ast::StmtClassDef>,
    ) {
        let names = self.project.file(file).module.names;
        let Some(scope) = names.scope_of(function.range) else { return };
        let (handler, rules) = self.handler(file, function, class);
        let fixed_path = !rules.is_empty() && rules.iter().all(|rule| !rule.contains(['<', '{']));
        let site = Site::new(file, function.range);
        let context = self.context(0, site);
        let mut frame = Frame::new(file, scope, context);
        frame.handler = (handler.framework != Framework::Nobody).then_some(handler);
        frame.fixed_path = fixed_path;
        let mut receiver = class.filter(|_| !is_static(function));
        let own = usize::from(receiver.is_some());
        let strangers = self.is_called_by_strangers(file, function);
        for (place, parameter) in function.parameters.iter_non_variadic_params().enumerate() {
            let name = parameter.parameter.name.as_str();
            let value = match receiver.take() {
                Some(class) => Shape::Of(file, class).into(),
                None if strangers => {
                    let mark = self.source(&mut frame, parameter.parameter.range);
                    Value::unknown(Marks::one(mark))
                }
                None => self.parameter(&mut frame, (place - own, parameter), handler, &rules),
            };
            frame.state.set(name, value);
        }
        let given = frame.state.variables.as_ref().clone();
        let bare = function.decorator_list.is_empty();
        let callable = Callable { file, body: Body::Def(function), receiver: None, closure: None, bare };
        self.follow(&mut frame, &callable);
        if !bare {
            self.decorated_root(&callable, (site, fixed_path), given);
        }
    }

    /// Follows what decorators of the project make of a view: they hand it more than the framework does.
    fn decorated_root(&mut self, callable: &Callable<'a>, called: (Site, bool), given: Variables<'a>) {
        let (site, fixed_path) = called;
        let context = self.context(0, site);
        let mut frame = Frame::new(callable.file, ScopeId::MODULE, context);
        frame.fixed_path = fixed_path;
        let decorated = self.as_decorated(&mut frame, &Rc::new(callable.clone()));
        if decorated.body.range() == callable.body.range() {
            return;
        }
        // The framework calls it by name; only the receiver has a place.
        let (own, named) = given.into_iter().partition::<Vec<_>, _>(|(_, value)| {
            matches!(value.shape, Shape::Of(..)) && value.marks.is_empty()
        });
        let positional = own.into_iter().map(|(_, value)| value).take(1).collect();
        let arguments = Arguments { positional, named, rest: None };
        self.call_function(&mut frame, callable.body.range(), &decorated, arguments);
    }

    /// What calls a function, and the rules of its routes.
    fn handler(
        &mut self,
        file: u32,
        function: &'a ast::StmtFunctionDef,
        class: Option<&'a ast::StmtClassDef>,
    ) -> (Handler, Vec<String>) {
        let mut handler = Handler::default();
        let mut rules = Vec::new();
        let reach = self.project.file(file).frameworks;
        let (flask, fastapi) = (reach.has(Frameworks::FLASK), reach.has(Frameworks::STARLETTE));
        for decorator in &function.decorator_list {
            let (callee, call) = match &decorator.expression {
                Expr::Call(call) => (call.func.as_ref(), Some(call)),
                bare => (bare, None),
            };
            let name = match callee {
                Expr::Attribute(attribute) => attribute.attr.as_str(),
                // Bottle's are functions.
                Expr::Name(name) if flask && self.is_of_bottle(file, callee) => name.id.as_str(),
                _ => continue,
            };
            if flask && ANSWERS.contains(&name) {
                handler = Handler::of(Framework::Flask);
            }
            if callers::is_door(reach, name) {
                handler = Handler::of(Framework::Caller);
            }
            let Some(call) = call else { continue };
            let path = call.arguments.find_argument_value("path", 0).or(call.arguments.args.first());
            let text = path.and_then(super::expressions::literal);
            if !ROUTES.contains(&name) || !(flask || fastapi) {
                continue;
            }
            handler.framework = if fastapi { Framework::FastApi } else { Framework::Flask };
            match text {
                Some(crate::python::fold::Constant::Text(rule)) => rules.push(rule),
                _ => rules.push(UNKNOWN_RULE.to_owned()),
            }
            let answers = call.arguments.find_keyword("response_class").map(|keyword| &keyword.value);
            handler.page |=
                !fastapi || answers.is_some_and(|class| names_html(self.source_text(file, class.range())));
        }
        if handler.framework == Framework::Nobody
            && let Some((registered, said)) = self.registered(file, function, class)
        {
            (handler, rules) = (registered, said);
        }
        if handler.framework == Framework::Nobody {
            handler.framework = callers::by_parameters(reach, function).unwrap_or_default();
        }
        let parsed = |decorator: &ast::Decorator| hands_parsed(&decorator.expression);
        handler.parsed = flask && function.decorator_list.iter().any(parsed);
        (handler, rules)
    }

    fn is_of_bottle(&self, file: u32, decorator: &'a Expr) -> bool {
        let at = At { scope: ScopeId::MODULE, position: decorator.start() };
        let name = self.project.file(file).module.names.resolve(decorator, at);
        name.is_some_and(|name| name.starts_with("bottle."))
    }

    /// What a parameter holds, by its place behind the receiver.
    pub(super) fn parameter(
        &mut self,
        frame: &mut Frame<'a>,
        parameter: (usize, &'a ast::ParameterWithDefault),
        handler: Handler,
        rules: &[String],
    ) -> Value<'a> {
        let (place, parameter) = parameter;
        let name = parameter.parameter.name.as_str();
        let annotation = parameter.annotation();
        match handler.framework {
            Framework::FastApi => self.fastapi_parameter(frame, parameter, rules),
            Framework::Starlette if place == 0 => {
                let declared = annotation.map(|one| self.annotated(frame.file, one));
                let known = declared.filter(|value| value.external_name().is_some());
                known.unwrap_or_else(|| Value::external("starlette.requests.Request()"))
            }
            Framework::Django if name == "request" || place == 0 && !rules.is_empty() => {
                Value::external("django.http.HttpRequest()")
            }
            Framework::Aiohttp | Framework::Sanic | Framework::Pyramid | Framework::Falcon
                if callers::is_request(handler.framework, name) =>
            {
                Value::external(callers::request_of(handler.framework))
            }
            Framework::Caller => self.parsed_parameter(frame, parameter),
            Framework::Aiohttp | Framework::Pyramid => {
                annotation.map_or_else(Value::default, |one| self.annotated(frame.file, one))
            }
            Framework::Flask
            | Framework::Django
            | Framework::Starlette
            | Framework::Sanic
            | Framework::Falcon
            | Framework::Tornado => {
                let spelt = rules.iter().find_map(|rule| variable(rule, name));
                // Where the rule is not known, or is said elsewhere, nobody knows its converters.
                let elsewhere = rules.iter().any(|rule| rule == UNKNOWN_RULE)
                    || handler.framework == Framework::Django && rules.is_empty()
                    || matches!(
                        handler.framework,
                        Framework::Starlette | Framework::Sanic | Framework::Falcon | Framework::Tornado
                    );
                let cleared = match spelt.as_deref() {
                    Some("int" | "float" | "uuid") => return Value::default(),
                    Some("path") => Kinds::NONE,
                    Some("slug") if handler.framework == Framework::Django => Kinds::OF_WORDS,
                    Some(_) => Kinds::NO_SLASH,
                    None if (elsewhere || handler.parsed) && !has_default(parameter) => Kinds::DOUBT,
                    None => {
                        return annotation.map_or_else(Value::default, |one| self.annotated(frame.file, one));
                    }
                };
                let mark = self.source(frame, parameter.parameter.range);
                Value::unknown(Marks::one(mark).clear(cleared))
            }
            Framework::Nobody => {
                annotation.map_or_else(Value::default, |one| self.annotated(frame.file, one))
            }
        }
    }

    /// A handler answers with a value.
    pub(super) fn answered(&mut self, frame: &mut Frame<'a>, expr: &'a Expr, value: &Value<'a>) {
        if !frame.handler.is_some_and(|handler| handler.page) {
            return;
        }
        let (expr, value) = match (expr, value.objects()) {
            // A text with a status or headers.
            (Expr::Tuple(tuple), [id]) => match (tuple.elts.first(), frame.state.object(*id).cloned()) {
                (Some(first), Some(Object::List(items))) if !items.is_empty() => {
                    items.iter().skip(1).for_each(|headers| self.headers(frame, expr, headers));
                    let mut kinds = items.iter().skip(1).filter_map(|headers| Self::kind_in(frame, headers));
                    if kinds.any(|kind| is_other(&kind)) {
                        return;
                    }
                    (first, items[0].clone())
                }
                _ => return,
            },
            // Anything else than a text is sent as JSON.
            (_, [_, ..]) => return,
            _ => (expr, value.clone()),
        };
        let response = value.external_name().is_some_and(is_response);
        let sure = value.marks.iter().any(|mark| mark.sure);
        if response || !sure {
            return;
        }
        let site = frame.site(expr);
        let reached = Reached { value: &value, site, subject: "return", certain: true, deep: false };
        self.hit(frame, &rules::MARKUP, reached);
    }
}

/// Whether a parameter need not be given; that it may be missing is all that `None` says.
fn has_default(parameter: &ast::ParameterWithDefault) -> bool {
    parameter.default.as_deref().is_some_and(|default| !default.is_none_literal_expr())
}

fn names_html(class: &str) -> bool {
    class.rsplit('.').next() == Some("HTMLResponse")
}

/// The converter of a variable in the rule of a route.
fn variable(rule: &str, name: &str) -> Option<String> {
    rule.split('<').skip(1).find_map(|part| {
        let inner = part.split('>').next()?;
        let (converter, own) = inner.rsplit_once(':').unwrap_or(("", inner));
        (own == name).then(|| converter.split('(').next().unwrap_or_default().to_owned())
    })
}

fn is_static(function: &ast::StmtFunctionDef) -> bool {
    function.decorator_list.iter().any(|decorator| {
        decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "staticmethod")
    })
}
