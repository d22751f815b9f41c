//! The rules: one for each kind of harm that a stranger's data can do.

use super::kinds::Kinds;
use crate::finding::{Cwe, Rule, Severity};

/// A kind of harm.
#[derive(Debug)]
pub(super) struct Danger {
    pub(super) rule: Rule,
    pub(super) kind: Kinds,
    /// What becomes of the data: fits behind "what a stranger sends".
    pub(super) harm: &'static str,
}

const fn danger(
    kind: Kinds,
    names: (&'static str, &'static str),
    weakness: (u16, Severity),
    aliases: &'static [&'static str],
    texts: (&'static str, &'static str),
) -> Danger {
    let (cwe, severity) = weakness;
    let rule = Rule { id: names.0, title: names.1, cwe: Cwe(cwe), severity, aliases, advice: texts.1 };
    Danger { rule, kind, harm: texts.0 }
}

pub(super) static SQL: Danger = danger(
    Kinds::SQL,
    ("python/sql-injection", "a query that a stranger can change"),
    (89, Severity::High),
    &["py/sql-injection"],
    ("becomes part of a query", "Pass values as parameters of the query."),
);
pub(super) static COMMAND: Danger = danger(
    Kinds::COMMAND,
    ("python/command-injection", "a command that a stranger can change"),
    (78, Severity::High),
    &["py/command-line-injection"],
    (
        "becomes part of a command",
        "Pass a list of arguments without a shell, and choose the program yourself.",
    ),
);
pub(super) static CODE: Danger = danger(
    Kinds::CODE,
    ("python/code-injection", "code that a stranger can write"),
    (94, Severity::High),
    &["py/code-injection"],
    ("is run as code", "Do not run what somebody sends; for literals use `ast.literal_eval`."),
);
pub(super) static LDAP: Danger = danger(
    Kinds::LDAP,
    ("python/ldap-injection", "a directory search that a stranger can change"),
    (90, Severity::High),
    &["py/ldap-injection"],
    ("becomes part of a directory search", "Escape it with `ldap3.utils.conv.escape_filter_chars`."),
);
pub(super) static XPATH: Danger = danger(
    Kinds::XPATH,
    ("python/xpath-injection", "an XPath query that a stranger can change"),
    (643, Severity::High),
    &["py/xpath-injection"],
    ("becomes part of an XPath query", "Pass values as variables of the query."),
);
pub(super) static TEMPLATE: Danger = danger(
    Kinds::TEMPLATE,
    ("python/template-injection", "a template that a stranger can write"),
    (1336, Severity::High),
    &["py/template-injection"],
    ("becomes part of a template", "Keep templates in files and pass values as variables."),
);
pub(super) static PATH: Danger = danger(
    Kinds::PATH,
    ("python/path-traversal", "a path that a stranger can lead elsewhere"),
    (22, Severity::High),
    &["py/path-injection"],
    ("names a file", "Resolve the path and check that it lies in the folder that is meant."),
);
pub(super) static OBJECTS: Danger = danger(
    Kinds::OBJECTS,
    ("python/unsafe-deserialisation", "objects that a stranger can make"),
    (502, Severity::High),
    &["py/unsafe-deserialization"],
    ("is made into objects", "Use JSON, or a loader that makes plain values only."),
);
pub(super) static ENTITIES: Danger = danger(
    Kinds::ENTITIES,
    ("python/external-entities", "XML that can read files"),
    (611, Severity::High),
    &["py/xxe"],
    ("is parsed by a parser that follows external entities", "Do not resolve entities, or use defusedxml."),
);
pub(super) static FORGERY: Danger = danger(
    Kinds::FORGERY,
    ("python/request-forgery", "a request that a stranger can send elsewhere"),
    (918, Severity::High),
    &["py/full-ssrf", "py/partial-ssrf"],
    ("says where a request goes", "Allow known hosts only, and check the address that the name resolves to."),
);
pub(super) static REDIRECT: Danger = danger(
    Kinds::REDIRECT,
    ("python/open-redirect", "a redirect that a stranger can lead elsewhere"),
    (601, Severity::Medium),
    &["py/url-redirection"],
    ("says where a browser goes", "Redirect to paths of your own, or to hosts in a list."),
);
pub(super) static MARKUP: Danger = danger(
    Kinds::MARKUP,
    ("python/cross-site-scripting", "a page that a stranger can write into"),
    (79, Severity::High),
    &["py/reflective-xss"],
    ("becomes part of a page as it is", "Render a template that escapes, or escape it with `html.escape`."),
);
pub(super) static TRUST: Danger = danger(
    Kinds::TRUST,
    ("python/trust-boundary", "a session that holds what a stranger sent"),
    (501, Severity::Low),
    &["CWE-501"],
    ("is kept among what the server trusts", "Check it first, and keep only what was checked."),
);

/// Every rule of the analysis.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        &SQL, &COMMAND, &CODE, &LDAP, &XPATH, &TEMPLATE, &PATH, &OBJECTS, &ENTITIES, &FORGERY, &REDIRECT,
        &MARKUP, &TRUST,
    ]
    .into_iter()
    .map(|danger| &danger.rule)
}
