//! What a value is for, by the names around it.
//!
//! The names are those of the definitions around a call, of what the value is given to, and of what goes into it. Words of secrets and
//! proofs come first: a `cache_token` is a token. Where no word says anything, nothing is claimed.

use ruff_python_ast::{Expr, Stmt, visitor::Visitor};
use ruff_text_size::Ranged;

use super::site::Site;

/// What a value is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It protects something: the word that says so.
    Security(String),
    /// It only names something: the words that say so.
    Identity(String),
    /// No name says.
    Unsaid,
}

const SECURITY: [&str; 36] = [
    "apikey",
    "auth",
    "authenticate",
    "authentication",
    "authorization",
    "certificate",
    "challenge",
    "cookie",
    "credential",
    "credentials",
    "crypt",
    "csrf",
    "hmac",
    "jwt",
    "license",
    "login",
    "mac",
    "nonce",
    "oauth",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pin",
    "pwd",
    "salt",
    "secret",
    "secrets",
    "secure",
    "session",
    "sign",
    "signature",
    "token",
    "tokens",
    "verify",
];

/// Each alone says that a value names something. A checksum or a fingerprint may be all that tells the right thing from a forged one.
const IDENTITY: [&str; 11] = [
    "bucket",
    "cache",
    "cached",
    "dedup",
    "deduplicate",
    "duplicate",
    "etag",
    "memo",
    "memoize",
    "partition",
    "shard",
];

/// Things whose hash names them: `content_hash`.
const HASHED: [&str; 18] = [
    "body",
    "color",
    "config",
    "configuration",
    "content",
    "document",
    "image",
    "page",
    "path",
    "query",
    "record",
    "row",
    "schema",
    "settings",
    "state",
    "text",
    "uri",
    "url",
];

struct Words(Vec<String>);

/// The words of a name: `contentHash`, `content_hash` and `ContentHash` have the same two.
fn words(name: &str, into: &mut Vec<String>) {
    let mut word = String::new();
    let mut small = false;
    for character in name.chars() {
        let breaks = !character.is_alphanumeric() || character.is_uppercase() && small;
        if breaks && !word.is_empty() {
            into.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        small = character.is_lowercase() || character.is_numeric();
    }
    if !word.is_empty() {
        into.push(word);
    }
}

// === impl Words ===

impl<'a> Visitor<'a> for Words {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => words(name.id.as_str(), &mut self.0),
            Expr::Attribute(attribute) => {
                words(attribute.attr.as_str(), &mut self.0);
                self.visit_expr(&attribute.value);
            }
            Expr::Subscript(subscript) => {
                if let Expr::StringLiteral(key) = subscript.slice.as_ref() {
                    words(key.value.to_str(), &mut self.0);
                }
                self.visit_expr(&subscript.value);
            }
            _ => ruff_python_ast::visitor::walk_expr(self, expr),
        }
    }
}

// === impl Purpose ===

impl Purpose {
    /// What the value of a call is for.
    pub(super) fn of(site: &Site<'_>) -> Self {
        let mut found = Words(Vec::new());
        words(&site.finding.context, &mut found.0);
        match site.scene.statement {
            Some(Stmt::Assign(assign)) => assign.targets.iter().for_each(|target| found.visit_expr(target)),
            Some(Stmt::AnnAssign(assign)) => found.visit_expr(&assign.target),
            Some(Stmt::AugAssign(assign)) => found.visit_expr(&assign.target),
            _ => {}
        }
        for argument in site.call.positional() {
            found.visit_expr(argument);
        }
        for keyword in site.call.keywords() {
            found.visit_expr(&keyword.value);
        }
        for parent in site.scene.parents {
            if let Expr::Call(call) = parent
                && !call.func.range().contains_range(site.node.range())
            {
                found.visit_expr(&call.func);
            }
        }
        Self::of_words(&found.0)
    }

    fn of_words(words: &[String]) -> Self {
        let first = |among: &[&str]| words.iter().find(|word| among.contains(&word.as_str())).cloned();
        if let Some(word) = first(&SECURITY) {
            return Self::Security(word);
        }
        let of_key = |pair: &&[String]| matches!(&*pair[0], "public" | "private") && pair[1] == "key";
        if let Some(pair) = words.windows(2).find(of_key) {
            return Self::Security(pair.join(" "));
        }
        if let Some(word) = first(&IDENTITY) {
            return Self::Identity(word);
        }
        let hashed = first(&HASHED).filter(|_| words.iter().any(|word| word == "hash" || word == "digest"));
        hashed.map_or(Self::Unsaid, |word| Self::Identity(format!("{word} hash")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Purpose {
        let mut found = Vec::new();
        names.iter().for_each(|name| words(name, &mut found));
        Purpose::of_words(&found)
    }

    #[test]
    fn names_say_what_it_is_for() {
        for names in [
            &["Cache.make_key", "key_hash"][..],
            &["x", "contentHash"],
            &["_settings_hash"],
            &["ETag", "etag"],
        ] {
            assert!(matches!(of(names), Purpose::Identity(_)), "{names:?}");
        }
        for names in [&["cache_token"][..], &["hash_password"], &["checkSignature", "content_hash"]] {
            assert!(matches!(of(names), Purpose::Security(_)), "{names:?}");
        }
        assert_eq!(of(&["f", "x", "key", "hash", "content"]), Purpose::Identity("content hash".to_owned()));
        assert_eq!(of(&["f", "data"]), Purpose::Unsaid);
    }

    #[test]
    fn words_are_parted() {
        let mut found = Vec::new();
        words("HTTPCache.contentHash2_x", &mut found);
        assert_eq!(found, ["httpcache", "content", "hash2", "x"]);
    }
}
