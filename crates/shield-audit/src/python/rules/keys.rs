//! Keys, initialisation vectors and nonces that are written out.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::{
        fold::Constant,
        names::{At, Bound},
    },
};

/// How many names and calls are followed to see whether bytes are written out.
const STEPS_MAX: u8 = 6;

/// The libraries that encrypt and sign.
const LIBRARIES: Words = Words::Names(&["jwt", "cryptography", "Crypto", "Cryptodome"]);

/// Ciphers of `cryptography` that are made with their key: plain ones, and those that authenticate.
const CIPHERS: &str = "cryptography.hazmat.primitives.ciphers.";
const AUTHENTICATED: [&str; 5] = ["AESGCM", "AESCCM", "AESOCB3", "AESSIV", "ChaCha20Poly1305"];

/// Modes whose first argument must never be the same twice, or be foretold.
const MODES: [&str; 7] = ["CBC", "CFB", "CFB8", "CTR", "GCM", "OFB", "XTS"];

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/hard-coded-key",
            title: "a key that whoever reads the code has",
            cwe: Cwe(321),
            severity: Severity::High,
            aliases: &["py/hardcoded-credentials"],
            advice: "Change it, and take the new one from the environment or a store of secrets.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: LIBRARIES,
        test: Test::Call(hard_coded_key),
    },
    Check {
        rule: Rule {
            id: "python/static-nonce",
            title: "an initialisation vector that is always the same",
            cwe: Cwe(1204),
            severity: Severity::Medium,
            aliases: &["CWE-329"],
            advice: "Draw a new one for each message, with `os.urandom` or `secrets.token_bytes`, and send it along.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: LIBRARIES,
        test: Test::Call(static_nonce),
    },
];

/// The key that a call encrypts or signs with.
fn key<'c>(call: &Call<'c>) -> Option<&'c Expr> {
    match call.name {
        "jwt.encode" | "jwt.decode" | "jwt.api_jwt.encode" | "jwt.api_jwt.decode" | "jose.jwt.encode"
        | "jose.jwt.decode" => call.argument("key", 1),
        "cryptography.fernet.Fernet" => call.argument("key", 0),
        name => match name.strip_prefix(CIPHERS) {
            Some(cipher) => {
                let (module, class) = cipher.split_once('.')?;
                let made = module == "algorithms" || module == "aead" && AUTHENTICATED.contains(&class);
                call.argument("key", 0).filter(|_| made)
            }
            None => call.argument("key", 0).filter(|_| is_pycrypto_cipher(name)),
        },
    }
}

fn is_pycrypto_cipher(name: &str) -> bool {
    let cipher = name.strip_prefix("Crypto.Cipher.").or(name.strip_prefix("Cryptodome.Cipher."));
    cipher.is_some_and(|cipher| cipher.ends_with(".new") && !cipher.starts_with("PKCS1"))
}

fn hard_coded_key(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let key = key(call)?;
    let hit = Hit { subject: call.name.to_owned(), ..call.hit("the key stands in the code") };
    if is_written_out(scene, key) {
        return Some(hit.moved(key.range()));
    }
    let (value, at) = scene.module.names.value_of(key, scene.at)?;
    let fallback = fallback(value)?;
    is_written_out(&Scene { at, ..*scene }, fallback).then(|| {
        let message = "the key stands in the code, for where there is none in the environment".to_owned();
        Hit { message, ..hit }.confidence(Confidence::Medium).moved(key.range())
    })
}

/// What a value is where its setting is missing: `a or "b"`, `a if a else "b"`, `getenv("A", "b")`, `environ.get("A", "b")`.
fn fallback(value: &Expr) -> Option<&Expr> {
    match value {
        Expr::BoolOp(choice) => choice.values.last(),
        Expr::If(choice) => Some(&choice.orelse),
        Expr::Call(call) => {
            let name = match call.func.as_ref() {
                Expr::Attribute(attribute) => attribute.attr.as_str(),
                Expr::Name(name) => name.id.as_str(),
                _ => return None,
            };
            matches!(name, "get" | "getenv").then(|| call.arguments.find_positional(1))?
        }
        _ => None,
    }
}

/// Whether a key is written out. What verifies only may be known, and a private key is found wherever it stands.
fn is_written_out(scene: &Scene<'_>, key: &Expr) -> bool {
    match scene.fold(key) {
        Some(Constant::Text(text)) => !text.is_empty() && !text.contains("-----BEGIN"),
        Some(Constant::Bytes(bytes)) => {
            !bytes.is_empty() && !bytes.windows(10).any(|part| part == b"-----BEGIN")
        }
        _ => false,
    }
}

/// What must be new for each message, if a call encrypts with it.
fn nonce<'c>(scene: &Scene<'_>, call: &Call<'c>) -> Option<&'c Expr> {
    if let Some(mode) = call.name.strip_prefix("cryptography.hazmat.primitives.ciphers.modes.") {
        return call.positional().first().filter(|_| MODES.contains(&mode)).or_else(|| {
            ["initialization_vector", "nonce", "tweak"]
                .iter()
                .find_map(|name| call.keyword(name).map(|keyword| &keyword.value))
        });
    }
    if is_pycrypto_cipher(call.name) {
        let named = ["iv", "IV", "nonce"].iter().find_map(|name| call.keyword(name).map(|one| &one.value));
        return named.or_else(|| call.positional().get(2));
    }
    if call.method() != "encrypt" {
        return None;
    }
    let maker = scene.module.names.made_by(call.object()?, scene.at)?;
    let class = maker.strip_prefix("cryptography.hazmat.primitives.ciphers.aead.")?;
    call.argument("nonce", 0).filter(|_| AUTHENTICATED.contains(&class) && class != "AESSIV")
}

fn static_nonce(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let nonce = nonce(scene, call)?;
    are_fixed_bytes(scene, nonce, STEPS_MAX).then(|| {
        let message = "messages that begin alike look alike, and of some modes the key comes out";
        call.hit(message).moved(nonce.range())
    })
}

/// Whether bytes are the same each time: literals, repeated, filled with zeros, or made of other fixed ones.
fn are_fixed_bytes(scene: &Scene<'_>, bytes: &Expr, steps: u8) -> bool {
    let Some(steps) = steps.checked_sub(1) else { return false };
    let fixed = |part: &Expr| are_fixed_bytes(scene, part, steps);
    match bytes {
        Expr::BytesLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::BinOp(ast::ExprBinOp { left, op: ast::Operator::Mult, right, .. }) => {
            fixed(left) && scene.fold(right).is_some()
        }
        Expr::Name(name) => {
            let binding = scene.module.names.only_binding(name.id.as_str(), scene.at);
            binding.is_some_and(|binding| match binding.bound {
                Bound::Value(value) => {
                    let at = At { position: value.start(), ..binding.at };
                    are_fixed_bytes(&Scene { at, ..*scene }, value, steps)
                }
                _ => false,
            })
        }
        Expr::Call(call) => match call.func.as_ref() {
            Expr::Attribute(method) if method.attr.as_str() == "encode" => fixed(&method.value),
            callee => {
                let made = scene.is_any(
                    callee,
                    &["builtins.bytes", "builtins.bytearray", "builtins.bytes.fromhex", "binascii.unhexlify"],
                );
                let argument = call.arguments.args.first();
                made && argument.is_none_or(|value| scene.fold(value).is_some())
            }
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(lines: &str) -> Vec<&'static str> {
        let imports = "import jwt, os\nfrom Crypto.Cipher import AES\nfrom cryptography.fernet import Fernet\nfrom cryptography.hazmat.primitives.ciphers import algorithms, modes\nfrom cryptography.hazmat.primitives.ciphers.aead import AESGCM\n";
        let report = Audit::default().text("a.py", &format!("{imports}{lines}"), Parse::WhereWordsOccur);
        let ids = report.findings.iter().map(|one| one.rule.id);
        ids.filter(|id| matches!(*id, "python/hard-coded-key" | "python/static-nonce")).collect()
    }

    #[test]
    fn keys_that_are_written_out_are_found() {
        for lines in [
            "Fernet(b'k3y')",
            "KEY = b'k3y'\nalgorithms.AES(KEY)",
            "AESGCM(b'k3y')",
            "AES.new(b'k3y', AES.MODE_GCM)",
            "KEY = os.environ.get('KEY') or 'k3y'\njwt.encode(x, KEY)",
            "jwt.encode(x, os.environ['KEY'] if 'KEY' in os.environ else 'k3y')",
            "jwt.encode(x, os.getenv('KEY', 'k3y'))",
        ] {
            assert_eq!(found(lines), ["python/hard-coded-key"], "{lines}");
        }
        for lines in [
            "Fernet(key)",
            "algorithms.AES(os.urandom(32))",
            "jwt.encode(x, os.getenv('KEY'))",
            "jwt.encode(x, os.environ.get('KEY') or other)",
            "jwt.encode(x, keys['k3y'])",
        ] {
            assert_eq!(found(lines), Vec::<&str>::new(), "{lines}");
        }
    }

    #[test]
    fn nonces_that_never_change_are_found() {
        for lines in [
            "IV = b'0' * 16\nmodes.CBC(IV)",
            "modes.GCM(bytes(12))",
            "AES.new(k, AES.MODE_CBC, 'abcdefgh'.encode())",
            "AES.new(k, AES.MODE_GCM, nonce=b'n')",
            "a = AESGCM(k)\na.encrypt(b'\\x00' * 12, x, None)",
        ] {
            assert_eq!(found(lines), ["python/static-nonce"], "{lines}");
        }
        for lines in [
            "modes.CBC(os.urandom(16))",
            "modes.ECB()",
            "iv = b'0'\niv = os.urandom(16)\nmodes.CBC(iv)",
            "AES.new(k, AES.MODE_CBC, iv)",
            "AESGCM(k).decrypt(b'n', x, None)",
            "other.encrypt(b'n', x)",
        ] {
            assert_eq!(found(lines), Vec::<&str>::new(), "{lines}");
        }
    }
}
