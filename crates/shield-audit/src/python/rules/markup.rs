//! Texts that a browser takes for code.

use ruff_python_ast::{self as ast, Expr, ExprBinOp, Operator};
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::names::{At, Bound},
};

const ADVICE: &str =
    "Let the template escape the text, or put values in with `format_html` or `Markup.format`.";

const fn check(rule: Rule, words: &'static [&'static str], test: Test) -> Check {
    Check { rule, confidence: Confidence::High, class: Class::Injection, words: Words::Names(words), test }
}

const fn rule(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    aliases: &'static [&'static str],
) -> Rule {
    Rule { id, title, cwe: Cwe(79), severity, aliases, advice: ADVICE }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        rule("python/mark-safe", "says that a text needs no escaping", Severity::Medium, &["B308", "S308"]),
        &["mark_safe"],
        Test::Call(mark_safe),
    ),
    check(
        rule("python/mark-safe-fixed", "says that a fixed text needs no escaping", Severity::Info, &["B308"]),
        &["mark_safe"],
        Test::Call(mark_safe_fixed),
    ),
    check(
        rule(
            "python/safe-string",
            "makes markup of a text that is put together",
            Severity::Medium,
            &["B703"],
        ),
        &["mark_safe", "SafeText", "SafeUnicode", "SafeString", "SafeBytes"],
        Test::Call(safe_string),
    ),
    check(
        rule(
            "python/markup",
            "makes markup of a text that is put together",
            Severity::Medium,
            &["B704", "S704"],
        ),
        &["Markup"],
        Test::Call(markup),
    ),
    check(
        rule("python/jinja-autoescape", "templates that escape nothing", Severity::High, &["B701", "S701"]),
        &["jinja2"],
        Test::Call(jinja_autoescape),
    ),
    check(
        rule("python/mako-template", "templates that escape nothing", Severity::Medium, &["B702", "S702"]),
        &["mako"],
        Test::Names(&["mako.template.Template"]),
    ),
];

fn is_mark_safe(call: &Call<'_>) -> bool {
    matches!(call.name, "django.utils.safestring.mark_safe" | "django.utils.html.mark_safe")
}

/// Whether the only argument is written out.
fn is_fixed(call: &Call<'_>) -> bool {
    matches!(call.positional(), [Expr::StringLiteral(_)])
}

fn mark_safe(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    (is_mark_safe(call) && !is_fixed(call))
        .then(|| call.hit("whatever is in the text reaches the browser as it is"))
}

fn mark_safe_fixed(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    (is_mark_safe(call) && is_fixed(call)).then(|| call.hit("the text is fixed"))
}

fn safe_string(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let class = call
        .name
        .strip_prefix("django.utils.safestring.")
        .or_else(|| call.name.strip_prefix("django.utils.html."))?;
    let makes = matches!(class, "mark_safe" | "SafeText" | "SafeUnicode" | "SafeString" | "SafeBytes");
    let text = call.positional().first().filter(|_| makes)?;
    (!is_known(scene, text, STEPS_MAX))
        .then(|| call.hit("whatever is put into the text reaches the browser as it is"))
}

/// How many names are followed to see what a text is made of.
const STEPS_MAX: u8 = 8;

/// Whether nothing in a text comes from outside: it is written out, a template filled with known texts, or a name that is never
/// anything else.
fn is_known(scene: &Scene<'_>, text: &Expr, steps: u8) -> bool {
    let Some(steps) = steps.checked_sub(1) else { return false };
    let known = |part: &Expr| is_known(scene, part, steps);
    match text {
        Expr::StringLiteral(_) => true,
        Expr::Starred(starred) => match starred.value.as_ref() {
            Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => {
                elts.iter().all(known)
            }
            _ => false,
        },
        Expr::Call(ast::ExprCall { func, arguments, .. }) => match func.as_ref() {
            Expr::Attribute(method) if method.attr.as_str() == "format" => {
                known(&method.value) && arguments.keywords.is_empty() && arguments.args.iter().all(known)
            }
            _ => false,
        },
        Expr::BinOp(ExprBinOp { left, op: Operator::Mod, right, .. }) => {
            let filling = match right.as_ref() {
                Expr::Tuple(tuple) => tuple.elts.iter().all(known),
                one => known(one),
            };
            known(left) && filling
        }
        Expr::Name(name) => is_always_known(scene, name.id.as_str(), steps),
        _ => false,
    }
}

/// Whether a name is bound to known texts only, wherever that happens before.
fn is_always_known(scene: &Scene<'_>, name: &str, steps: u8) -> bool {
    let names = scene.module.names;
    let Some(binding) = names.lookup(name, scene.at).binding() else { return false };
    let mut bindings = names.bindings(binding.at.scope, name).peekable();
    bindings.peek().is_some()
        && bindings.filter(|one| one.at.position <= scene.at.position).all(|one| match one.bound {
            Bound::Value(value) => {
                let at = At { position: value.start(), ..one.at };
                is_known(&Scene { at, ..*scene }, value, steps)
            }
            _ => false,
        })
}

fn markup(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let named = matches!(call.name, "markupsafe.Markup" | "flask.Markup");
    let text = call.positional().first().filter(|_| named)?;
    (!text.is_literal_expr()).then(|| call.hit("whatever is in the text reaches the browser as it is"))
}

fn jinja_autoescape(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if !matches!(call.name, "jinja2.Environment" | "jinja2.environment.Environment") {
        return None;
    }
    let Some(keyword) = call.keyword("autoescape") else {
        return Some(call.hit("escaping is off unless asked for"));
    };
    let chosen = match &keyword.value {
        Expr::Call(chooser) => match chooser.func.as_ref() {
            Expr::Name(name) => name.id.as_str() == "select_autoescape",
            Expr::Attribute(attribute) => attribute.attr.as_str() == "select_autoescape",
            _ => true,
        },
        value => scene.is_bool(value, true),
    };
    let off = scene.is_bool(&keyword.value, false);
    let confidence = if off { Confidence::High } else { Confidence::Medium };
    (!chosen).then(|| call.hit("escaping is not on").confidence(confidence).moved(keyword.range()))
}
