//! Pages, cookies, tokens and addresses.

use tree_sitter::Node;

use super::{execution::property, request};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::{Text, children},
    },
};

static MARKUP: Rule = Rule {
    id: "javascript/markup",
    title: "a text becomes part of a page as it is",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["insecure-document-method", "react-dangerouslysetinnerhtml", "no-unsanitized"],
    advice: "Set `textContent`, or clean the text with DOMPurify.",
};

static ESCAPE: Rule = Rule {
    id: "javascript/no-escape",
    title: "the template engine escapes nothing",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["detect-disable-mustache-escape"],
    advice: "Leave escaping on, and mark the few texts that are markup.",
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
    Check {
        language: Language::JavaScript,
        words: &["innerHTML", "outerHTML"],
        test: Test::Node(&["assignment_expression", "augmented_assignment_expression"], assigned),
    },
    Check {
        language: Language::JavaScript,
        words: &["dangerouslySetInnerHTML"],
        test: Test::Node(&["pair"], dangerous),
    },
    Check {
        language: Language::JavaScript,
        words: &["insertAdjacentHTML", "document"],
        test: Test::Call(written),
    },
    Check {
        language: Language::JavaScript,
        words: &["escapeMarkup", "noEscape"],
        test: Test::Node(&["pair", "assignment_expression"], escape),
    },
    Check { language: Language::JavaScript, words: &["cookie", "Cookie"], test: Test::Call(cookie) },
    Check { language: Language::JavaScript, words: &["jsonwebtoken", "jwt"], test: Test::Call(token) },
    Check { language: Language::JavaScript, words: &["redirect"], test: Test::Call(redirect) },
    Check {
        language: Language::JavaScript,
        words: &["fetch", "axios", "request", "got", "http"],
        test: Test::Call(forgery),
    },
];

/// Whether a text is markup that somebody else may have written, and nobody cleaned.
fn is_raw<'t>(scene: &Scene<'_, 't>, text: &Text<'t>) -> bool {
    text.unknowns().any(|node| {
        let written = scene.written(node).to_ascii_lowercase();
        let cleaned = [
            "sanitiz",
            "sanitis",
            "escape",
            "purify",
            "encode",
            "trustedhtml",
            ".length",
            "tofixed",
            "number(",
            "parseint",
        ];
        !cleaned.iter().any(|word| written.contains(word))
    })
}

fn assigned<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
    let property = left.child_by_field_name("property").map(|property| scene.written(property));
    let property = property.filter(|property| matches!(*property, "innerHTML" | "outerHTML"))?;
    let text = scene.text(right);
    // What was in the page already is not made worse by moving it.
    let moved = ["innerHTML", "outerHTML"].iter().any(|of| scene.written(right).ends_with(of));
    let hit = Hit::of(&MARKUP, node.byte_range(), property).confidence(Confidence::Low);
    (is_raw(scene, &text) && !moved)
        .then(|| if text.is_composed() { hit.confidence(Confidence::Medium) } else { hit })
}

fn dangerous<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let key = scene.written(node.child_by_field_name("key")?);
    let text = scene.text(node.child_by_field_name("value").filter(|_| key == "__html")?);
    is_raw(scene, &text)
        .then(|| Hit::of(&MARKUP, node.byte_range(), "dangerouslySetInnerHTML").confidence(Confidence::Low))
}

fn written<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let at = match (call.name.as_str(), call.method) {
        ("document.write" | "document.writeln", _) => 0,
        (_, "insertAdjacentHTML") => 1,
        _ => return None,
    };
    let text = scene.argument(call, at)?;
    let hit = Hit::of(&MARKUP, call.node.byte_range(), call.method).confidence(Confidence::Low);
    is_raw(scene, &text).then(|| if text.is_composed() { hit.confidence(Confidence::Medium) } else { hit })
}

fn escape<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (target, value) = if node.kind() == "pair" { ("key", "value") } else { ("left", "right") };
    let (target, value) = (node.child_by_field_name(target)?, node.child_by_field_name(value)?);
    let name = scene.written(target).rsplit('.').next()?.trim_matches(['"', '\'']);
    let off = matches!((name, scene.written(value)), ("escapeMarkup", "false") | ("noEscape", "true"));
    off.then(|| Hit::of(&ESCAPE, node.byte_range(), name))
}

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

fn redirect<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let object = call.object.filter(|_| call.method == "redirect")?;
    let answers = matches!(scene.written(object), "res" | "response" | "ctx" | "reply");
    let last = call.arguments.len().checked_sub(1).filter(|_| answers)?;
    let text = scene.argument(call, last)?;
    let part = request::part(scene, &text)
        .filter(|_| !text.beginning().starts_with('/') || text.beginning() == "/")?;
    Some(
        Hit::of(&REDIRECT, call.node.byte_range(), "redirect")
            .message(format!("a stranger writes `{part}`, and the visitor is sent there")),
    )
}

fn forgery<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let asks = matches!(
        call.name.as_str(),
        "fetch"
            | "node-fetch"
            | "axios"
            | "axios.get"
            | "axios.post"
            | "axios.put"
            | "axios.request"
            | "got"
            | "got.get"
            | "got.post"
            | "request"
            | "request.get"
            | "request.post"
            | "http.get"
            | "https.get"
            | "http.request"
            | "https.request"
            | "needle.get"
            | "superagent.get"
    );
    let text = scene.argument(call, 0).filter(|_| asks)?;
    // With a fixed host before it, a path is asked for.
    let host = text.beginning().split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let part = request::part(scene, &text).filter(|_| !host)?;
    Some(call.hit(&FORGERY).message(format!("a stranger writes `{part}`, and the server asks for it")))
}
