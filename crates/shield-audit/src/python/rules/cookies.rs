//! Cookies.

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

/// Frameworks whose `set_cookie` sends a cookie over plain HTTP unless it is told not to.
const FRAMEWORKS: &[&str] = &["flask", "django", "fastapi", "starlette", "werkzeug", "bottle", "pyramid"];

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/script-readable-cookie",
            title: "a session's cookie that scripts can read",
            cwe: Cwe(1004),
            severity: Severity::Low,
            aliases: &["py/client-exposed-cookie"],
            advice: "Say `httponly=True`, so that a script that got into a page cannot send it elsewhere.",
        },
        confidence: Confidence::Medium,
        class: Class::Transport,
        words: Words::Names(&["set_cookie"]),
        test: Test::Call(script_readable_cookie),
    },
    Check {
        rule: Rule {
            id: "python/insecure-cookie",
            title: "a cookie that is sent in the clear",
            cwe: Cwe(614),
            severity: Severity::Medium,
            aliases: &["py/insecure-cookie"],
            advice: "Say `secure=True`, so that the cookie is sent over HTTPS only.",
        },
        confidence: Confidence::High,
        class: Class::Transport,
        words: Words::Names(&["set_cookie"]),
        test: Test::Call(insecure_cookie),
    },
];

/// Parts of names of cookies by which a server knows somebody again.
const SESSIONS: [&str; 5] = ["session", "sid", "auth", "jwt", "access_token"];

fn script_readable_cookie(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let known = call.object().is_some()
        && call.method() == "set_cookie"
        && FRAMEWORKS.iter().any(|framework| scene.module.names.imports(framework));
    let name = scene.text(call.argument("key", 0).filter(|_| known)?)?.to_ascii_lowercase();
    let of_session = SESSIONS.iter().any(|word| name.contains(word));
    let readable = match call.keyword("httponly") {
        Some(only) => scene.is_bool(&only.value, false),
        None => !call.has_unseen_arguments() && call.positional().len() < 7 && !is_removed(scene, call),
    };
    (of_session && readable)
        .then(|| call.hit("without `httponly=True` every script of a page reads the cookie"))
}

/// Whether a cookie is set to be gone.
fn is_removed(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    call.keyword("max_age").is_some_and(|age| scene.fold(&age.value) == Some(Constant::Int(0)))
}

fn insecure_cookie(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.method() != "set_cookie" || call.object().is_none() {
        return None;
    }
    match call.keyword("secure") {
        Some(secure) => scene
            .is_bool(&secure.value, false)
            .then(|| call.hit("`secure=False`: the cookie is sent over plain HTTP too")),
        None => {
            let known = FRAMEWORKS.iter().any(|framework| scene.module.names.imports(framework));
            let gone = is_removed(scene, call);
            // A jar is handed a whole cookie.
            let whole = call.keyword("value").is_none()
                && matches!(call.positional(), [cookie] if !cookie.is_string_literal_expr());
            let told = call.has_unseen_arguments() || call.positional().len() > 5 || gone || whole;
            (known && !told).then(|| {
                call.hit("without `secure=True` the cookie is sent over plain HTTP too")
                    .confidence(Confidence::Medium)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn confidences(text: &str) -> Vec<String> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        let cookies = report.findings.iter().filter(|one| one.rule.id == "python/insecure-cookie");
        cookies.map(|one| format!("{:?}", one.confidence)).collect()
    }

    #[test]
    fn cookies_that_scripts_read_are_found() {
        let found = |call: &str| {
            let text = format!("import flask\n{call}");
            let report = Audit::default().text("a.py", &text, Parse::WhereWordsOccur);
            report.findings.iter().any(|one| one.rule.id == "python/script-readable-cookie")
        };
        assert!(found("r.set_cookie('session', s, secure=True)"));
        assert!(found("r.set_cookie('sid', s, secure=True, httponly=False)"));
        for call in [
            "r.set_cookie('session', s, httponly=True)",
            "r.set_cookie('theme', s)",
            "r.set_cookie('session', '', max_age=0)",
            "r.set_cookie('session', s, **options)",
        ] {
            assert!(!found(call), "{call}");
        }
    }

    #[test]
    fn only_insecure_cookies_are_found() {
        assert_eq!(confidences("r.set_cookie('a', b, secure=False)"), ["High"]);
        assert_eq!(confidences("import flask\nr.set_cookie('a', b)"), ["Medium"]);
        for text in [
            "r.set_cookie('a', b, secure=True)",
            "r.set_cookie('a', b, secure=settings.HTTPS)",
            "import flask\nr.set_cookie('a', b, **options)",
            "import flask\nr.set_cookie('a', '', max_age=0)",
            "import flask\njar.set_cookie(cookie)",
            "r.set_cookie('a', b)",
            "set_cookie('a', secure=False)",
        ] {
            assert_eq!(confidences(text), Vec::<String>::new(), "{text}");
        }
    }
}
