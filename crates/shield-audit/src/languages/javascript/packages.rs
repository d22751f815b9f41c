//! Hashes and ciphers of packages beside Node's own.

use super::transport::{CIPHER, HASH};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Severity},
    languages::{
        call::{Call, Scene},
        secret,
    },
};

/// Packages that are one broken hash each.
const PACKAGES: [&str; 8] =
    ["md5", "md5.js", "blueimp-md5", "js-md5", "ts-md5", "sha1", "js-sha1", "spark-md5"];

/// Names of what hashes in these packages, in small letters; a package may also be called itself.
const HASHES: [&str; 11] = [
    "md5",
    "sha1",
    "hash",
    "hex",
    "hashstr",
    "hashasciistr",
    "array",
    "digest",
    "arraybuffer",
    "create",
    "base64",
];

/// Ciphers of crypto-js that can be broken.
const CIPHERS: [&str; 5] = ["DES", "TripleDES", "RC4", "RC4Drop", "Rabbit"];

pub(super) fn hashed<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    if let Some(cipher) = of_crypto_js(&call.name).and_then(|name| name.split_once('.')) {
        let broken = CIPHERS.contains(&cipher.0) && matches!(cipher.1, "encrypt" | "decrypt");
        return broken.then(|| call.hit(&CIPHER));
    }
    let digest = matches!(
        call.name.as_str(),
        "crypto.subtle.digest" | "window.crypto.subtle.digest" | "crypto.webcrypto.subtle.digest"
    );
    let broken = match digest {
        true => scene.argument(call, 0)?.literal()?.eq_ignore_ascii_case("sha-1"),
        false => is_broken(&call.name),
    };
    let prescribed = secret::is_prescribed(scene.names.text);
    let hit = call.hit(&HASH).confidence(Confidence::Medium);
    let hit = if secret::is_of_contents(scene.around) { hit.severity(Severity::Low) } else { hit };
    (broken && !prescribed)
        .then(|| hit.message("the hash is broken: two contents can be made to have one hash"))
}

fn of_crypto_js(name: &str) -> Option<&str> {
    name.strip_prefix("crypto-js.").or_else(|| name.strip_prefix("CryptoJS."))
}

fn is_broken(name: &str) -> bool {
    if let Some(hash) = of_crypto_js(name) {
        return matches!(hash, "MD5" | "SHA1");
    }
    let of_package = |package: &&str| match name.strip_prefix(*package) {
        Some("") => true,
        Some(rest) => {
            let rest = rest.strip_prefix('.').unwrap_or_default().to_ascii_lowercase();
            rest.split('.').next_back().is_some_and(|last| HASHES.contains(&last))
        }
        None => false,
    };
    PACKAGES.iter().any(of_package)
}
