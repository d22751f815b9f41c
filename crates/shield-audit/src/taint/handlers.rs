//! Functions that a framework calls with what a stranger sends.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    calls::Arguments,
    classes::Kind,
    kinds::Kinds,
    marks::Marks,
    rules,
    run::{Frame, Reached, Run},
    value::{Body, Callable, Object, Shape, Value},
};
use crate::python::names::ScopeId;

/// What a framework makes of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handler {
    /// Whether a text that it returns is a page.
    page: bool,
    /// Which framework calls it.
    framework: Framework,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framework {
    /// None that is known: somebody of the project.
    #[default]
    Nobody,
    Flask,
    FastApi,
    Django,
}

/// Ways a route is declared.
const ROUTES: [&str; 10] =
    ["route", "get", "post", "put", "delete", "patch", "head", "options", "api_route", "websocket"];

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
        let (handler, rules) = self.handler(file, function);
        let fixed_path = !rules.is_empty() && rules.iter().all(|rule| !rule.contains(['<', '{']));
        let site = super::marks::Site::new(file, function.range);
        let context = self.context(0, site);
        let mut frame = Frame::new(file, scope, context);
        frame.handler = (handler.framework != Framework::Nobody).then_some(handler);
        frame.fixed_path = fixed_path;
        let mut receiver = class.filter(|_| !is_static(function));
        let strangers = self.is_called_by_strangers(file, function);
        for parameter in function.parameters.iter_non_variadic_params() {
            let name = parameter.parameter.name.as_str();
            let value = match receiver.take() {
                Some(class) => Shape::Of(file, class).into(),
                None if strangers => {
                    let mark = self.source(&mut frame, parameter.parameter.range);
                    Value::unknown(Marks::one(mark))
                }
                None => self.parameter(&mut frame, parameter, handler, &rules),
            };
            frame.state.set(name, value);
        }
        let callable = Callable { file, body: Body::Def(function), receiver: None, closure: None };
        self.follow(&mut frame, &callable);
    }

    /// What calls a function, and the rules of its routes.
    fn handler(&mut self, file: u32, function: &'a ast::StmtFunctionDef) -> (Handler, Vec<String>) {
        let names = self.project.file(file).module.names;
        let mut handler = Handler::default();
        let mut rules = Vec::new();
        let (flask, fastapi) =
            (names.imports("flask"), names.imports("fastapi") || names.imports("starlette"));
        for decorator in &function.decorator_list {
            let Expr::Call(call) = &decorator.expression else { continue };
            let Expr::Attribute(attribute) = call.func.as_ref() else { continue };
            let path = call.arguments.find_argument_value("path", 0).or(call.arguments.args.first());
            let text = path.and_then(super::expressions::literal);
            if !ROUTES.contains(&attribute.attr.as_str()) || !(flask || fastapi) {
                continue;
            }
            handler.framework = if fastapi { Framework::FastApi } else { Framework::Flask };
            match text {
                Some(crate::python::fold::Constant::Text(rule)) => rules.push(rule),
                _ => rules.push("<unknown>".to_owned()),
            }
            let answers = call.arguments.find_keyword("response_class").map(|keyword| &keyword.value);
            handler.page |=
                !fastapi || answers.is_some_and(|class| names_html(self.source_text(file, class.range())));
        }
        let django = names.imports("django") || names.imports("rest_framework");
        if handler.framework == Framework::Nobody && django && takes_request(function) {
            handler.framework = Framework::Django;
        }
        (handler, rules)
    }

    fn parameter(
        &mut self,
        frame: &mut Frame<'a>,
        parameter: &'a ast::ParameterWithDefault,
        handler: Handler,
        rules: &[String],
    ) -> Value<'a> {
        let name = parameter.parameter.name.as_str();
        match handler.framework {
            Framework::FastApi => self.fastapi_parameter(frame, parameter, rules),
            Framework::Flask => {
                let spelt = |rule: &String| variable(rule, name);
                let Some(converter) = rules.iter().find_map(spelt) else {
                    return parameter
                        .annotation()
                        .map_or_else(Value::default, |one| self.annotated(frame.file, one));
                };
                let cleared = match converter.as_str() {
                    "int" | "float" | "uuid" => return Value::default(),
                    "path" => Kinds::NONE,
                    _ => Kinds::NO_SLASH,
                };
                let mark = self.source(frame, parameter.parameter.range);
                Value::unknown(Marks::one(mark).clear(cleared))
            }
            Framework::Django if name == "request" => Value::external("django.http.HttpRequest()"),
            // Which converter a route has is said elsewhere.
            Framework::Django if parameter.default.is_none() => {
                let mark = self.source(frame, parameter.parameter.range);
                Value::unknown(Marks::one(mark).clear(Kinds::DOUBT))
            }
            Framework::Django | Framework::Nobody => {
                parameter.annotation().map_or_else(Value::default, |one| self.annotated(frame.file, one))
            }
        }
    }

    fn fastapi_parameter(
        &mut self,
        frame: &mut Frame<'a>,
        parameter: &'a ast::ParameterWithDefault,
        rules: &[String],
    ) -> Value<'a> {
        let annotation = parameter.annotation();
        let default = parameter.default.as_deref();
        let given = annotation.into_iter().flat_map(annotated_parts).chain(default);
        for expr in given {
            let Expr::Call(call) = expr else { continue };
            let callee = self.expr(frame, &call.func);
            let dependency = callee.external_name().and_then(|name| name.rsplit('.').next());
            if matches!(dependency, Some("Depends" | "Security")) {
                return match call.arguments.args.first() {
                    Some(dependency) => {
                        let value = self.depended(frame, dependency);
                        self.typed(frame.file, annotation, value)
                    }
                    None => annotation.map_or_else(Value::default, |one| self.annotated(frame.file, one)),
                };
            }
        }
        let name = parameter.parameter.name.as_str();
        let kind = annotation.map_or(Kind::Open, |annotation| self.kind(frame.file, annotation, 0));
        match kind {
            Kind::Checked => Value::default(),
            Kind::External(name) if name.ends_with(".UploadFile") => {
                let mark = self.source(frame, parameter.parameter.range);
                Value::external(format!("{name}()")).with(Marks::one(mark))
            }
            Kind::External(name) => Value::external(format!("{name}()")),
            Kind::Class(file, class) if !self.is_model(file, class, 0) => Shape::Of(file, class).into(),
            Kind::Class(file, class) => {
                let mark = self.source(frame, parameter.parameter.range);
                Value::from(Shape::Of(file, class)).with(Marks::one(mark))
            }
            Kind::Open => {
                let in_path = rules.iter().any(|rule| rule.contains(&format!("{{{name}}}")));
                let mark = self.source(frame, parameter.parameter.range);
                Value::unknown(Marks::one(mark).clear(if in_path { Kinds::NO_SLASH } else { Kinds::NONE }))
            }
        }
    }

    /// What a dependency gives: its own parameters are a stranger's too.
    fn depended(&mut self, frame: &mut Frame<'a>, dependency: &'a Expr) -> Value<'a> {
        let callee = self.expr(frame, dependency);
        match &callee.shape {
            Shape::Function(callable) if frame.depth < 3 => {
                let Some(parameters) = callable.body.parameters() else { return Value::default() };
                let mut inner = Frame::new(callable.file, ScopeId::MODULE, frame.context);
                inner.depth = frame.depth + 1;
                let mut arguments = Arguments::default();
                for parameter in parameters.iter_non_variadic_params() {
                    let value = self.fastapi_parameter(&mut inner, parameter, &[]);
                    arguments.named.push((parameter.parameter.name.as_str(), value));
                }
                frame.state = frame.state.join(&inner.state);
                let callable = (**callable).clone();
                self.call_function(frame, dependency.range(), &callable, arguments)
            }
            Shape::Class(file, class) => {
                self.instance(frame, dependency.range(), (*file, class), Arguments::default())
            }
            _ => Value::default(),
        }
    }

    /// A handler answers with a value.
    pub(super) fn answered(&mut self, frame: &mut Frame<'a>, expr: &'a Expr, value: &Value<'a>) {
        if !frame.handler.is_some_and(|handler| handler.page) {
            return;
        }
        let (expr, value) = match (expr, value.objects()) {
            // A text with a status or headers.
            (Expr::Tuple(tuple), [id]) => match (tuple.elts.first(), frame.state.object(*id)) {
                (Some(first), Some(Object::List(items))) if !items.is_empty() => (first, items[0].clone()),
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

/// Whether what a library gives is an answer that is no page of a stranger's.
fn is_response(name: &str) -> bool {
    [
        "jsonify",
        "render_template",
        "redirect",
        "Response",
        "response",
        "send_file",
        "send_from_directory",
        "abort",
    ]
    .iter()
    .any(|word| name.contains(word))
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

fn annotated_parts(annotation: &Expr) -> &[Expr] {
    match annotation {
        Expr::Subscript(subscript) => match subscript.slice.as_ref() {
            Expr::Tuple(tuple) => &tuple.elts,
            _ => &[],
        },
        _ => &[],
    }
}

fn is_static(function: &ast::StmtFunctionDef) -> bool {
    function.decorator_list.iter().any(|decorator| {
        decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "staticmethod")
    })
}

fn takes_request(function: &ast::StmtFunctionDef) -> bool {
    let parameters = &function.parameters.args;
    parameters.iter().take(2).any(|one| one.parameter.name.as_str() == "request")
}
