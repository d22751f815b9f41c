//! Settings of web applications that are for the desk they are written at.

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::names::ScopeId,
};

/// Settings that keep cookies from plain HTTP and from scripts.
const COOKIES: &[&str] = &[
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "CSRF_COOKIE_SECURE",
    "REMEMBER_COOKIE_SECURE",
    "REMEMBER_COOKIE_HTTPONLY",
    "JWT_COOKIE_SECURE",
];

/// Every address of the machine, in version 6.
const ALL_INTERFACES: &str = "::";

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/debug-setting",
            title: "shows everybody the inside of what goes wrong",
            cwe: Cwe(489),
            severity: Severity::Medium,
            aliases: &["py/flask-debug"],
            advice: "Take it from the environment, and leave it off where strangers come.",
        },
        confidence: Confidence::Medium,
        class: Class::Habits,
        words: Words::Parts(&["DEBUG"]),
        test: Test::Statement(debug_setting),
    },
    Check {
        rule: Rule {
            id: "python/debug-attribute",
            title: "shows everybody the inside of what goes wrong",
            cwe: Cwe(489),
            severity: Severity::Medium,
            aliases: &["py/flask-debug"],
            advice: "Take it from the environment, and leave it off where strangers come.",
        },
        confidence: Confidence::High,
        class: Class::Habits,
        words: Words::Names(&["flask"]),
        test: Test::Statement(debug_attribute),
    },
    Check {
        rule: Rule {
            id: "python/cookie-setting",
            title: "lets cookies go where they should not",
            cwe: Cwe(614),
            severity: Severity::Medium,
            aliases: &["py/insecure-cookie"],
            advice: "Set it to `True`.",
        },
        confidence: Confidence::High,
        class: Class::Transport,
        words: Words::Parts(COOKIES),
        test: Test::Statement(cookie_setting),
    },
    Check {
        rule: Rule {
            id: "python/bind-all-v6",
            title: "listens on every network",
            cwe: Cwe(605),
            severity: Severity::Medium,
            aliases: &["py/bind-socket-all-network-interfaces"],
            advice: "Bind to `::1`, or take the address from the settings.",
        },
        confidence: Confidence::Medium,
        class: Class::Habits,
        words: Words::Parts(&[ALL_INTERFACES]),
        test: Test::Call(bind_all),
    },
];

/// What a statement sets: the name of each setting, and the value. `app.config["X"] = …`, `X = …` at the top of a file.
fn settings<'s>(scene: &Scene<'_>, stmt: &'s Stmt) -> Vec<(&'s str, &'s Expr)> {
    let Stmt::Assign(assign) = stmt else { return Vec::new() };
    let names = assign.targets.iter().filter_map(|target| match target {
        Expr::Name(name) if scene.at.scope == ScopeId::MODULE => Some(name.id.as_str()),
        Expr::Subscript(subscript) => {
            let config = match subscript.value.as_ref() {
                Expr::Attribute(attribute) => attribute.attr.as_str(),
                Expr::Name(name) => name.id.as_str(),
                _ => "",
            };
            let key = subscript.slice.as_string_literal_expr()?;
            let key = key.as_single_part_string()?.as_str();
            // An escape would hide the word.
            let written = scene.source(subscript.slice.as_ref()).contains(key);
            (written && matches!(config, "config" | "settings" | "conf")).then_some(key)
        }
        _ => None,
    });
    names.map(|name| (name, assign.value.as_ref())).collect()
}

const SHOWN: &str = "whoever causes an error sees variables and source";

fn debug_setting(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Stmt::Assign(assign) = stmt else { return Vec::new() };
    // A name alone is Django's where its neighbours are.
    let alone = assign.targets.iter().any(Expr::is_name_expr);
    let django = || scene.module.names.bindings(ScopeId::MODULE, "INSTALLED_APPS").next().is_some();
    let on = settings(scene, stmt)
        .into_iter()
        .any(|(name, value)| name == "DEBUG" && scene.is_bool(value, true) && (!alone || django()));
    if on { Hit::at(stmt.range(), "DEBUG", SHOWN).into() } else { Vec::new() }
}

fn debug_attribute(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Stmt::Assign(assign) = stmt else { return Vec::new() };
    let names = scene.module.names;
    let mut targets = assign.targets.iter().filter_map(Expr::as_attribute_expr);
    let of_application = targets.any(|target| {
        target.attr.as_str() == "debug"
            && names.made_by(&target.value, scene.at).as_deref() == Some("flask.Flask")
    });
    if of_application && scene.is_bool(&assign.value, true) {
        Hit::at(stmt.range(), "debug", SHOWN).into()
    } else {
        Vec::new()
    }
}

fn cookie_setting(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let all = settings(scene, stmt).into_iter();
    let off = all.filter(|(name, value)| COOKIES.contains(name) && scene.is_bool(value, false));
    off.map(|(name, _)| {
        let leaves = if name.ends_with("HTTPONLY") {
            "scripts read the cookie"
        } else {
            "the cookie is sent over plain HTTP too"
        };
        Hit::at(stmt.range(), name, format!("`{name} = False`: {leaves}"))
    })
    .collect()
}

fn bind_all(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let all = |expr: &Expr| -> Option<TextRange> {
        let text = expr.as_string_literal_expr()?.value.to_str();
        (text == ALL_INTERFACES && scene.source(expr).contains(ALL_INTERFACES)).then(|| expr.range())
    };
    let host = call.keyword("host").and_then(|keyword| all(&keyword.value));
    let bound = || {
        let address = call.positional().first().filter(|_| call.method() == "bind")?;
        all(address.as_tuple_expr()?.elts.first()?)
    };
    let range = host.or_else(bound)?;
    Some(Hit::at(range, ALL_INTERFACES, "whoever reaches the machine reaches this"))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        let ids = report.findings.iter().map(|one| one.rule.id);
        ids.filter(|id| id.ends_with("-setting") || id.ends_with("-v6") || id.ends_with("debug-attribute"))
            .collect()
    }

    #[test]
    fn settings_of_the_desk_are_found() {
        for (text, id) in [
            ("app.config['DEBUG'] = True", "python/debug-setting"),
            ("import flask\na = flask.Flask('x')\na.debug = True", "python/debug-attribute"),
            ("INSTALLED_APPS = []\nDEBUG = True", "python/debug-setting"),
            ("app.config['SESSION_COOKIE_SECURE'] = False", "python/cookie-setting"),
            ("CSRF_COOKIE_SECURE = False", "python/cookie-setting"),
            ("run(host='::')", "python/bind-all-v6"),
            ("s.bind(('::', 80))", "python/bind-all-v6"),
        ] {
            assert_eq!(found(text), [id], "{text}");
        }
        for text in [
            "DEBUG = True",
            "app.config['DEBUG'] = False",
            "app.config['DEBUG'] = debug",
            "a.debug = True",
            "SESSION_COOKIE_SECURE = True",
            "def f():\n    SESSION_COOKIE_SECURE = False",
            "x[::2]\nrun(host='::1')",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
