//! Texts that a browser takes for code.

use ruff_python_ast::{self as ast, Expr, ExprBinOp, Operator, Stmt};
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words, composed};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::{
        fold::Constant,
        names::{At, Bound, ScopeKind},
    },
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
        rule(
            "python/mark-safe",
            "says that a text needs no escaping",
            Severity::Medium,
            &["B308", "B703", "S308"],
        ),
        &["mark_safe", "format_html"],
        Test::Call(mark_safe),
    ),
    check(
        rule(
            "python/mark-safe-known",
            "says that a text of fixed parts needs no escaping",
            Severity::Info,
            &["B308", "S308"],
        ),
        &["mark_safe"],
        Test::Call(mark_safe_known),
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
        &["SafeText", "SafeUnicode", "SafeString", "SafeBytes"],
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
        &["jinja2", "aiohttp_jinja2", "tornado"],
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

/// Whether a text that is not written out holds nothing from outside, as bandit tells it.
fn is_of_known_parts(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    call.positional().first().is_some_and(|text| is_known(scene, text, STEPS_MAX))
}

/// `format_html(f"… {x} …")`: what is in the text before it is filled is not escaped.
fn filled_before(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let text = call.positional().first()?;
    let filled = match text {
        Expr::FString(text) => text.value.elements().any(ast::InterpolatedStringElement::is_interpolation),
        Expr::BinOp(operation) => operation.left.is_string_literal_expr(),
        _ => false,
    };
    let open = filled && !composed::is_harmless(scene, text, ESCAPING);
    open.then(|| call.hit("the values are in the text before `format_html` escapes any"))
}

/// What escapes for HTML.
const ESCAPING: &[&str] = &["html.escape", "markupsafe.escape", "django.utils.html.escape"];

fn mark_safe(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.name == "django.utils.html.format_html" {
        return filled_before(scene, call);
    }
    (is_mark_safe(call) && !is_fixed(call) && !is_of_known_parts(scene, call))
        .then(|| call.hit("whatever is in the text reaches the browser as it is"))
}

fn mark_safe_known(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    (is_mark_safe(call) && !is_fixed(call) && is_of_known_parts(scene, call))
        .then(|| call.hit("the text is put together of fixed parts"))
}

fn mark_safe_fixed(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    (is_mark_safe(call) && is_fixed(call)).then(|| call.hit("the text is fixed"))
}

fn safe_string(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let class = call
        .name
        .strip_prefix("django.utils.safestring.")
        .or_else(|| call.name.strip_prefix("django.utils.html."))?;
    let makes = matches!(class, "SafeText" | "SafeUnicode" | "SafeString" | "SafeBytes");
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
    // These escape unless they are told not to.
    if matches!(call.name, "aiohttp_jinja2.setup" | "tornado.web.Application" | "tornado.template.Loader") {
        let keyword = call.keyword("autoescape")?;
        let off = matches!(scene.fold(&keyword.value), Some(Constant::Bool(false) | Constant::None));
        return off.then(|| call.hit("escaping is not on").moved(keyword.range()));
    }
    if !matches!(call.name, "jinja2.Environment" | "jinja2.environment.Environment") {
        return None;
    }
    let Some(value) = scene.given(call, "autoescape").or_else(|| set_before(scene, call, "autoescape"))
    else {
        // What is handed on may ask for it.
        let unseen = call.has_unseen_arguments();
        let confidence = if unseen { Confidence::Medium } else { Confidence::High };
        return Some(call.hit("escaping is off unless asked for").confidence(confidence));
    };
    let chosen = match value {
        Expr::Call(chooser) => match chooser.func.as_ref() {
            Expr::Name(name) => name.id.as_str() == "select_autoescape",
            Expr::Attribute(attribute) => attribute.attr.as_str() == "select_autoescape",
            _ => true,
        },
        value => scene.is_bool(value, true),
    };
    let off = scene.is_bool(value, false);
    let confidence = if off { Confidence::High } else { Confidence::Medium };
    let hit = call.hit("escaping is not on").confidence(confidence);
    (!chosen).then(|| match call.keyword("autoescape") {
        Some(keyword) => hit.moved(keyword.range()),
        None => hit,
    })
}

/// How many statements before a call are looked at for what they put into the table that it is given.
const BEFORE_MAX: usize = 100;

/// What a table that a call is given with `**` was told under a key before: `options["key"] = …`, `options.setdefault("key", …)`.
fn set_before<'m>(scene: &Scene<'m>, call: &Call<'_>, key: &str) -> Option<&'m Expr> {
    let mut unpacked = call.keywords().iter().filter(|keyword| keyword.arg.is_none());
    let table = unpacked.find_map(|keyword| keyword.value.as_name_expr())?.id.as_str();
    let body = match scene.module.names.scope(scene.at.scope).kind {
        ScopeKind::Function(function) => &function.body,
        ScopeKind::Module => &scene.module.syntax.body,
        _ => return None,
    };
    let before = body.partition_point(|stmt| stmt.start() < scene.at.position);
    let stmts = body[..before].iter().rev().take(BEFORE_MAX);
    stmts.filter_map(|stmt| put_into(stmt, table, key)).next()
}

/// The value that a statement puts into a table under a key.
fn put_into<'s>(stmt: &'s Stmt, table: &str, key: &str) -> Option<&'s Expr> {
    let is_table = |expr: &Expr| expr.as_name_expr().is_some_and(|name| name.id.as_str() == table);
    let is_key = |expr: &Expr| expr.as_string_literal_expr().is_some_and(|text| text.value.to_str() == key);
    match stmt {
        Stmt::Assign(assign) => assign
            .targets
            .iter()
            .filter_map(Expr::as_subscript_expr)
            .any(|target| is_table(&target.value) && is_key(&target.slice))
            .then_some(assign.value.as_ref()),
        Stmt::Expr(expression) => {
            let call = expression.value.as_call_expr()?;
            let method =
                call.func.as_attribute_expr().filter(|method| method.attr.as_str() == "setdefault")?;
            let [name, value] = &*call.arguments.args else { return None };
            (is_table(&method.value) && is_key(name)).then_some(value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        report.findings.iter().map(|one| one.rule.id).collect()
    }

    #[test]
    fn one_call_is_one_finding() {
        let import = "from django.utils.safestring import mark_safe\n";
        for (call, id) in [
            ("mark_safe(x)", "python/mark-safe"),
            ("@mark_safe\ndef f(): pass", "python/mark-safe"),
            ("from django.utils.html import format_html\nformat_html(f'<b>{x}')", "python/mark-safe"),
            ("from django.utils.html import format_html\nformat_html('<b>%s' % x)", "python/mark-safe"),
            ("mark_safe('a')", "python/mark-safe-fixed"),
            ("mark_safe('a %s' % 'b')", "python/mark-safe-known"),
        ] {
            assert_eq!(found(&format!("{import}{call}\n")), [id], "{call}");
        }
        for code in ["S308", "B703"] {
            assert!(found(&format!("{import}mark_safe(x)  # noqa: {code}\n")).is_empty(), "{code}");
        }
    }

    #[test]
    fn tables_tell_whether_templates_escape() {
        let finds = |lines: &str| {
            found(&format!("import jinja2\ndef f(**o):\n{lines}    jinja2.Environment(**o)\n"))
                .contains(&"python/jinja-autoescape")
        };
        assert!(!finds("    o.setdefault('autoescape', True)\n"));
        assert!(!finds("    o['autoescape'] = jinja2.select_autoescape()\n"));
        assert!(!finds("    o = {'autoescape': True}\n"));
        assert!(finds("    o['autoescape'] = False\n"));
        assert!(finds("    p.setdefault('autoescape', True)\n"));
        assert!(finds(""));
        for (text, off) in [
            ("import tornado.web\ntornado.web.Application([], autoescape=None)", true),
            ("import tornado.web\ntornado.web.Application([])", false),
            ("import aiohttp_jinja2\naiohttp_jinja2.setup(app, autoescape=False)", true),
        ] {
            assert_eq!(found(text).contains(&"python/jinja-autoescape"), off, "{text}");
        }
    }
}
