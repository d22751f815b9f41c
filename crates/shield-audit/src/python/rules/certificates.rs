//! Connections whose other end nobody checks: contexts, sessions and connectors that are told not to.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{
    Call, Check, Class, Hit, Scene, Test, Words,
    transport::{BAD_VERSIONS, bad_version, client},
};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

const UNCHECKED: &[&str] = &["py/request-without-cert-validation"];
const OLD: &[&str] = &["py/insecure-protocol"];

const fn check(
    id: &'static str,
    title: &'static str,
    about: (u16, &'static [&'static str]),
    words: Words,
    test: Test,
) -> Check {
    let advice = "Use `ssl.create_default_context()` as it is; a certificate of one's own is given with `cafile` or `verify`.";
    Check {
        rule: Rule { id, title, cwe: Cwe(about.0), severity: Severity::High, aliases: about.1, advice },
        confidence: Confidence::High,
        class: Class::Transport,
        words,
        test,
    }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        "python/certificate-check-off",
        "switches off the check of who answers",
        (295, UNCHECKED),
        // A variable's name stands in quotes.
        Words::Parts(&["check_hostname", "verify", "_create_default_https_context", HTTPS_VERIFY]),
        Test::Statement(switched_off),
    ),
    check(
        "python/no-certificate-check-elsewhere",
        "does not check who answers",
        (295, UNCHECKED),
        // `verify` may stand in a text: `**{"verify": False}`.
        Words::Parts(&[
            "verify",
            "ssl",
            "cert_reqs",
            "tlsAllowInvalidCertificates",
            "tlsInsecure",
            "validate_cert",
            "setopt",
            "set_option",
        ]),
        Test::Call(unchecked),
    ),
    check(
        "python/old-tls-context",
        "makes a context of a broken version of TLS",
        (327, OLD),
        Words::Names(BAD_VERSIONS),
        Test::Call(old_context),
    ),
    check(
        "python/old-tls-minimum",
        "lets broken versions of TLS in",
        (327, OLD),
        Words::Names(&["minimum_version"]),
        Test::Statement(old_minimum),
    ),
];

/// The variable that tells the standard library not to look at certificates.
const HTTPS_VERIFY: &str = "PYTHONHTTPSVERIFY";

/// What makes objects that keep how certificates are checked.
const CLIENTS: [&str; 6] = [
    "requests.Session",
    "requests.session",
    "requests.sessions.Session",
    "requests.sessions.session",
    "httpx.Client",
    "httpx.AsyncClient",
];

/// The targets of an assignment that are attributes, and what they are set to.
fn set_attributes(stmt: &Stmt) -> Vec<(&ast::ExprAttribute, &Expr)> {
    let Stmt::Assign(assign) = stmt else { return Vec::new() };
    let attributes = assign.targets.iter().filter_map(Expr::as_attribute_expr);
    attributes.map(|attribute| (attribute, assign.value.as_ref())).collect()
}

/// `os.environ["PYTHONHTTPSVERIFY"] = "0"`.
fn variable_off(scene: &Scene<'_>, stmt: &Stmt) -> Option<Hit> {
    let assign = stmt.as_assign_stmt()?;
    let mut targets = assign.targets.iter().filter_map(Expr::as_subscript_expr);
    let named = targets.any(|target| {
        let key = target.slice.as_string_literal_expr().is_some_and(|key| key.value.to_str() == HTTPS_VERIFY);
        key && scene.source(target.slice.as_ref()).contains(HTTPS_VERIFY)
            && scene.is_any(&target.value, &["os.environ"])
    });
    let off = named && scene.text(&assign.value).as_deref() == Some("0");
    off.then(|| Hit::at(stmt.range(), HTTPS_VERIFY, "no connection of the program checks who answers"))
}

fn switched_off(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    if let Some(hit) = variable_off(scene, stmt) {
        return hit.into();
    }
    let hits = set_attributes(stmt).into_iter().filter_map(|(target, value)| {
        let hit = |what: &str| Hit::at(stmt.range(), target.attr.as_str(), what);
        match target.attr.as_str() {
            "check_hostname" if is_off(scene, value) => {
                Some(hit("a certificate of any other host is taken for this one's"))
            }
            "verify_mode" if is_none_mode(scene, value) => Some(hit("any certificate is taken")),
            "verify" if is_off(scene, value) => {
                let maker = scene.module.names.made_by(&target.value, scene.at);
                let hit = hit("every request of the session takes the answer from whoever gives it");
                match maker {
                    Some(maker) => CLIENTS.contains(&maker.as_str()).then_some(hit),
                    // Handed in from elsewhere, and called what such objects are called.
                    None => {
                        let named =
                            scene.source(target.value.as_ref()).to_ascii_lowercase().ends_with("session");
                        let library =
                            ["requests", "httpx"].iter().any(|name| scene.module.names.imports(name));
                        (named && library).then(|| hit.confidence(Confidence::Medium))
                    }
                }
            }
            "_create_default_https_context" => {
                let all = scene.is_any(value, &["ssl._create_unverified_context"])
                    && scene.is_any(&target.value, &["ssl"]);
                all.then(|| hit("no connection of the whole program checks who answers"))
            }
            _ => None,
        }
    });
    hits.collect()
}

/// `False`, or the 0 that counts as it.
fn is_off(scene: &Scene<'_>, value: &Expr) -> bool {
    matches!(scene.fold(value), Some(Constant::Bool(false) | Constant::Int(0)))
}

/// `ssl.CERT_NONE`, however it is written.
fn is_none_mode(scene: &Scene<'_>, value: &Expr) -> bool {
    scene.is_any(value, &["ssl.CERT_NONE", "ssl.VerifyMode.CERT_NONE"])
        || match scene.fold(value) {
            Some(Constant::Text(text)) => matches!(text.as_str(), "CERT_NONE" | "NONE" | "none"),
            Some(Constant::Int(0)) => true,
            _ => false,
        }
}

/// What makes the object whose method is called.
fn maker(scene: &Scene<'_>, call: &Call<'_>) -> Option<String> {
    scene.module.names.made_by(call.object()?, scene.at)
}

/// Options that are set by a number: `setopt(pycurl.SSL_VERIFYPEER, 0)`, `set_option(ldap.OPT_X_TLS_REQUIRE_CERT, …)`.
fn option_off(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    let [option, value] = call.positional() else { return false };
    match call.method() {
        "setopt" => {
            scene.is_any(option, &["pycurl.SSL_VERIFYPEER", "pycurl.SSL_VERIFYHOST"]) && is_off(scene, value)
        }
        "set_option" => {
            scene.is_any(option, &["ldap.OPT_X_TLS_REQUIRE_CERT"])
                && scene.is_any(value, &["ldap.OPT_X_TLS_NEVER", "ldap.OPT_X_TLS_ALLOW"])
        }
        _ => false,
    }
}

/// `{"cert_reqs": ssl.CERT_NONE}`, written out.
fn has_none_mode(scene: &Scene<'_>, options: &Expr) -> bool {
    let Some((Expr::Dict(table), _)) = scene.module.names.value_of(options, scene.at) else { return false };
    table.items.iter().any(|item| {
        let key = item.key.as_ref().and_then(Expr::as_string_literal_expr);
        key.is_some_and(|key| key.value.to_str() == "cert_reqs") && is_none_mode(scene, &item.value)
    })
}

fn is_of_amazon(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    call.name.starts_with("boto3.") || maker(scene, call).is_some_and(|maker| maker.starts_with("boto3."))
}

fn unchecked(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let hit = || call.hit("the answer is taken from whoever gives it");
    if option_off(scene, call) {
        return Some(hit());
    }
    for keyword in call.keywords() {
        let value = &keyword.value;
        let off = match keyword.arg.as_ref().map(|name| name.as_str()) {
            Some("cert_reqs") => is_none_mode(scene, value),
            Some("ssl_cert_reqs") => is_none_mode(scene, value) || scene.fold(value) == Some(Constant::None),
            Some("tlsAllowInvalidCertificates" | "tlsInsecure" | "disable_ssl_certificate_validation") => {
                scene.is_bool(value, true)
            }
            Some("verify_ssl" | "verify_certs" | "validate_cert") => is_off(scene, value),
            Some("sslopt") => has_none_mode(scene, value),
            Some("ssl") => is_off(scene, value) && is_of_aiohttp(scene, call),
            Some("verify") => {
                // `verify=False` of a plain call has a rule of its own.
                let plain = client(call).is_some() && scene.is_bool(value, false);
                is_off(scene, value) && !plain && (is_of_client(scene, call) || is_of_amazon(scene, call))
            }
            Some(_) => false,
            None => spreads_off(scene, value) && is_of_client(scene, call),
        };
        if off {
            return Some(hit().moved(keyword.range));
        }
    }
    None
}

fn is_of_aiohttp(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    call.name.starts_with("aiohttp.") || maker(scene, call).is_some_and(|maker| maker.starts_with("aiohttp."))
}

fn is_of_client(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    client(call).is_some() || maker(scene, call).is_some_and(|maker| CLIENTS.contains(&maker.as_str()))
}

/// `**{"verify": False}`, written out.
fn spreads_off(scene: &Scene<'_>, value: &Expr) -> bool {
    let Some((Expr::Dict(table), _)) = scene.module.names.value_of(value, scene.at) else { return false };
    table.items.iter().any(|item| {
        let verify = item.key.as_ref().is_some_and(|key| {
            let text = key.as_string_literal_expr().map(|text| text.value.to_str());
            text == Some("verify") && scene.source(key).contains("verify")
        });
        verify && is_off(scene, &item.value)
    })
}

fn old_context(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let protocol = call.argument("protocol", 0).filter(|_| call.name == "ssl.SSLContext")?;
    let version = bad_version(protocol)?;
    Some(
        call.hit(format!("`{version}` can be broken, or forced down to what can be")).moved(protocol.range()),
    )
}

fn old_minimum(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let hits = set_attributes(stmt).into_iter().filter_map(|(target, value)| {
        let name = scene.resolve(value).filter(|_| target.attr.as_str() == "minimum_version")?;
        let version = name.strip_prefix("ssl.TLSVersion.")?;
        matches!(version, "SSLv3" | "TLSv1" | "TLSv1_1" | "MINIMUM_SUPPORTED").then(|| {
            Hit::at(
                stmt.range(),
                "minimum_version",
                format!("`{version}` can be broken, or leads to what can be"),
            )
        })
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    /// The rules about who answers that find something in a text, line by line.
    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        let ids = report.findings.iter().map(|one| one.rule.id);
        ids.filter(|id| id.contains("certificate") || id.contains("old-tls")).collect()
    }

    #[test]
    fn checks_that_are_switched_off_are_found() {
        for (text, id) in [
            (
                "import ssl\nc = ssl.create_default_context()\nc.check_hostname = False",
                "certificate-check-off",
            ),
            ("def f(context):\n    context.check_hostname = False", "certificate-check-off"),
            ("import ssl\nc.verify_mode = ssl.CERT_NONE", "certificate-check-off"),
            ("from ssl import CERT_NONE as n\nc.verify_mode = n", "certificate-check-off"),
            ("import requests\ns = requests.Session()\ns.verify = False", "certificate-check-off"),
            (
                "import requests\ndef f(http_session):\n    http_session.verify = False",
                "certificate-check-off",
            ),
            (
                "import ssl\nssl._create_default_https_context = ssl._create_unverified_context",
                "certificate-check-off",
            ),
            (
                "import requests\ns = requests.Session()\ns.get(x, verify=False)",
                "no-certificate-check-elsewhere",
            ),
            (
                "import requests\nwith requests.Session() as s:\n    s.post(x, verify=False)",
                "no-certificate-check-elsewhere",
            ),
            ("import requests\nrequests.request('GET', x, verify=0)", "no-certificate-check-elsewhere"),
            ("import requests\nrequests.get(x, **{'verify': False})", "no-certificate-check-elsewhere"),
            ("import urllib3\nurllib3.PoolManager(cert_reqs='CERT_NONE')", "no-certificate-check-elsewhere"),
            ("import ssl\nf(cert_reqs=ssl.CERT_NONE)", "no-certificate-check-elsewhere"),
            ("import aiohttp\naiohttp.TCPConnector(ssl=False)", "no-certificate-check-elsewhere"),
            (
                "import aiohttp\nasync def f():\n    async with aiohttp.ClientSession() as s:\n        await s.get(x, ssl=False)",
                "no-certificate-check-elsewhere",
            ),
            ("import redis\nredis.Redis(ssl_cert_reqs=None)", "no-certificate-check-elsewhere"),
            ("import ssl\nssl.SSLContext(ssl.PROTOCOL_TLSv1)", "old-tls-context"),
            ("import ssl\nc.minimum_version = ssl.TLSVersion.TLSv1_1", "old-tls-minimum"),
        ] {
            assert_eq!(found(text), [format!("python/{id}")], "{text}");
        }
        assert_eq!(found("import requests\nrequests.get(x, verify=False)"), ["python/no-certificate-check"]);
    }

    #[test]
    fn checks_that_are_on_are_not() {
        for text in [
            "c.check_hostname = True",
            "c.check_hostname = settings.CHECK",
            "import ssl\nc.verify_mode = ssl.CERT_REQUIRED",
            "import requests\ns = requests.Session()\ns.verify = '/etc/ca.pem'\ns.get(x, verify=True)",
            "form.verify = False",
            "import requests\nform.verify = False\nform.check(verify=False)",
            "import psycopg\npsycopg.connect(ssl=False)",
            "import requests\nrequests.get(x, verify=None)",
            "import ssl\nssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\nc.minimum_version = ssl.TLSVersion.TLSv1_2",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
