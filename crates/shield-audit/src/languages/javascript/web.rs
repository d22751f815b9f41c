//! Cookies, tokens and addresses.

use tree_sitter::Node;

use super::{
    execution::property,
    request::{self, Writer},
};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        address::{leading, leads_on},
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
        guard,
        names::{Meaning, Sent},
    },
};

static COOKIE: Rule = Rule {
    id: "javascript/cookie-flags",
    title: "scripts or listeners can take the cookie",
    cwe: Cwe(614),
    severity: Severity::Medium,
    aliases: &["express-cookie-session-no-httponly", "express-cookie-session-no-secure"],
    advice: "Set `httpOnly` and `secure`.",
};

static JWT: Rule = Rule {
    id: "javascript/unverified-token",
    title: "anybody can write the token",
    cwe: Cwe(347),
    severity: Severity::High,
    aliases: &["jwt-none-alg", "jwt-decode-without-verify"],
    advice: "Call `verify` with the key and the one algorithm that is meant.",
};

static REDIRECT: Rule = Rule {
    id: "javascript/open-redirect",
    title: "a stranger says where the visitor goes",
    cwe: Cwe(601),
    severity: Severity::Medium,
    aliases: &["express-open-redirect"],
    advice: "Redirect to paths of this site, or to a table of addresses.",
};

static FORGERY: Rule = Rule {
    id: "javascript/request-forgery",
    title: "a stranger says what the server asks for",
    cwe: Cwe(918),
    severity: Severity::High,
    aliases: &["express-ssrf", "node-ssrf"],
    advice: "Keep a table of the hosts that may be asked, and refuse addresses of your own networks.",
};

pub(super) const CHECKS: &[Check] = &[
    Check { language: Language::JavaScript, words: &["cookie", "Cookie"], test: Test::Call(cookie) },
    Check { language: Language::JavaScript, words: &["jsonwebtoken", "jwt"], test: Test::Call(token) },
    Check { language: Language::JavaScript, words: &request::WORDS, test: Test::Call(redirect) },
    Check {
        language: Language::JavaScript,
        words: &["location", "window.open"],
        test: Test::Node(&["assignment_expression", "call_expression"], led),
    },
    Check { language: Language::JavaScript, words: &request::WORDS, test: Test::Call(forgery) },
];

/// `res.cookie(…, { httpOnly: false })`, `session({ cookie: { secure: false } })`: what is said, not what is left out.
fn cookie<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let options = match (call.name.as_str(), call.method) {
        (_, "cookie") if call.object.is_some() => *call.arguments.get(2)?,
        ("express-session" | "cookie-session", _) => *call.arguments.first()?,
        _ => return None,
    };
    let options = property(scene, options, "cookie").unwrap_or(options);
    let off = ["httpOnly", "secure"]
        .into_iter()
        .find(|flag| property(scene, options, flag).is_some_and(|value| scene.written(value) == "false"))?;
    let hit = Hit::of(&COOKIE, call.node.byte_range(), format!("{off}: false"));
    Some(hit.message(match off {
        "secure" => "the cookie is sent where everybody listens",
        _ => "scripts of the page can read the cookie",
    }))
}

fn token<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let hit = call.hit(&JWT);
    match call.name.as_str() {
        "jsonwebtoken.verify" | "jsonwebtoken.sign" => {
            let options = call.arguments.get(2).filter(|options| options.kind() == "object")?;
            let one = property(scene, *options, "algorithm");
            let listed =
                property(scene, *options, "algorithms").map(|list| children(list, 20)).unwrap_or_default();
            let none = one
                .into_iter()
                .chain(listed)
                .any(|node| scene.text(node).literal().is_some_and(|name| name.eq_ignore_ascii_case("none")));
            none.then(|| hit.message("`none` takes any token, signed or not"))
        }
        "jsonwebtoken.decode" => {
            let hit = hit.severity(Severity::Low).confidence(Confidence::Low);
            Some(hit.message("`decode` checks no signature: nothing in the token is true for it"))
        }
        _ => None,
    }
}

/// What a server answers with.
pub(super) fn answers(scene: &Scene<'_, '_>, object: Node<'_>) -> bool {
    let root = scene.written(object).split(['.', '(', '[']).next().unwrap_or_default();
    let sent = scene.names.meaning(scene.scope, root);
    matches!(root, "res" | "response" | "ctx" | "reply")
        || matches!(sent, Some(Meaning::Sent(Sent::Answer | Sent::Context)))
}

/// Functions of frameworks that send a visitor elsewhere; the address comes last.
const REDIRECTS: [&str; 11] = [
    "next/navigation.redirect",
    "next/navigation.permanentRedirect",
    "next/server.NextResponse.redirect",
    "@remix-run/node.redirect",
    "@remix-run/react.redirect",
    "@remix-run/server-runtime.redirect",
    "react-router.redirect",
    "@sveltejs/kit.redirect",
    "Response.redirect",
    "NextResponse.redirect",
    "h3.sendRedirect",
];

fn redirect<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let answers = |scene: &Scene<'_, 't>| call.object.is_some_and(|object| answers(scene, object));
    let first = |at: usize| call.arguments.get(at).copied();
    let target = match call.method {
        _ if REDIRECTS.contains(&call.name.as_str()) => {
            call.arguments.iter().rev().find(|node| node.kind() != "number").copied()
        }
        "redirect" if answers(scene) => call.arguments.last().copied(),
        "location" if answers(scene) => first(0),
        "setHeader" | "header" | "set" if answers(scene) => {
            let name = scene.argument(call, 0)?.literal()?;
            first(1).filter(|_| name.eq_ignore_ascii_case("location"))
        }
        "writeHead" => property(scene, *call.arguments.last()?, "Location")
            .or_else(|| property(scene, *call.arguments.last()?, "location")),
        _ => None,
    }?;
    let part = leads(scene, target).filter(|part| !is_of_visitor(part))?;
    let hit = Hit::of(&REDIRECT, call.node.byte_range(), call.method)
        .message(format!("a stranger writes `{part}`, and the visitor is sent there"));
    Some(guard::judged(scene, hit, &request::trail(scene, target)))
}

/// What of an address a stranger writes, unless it stands behind a site or a path that is known.
fn leads<'t>(scene: &Scene<'_, 't>, target: Node<'t>) -> Option<&'t str> {
    leading(&scene.text(target), |node| request::part(scene, node))
}

/// Whether a part of a request says where the visitor is, or comes from: no link of a stranger sets that.
fn is_of_visitor(part: &str) -> bool {
    let name = part.trim_end_matches([')', '\'', '"', ']']).rsplit(['.', '\'', '"']).next().unwrap_or(part);
    ["host", "hostname", "referer", "referrer"].iter().any(|of| name.eq_ignore_ascii_case(of))
}

/// A page that leads where its own address says.
fn led<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let target = match node.kind() {
        "assignment_expression" => {
            let left = scene.written(node.child_by_field_name("left")?);
            is_location(left.trim_end_matches(".href")).then(|| node.child_by_field_name("right"))?
        }
        _ => {
            let call = Call::of(scene.names, scene.scope, node, "function")?;
            let leads = matches!(call.method, "assign" | "replace")
                && call.object.is_some_and(|object| is_location(scene.written(object)));
            (leads || call.name == "window.open").then(|| call.arguments.first().copied())?
        }
    }?;
    let part = request::written_by(scene, target, Writer::Link)
        .filter(|_| !leads_on(scene.text(target).beginning()))?;
    // Back to where the visitor is.
    let back = scene.written(target).starts_with(part)
        && !part.contains(['(', '['])
        && ![".search", ".hash", ".referrer", "window.name"].iter().any(|of| part.ends_with(of));
    let hit = Hit::of(&REDIRECT, node.byte_range(), "location");
    (!back).then(|| {
        hit.message(format!("whoever makes the link writes `{part}`, and the visitor is sent there"))
    })
}

fn is_location(written: &str) -> bool {
    [
        "location",
        "window.location",
        "document.location",
        "self.location",
        "top.location",
        "parent.location",
        "$window.location",
    ]
    .contains(&written)
}

/// Functions that ask for what an address leads to.
const ASKS: [&str; 30] = [
    "fetch",
    "node-fetch",
    "cross-fetch",
    "axios",
    "axios.get",
    "axios.post",
    "axios.put",
    "axios.delete",
    "axios.patch",
    "axios.head",
    "axios.request",
    "got",
    "got.get",
    "got.post",
    "got.put",
    "got.stream",
    "request",
    "request.get",
    "request.post",
    "request.put",
    "http.get",
    "https.get",
    "http.request",
    "https.request",
    "needle.get",
    "needle.post",
    "superagent.get",
    "superagent.post",
    "wkhtmltopdf",
    "wkhtmltoimage.generate",
];

fn forgery<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let visits = call.object.is_some() && matches!(call.method, "goto" | "setContent" | "openUrl");
    let asks = visits || ASKS.contains(&call.name.as_str()) || call.name == "needle";
    let first = *call.arguments.get(usize::from(call.name == "needle")).filter(|_| asks)?;
    let named = || {
        ["url", "uri", "baseURL", "host", "hostname"]
            .into_iter()
            .find_map(|name| property(scene, first, name))
    };
    let target = if first.kind() == "object" { named()? } else { first };
    let part = leads(scene, target)?;
    let hit = call.hit(&FORGERY).message(format!("a stranger writes `{part}`, and the server asks for it"));
    Some(guard::judged(scene, hit, &request::trail(scene, target)))
}
