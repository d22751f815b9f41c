//! Passwords that are given by their place: no name says what they are, but the call does. A finding never says to what they are set.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    secrets::looks_like_password,
};

/// Libraries whose calls take `auth=(user, password)`.
const CLIENTS: [&str; 3] = ["requests", "httpx", "aiohttp"];

/// What has a method `login(user, password)`.
const SERVERS: [&str; 6] = [
    "smtplib.SMTP",
    "smtplib.SMTP_SSL",
    "imaplib.IMAP4",
    "imaplib.IMAP4_SSL",
    "ftplib.FTP",
    "ftplib.FTP_TLS",
];

pub(super) static CHECKS: &[Check] = &[Check {
    rule: Rule {
        id: "python/password-by-position",
        title: "a password in the source",
        cwe: Cwe(798),
        severity: Severity::High,
        aliases: &["py/hardcoded-credentials"],
        advice: "Read it from the environment or a store of secrets, and change it: it is in the history.",
    },
    confidence: Confidence::Medium,
    class: Class::Secrets,
    words: Words::Names(&[
        "auth",
        "HTTPBasicAuth",
        "HTTPDigestAuth",
        "BasicAuth",
        "login",
        "simple_bind_s",
        "FTP",
        "FTP_TLS",
        "MySQLdb",
        "pymysql",
    ]),
    test: Test::Call(by_position),
}];

/// The user and the password that a call is given.
fn login<'c>(scene: &Scene<'_>, call: &Call<'c>) -> Option<(&'c Expr, &'c Expr)> {
    let pair = |at: usize| Some((call.positional().get(at)?, call.positional().get(at + 1)?));
    match call.name {
        "requests.auth.HTTPBasicAuth"
        | "requests.auth.HTTPDigestAuth"
        | "httpx.BasicAuth"
        | "httpx.DigestAuth"
        | "aiohttp.BasicAuth" => return pair(0),
        "MySQLdb.connect" | "pymysql.connect" | "ftplib.FTP" | "ftplib.FTP_TLS" => return pair(1),
        _ => {}
    }
    if let Some(auth) = call.keyword("auth") {
        let [user, password] = auth.value.as_tuple_expr()?.elts.as_slice() else { return None };
        let known = CLIENTS.iter().any(|client| scene.module.names.imports(client));
        return known.then_some((user, password));
    }
    let maker = || scene.module.names.made_by(call.object()?, scene.at);
    match call.method() {
        "login" => maker().filter(|maker| SERVERS.contains(&maker.as_str())).and_then(|_| pair(0)),
        "simple_bind_s" => maker().filter(|maker| maker == "ldap.initialize").and_then(|_| pair(0)),
        _ => None,
    }
}

fn by_position(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let (user, password) = login(scene, call)?;
    let text = password.as_string_literal_expr()?.value.to_str();
    let user = user.as_string_literal_expr().map(|user| user.value.to_str());
    // `("user", "user")` and `("user", "password")` show how it is done.
    let shown = user == Some(text) || text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let generated = looks_like_password(text).filter(|generated| *generated || !shown)?;
    let severity = if generated { Severity::High } else { Severity::Medium };
    let hit = call.hit("the password is written out here: whoever reads the source has it");
    Some(hit.severity(severity).moved(password.range()))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn passwords_without_names_are_found() {
        let found = |line: &str| {
            let text = format!(
                "import ftplib, ldap, smtplib\nimport MySQLdb, requests\nfrom requests.auth import HTTPBasicAuth\n{line}\n"
            );
            let report = Audit::default().text("a.py", &text, Parse::WhereWordsOccur);
            assert!(!format!("{report:?}").contains("Zq8sd7fgH23kLp\""), "{line}");
            report.findings.iter().any(|one| one.rule.id == "python/password-by-position")
        };
        for line in [
            "requests.get(u, auth=('admin', 'Zq8sd7fgH23kLp'), timeout=3)",
            "HTTPBasicAuth('admin', 'Zq8sd7fgH23kLp')",
            "smtplib.SMTP_SSL('a').login('b', 'Zq8sd7fgH23kLp')",
            "s = smtplib.SMTP('a')\ns.login(user, 'Zq8sd7fgH23kLp')",
            "MySQLdb.connect('localhost', 'root', 'Zq8sd7fgH23kLp', 'app')",
            "ldap.initialize(u).simple_bind_s('cn=a', 'Zq8sd7fgH23kLp')",
        ] {
            assert!(found(line), "{line}");
        }
        for line in [
            "requests.get(u, auth=('user', password), timeout=3)",
            "requests.get(u, auth=('user', 'password'), timeout=3)",
            "page.login('b', 'Zq8sd7fgH23kLp')",
            "requests.get(u, auth=('Zq8sd7fgH23kLp', ''), timeout=3)",
        ] {
            assert!(!found(line), "{line}");
        }
    }
}
