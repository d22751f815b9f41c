//! Hashes, ciphers, keys, random numbers.

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

static HASH: Rule = Rule {
    id: "go/weak-hash",
    title: "a hash that can be forged",
    cwe: Cwe(328),
    severity: Severity::Medium,
    aliases: &["G401", "G406", "G501", "G505", "G506", "G507"],
    advice: "Use SHA-256; for passwords Argon2 or bcrypt.",
};

static CIPHER: Rule = Rule {
    id: "go/weak-cipher",
    title: "a cipher that can be broken",
    cwe: Cwe(327),
    severity: Severity::High,
    aliases: &["G405", "G502", "G503"],
    advice: "Use AES with GCM and a fresh nonce for every message.",
};

static KEY: Rule = Rule {
    id: "go/weak-key",
    title: "a key that can be computed",
    cwe: Cwe(326),
    severity: Severity::Medium,
    aliases: &["G403"],
    advice: "Make RSA keys of 3072 bits, or use Ed25519.",
};

static RANDOM: Rule = Rule {
    id: "go/weak-random",
    title: "a secret that can be guessed",
    cwe: Cwe(338),
    severity: Severity::High,
    aliases: &["G404"],
    advice: "Use `crypto/rand`.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::Go,
        words: &["crypto/md5", "crypto/sha1", "x/crypto/md4", "x/crypto/ripemd160"],
        test: Test::Call(hash),
    },
    Check { language: Language::Go, words: &["crypto/des", "crypto/rc4"], test: Test::Call(cipher) },
    Check { language: Language::Go, words: &["crypto/rsa"], test: Test::Call(key) },
    Check { language: Language::Go, words: &["math/rand"], test: Test::Call(random) },
];

fn hash<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let broken = matches!(
        call.name.as_str(),
        "crypto/md5.New"
            | "crypto/md5.Sum"
            | "crypto/sha1.New"
            | "crypto/sha1.Sum"
            | "golang.org/x/crypto/md4.New"
            | "golang.org/x/crypto/ripemd160.New"
    );
    let prescribed = call.name.contains("sha1") && secret::is_prescribed(scene.names.text);
    let hit = call.hit(&HASH).confidence(Confidence::Medium);
    let contents = secret::is_of_contents(scene.around);
    (broken && !prescribed).then(|| if contents { hit.severity(Severity::Low) } else { hit })
}

fn cipher<'t>(_: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let broken = matches!(
        call.name.as_str(),
        "crypto/des.NewCipher" | "crypto/des.NewTripleDESCipher" | "crypto/rc4.NewCipher"
    );
    broken.then(|| call.hit(&CIPHER))
}

fn key<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let bits = scene.argument(call, 1).filter(|_| call.name == "crypto/rsa.GenerateKey")?.literal()?;
    let bits: u32 = bits.parse().ok()?;
    (bits < 2048).then(|| Hit::of(&KEY, call.node.byte_range(), format!("rsa.GenerateKey {bits}")))
}

fn random<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let drawn = call.name.strip_prefix("math/rand.").or_else(|| call.name.strip_prefix("math/rand/v2."))?;
    let numbers = !matches!(drawn, "Seed" | "New" | "NewSource" | "Shuffle");
    let timing = secret::is_timing(scene.around, scene.names.text, call.node.start_byte());
    (numbers && !timing && secret::is_guarded(scene.around))
        .then(|| call.hit(&RANDOM).confidence(Confidence::Medium))
}
