//! Settings of web applications that are for the desk they are written at.

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::{
        fold::Constant,
        names::{ScopeId, ScopeKind},
    },
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

/// Django's ways to hash passwords that are found by trying.
const WEAK_HASHERS: &[&str] = &[
    "MD5PasswordHasher",
    "SHA1PasswordHasher",
    "UnsaltedMD5PasswordHasher",
    "UnsaltedSHA1PasswordHasher",
    "CryptPasswordHasher",
];

/// Servers of the standard library: their first argument is where they listen.
const SERVERS: &[&str] = &[
    "http.server.HTTPServer",
    "http.server.ThreadingHTTPServer",
    "socketserver.TCPServer",
    "socketserver.ThreadingTCPServer",
    "socketserver.UDPServer",
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
            id: "python/debug-application",
            title: "shows everybody the inside of what goes wrong",
            cwe: Cwe(489),
            severity: Severity::Medium,
            aliases: &["py/flask-debug"],
            advice: "Take it from the environment, and leave it off where strangers come.",
        },
        confidence: Confidence::High,
        class: Class::Habits,
        words: Words::Names(&["fastapi", "starlette", "bottle", "tornado"]),
        test: Test::Call(debug_application),
    },
    Check {
        rule: Rule {
            id: "python/any-host-setting",
            title: "believes any name that a client calls it by",
            cwe: Cwe(644),
            severity: Severity::Medium,
            aliases: &["security.W020"],
            advice: "Name the hosts that it is reached by: links in letters are made from it.",
        },
        confidence: Confidence::Medium,
        class: Class::Habits,
        words: Words::Parts(&["ALLOWED_HOSTS"]),
        test: Test::Statement(any_host_setting),
    },
    Check {
        rule: Rule {
            id: "python/password-hasher-setting",
            title: "hashes passwords so that they are found by trying",
            cwe: Cwe(916),
            severity: Severity::Medium,
            aliases: &["py/weak-sensitive-data-hashing"],
            advice: "Put `Argon2PasswordHasher` or `PBKDF2PasswordHasher` first.",
        },
        confidence: Confidence::Medium,
        class: Class::Cryptography,
        words: Words::Parts(&["PASSWORD_HASHERS"]),
        test: Test::Statement(password_hasher_setting),
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
    Check {
        rule: Rule {
            id: "python/bind-any",
            title: "listens on every network",
            cwe: Cwe(605),
            severity: Severity::Medium,
            aliases: &["py/bind-socket-all-network-interfaces"],
            advice: "Bind to `127.0.0.1`, or take the address from the settings.",
        },
        confidence: Confidence::Medium,
        class: Class::Habits,
        words: Words::Members {
            names: &[
                "bind",
                "HTTPServer",
                "ThreadingHTTPServer",
                "TCPServer",
                "UDPServer",
                "ThreadingTCPServer",
            ],
            of: &["socket", "server", "socketserver"],
        },
        test: Test::Call(bind_any),
    },
];

/// What a statement sets: the name of each setting, and the value. `app.config["X"] = …`, `app.config.update(X=…)`, `X = …` at the
/// top of a file.
fn settings<'s>(scene: &Scene<'_>, stmt: &'s Stmt) -> Vec<(&'s str, &'s Expr)> {
    let assign = match stmt {
        Stmt::Assign(assign) => assign,
        Stmt::Expr(call) => return updated(&call.value),
        _ => return Vec::new(),
    };
    let names = assign.targets.iter().filter_map(|target| match target {
        Expr::Name(name) if scene.at.scope == ScopeId::MODULE || in_config_class(scene) => {
            Some(name.id.as_str())
        }
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

/// Whether a statement stands in a class that holds the settings of a service, and not of the desk or of tests.
fn in_config_class(scene: &Scene<'_>) -> bool {
    let ScopeKind::Class(class) = scene.module.names.scope(scene.at.scope).kind else { return false };
    let name = class.name.as_str().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(&["config", "settings"]) && !has(&["dev", "debug", "test", "local"])
}

/// `app.config.update(X=…)`, `app.config.from_mapping(X=…)`.
fn updated(expr: &Expr) -> Vec<(&str, &Expr)> {
    let of_config = |callee: &Expr| {
        callee.as_attribute_expr().is_some_and(|method| {
            let object = method.value.as_attribute_expr();
            matches!(method.attr.as_str(), "update" | "from_mapping")
                && object.is_some_and(|object| object.attr.as_str() == "config")
        })
    };
    let call = expr.as_call_expr().filter(|call| of_config(&call.func));
    let keywords = call.into_iter().flat_map(|call| &call.arguments.keywords);
    keywords.filter_map(|keyword| Some((keyword.arg.as_ref()?.as_str(), &keyword.value))).collect()
}

const SHOWN: &str = "whoever causes an error sees variables and source";

/// Whether a file has the settings of Django: of a name alone its neighbours say whose it is.
fn is_djangos(scene: &Scene<'_>) -> bool {
    scene.module.names.bindings(ScopeId::MODULE, "INSTALLED_APPS").next().is_some()
}

fn debug_setting(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let alone = stmt.as_assign_stmt().is_some_and(|assign| assign.targets.iter().any(Expr::is_name_expr));
    let on = settings(scene, stmt).into_iter().any(|(name, value)| {
        name == "DEBUG"
            && scene.is_bool(value, true)
            && (!alone || is_djangos(scene) || in_config_class(scene))
    });
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

fn debug_application(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let application = matches!(
        call.name,
        "fastapi.FastAPI"
            | "fastapi.applications.FastAPI"
            | "starlette.applications.Starlette"
            | "bottle.run"
            | "tornado.web.Application"
    );
    let on = scene.given(call, "debug").filter(|value| application && scene.is_bool(value, true));
    on.map(|_| call.hit(SHOWN))
}

fn any_host_setting(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let any = settings(scene, stmt).into_iter().any(|(name, value)| {
        let all = |known| matches!(known, Constant::Sequence(hosts) if hosts.contains(&Constant::Text("*".to_owned())));
        name == "ALLOWED_HOSTS" && is_djangos(scene) && scene.fold(value).is_some_and(all)
    });
    let message = "a link in a letter leads wherever whoever asked for the letter says";
    if any { Hit::at(stmt.range(), "ALLOWED_HOSTS", message).into() } else { Vec::new() }
}

fn password_hasher_setting(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let first = settings(scene, stmt).into_iter().find_map(|(name, value)| {
        let hashers = match value {
            Expr::List(list) => &list.elts,
            Expr::Tuple(tuple) => &tuple.elts,
            _ => return None,
        };
        scene.text(hashers.first().filter(|_| name == "PASSWORD_HASHERS")?)
    });
    let weak = first.filter(|name| WEAK_HASHERS.contains(&name.rsplit('.').next().unwrap_or(name)));
    let hit = weak.map(|name| {
        Hit::at(
            stmt.range(),
            "PASSWORD_HASHERS",
            format!("passwords hashed with `{name}` are found by trying"),
        )
    });
    hit.into_iter().collect()
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

/// `s.bind(("", 80))`: no address is every address, of a socket that stands at one.
fn bind_any(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let address = call.positional().first()?.as_tuple_expr()?;
    let [host, port] = address.elts.as_slice() else { return None };
    let of_socket = || {
        let object = call.object().filter(|_| call.method() == "bind")?;
        scene.module.names.made_by(object, scene.at).filter(|maker| maker == "socket.socket")
    };
    let listens = SERVERS.contains(&call.name) || of_socket().is_some();
    let any = listens && scene.text(host).is_some_and(|host| host.is_empty());
    // Port 0 is one that nobody was told.
    let known = scene.fold(port) != Some(Constant::Int(0));
    (any && known).then(|| Hit::at(host.range(), "bind", "whoever reaches the machine reaches this"))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        let ids = report.findings.iter().map(|one| one.rule.id);
        let ends = ["-setting", "-v6", "bind-any", "debug-attribute", "debug-application"];
        ids.filter(|id| ends.iter().any(|end| id.ends_with(end))).collect()
    }

    #[test]
    fn settings_of_the_desk_are_found() {
        for (text, id) in [
            ("app.config['DEBUG'] = True", "python/debug-setting"),
            ("import flask\na = flask.Flask('x')\na.debug = True", "python/debug-attribute"),
            ("INSTALLED_APPS = []\nDEBUG = True", "python/debug-setting"),
            ("app.config['SESSION_COOKIE_SECURE'] = False", "python/cookie-setting"),
            ("CSRF_COOKIE_SECURE = False", "python/cookie-setting"),
            ("class Config:\n    SESSION_COOKIE_SECURE = False", "python/cookie-setting"),
            ("class ProductionConfig(Base):\n    DEBUG = True", "python/debug-setting"),
            ("import bottle\nbottle.run(debug=True)", "python/debug-application"),
            ("import http.server as h\nh.HTTPServer(('', 80), H)", "python/bind-any"),
            ("app.config.update(SESSION_COOKIE_SECURE=False)", "python/cookie-setting"),
            ("from fastapi import FastAPI\nFastAPI(debug=True)", "python/debug-application"),
            ("INSTALLED_APPS = []\nALLOWED_HOSTS = ['*']", "python/any-host-setting"),
            (
                "PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher', x]",
                "python/password-hasher-setting",
            ),
            ("run(host='::')", "python/bind-all-v6"),
            ("s.bind(('::', 80))", "python/bind-all-v6"),
            ("import socket\ns = socket.socket()\ns.bind(('', 80))", "python/bind-any"),
            ("import socket\nwith socket.socket() as s:\n    s.bind(('', PORT))", "python/bind-any"),
        ] {
            assert_eq!(found(text), [id], "{text}");
        }
        for text in [
            "DEBUG = True",
            "app.config['DEBUG'] = False",
            "app.config['DEBUG'] = debug",
            "a.debug = True",
            "other.update(SESSION_COOKIE_SECURE=False)",
            "from fastapi import FastAPI\nFastAPI(debug=DEBUG)",
            "ALLOWED_HOSTS = ['*']",
            "INSTALLED_APPS = []\nALLOWED_HOSTS = ['example.org']",
            "PASSWORD_HASHERS = ['a.Argon2PasswordHasher', 'a.MD5PasswordHasher']",
            "SESSION_COOKIE_SECURE = True",
            "class DevelopmentConfig:\n    DEBUG = True",
            "class TestConfig:\n    SESSION_COOKIE_SECURE = False",
            "class Form:\n    DEBUG = True",
            "import http.server as h\nh.HTTPServer(('', 0), H)",
            "def f():\n    SESSION_COOKIE_SECURE = False",
            "x[::2]\nrun(host='::1')",
            "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 80))",
            "import socket\ns = socket.socket()\ns.bind(('', 0))",
            "import socket\nwidget.bind(('', 80))",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
