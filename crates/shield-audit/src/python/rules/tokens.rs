//! Tokens that nobody verifies or anybody can sign, and ciphers in a mode that shows what they hide.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

/// Ciphers that work block by block.
const BLOCKS: &[&str] = &["AES", "DES", "DES3", "Blowfish", "CAST", "ARC2"];

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/unverified-token",
            title: "believes a token that anybody may have written",
            cwe: Cwe(347),
            severity: Severity::High,
            aliases: &["py/jwt-missing-verification"],
            advice: "Verify the signature, with the algorithms that the server signs with.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Names(&["jwt"]),
        test: Test::Call(unverified_token),
    },
    Check {
        rule: Rule {
            id: "python/block-by-block",
            title: "a mode in which equal blocks look equal",
            cwe: Cwe(327),
            severity: Severity::Medium,
            aliases: &["py/weak-cryptographic-algorithm"],
            advice: "Use an authenticated mode: GCM.",
        },
        confidence: Confidence::High,
        class: Class::Cryptography,
        words: Words::Members { names: BLOCKS, of: &["Crypto", "Cryptodome"] },
        test: Test::Call(block_by_block),
    },
];

/// Heads of tokens, which nobody has verified yet.
const HEADS: [&str; 2] = ["jwt.get_unverified_header", "jose.jwt.get_unverified_header"];

/// `jwt.get_unverified_header(token)["alg"]`.
fn is_of_token(scene: &Scene<'_>, algorithm: &Expr) -> bool {
    let Some((value, at)) = scene.module.names.value_of(algorithm, scene.at) else { return false };
    let head = value.as_subscript_expr().and_then(|item| scene.module.names.made_by(&item.value, at));
    head.is_some_and(|head| HEADS.contains(&head.as_str()))
}

/// Tokens that are signed with nothing, and claims that are read without a look at who signed them.
fn unsigned(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    match call.name {
        "jwt.encode" | "jose.jwt.encode" => {
            let algorithm = call.argument("algorithm", 2)?;
            let none = scene.text(algorithm).is_some_and(|name| name.eq_ignore_ascii_case("none"));
            none.then(|| call.hit("the algorithm `none` signs nothing").moved(algorithm.range()))
        }
        // Perhaps only to see whose key it is verified with.
        "jose.jwt.get_unverified_claims" => Some(
            call.hit("nobody checks who signed it").severity(Severity::Medium).confidence(Confidence::Medium),
        ),
        _ => None,
    }
}

fn unverified_token(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if let Some(hit) = unsigned(scene, call) {
        return Some(hit);
    }
    if !matches!(call.name, "jwt.decode" | "jwt.api_jwt.decode" | "jwt.decode_complete" | "jose.jwt.decode") {
        return None;
    }
    let hit = || call.hit("nobody checks who signed it");
    if let Some(verify) = call.keyword("verify").filter(|keyword| scene.is_bool(&keyword.value, false)) {
        return Some(hit().moved(verify.range));
    }
    let options = call.argument("options", 3).filter(|options| switches_off(scene, options));
    if let Some(options) = options {
        return Some(hit().moved(options.range()));
    }
    let algorithms = call.argument("algorithms", 2)?;
    let (value, _) = scene.module.names.value_of(algorithms, scene.at)?;
    let elements = match value {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        _ => return None,
    };
    let none =
        elements.iter().any(|one| scene.text(one).is_some_and(|name| name.eq_ignore_ascii_case("none")));
    if elements.iter().any(|one| is_of_token(scene, one)) {
        let message = "whoever writes the token chooses how it is verified";
        return Some(call.hit(message).moved(algorithms.range()));
    }
    none.then(|| call.hit("the algorithm `none` signs nothing").moved(algorithms.range()))
}

/// Whether options say that the signature is not checked.
fn switches_off(scene: &Scene<'_>, options: &Expr) -> bool {
    let Some((Expr::Dict(table), _)) = scene.module.names.value_of(options, scene.at) else { return false };
    table.items.iter().any(|item| {
        let signature = item.key.as_ref().and_then(|key| scene.text(key));
        signature.as_deref() == Some("verify_signature") && scene.is_bool(&item.value, false)
    })
}

fn block_by_block(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let cipher = call.name.strip_prefix("Crypto.Cipher.").or(call.name.strip_prefix("Cryptodome.Cipher."))?;
    let cipher = cipher.strip_suffix(".new").filter(|cipher| BLOCKS.contains(cipher))?;
    let mode = call.argument("mode", 1)?;
    let named = scene.resolve(mode).is_some_and(|name| name.ends_with(".MODE_ECB"));
    // The number that `MODE_ECB` is.
    let numbered = scene.fold(mode) == Some(Constant::Int(1));
    (named || numbered)
        .then(|| call.hit(format!("equal blocks of {cipher} show where the text repeats itself")))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        let ids = report.findings.iter().map(|one| one.rule.id);
        let own = ["python/unverified-token", "python/hard-coded-key", "python/block-by-block"];
        ids.filter(|id| own.contains(id)).collect()
    }

    #[test]
    fn unverified_tokens_are_found() {
        for text in [
            "import jwt\njwt.decode(x, options={'verify_signature': False})",
            "import jwt\nOPTIONS = {'verify_aud': True, 'verify_signature': False}\njwt.decode(x, k, a, OPTIONS)",
            "import jwt\njwt.decode(x, verify=False)",
            "from jose import jwt as j\nj.decode(x, k, algorithms=['HS256', 'none'])",
            "from jose import jwt\njwt.get_unverified_claims(x)",
            "import jwt\njwt.encode(x, None, algorithm='none')",
            "import jwt\njwt.decode(x, k, algorithms=[jwt.get_unverified_header(x)['alg']])",
            "import jwt\nh = jwt.get_unverified_header(x)\nA = h['alg']\njwt.decode(x, k, algorithms=[A])",
        ] {
            assert_eq!(found(text), ["python/unverified-token"], "{text}");
        }
        for text in [
            "import jwt\njwt.decode(x, k, algorithms=['HS256'])",
            "import jwt\njwt.decode(x, k, options={'verify_aud': False})",
            "import jwt\njwt.get_unverified_header(x)",
            "decode(x, verify=False)",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn keys_in_the_code_are_found() {
        for text in [
            "import jwt\njwt.encode(x, 'k3y', algorithm='HS256')",
            "import jwt\njwt.encode(x, key=b'k3y')",
            "import jwt\nKEY = 'k3y'\ndef f():\n    return jwt.decode(x, KEY, algorithms=['HS256'])",
            "from jose import jwt\njwt.encode(x, 'k3y')",
        ] {
            assert_eq!(found(text), ["python/hard-coded-key"], "{text}");
        }
        for text in [
            "import jwt\njwt.encode(x, key)",
            "import jwt\njwt.encode(x, '')",
            "import jwt, os\njwt.encode(x, os.environ['KEY'])",
            "import jwt\njwt.decode(x, '-----BEGIN PUBLIC KEY-----', algorithms=['RS256'])",
            "encode(x, 'k3y')",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn modes_that_show_blocks_are_found() {
        for text in [
            "from Crypto.Cipher import AES\nAES.new(k, AES.MODE_ECB)",
            "from Cryptodome.Cipher import DES3\nDES3.new(k, mode=DES3.MODE_ECB)",
            "from Crypto.Cipher import AES\nAES.new(k, 1)",
        ] {
            assert_eq!(found(text), ["python/block-by-block"], "{text}");
        }
        assert_eq!(found("from Crypto.Cipher import AES\nAES.new(k, AES.MODE_GCM)"), Vec::<&str>::new());
    }
}
