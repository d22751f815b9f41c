//! Hashes, ciphers, random numbers, certificates, addresses.

use tree_sitter::Node;

use super::execution::property;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        secret,
    },
};

pub(super) static HASH: Rule = Rule {
    id: "javascript/weak-hash",
    title: "a hash that can be forged",
    cwe: Cwe(328),
    severity: Severity::Medium,
    aliases: &["B303", "S324", "node-md5"],
    advice: "Use `sha256`; for passwords `scrypt` or Argon2.",
};

static ITERATIONS: Rule = Rule {
    id: "javascript/few-iterations",
    title: "a password's hash that is found by trying",
    cwe: Cwe(916),
    severity: Severity::Medium,
    aliases: &["insufficient-password-hash"],
    advice: "Use `scrypt` or Argon2id, or for PBKDF2 600,000 iterations of SHA-256 (OWASP).",
};

pub(super) static CIPHER: Rule = Rule {
    id: "javascript/weak-cipher",
    title: "a cipher that can be broken",
    cwe: Cwe(327),
    severity: Severity::High,
    aliases: &["B304", "B305", "create-de-cipher-no-iv"],
    advice: "Use `aes-256-gcm` with a fresh nonce for every message.",
};

static RANDOM: Rule = Rule {
    id: "javascript/weak-random",
    title: "a secret that can be guessed",
    cwe: Cwe(338),
    severity: Severity::High,
    aliases: &["B311", "S311", "detect-pseudoRandomBytes"],
    advice: "Use `crypto.randomBytes` or `crypto.randomUUID`.",
};

static CERTIFICATE: Rule = Rule {
    id: "javascript/no-certificate-check",
    title: "certificates are not checked",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["B501", "S501", "bypass-tls-verification"],
    advice: "Leave it out; hand the missing authority over as `ca` instead.",
};

static OLD_TLS: Rule = Rule {
    id: "javascript/old-tls",
    title: "speaks versions of TLS that are broken",
    cwe: Cwe(326),
    severity: Severity::Medium,
    aliases: &["sequelize-weak-tls-version"],
    advice: "Leave it out, or say `TLSv1.2`.",
};

static BIND: Rule = Rule {
    id: "javascript/bind-all",
    title: "answers on every network of its host",
    cwe: Cwe(605),
    severity: Severity::Low,
    aliases: &["B104", "S104"],
    advice: "Name the one address that is meant: `127.0.0.1` behind a proxy.",
};

static BUFFER: Rule = Rule {
    id: "javascript/new-buffer",
    title: "given a number, it shows what was in memory",
    cwe: Cwe(908),
    severity: Severity::Low,
    aliases: &["detect-new-buffer"],
    advice: "Use `Buffer.from` or `Buffer.alloc`.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::JavaScript,
        words: &["createHash", "createHmac", "createCipher", "createDecipher", "pbkdf2", "pseudoRandomBytes"],
        test: Test::Call(cryptography),
    },
    Check {
        language: Language::JavaScript,
        words: &["md5", "sha1", "crypto-js", "subtle"],
        test: Test::Call(super::packages::hashed),
    },
    Check { language: Language::JavaScript, words: &["Math"], test: Test::Call(random) },
    Check {
        language: Language::JavaScript,
        words: &["rejectUnauthorized", "strictSSL", "NODE_TLS_REJECT_UNAUTHORIZED", "insecureHTTPParser"],
        test: Test::Node(&["pair", "assignment_expression"], certificate),
    },
    Check {
        language: Language::JavaScript,
        words: &["minVersion", "maxVersion", "secureProtocol"],
        test: Test::Node(&["pair"], old_tls),
    },
    Check { language: Language::JavaScript, words: &["listen"], test: Test::Call(bind) },
    Check {
        language: Language::JavaScript,
        words: &["Buffer"],
        test: Test::Node(&["new_expression"], buffer),
    },
];

/// Fewer iterations of PBKDF2 are too few with any hash.
const ITERATIONS_MIN: u32 = 100_000;

fn cryptography<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let function =
        call.name.strip_prefix("crypto.").or_else(|| call.name.strip_prefix("crypto-browserify."))?;
    let algorithm = || Some(scene.argument(call, 0)?.literal()?.to_ascii_lowercase());
    match function {
        "createHash" | "createHmac" => {
            let name = algorithm()?;
            let short = matches!(
                name.as_str(),
                "md5" | "md4" | "md2" | "rmd160" | "ripemd160" | "sha1" | "sha-1" | "rsa-sha1" | "rsa-md5"
            );
            // A code of authentication needs no hash without collisions.
            let prescribed = name.starts_with("sha") && secret::is_prescribed(scene.names.text);
            let broken = short && !prescribed && (function == "createHash" || name.starts_with("md"));
            let hit = Hit::of(&HASH, call.node.byte_range(), format!("{function} {name}"))
                .confidence(Confidence::Medium);
            let hit = hit.message(format!("`{name}` is broken: two contents can be made to have one hash"));
            let harmless = function == "createHmac" || secret::is_of_contents(scene.around);
            broken.then(|| if harmless { hit.severity(Severity::Low) } else { hit })
        }
        "pbkdf2" | "pbkdf2Sync" => {
            let count: u32 = scene.argument(call, 2)?.literal()?.replace('_', "").parse().ok()?;
            (count < ITERATIONS_MIN).then(|| {
                call.hit(&ITERATIONS).message(format!(
                    "after {count} iterations the password is found by trying: OWASP asks for 600,000"
                ))
            })
        }
        "createCipheriv" | "createDecipheriv" => {
            let name = algorithm()?;
            let weak = ["des", "rc4", "rc2", "bf", "blowfish", "cast"]
                .iter()
                .any(|cipher| name == *cipher || name.starts_with(&format!("{cipher}-")));
            let found = weak || name.ends_with("-ecb");
            found.then(|| Hit::of(&CIPHER, call.node.byte_range(), format!("{function} {name}")))
        }
        "createCipher" | "createDecipher" => Some(
            call.hit(&CIPHER)
                .message("the key is made of the password by one round of MD5, and the vector never changes"),
        ),
        "pseudoRandomBytes" => Some(
            call.hit(&RANDOM)
                .severity(Severity::Low)
                .message("older versions of Node give numbers that can be guessed"),
        ),
        _ => None,
    }
}

fn random<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let found = call.name == "Math.random"
        && secret::is_guarded(scene.around)
        && !secret::is_timing(scene.around, scene.names.text, call.node.start_byte());
    found.then(|| {
        call.hit(&RANDOM).confidence(Confidence::Medium).message(format!(
            "`{}` is made of numbers that can be guessed",
            scene.around.last().unwrap_or(&"")
        ))
    })
}

fn certificate<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let pair = node.kind() == "pair";
    let (target, value) = if pair { ("key", "value") } else { ("left", "right") };
    let (target, value) = (node.child_by_field_name(target)?, node.child_by_field_name(value)?);
    let written = scene.written(target).trim_matches(['"', '\'']);
    let name = written.rsplit(['.', '[']).next().unwrap_or(written).trim_matches(['"', '\'', ']']);
    let text = scene.text(value).literal();
    let off = match name {
        "rejectUnauthorized" | "strictSSL" => {
            scene.written(value) == "false" || text.as_deref() == Some("false")
        }
        "NODE_TLS_REJECT_UNAUTHORIZED" => text.as_deref() == Some("0"),
        _ => false,
    };
    off.then(|| Hit::of(&CERTIFICATE, node.byte_range(), name))
}

fn old_tls<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (key, value) = (node.child_by_field_name("key")?, node.child_by_field_name("value")?);
    let key = scene.written(key).trim_matches(['"', '\'']);
    let version = scene
        .text(value)
        .literal()
        .filter(|_| matches!(key, "minVersion" | "maxVersion" | "secureProtocol"))?;
    let plain = version.trim_end_matches("_method").trim_end_matches("_server").trim_end_matches("_client");
    let old = matches!(plain, "SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1" | "TLSv1_1");
    old.then(|| Hit::of(&OLD_TLS, node.byte_range(), format!("{key} {version}")))
}

fn bind<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    call.object.filter(|_| call.method == "listen")?;
    let first = call.arguments.first().filter(|first| first.kind() == "object");
    let host = first
        .and_then(|options| property(scene, *options, "host"))
        .or_else(|| call.arguments.get(1).copied())?;
    let all = scene.text(host).literal().is_some_and(|host| matches!(host.as_str(), "0.0.0.0" | "::"));
    all.then(|| Hit::of(&BIND, call.node.byte_range(), "listen").confidence(Confidence::Medium))
}

fn buffer<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let call = Call::of(scene.names, scene.scope, node, "constructor")?;
    let found =
        matches!(call.name.as_str(), "Buffer" | "buffer.Buffer") && !scene.argument(&call, 0)?.is_known();
    found.then(|| call.hit(&BUFFER).confidence(Confidence::Medium))
}
