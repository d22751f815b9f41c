//! Answers that pages of other sites may read (CORS).

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::Constant,
};

/// The middleware of Starlette, which FastAPI has under its own name.
const MIDDLEWARE: [&str; 2] =
    ["starlette.middleware.cors.CORSMiddleware", "fastapi.middleware.cors.CORSMiddleware"];

pub(super) static CHECKS: &[Check] = &[Check {
    rule: Rule {
        id: "python/shared-with-any-site",
        title: "lets every site read what its visitors may read here",
        cwe: Cwe(942),
        severity: Severity::High,
        aliases: &["py/cors-misconfiguration-with-credentials"],
        advice: "Name the origins that may read answers, or let them come without cookies.",
    },
    confidence: Confidence::High,
    class: Class::Transport,
    words: Words::Names(&["CORSMiddleware", "flask_cors"]),
    test: Test::Call(shared_with_any_site),
}];

fn shared_with_any_site(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let on = |name| scene.given(call, name).is_some_and(|value| scene.is_bool(value, true));
    let any = |name| scene.given(call, name).map(|value| names_any(scene, value));
    let shared = match call.name {
        // Without origins it answers them all, unless single paths say otherwise.
        "flask_cors.CORS" | "flask_cors.cross_origin" => {
            let elsewhere = scene.given(call, "resources").is_some();
            on("supports_credentials") && any("origins").unwrap_or(!elsewhere)
        }
        name => {
            let added = call.positional().first().and_then(|first| scene.resolve(first));
            let middleware =
                MIDDLEWARE.contains(&name) || added.is_some_and(|added| MIDDLEWARE.contains(&added.as_str()));
            let origins = || any("allow_origins") == Some(true) || any("allow_origin_regex") == Some(true);
            middleware && on("allow_credentials") && origins()
        }
    };
    shared.then(|| call.hit("a page of any site reads what it answers to the cookies of whoever looks at it"))
}

/// Whether origins, or a pattern of them, are all that there are.
fn names_any(scene: &Scene<'_>, origins: &ruff_python_ast::Expr) -> bool {
    let any =
        |one: &Constant| matches!(one, Constant::Text(text) if matches!(text.as_str(), "*" | ".*" | ".+"));
    match scene.fold(origins) {
        Some(Constant::Sequence(all)) => all.iter().any(any),
        Some(one) => any(&one),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    fn found(text: &str) -> Vec<&'static str> {
        let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
        report
            .findings
            .iter()
            .map(|one| one.rule.id)
            .filter(|id| *id == "python/shared-with-any-site")
            .collect()
    }

    #[test]
    fn answers_for_any_site_are_found() {
        const STARLETTE: &str = "from starlette.middleware.cors import CORSMiddleware\n";
        const FLASK: &str = "from flask_cors import CORS\n";
        for (imports, call, count) in [
            (STARLETTE, "app.add_middleware(CORSMiddleware, allow_origins=['*'], allow_credentials=True)", 1),
            (STARLETTE, "ALL = ['*']\nCORSMiddleware(app, allow_origins=ALL, allow_credentials=True)", 1),
            (STARLETTE, "f(CORSMiddleware, allow_origin_regex='.*', allow_credentials=True)", 1),
            (STARLETTE, "f(CORSMiddleware, **{'allow_origins': ['*'], 'allow_credentials': True})", 1),
            (STARLETTE, "f(CORSMiddleware, allow_origins=['*'])", 0),
            (STARLETTE, "f(CORSMiddleware, allow_origins=['https://a.example'], allow_credentials=True)", 0),
            (STARLETTE, "f(CORSMiddleware, allow_origins=settings.origins, allow_credentials=True)", 0),
            ("", "f(CORSMiddleware, allow_origins=['*'], allow_credentials=True)", 0),
            (FLASK, "CORS(app, supports_credentials=True)", 1),
            (FLASK, "CORS(app, origins='*', supports_credentials=True)", 1),
            (FLASK, "CORS(app, origins=['https://a.example'], supports_credentials=True)", 0),
            (FLASK, "CORS(app, resources=x, supports_credentials=True)", 0),
            (FLASK, "CORS(app)", 0),
        ] {
            assert_eq!(found(&format!("{imports}{call}")).len(), count, "{call}");
        }
    }
}
