//! What goes over the network, and how it is protected there.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::{
        fold::{self, Constant, Piece},
        names::{Bound, Lookup},
    },
};

const fn check(rule: Rule, confidence: Confidence, words: &'static [&'static str], test: Test) -> Check {
    Check { rule, confidence, class: Class::Transport, words: Words::Names(words), test }
}

/// A rule about something that goes over the network in the clear.
const fn clear(
    id: &'static str,
    title: &'static str,
    aliases: &'static [&'static str],
    words: &'static [&'static str],
    test: Test,
) -> Check {
    let advice = "Use a protocol that encrypts: SSH, SFTP, HTTPS.";
    check(
        Rule { id, title, cwe: Cwe(319), severity: Severity::High, aliases, advice },
        Confidence::High,
        words,
        test,
    )
}

const fn tls(
    id: &'static str,
    title: &'static str,
    cwe: u16,
    severity: Severity,
    aliases: &'static [&'static str],
) -> Rule {
    let advice = "Use `ssl.create_default_context()` as it is.";
    Rule { id, title, cwe: Cwe(cwe), severity, aliases, advice }
}

/// The versions of TLS and its ancestors that are broken.
pub(super) const BAD_VERSIONS: &[&str] = &[
    "PROTOCOL_SSLv2",
    "PROTOCOL_SSLv3",
    "PROTOCOL_TLSv1",
    "PROTOCOL_TLSv1_1",
    "SSLv2_METHOD",
    "SSLv23_METHOD",
    "SSLv3_METHOD",
    "TLSv1_METHOD",
    "TLSv1_1_METHOD",
];

const REQUESTS: &[&str] = &["requests", "httpx"];

pub(super) static CHECKS: &[Check] = &[
    check(
        tls(
            "python/no-certificate-check",
            "does not check who answers",
            295,
            Severity::High,
            &["B501", "S501"],
        ),
        Confidence::High,
        &["verify"],
        Test::Call(no_certificate_check),
    ),
    check(
        tls(
            "python/unverified-context",
            "does not check who answers",
            295,
            Severity::Medium,
            &["B323", "S323"],
        ),
        Confidence::High,
        &["_create_unverified_context"],
        Test::Names(&["ssl._create_unverified_context"]),
    ),
    check(
        tls("python/old-tls", "asks for a broken version of TLS", 327, Severity::High, &["B502", "S502"]),
        Confidence::High,
        BAD_VERSIONS,
        Test::Call(old_tls),
    ),
    check(
        tls("python/old-tls-elsewhere", "hands on a broken version of TLS", 327, Severity::Medium, &["B502"]),
        Confidence::Medium,
        BAD_VERSIONS,
        Test::Call(old_tls_elsewhere),
    ),
    check(
        tls(
            "python/old-tls-default",
            "has a broken version of TLS as its default",
            327,
            Severity::Medium,
            &["B503", "S503"],
        ),
        Confidence::Medium,
        BAD_VERSIONS,
        Test::Statement(old_tls_default),
    ),
    check(
        tls(
            "python/tls-without-version",
            "takes whatever version of TLS is agreed on",
            327,
            Severity::Low,
            &["B504", "S504"],
        ),
        Confidence::Medium,
        &["wrap_socket"],
        Test::Call(tls_without_version),
    ),
    check(
        Rule {
            id: "python/no-timeout",
            title: "waits for an answer for ever",
            cwe: Cwe(400),
            severity: Severity::Medium,
            aliases: &["B113", "S113"],
            advice: "Pass `timeout`.",
        },
        Confidence::Low,
        REQUESTS,
        Test::Call(no_timeout),
    ),
    check(
        Rule {
            id: "python/url-open",
            title: "opens an address that may be a file",
            cwe: Cwe(918),
            severity: Severity::Medium,
            aliases: &["B310", "S310"],
            advice: "Check that the address begins with `https://` first.",
        },
        Confidence::High,
        &["urllib", "urlopen", "urlretrieve", "Request", "URLopener", "FancyURLopener"],
        Test::Call(url_open),
    ),
    check(
        Rule {
            id: "python/url-open-fixed",
            title: "opens a fixed address",
            cwe: Cwe(918),
            severity: Severity::Info,
            aliases: &["B310"],
            advice: "Nothing, as long as the address is fixed.",
        },
        Confidence::High,
        &["urllib", "urlopen", "urlretrieve"],
        Test::Call(url_open_fixed),
    ),
    check(
        Rule {
            id: "python/ssh-any-host",
            title: "trusts any SSH server",
            cwe: Cwe(295),
            severity: Severity::High,
            aliases: &["B507", "S507"],
            advice: "Load the known hosts and keep paramiko's `RejectPolicy`.",
        },
        Confidence::Medium,
        &["set_missing_host_key_policy"],
        Test::Call(ssh_any_host),
    ),
    clear(
        "python/snmp-version",
        "speaks a version of SNMP that sends passwords in the clear",
        &["B508", "S508"],
        &["CommunityData"],
        Test::Call(snmp_version),
    ),
    clear(
        "python/snmp-plain",
        "speaks SNMP unencrypted",
        &["B509", "S509"],
        &["UsmUserData"],
        Test::Call(snmp_plain),
    ),
    clear("python/telnet", "speaks Telnet", &["B312", "S312"], &["telnetlib"], Test::Call(telnet)),
    clear("python/ftp", "speaks FTP", &["B321", "S321"], &["ftplib"], Test::Names(&["ftplib.FTP"])),
    clear("python/telnet-import", "Telnet", &["B401", "S401"], &["telnetlib"], Test::Imports(&["telnetlib"])),
    clear("python/ftp-import", "FTP", &["B402", "S402"], &["ftplib"], Test::Imports(&["ftplib"])),
    clear("python/ipmi-import", "IPMI", &["B415", "S415"], &["pyghmi"], Test::Imports(&["pyghmi"])),
    check(
        httpoxy("python/httpoxy-import", &["B412", "S412"]),
        Confidence::High,
        &["CGIHandler", "twcgi"],
        Test::Imports(GATEWAYS),
    ),
    check(
        httpoxy("python/httpoxy", &["B412"]),
        Confidence::High,
        &["CGIHandler", "twcgi"],
        Test::Names(GATEWAYS),
    ),
];

/// Gateways that hand a client's `Proxy` header on as the setting of a proxy.
const GATEWAYS: &[&str] =
    &["wsgiref.handlers.CGIHandler", "twisted.web.twcgi.CGIScript", "twisted.web.twcgi.CGIDirectory"];

const fn httpoxy(id: &'static str, aliases: &'static [&'static str]) -> Rule {
    let title = "a gateway that takes a client's header for its proxy";
    Rule {
        id,
        title,
        cwe: Cwe(284),
        severity: Severity::High,
        aliases,
        advice: "Serve the application over WSGI or ASGI.",
    }
}

/// The library whose call this is, if it sends a request.
pub(super) fn client(call: &Call<'_>) -> Option<&'static str> {
    let (module, function) = call.name.rsplit_once('.')?;
    match (module, function) {
        ("requests", "get" | "options" | "head" | "post" | "put" | "patch" | "delete" | "request")
        | ("requests.api", "get" | "options" | "head" | "post" | "put" | "patch" | "delete" | "request") => {
            Some("requests")
        }
        (
            "httpx",
            "get" | "options" | "head" | "post" | "put" | "patch" | "delete" | "request" | "stream"
            | "Client" | "AsyncClient",
        ) => Some("httpx"),
        _ => None,
    }
}

fn no_certificate_check(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let client = client(call)?;
    let verify = call.keyword("verify")?;
    let hit = call.hit(format!("`{client}` takes the answer from whoever gives it")).moved(verify.range);
    match scene.is_bool(&verify.value, false) {
        true => Some(hit),
        false => is_off_by_default(scene, &verify.value).then(|| hit.confidence(Confidence::Medium)),
    }
}

/// Whether something is a parameter that is `False` for whoever does not give it.
fn is_off_by_default(scene: &Scene<'_>, value: &Expr) -> bool {
    let Some(name) = value.as_name_expr() else { return false };
    let binding = scene.module.names.only_binding(name.id.as_str(), scene.at);
    binding.is_some_and(|binding| match binding.bound {
        Bound::Parameter(_, Some(default)) => scene.is_bool(default, false),
        _ => false,
    })
}

fn no_timeout(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let client = client(call)?;
    match call.keyword("timeout") {
        Some(keyword) => {
            let never = scene.fold(&keyword.value) == Some(Constant::None);
            never.then(|| call.hit("`timeout=None` waits for ever").moved(keyword.range))
        }
        None if client == "requests" => Some(call.hit("`requests` waits for ever unless told otherwise")),
        None => None,
    }
}

/// The last part of a name, if it is a broken version.
pub(super) fn bad_version(expr: &Expr) -> Option<&str> {
    let last = match expr {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    BAD_VERSIONS.contains(&last).then_some(last)
}

fn old_tls(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let argument = match call.name {
        "ssl.wrap_socket" => "ssl_version",
        "OpenSSL.SSL.Context" | "pyOpenSSL.SSL.Context" => "method",
        _ => return None,
    };
    let keyword = call.keyword(argument)?;
    let version = bad_version(&keyword.value)?;
    Some(call.hit(format!("`{version}` can be broken, or forced down to what can be")).moved(keyword.range))
}

fn old_tls_elsewhere(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if matches!(call.name, "ssl.wrap_socket" | "OpenSSL.SSL.Context" | "pyOpenSSL.SSL.Context") {
        return None;
    }
    let bad = |name| call.keyword(name).and_then(|keyword| Some((keyword, bad_version(&keyword.value)?)));
    let (keyword, version) = bad("method").or_else(|| bad("ssl_version"))?;
    Some(call.hit(format!("`{version}` can be broken, or forced down to what can be")).moved(keyword.range))
}

fn old_tls_default(_: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Stmt::FunctionDef(function) = stmt else { return Vec::new() };
    let defaults =
        function.parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default.as_deref());
    let bad = defaults.filter_map(|default| Some((default, bad_version(default)?)));
    bad.map(|(default, version)| {
        Hit::at(default.range(), version, format!("who calls without a version gets `{version}`"))
    })
    .collect()
}

fn tls_without_version(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let without = call.name == "ssl.wrap_socket" && call.argument("ssl_version", 5).is_none();
    without.then(|| call.hit("the other side chooses the version"))
}

/// What is opened, if it is an address.
fn opened<'c>(call: &Call<'c>) -> Option<(&'static str, Option<&'c Expr>)> {
    let name = call.name.strip_prefix("six.moves.").unwrap_or(call.name);
    let kind = match name {
        "urllib.request.urlopen" | "urllib.request.urlretrieve" => "open",
        "urllib.request.Request" => "request",
        "urllib.request.URLopener" | "urllib.request.FancyURLopener" => return Some(("opener", None)),
        _ => return None,
    };
    Some((kind, call.argument("url", 0)))
}

/// Whether an address is known to begin as one of the web.
fn is_web(scene: &Scene<'_>, call: &Call<'_>, address: &Expr) -> bool {
    if call.has_unseen_arguments() {
        return false;
    }
    if let Expr::Call(inner) = address
        && scene.resolve(&inner.func).as_deref() == Some("urllib.request.Request")
    {
        let unseen = inner.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
        return !unseen
            && inner
                .arguments
                .find_argument_value("url", 0)
                .is_some_and(|address| begins_as_web(scene, address));
    }
    begins_as_web(scene, address)
}

fn begins_as_web(scene: &Scene<'_>, address: &Expr) -> bool {
    let named =
        address.as_name_expr().and_then(|name| scene.module.names.only_binding(name.id.as_str(), scene.at));
    let pieces = match named.map(|binding| (binding.bound, binding.at)) {
        Some((Bound::Value(value), at)) => fold::pieces(scene.module.names, value, at),
        _ => fold::pieces(scene.module.names, address, scene.at),
    };
    match pieces.as_deref() {
        Some([Piece::Known(first), ..]) => {
            let first = first.trim_start();
            first.starts_with("http://") || first.starts_with("https://")
        }
        _ => false,
    }
}

fn url_open(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let (kind, address) = opened(call)?;
    let web = kind != "opener" && address.is_some_and(|address| is_web(scene, call, address));
    (!web).then(|| call.hit("`file:` and other schemes are opened too"))
}

fn url_open_fixed(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let (kind, address) = opened(call)?;
    let fixed = kind == "open" && address.is_some_and(|address| is_web(scene, call, address));
    fixed.then(|| call.hit("the scheme is fixed"))
}

fn ssh_any_host(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let policy = call.argument("policy", 0).filter(|_| call.method() == "set_missing_host_key_policy")?;
    let class = match policy {
        Expr::Call(ast::ExprCall { func, .. }) => func,
        other => other,
    };
    let policies = [
        "paramiko.AutoAddPolicy",
        "paramiko.WarningPolicy",
        "paramiko.client.AutoAddPolicy",
        "paramiko.client.WarningPolicy",
    ];
    if !scene.is_any(class, &policies) {
        return None;
    }
    is_client(scene, call.object()?)
        .then(|| call.hit("whoever answers is taken for the server").moved(policy.range()))
}

/// Whether something is a client of paramiko, or may be: nothing else has its methods.
fn is_client(scene: &Scene<'_>, object: &Expr) -> bool {
    let names = scene.module.names;
    if let Some(maker) = names.made_by(object, scene.at) {
        return maker.starts_with("paramiko.");
    }
    let known = names.value_of(object, scene.at).is_some_and(|(value, _)| value.is_literal_expr());
    let nobody_s = object
        .as_name_expr()
        .is_some_and(|name| matches!(names.lookup(name.id.as_str(), scene.at), Lookup::Free));
    !known && !nobody_s
}

fn snmp_version(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let named = call.name.starts_with("pysnmp.hlapi.") && call.name.ends_with(".CommunityData");
    let model = call.keyword("mpModel").filter(|_| named)?;
    let old = matches!(scene.fold(&model.value), Some(Constant::Int(0 | 1)));
    old.then(|| {
        call.hit("SNMP before version 3 sends its password in the clear")
            .severity(Severity::Medium)
            .moved(model.range)
    })
}

fn snmp_plain(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let named = call.name.starts_with("pysnmp.hlapi.") && call.name.ends_with(".UsmUserData");
    let plain = named && call.positional().len() + call.keywords().len() < 3;
    plain.then(|| {
        call.hit("without a key for privacy, everybody on the way reads along").severity(Severity::Medium)
    })
}

fn telnet(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    call.name.starts_with("telnetlib.").then(|| call.hit("Telnet sends everything in the clear"))
}
