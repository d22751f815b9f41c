//! Who calls a function where no route says so: by the names of its parameters, by a decorator, by its own name.

use ruff_python_ast as ast;

use super::{
    handlers::Framework,
    importers::Frameworks,
    run::{Frame, Run},
    value::Value,
};

/// Decorators of functions that are called with what was sent: of CherryPy, Strawberry, tools of language models.
const DOORS: [&str; 7] = ["expose", "field", "mutation", "subscription", "tool", "resource", "prompt"];

/// The same, of Flask-SocketIO.
const EVENTS: [&str; 2] = ["on", "on_event"];

/// Ways of Ninja's routes.
const ROUTES: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Parameters that a framework fills with something of its own.
const OWN: [&str; 6] = ["info", "root", "ctx", "context", "session", "_"];

/// Whether a decorator makes strangers call a function.
pub(super) fn is_door(reach: Frameworks, decorator: &str) -> bool {
    reach.has(Frameworks::CALLERS) && (DOORS.contains(&decorator) || ROUTES.contains(&decorator))
        || reach.has(Frameworks::FLASK) && EVENTS.contains(&decorator)
}

/// What calls a function, by the names of its parameters.
pub(super) fn by_parameters(reach: Frameworks, function: &ast::StmtFunctionDef) -> Option<Framework> {
    let parameters = &function.parameters.args;
    let names = || parameters.iter().map(|one| one.parameter.name.as_str());
    let takes_request = names().take(2).any(|name| name == "request");
    let requested = [
        (Frameworks::DJANGO, Framework::Django),
        (Frameworks::AIOHTTP, Framework::Aiohttp),
        (Frameworks::SANIC, Framework::Sanic),
        (Frameworks::PYRAMID, Framework::Pyramid),
    ];
    let name = function.name.as_str();
    let answers =
        reach.has(Frameworks::FALCON) && name.starts_with("on_") && names().any(|name| name == "req");
    let resolves = reach.has(Frameworks::CALLERS) && name.starts_with("resolve_");
    // A function in the cloud, whatever it imports.
    let in_cloud = names().eq(["event", "context"]);
    let of_request = requested.into_iter().find(|(own, _)| takes_request && reach.has(*own));
    of_request
        .map(|(_, framework)| framework)
        .or(answers.then_some(Framework::Falcon))
        .or((resolves || in_cloud).then_some(Framework::Caller))
}

/// Whether a parameter of this name is the request.
pub(super) fn is_request(framework: Framework, name: &str) -> bool {
    name == if framework == Framework::Falcon { "req" } else { "request" }
}

/// What a framework's request is called.
pub(super) fn request_of(framework: Framework) -> &'static str {
    match framework {
        Framework::Aiohttp => "aiohttp.web.Request()",
        Framework::Sanic => "sanic.Request()",
        Framework::Pyramid => "pyramid.request.Request()",
        Framework::Falcon => "falcon.Request()",
        _ => "django.http.HttpRequest()",
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a function is given that is called with what was sent.
    pub(super) fn parsed_parameter(
        &mut self,
        frame: &mut Frame<'a>,
        parameter: &'a ast::ParameterWithDefault,
    ) -> Value<'a> {
        match parameter.parameter.name.as_str() {
            "request" => Value::external(request_of(Framework::Caller)),
            name if OWN.contains(&name) => Value::default(),
            _ => self.fastapi_parameter(frame, parameter, &[]),
        }
    }
}
