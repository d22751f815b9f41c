//! Keys and secrets that are written into code.

use tree_sitter::Node;

use super::execution::property;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
    },
};

static KEY: Rule = Rule {
    id: "javascript/hard-coded-key",
    title: "whoever reads the code can sign and decrypt",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["hardcoded-jwt-secret", "hardcoded-hmac-key", "express-session-hardcoded-secret"],
    advice: "Change it, and take the new one from the environment or a store of secrets.",
};

pub(super) const CHECKS: &[Check] = &[Check {
    language: Language::JavaScript,
    words: &[
        "jsonwebtoken",
        "jwt",
        "createHmac",
        "createCipher",
        "session",
        "passport",
        "jose",
        "next-auth",
        "cookie-parser",
        "crypto-js",
    ],
    test: Test::Call(key),
}];

fn key<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let first = call.arguments.first().copied();
    let of_options = |names: &[&str]| {
        let options = scene.given(first?);
        names.iter().find_map(|name| property(scene, options, name))
    };
    let value = match call.name.as_str() {
        "jsonwebtoken.sign"
        | "jsonwebtoken.verify"
        | "crypto.createHmac"
        | "crypto.createCipheriv"
        | "crypto.createDecipheriv" => call.arguments.get(1).copied(),
        "express-session" | "cookie-session" | "express-jwt" | "express-jwt.expressjwt" | "koa-jwt" => {
            of_options(&["secret", "keys"])
        }
        "@nestjs/jwt.JwtModule.register" | "next-auth" | "next-auth.NextAuth" => of_options(&["secret"]),
        "cookie-parser" => first,
        name if name.starts_with("jose.") && matches!(call.method, "sign" | "encrypt") => first,
        "jose.jwtVerify" | "jose.jwtDecrypt" => call.arguments.get(1).copied(),
        name if name.starts_with("crypto-js.") && matches!(call.method, "encrypt" | "decrypt") => {
            call.arguments.get(1).copied()
        }
        name if name.starts_with("passport-jwt") && call.node.kind() == "new_expression" => {
            of_options(&["secretOrKey"])
        }
        name if name.starts_with("passport-") && call.node.kind() == "new_expression" => {
            of_options(&["clientSecret", "consumerSecret"])
        }
        _ => None,
    }?;
    let values = if value.kind() == "array" { children(value, 10) } else { vec![value] };
    let written = values.into_iter().find(|value| is_written(scene, *value))?;
    let hit = Hit::of(&KEY, written.byte_range(), call.name.clone()).confidence(Confidence::Medium);
    Some(hit.message("the key is written here, and whoever reads the code can use it"))
}

/// Whether a value is a text that stands in the code, or falls back to one; a public key may.
fn is_written<'t>(scene: &Scene<'_, 't>, value: Node<'t>) -> bool {
    let value = scene.given(value);
    if let Some(inner) = within(scene, value) {
        return is_text(scene, inner);
    }
    let operator = value.child_by_field_name("operator").map_or("", |operator| operator.kind());
    match (value.kind(), operator, value.child_by_field_name("right")) {
        ("binary_expression", "||" | "??", Some(fallback)) => is_text(scene, fallback),
        _ => is_text(scene, value),
    }
}

/// What is made bytes of: `Buffer.from('…')`, `new TextEncoder().encode('…')`.
fn within<'t>(scene: &Scene<'_, 't>, value: Node<'t>) -> Option<Node<'t>> {
    let call = Call::of(scene.names, scene.scope, value, "function")
        .filter(|_| value.kind() == "call_expression")?;
    let encodes = matches!(call.name.as_str(), "Buffer.from" | "buffer.Buffer.from" | "TextEncoder().encode");
    call.arguments.first().copied().filter(|_| encodes)
}

fn is_text<'t>(scene: &Scene<'_, 't>, value: Node<'t>) -> bool {
    let text =
        scene.text(value).literal().filter(|_| !matches!(value.kind(), "true" | "false" | "null" | "number"));
    text.is_some_and(|text| !text.is_empty() && !text.contains("PUBLIC KEY"))
}
