//! Cookies.

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

/// Frameworks whose `set_cookie` sends a cookie over plain HTTP unless it is told not to.
const FRAMEWORKS: &[&str] = &["flask", "django", "fastapi", "starlette", "werkzeug", "bottle", "pyramid"];

pub(super) static CHECKS: &[Check] = &[Check {
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
}];

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
            let gone =
                call.keyword("max_age").is_some_and(|age| scene.fold(&age.value) == Some(Constant::Int(0)));
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
