//! Views that are registered by a call instead of a decorator: `add_url_rule`, `Route`, `path` and their kind.
//!
//! Where such a call stands and where the function is are two places, often two files: all calls of a project are looked at before
//! a function is followed. What cannot be resolved to a function or class of the project is left alone: nobody guesses.

use std::collections::BTreeMap;

use ruff_python_ast::{self as ast, Expr, Stmt, visitor::Visitor};
use ruff_text_size::Ranged;

use super::{
    expressions::{STACK_LEFT, STACK_MORE, literal},
    handlers::{Framework, UNKNOWN_RULE},
    project::Project,
    run::Run,
    value::{Body, Shape, Value},
};
use crate::python::{
    fold::Constant,
    names::{At, Bound, ScopeId},
    scopes::{self, ScopeNode, ScopeVisitor},
};

/// Calls that register something, by the last part of their name.
const CALLS: [&str; 12] = [
    "add_url_rule",
    "add_resource",
    "Route",
    "WebSocketRoute",
    "add_route",
    "add_websocket_route",
    "add_api_route",
    "add_api_websocket_route",
    "path",
    "re_path",
    "url",
    "register_error_handler",
];

/// How many wrappers around a view are looked through: `login_required(view)`.
const WRAPPERS_MAX: u8 = 4;

/// Of more routes of one view nothing is learnt.
const RULES_MAX: usize = 64;

/// Views by where they are: the file, and where the function, class or lambda begins.
pub(super) type Registrations<'a> = BTreeMap<(u32, u32), Registered<'a>>;

/// Who calls a view.
#[derive(Clone, Debug)]
pub(super) struct Registered<'a> {
    pub(super) framework: Framework,
    pub(super) rules: Vec<String>,
    /// The view, if it is a lambda: nothing else finds those.
    pub(super) lambda: Option<&'a ast::ExprLambda>,
}

/// Every view that calls in these files register.
pub(super) fn registrations<'a>(project: &Project<'a>, work: u64) -> Registrations<'a> {
    let mut all = Registrations::new();
    for (file, source) in (0_u32..).zip(&project.files) {
        let text = source.module.text.as_bytes();
        if !CALLS.iter().any(|call| memchr::memmem::find(text, format!("{call}(").as_bytes()).is_some()) {
            continue;
        }
        let mut calls = Calls { project, file, scopes: vec![ScopeId::MODULE], found: Vec::new() };
        calls.visit_body(&source.module.syntax.body);
        let mut run = Run::new(project, work);
        for (call, at) in calls.found {
            run.register(file, call, at, &mut all);
        }
    }
    all
}

/// Looks for calls that register something.
struct Calls<'p, 'a> {
    project: &'p Project<'a>,
    file: u32,
    scopes: Vec<ScopeId>,
    found: Vec<(&'a ast::ExprCall, At)>,
}

// === impl Calls ===

impl<'a> ScopeVisitor<'a> for Calls<'_, 'a> {
    fn enter(&mut self, node: ScopeNode<'a>) {
        let scope = self.project.file(self.file).module.names.scope_of(node.range());
        self.scopes.push(scope.unwrap_or(ScopeId::MODULE));
    }

    fn leave(&mut self) {
        self.scopes.pop();
    }
}

impl<'a> Visitor<'a> for Calls<'_, 'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || scopes::walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && CALLS.contains(&last_name(&call.func))
        {
            let scope = self.scopes.last().copied().unwrap_or(ScopeId::MODULE);
            self.found.push((call, At { scope, position: call.start() }));
        }
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || scopes::walk_expr(self, expr));
    }
}

/// What one call says: which framework, the rules, and what is called.
struct Said<'a> {
    framework: Framework,
    rules: Vec<&'a Expr>,
    view: Option<&'a Expr>,
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    fn register(&mut self, file: u32, call: &'a ast::ExprCall, at: At, into: &mut Registrations<'a>) {
        let Some(said) = self.said(file, call, at) else { return };
        let Some(view) = said.view else { return };
        let regular = last_name(&call.func) == "re_path" || last_name(&call.func) == "url";
        let rules = said.rules.iter().map(|rule| match literal(rule) {
            Some(Constant::Text(rule)) if !regular => rule,
            _ => UNKNOWN_RULE.to_owned(),
        });
        let rules: Vec<String> = rules.collect();
        let Some((place, lambda)) = self.view(file, view, at, WRAPPERS_MAX) else { return };
        let new = || Registered { framework: said.framework, rules: Vec::new(), lambda };
        let known = &mut into.entry(place).or_insert_with(new).rules;
        known.extend(rules);
        if known.len() > RULES_MAX {
            known.truncate(RULES_MAX);
            known.push(UNKNOWN_RULE.to_owned());
        }
    }

    fn said(&mut self, file: u32, call: &'a ast::ExprCall, at: At) -> Option<Said<'a>> {
        let given = &call.arguments;
        let argument = |name, place| given.find_argument_value(name, place);
        let (framework, rule, view) = match last_name(&call.func) {
            "add_url_rule" => (Framework::Flask, argument("rule", 0), argument("view_func", 2)),
            "register_error_handler" => (Framework::Flask, None, argument("f", 1)),
            "add_resource" => {
                let rules = given.args.iter().skip(1).collect();
                return Some(Said { framework: Framework::Flask, rules, view: argument("resource", 0) });
            }
            "Route" | "WebSocketRoute" => {
                let name = self.meant(file, &call.func, at).external_name()?.to_owned();
                let known = name.starts_with("starlette.") || name.starts_with("fastapi.");
                let view = argument("endpoint", 1);
                known.then_some((Framework::Starlette, argument("path", 0), view))?
            }
            "add_route" => {
                (Framework::Starlette, argument("path", 0), argument("route", 1).or(argument("endpoint", 1)))
            }
            "add_websocket_route" => (Framework::Starlette, argument("path", 0), argument("route", 1)),
            "add_api_route" | "add_api_websocket_route" => {
                (Framework::FastApi, argument("path", 0), argument("endpoint", 1))
            }
            _ => {
                let name = self.meant(file, &call.func, at).external_name()?.to_owned();
                let view = argument("view", 1);
                name.starts_with("django.").then_some((Framework::Django, argument("route", 0), view))?
            }
        };
        Some(Said { framework, rules: rule.into_iter().collect(), view })
    }

    /// The function, class or lambda of the project that is registered.
    fn view(
        &mut self,
        file: u32,
        expr: &'a Expr,
        at: At,
        wrappers: u8,
    ) -> Option<((u32, u32), Option<&'a ast::ExprLambda>)> {
        let at = At { position: expr.start(), ..at };
        if let Expr::Call(call) = expr {
            let wrappers = wrappers.checked_sub(1)?;
            let inner = match call.func.as_ref() {
                Expr::Attribute(attribute) if attribute.attr.as_str() == "as_view" => &attribute.value,
                _ => call.arguments.args.first()?,
            };
            return self.view(file, inner, at, wrappers);
        }
        let value = match expr {
            Expr::Lambda(_) => return Some(((file, expr.start().to_u32()), expr.as_lambda_expr())),
            _ => self.meant(file, expr, at),
        };
        match value.shape {
            Shape::Function(callable) => {
                let start = callable.body.range().start().to_u32();
                let lambda = match callable.body {
                    Body::Lambda(lambda) => Some(lambda),
                    Body::Def(_) => None,
                };
                Some(((callable.file, start), lambda))
            }
            Shape::Class(file, class) => Some(((file, class.range.start().to_u32()), None)),
            _ => {
                // `view = MyView.as_view("a")`, registered by its name.
                let names = self.project.file(file).module.names;
                let Expr::Name(name) = expr else { return None };
                let binding = *names.lookup(name.id.as_str(), at).binding()?;
                let Bound::Value(value @ Expr::Call(_)) = binding.bound else { return None };
                self.view(file, value, binding.at, wrappers)
            }
        }
    }

    /// What a name or an attribute means at a place, whatever function it is in.
    pub(super) fn meant(&mut self, file: u32, expr: &'a Expr, at: At) -> Value<'a> {
        let names = self.project.file(file).module.names;
        match expr {
            Expr::Name(name) => match names.lookup(name.id.as_str(), at).binding().copied() {
                Some(binding) => self.bound(file, binding),
                None => names.resolve(expr, at).map_or_else(Value::default, Value::external),
            },
            Expr::Attribute(attribute) => {
                let object = self.meant(file, &attribute.value, at);
                let name = attribute.attr.as_str();
                match object.shape {
                    Shape::Module(module) => self.member(&module, name),
                    Shape::External(module) => Value::external(format!("{module}.{name}")),
                    Shape::Class(file, class) => {
                        self.class_attribute(file, class, name, None).unwrap_or_default()
                    }
                    Shape::Of(file, class) => {
                        self.class_attribute(file, class, name, None).unwrap_or_default()
                    }
                    _ => Value::default(),
                }
            }
            _ => Value::default(),
        }
    }
}

/// The last part of the name of what is called, as it is written.
fn last_name(callee: &Expr) -> &str {
    match callee {
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        Expr::Name(name) => name.id.as_str(),
        _ => "",
    }
}
