//! Hashes, ciphers, keys and random numbers.

use ruff_python_ast::Expr;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

/// The packages that have the algorithms.
const LIBRARIES: &[&str] = &["Crypto", "Cryptodome", "cryptography"];

/// A weak algorithm by its name.
const fn weak(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    aliases: &'static [&'static str],
    advice: &'static str,
    looks: (&'static [&'static str], Test),
) -> Check {
    Check {
        rule: Rule { id, title, cwe: Cwe(327), severity, aliases, advice },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Members { names: looks.0, of: LIBRARIES },
        test: looks.1,
    }
}

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/weak-hash",
            title: "a hash that can be forged",
            cwe: Cwe(328),
            severity: Severity::High,
            aliases: &["B324", "S324"],
            advice: "Use SHA-256 or better; if nothing depends on it, say `usedforsecurity=False`.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Names(&["hashlib", "crypt", "passlib", "generate_password_hash"]),
        test: Test::Call(weak_hash),
    },
    weak(
        "python/weak-hash-object",
        "a hash that can be forged",
        Severity::Medium,
        &["B303", "S303"],
        "Use SHA-256 or better.",
        (
            &["MD2", "MD3", "MD4", "MD5", "SHA", "SHA1"],
            Test::Names(&[
                "Crypto.Hash.MD2.new",
                "Crypto.Hash.MD3.new",
                "Crypto.Hash.MD4.new",
                "Crypto.Hash.MD5.new",
                "Crypto.Hash.SHA.new",
                "Cryptodome.Hash.MD2.new",
                "Cryptodome.Hash.MD3.new",
                "Cryptodome.Hash.MD4.new",
                "Cryptodome.Hash.MD5.new",
                "Cryptodome.Hash.SHA.new",
                "cryptography.hazmat.primitives.hashes.MD5",
                "cryptography.hazmat.primitives.hashes.SHA1",
            ]),
        ),
    ),
    weak(
        "python/weak-cipher",
        "a cipher that can be broken",
        Severity::High,
        &["B304", "S304"],
        "Use AES-GCM or ChaCha20-Poly1305.",
        (
            &["ARC2", "ARC4", "Blowfish", "DES", "DES3", "XOR", "CAST5", "IDEA", "SEED", "TripleDES"],
            Test::Names(&[
                "Crypto.Cipher.ARC2.new",
                "Crypto.Cipher.ARC4.new",
                "Crypto.Cipher.Blowfish.new",
                "Crypto.Cipher.DES.new",
                "Crypto.Cipher.DES3.new",
                "Crypto.Cipher.XOR.new",
                "Cryptodome.Cipher.ARC2.new",
                "Cryptodome.Cipher.ARC4.new",
                "Cryptodome.Cipher.Blowfish.new",
                "Cryptodome.Cipher.DES.new",
                "Cryptodome.Cipher.DES3.new",
                "Cryptodome.Cipher.XOR.new",
                "cryptography.hazmat.primitives.ciphers.algorithms.ARC4",
                "cryptography.hazmat.primitives.ciphers.algorithms.Blowfish",
                "cryptography.hazmat.primitives.ciphers.algorithms.CAST5",
                "cryptography.hazmat.primitives.ciphers.algorithms.IDEA",
                "cryptography.hazmat.primitives.ciphers.algorithms.SEED",
                "cryptography.hazmat.primitives.ciphers.algorithms.TripleDES",
                "cryptography.hazmat.decrepit.ciphers.algorithms.ARC4",
                "cryptography.hazmat.decrepit.ciphers.algorithms.Blowfish",
                "cryptography.hazmat.decrepit.ciphers.algorithms.CAST5",
                "cryptography.hazmat.decrepit.ciphers.algorithms.IDEA",
                "cryptography.hazmat.decrepit.ciphers.algorithms.SEED",
                "cryptography.hazmat.decrepit.ciphers.algorithms.TripleDES",
            ]),
        ),
    ),
    weak(
        "python/weak-cipher-mode",
        "a mode in which equal blocks look equal",
        Severity::Medium,
        &["B305", "S305"],
        "Use an authenticated mode: GCM.",
        (&["ECB"], Test::Names(&["cryptography.hazmat.primitives.ciphers.modes.ECB"])),
    ),
    Check {
        rule: Rule {
            id: "python/weak-key",
            title: "a key that is too short",
            cwe: Cwe(326),
            severity: Severity::Medium,
            aliases: &["B505", "S505"],
            advice: "Use at least 3072 bits for RSA and DSA, a curve of at least 256 bits, or Ed25519.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Members { names: &["generate_private_key", "RSA", "DSA"], of: LIBRARIES },
        test: Test::Call(weak_key),
    },
    Check {
        rule: Rule {
            id: "python/few-iterations",
            title: "a password's hash that is found by trying",
            cwe: Cwe(916),
            severity: Severity::Medium,
            aliases: &["py/insufficient-key-derivation-iterations"],
            advice: "Use Argon2id or scrypt, or for PBKDF2 600,000 iterations of SHA-256 (OWASP).",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Names(&["pbkdf2_hmac", "PBKDF2HMAC", "PBKDF2", "gensalt"]),
        test: Test::Call(few_iterations),
    },
    weak(
        "python/pycrypto-import",
        "a library that nobody has maintained since 2013",
        Severity::High,
        &["B413", "S413"],
        "Use `cryptography`, or `pycryptodome` for the same names.",
        (
            &["Crypto"],
            Test::Imports(&[
                "Crypto.Cipher",
                "Crypto.Hash",
                "Crypto.IO",
                "Crypto.Protocol",
                "Crypto.PublicKey",
                "Crypto.Random",
                "Crypto.Signature",
                "Crypto.Util",
            ]),
        ),
    ),
    random(
        "python/weak-random",
        &["B311", "S311"],
        &[
            "random.Random",
            "random.random",
            "random.randrange",
            "random.randint",
            "random.choice",
            "random.choices",
            "random.uniform",
            "random.triangular",
            "random.randbytes",
        ],
    ),
    random("python/weak-random-sample", &["B311"], &["random.sample", "random.getrandbits"]),
    random(
        "python/weak-random-distribution",
        &["py/insecure-randomness"],
        &[
            "random.betavariate",
            "random.binomialvariate",
            "random.expovariate",
            "random.gammavariate",
            "random.gauss",
            "random.lognormvariate",
            "random.normalvariate",
            "random.paretovariate",
            "random.vonmisesvariate",
            "random.weibullvariate",
        ],
    ),
];

const fn random(id: &'static str, aliases: &'static [&'static str], names: &'static [&'static str]) -> Check {
    Check {
        rule: Rule {
            id,
            title: "random numbers that can be foretold",
            cwe: Cwe(330),
            severity: Severity::Low,
            aliases,
            advice: "Use `secrets` for anything that must not be guessed.",
        },
        confidence: Confidence::High,
        class: Class::Randomness,
        words: Words::Names(&["random"]),
        test: Test::Names(names),
    }
}

fn weak_hash(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    match call.name {
        "hashlib.md4" | "hashlib.md5" | "hashlib.sha" | "hashlib.sha1" => {
            let algorithm = call.name.rsplit('.').next().unwrap_or_default();
            used_for_security(scene, call).then(|| hash_hit(call, algorithm))
        }
        "hashlib.new" => {
            let algorithm = scene.text(call.argument("name", 0)?)?.to_ascii_lowercase();
            let weak = matches!(algorithm.as_str(), "md4" | "md5" | "sha" | "sha1")
                && used_for_security(scene, call);
            weak.then(|| hash_hit(call, &algorithm))
        }
        "werkzeug.security.generate_password_hash" => {
            let method = scene.text(call.argument("method", 1)?)?;
            let fast = matches!(method.as_str(), "plain" | "md5" | "sha1" | "sha256" | "sha512");
            fast.then(|| call.hit(format!("passwords kept with `{method}` are found by trying")))
        }
        name if name.starts_with("passlib.hash.") => weak_scheme(call),
        "crypt.crypt" => weak_crypt(scene, call, call.argument("salt", 1)?),
        "crypt.mksalt" => weak_crypt(scene, call, call.argument("method", 0)?),
        _ => None,
    }
}

/// Only a value that is known to be false takes the claim back.
fn used_for_security(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    scene.given(call, "usedforsecurity").is_none_or(|value| !scene.is_bool(value, false))
}

fn hash_hit(call: &Call<'_>, algorithm: &str) -> Hit {
    let mut hit =
        call.hit(format!("`{algorithm}` can be forged: two texts with one digest are made in minutes"));
    hit.subject = format!("hashlib.{algorithm}");
    hit
}

/// Schemes of passlib whose hashes are found by trying, or are none.
const WEAK_SCHEMES: [&str; 12] = [
    "des_crypt",
    "hex_md5",
    "hex_sha1",
    "ldap_md5",
    "ldap_plaintext",
    "ldap_sha1",
    "lmhash",
    "md5_crypt",
    "mysql323",
    "nthash",
    "plaintext",
    "sha1_crypt",
];

fn weak_scheme(call: &Call<'_>) -> Option<Hit> {
    let (scheme, method) = call.name.strip_prefix("passlib.hash.")?.split_once('.')?;
    let weak = matches!(method, "hash" | "encrypt") && WEAK_SCHEMES.contains(&scheme);
    weak.then(|| call.hit(format!("passwords kept with `{scheme}` are found by trying")))
}

fn weak_crypt(scene: &Scene<'_>, call: &Call<'_>, method: &Expr) -> Option<Hit> {
    let method = scene.resolve(method)?;
    let weak = matches!(method.as_str(), "crypt.METHOD_CRYPT" | "crypt.METHOD_MD5" | "crypt.METHOD_BLOWFISH");
    weak.then(|| {
        call.hit(format!("passwords hashed with `{method}` are found by trying")).severity(Severity::Medium)
    })
}

fn weak_key(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let bits = |name, position| match scene.fold(call.argument(name, position)?)? {
        Constant::Int(bits) => Some(bits),
        _ => None,
    };
    let (kind, bits, enough, hopeless) = match call.name {
        "cryptography.hazmat.primitives.asymmetric.dsa.generate_private_key" => {
            ("DSA", bits("key_size", 0)?, 2048, 1024)
        }
        "cryptography.hazmat.primitives.asymmetric.rsa.generate_private_key" => {
            ("RSA", bits("key_size", 1)?, 2048, 1024)
        }
        "cryptography.hazmat.primitives.asymmetric.ec.generate_private_key" => {
            ("EC", curve_bits(scene, call.argument("curve", 0)?)?, 224, 160)
        }
        "Crypto.PublicKey.DSA.generate" | "Cryptodome.PublicKey.DSA.generate" => {
            ("DSA", bits("bits", 0)?, 2048, 1024)
        }
        "Crypto.PublicKey.RSA.generate" | "Cryptodome.PublicKey.RSA.generate" => {
            ("RSA", bits("bits", 0)?, 2048, 1024)
        }
        _ => return None,
    };
    let severity = if bits < hopeless { Severity::High } else { Severity::Medium };
    (bits < enough).then(|| call.hit(format!("{kind} keys of {bits} bits can be broken")).severity(severity))
}

/// Fewer iterations of PBKDF2 are too few with any hash: OWASP asks for 210,000 (SHA-512), 600,000 (SHA-256), 1,300,000 (SHA-1).
const ITERATIONS_MIN: i64 = 100_000;

/// The least that OWASP allows for bcrypt: each round doubles the work.
const BCRYPT_ROUNDS_MIN: i64 = 10;

fn few_iterations(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.name == "bcrypt.gensalt" {
        let rounds = scene.fold(call.argument("rounds", 0)?)?.number()?;
        let message = format!("after 2^{rounds} iterations the password is found by trying");
        return (rounds < BCRYPT_ROUNDS_MIN).then(|| call.hit(message));
    }
    let count = match call.name {
        "hashlib.pbkdf2_hmac" => call.argument("iterations", 3),
        "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC" => call.argument("iterations", 3),
        "Crypto.Protocol.KDF.PBKDF2" | "Cryptodome.Protocol.KDF.PBKDF2" => call.argument("count", 3),
        _ => return None,
    };
    let count = match scene.fold(count?)? {
        Constant::Int(count) => count,
        _ => return None,
    };
    let few = count < ITERATIONS_MIN;
    few.then(|| {
        call.hit(format!("after {count} iterations the password is found by trying: OWASP asks for 600,000"))
    })
}

/// The strength of the curves that are too weak.
fn curve_bits(scene: &Scene<'_>, curve: &Expr) -> Option<i64> {
    let curve = match curve {
        Expr::Call(call) => &call.func,
        other => other,
    };
    let name = scene.resolve(curve)?;
    match name.strip_prefix("cryptography.hazmat.primitives.asymmetric.ec.")? {
        "SECP192R1" => Some(192),
        "SECT163K1" | "SECT163R2" => Some(163),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn weak_ways_to_keep_passwords_are_found() {
        let finds = |text: &str| {
            let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
            report.findings.iter().map(|one| one.rule.id).next()
        };
        for (text, id) in [
            ("import bcrypt\nbcrypt.gensalt(rounds=4)", Some("python/few-iterations")),
            ("import bcrypt\nbcrypt.gensalt(12)", None),
            ("import bcrypt\nbcrypt.gensalt()", None),
            ("from passlib.hash import md5_crypt\nmd5_crypt.hash(p)", Some("python/weak-hash")),
            ("from passlib.hash import md5_crypt\nmd5_crypt.verify(p, h)", None),
            ("from passlib.hash import argon2\nargon2.hash(p)", None),
            (
                "from werkzeug.security import generate_password_hash as g\ng(p, method='plain')",
                Some("python/weak-hash"),
            ),
            ("from werkzeug.security import generate_password_hash as g\ng(p, method='scrypt')", None),
        ] {
            assert_eq!(finds(text), id, "{text}");
        }
    }
}
