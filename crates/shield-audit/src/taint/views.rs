//! Classes whose methods a framework calls.

use std::rc::Rc;

use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::{
    handlers::{Framework, Handler, UNKNOWN_RULE},
    kinds::Kinds,
    marks::{Marks, Site},
    registered::Registered,
    run::{Frame, Run},
    sources,
    value::{Body, Callable, Shape, Value},
};
use crate::python::names::ScopeId;

/// How deep bases of classes are looked through.
const BASES_MAX: u8 = 6;

/// Methods that a framework calls by itself.
const METHODS: [&str; 11] = [
    "get",
    "post",
    "put",
    "delete",
    "patch",
    "head",
    "options",
    "dispatch_request",
    "on_connect",
    "on_receive",
    "on_disconnect",
];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Who calls a function that no decorator speaks of, and the rules of its routes.
    pub(super) fn registered(
        &mut self,
        file: u32,
        function: &'a ast::StmtFunctionDef,
        class: Option<&'a ast::StmtClassDef>,
    ) -> Option<(Handler, Vec<String>)> {
        let project = self.project;
        let said = |start: u32| project.registered.get(&(file, start));
        if let Some(Registered { framework, rules, .. }) = said(function.range.start().to_u32()) {
            return Some((Handler::of(*framework), rules.clone()));
        }
        let class = class.filter(|_| METHODS.contains(&function.name.as_str()))?;
        let handler = self.handler_of(file, class);
        match said(class.range.start().to_u32()) {
            Some(one) => Some((handler.unwrap_or(Handler::of(one.framework)), one.rules.clone())),
            // Django's views tell by their parameter.
            None => handler
                .filter(|one| one.framework() != Framework::Django)
                .map(|one| (one, vec![UNKNOWN_RULE.to_owned()])),
        }
    }

    /// What a framework makes of a class's methods, by what it is derived from.
    fn handler_of(&mut self, file: u32, class: &'a ast::StmtClassDef) -> Option<Handler> {
        self.lineage(file, class, 0).and_then(|base| of_base(&base))
    }

    /// The class of a library that reads requests, from which a class is derived.
    pub(super) fn library_base(&mut self, file: u32, class: &'a ast::StmtClassDef) -> Option<&'static str> {
        let base = self.lineage(file, class, 0)?;
        sources::BASES.into_iter().find(|known| *known == &*base)
    }

    /// The first class of a framework from which a class is derived.
    fn lineage(&mut self, file: u32, class: &'a ast::StmtClassDef, depth: u8) -> Option<Rc<str>> {
        let key = (file, class.range.start().to_u32());
        if let Some(known) = self.lineages.get(&key) {
            return known.clone();
        }
        // Whatever leads back here is derived from nothing that is known.
        self.lineages.insert(key, None);
        let bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        let found = bases.into_iter().find_map(|base| {
            let mut frame = Frame::new(file, ScopeId::MODULE, 0);
            match self.expr(&mut frame, base).shape {
                Shape::External(name) => of_base(&name).is_some().then_some(name),
                Shape::Class(file, class) if depth < BASES_MAX => self.lineage(file, class, depth + 1),
                _ => None,
            }
        });
        self.lineages.insert(key, found.clone());
        found
    }

    /// What Django puts into an attribute of a view before it calls it.
    pub(super) fn given_by_django(
        &mut self,
        frame: &mut Frame<'a>,
        node: impl Ranged,
        class: (u32, &'a ast::StmtClassDef),
        name: &str,
    ) -> Option<Value<'a>> {
        let of_view = matches!(name, "request" | "kwargs" | "args");
        if !of_view || self.handler_of(class.0, class.1).map(Handler::framework) != Some(Framework::Django) {
            return None;
        }
        if name == "request" {
            return Some(Value::external("django.http.HttpRequest()"));
        }
        let mark = self.source(frame, node);
        // Which converters the route has is said elsewhere.
        Some(Value::unknown(Marks::one(mark).clear(Kinds::DOUBT)))
    }

    /// Follows a lambda that is registered as a view.
    pub(super) fn lambda_root(&mut self, file: u32, said: &Registered<'a>) {
        let Some(lambda) = said.lambda else { return };
        let names = self.project.file(file).module.names;
        let Some(scope) = names.scope_of(lambda.range) else { return };
        let context = self.context(0, Site::new(file, lambda.range));
        let mut frame = Frame::new(file, scope, context);
        let handler = Handler::of(said.framework);
        frame.handler = Some(handler);
        let parameters =
            lambda.parameters.iter().flat_map(|parameters| parameters.iter_non_variadic_params());
        for (place, parameter) in parameters.enumerate() {
            let value = self.parameter(&mut frame, (place, parameter), handler, &said.rules);
            frame.state.set(parameter.parameter.name.as_str(), value);
        }
        let callable =
            Callable { file, body: Body::Lambda(lambda), receiver: None, closure: None, bare: true };
        let (value, _) = self.follow(&mut frame, &callable);
        self.answered(&mut frame, &lambda.body, &value);
    }
}

fn of_base(name: &str) -> Option<Handler> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let top = name.split('.').next().unwrap_or(name);
    Some(match (top, last) {
        ("flask", "MethodView" | "View") => Handler::of(Framework::Flask),
        ("flask_restful" | "flask_restx" | "flask_restplus", "Resource") => {
            Handler::of_data(Framework::Flask)
        }
        ("starlette" | "fastapi", "HTTPEndpoint" | "WebSocketEndpoint") => Handler::of(Framework::Starlette),
        ("tornado", "RequestHandler") => Handler::of(Framework::Tornado),
        // It calls its methods with nothing.
        ("http", "BaseHTTPRequestHandler" | "SimpleHTTPRequestHandler") => Handler::default(),
        ("django", _) if name.contains(".views") => Handler::of(Framework::Django),
        ("rest_framework", _) => Handler::of(Framework::Django),
        _ => return None,
    })
}
