//! Texts that become part of a page.

use tree_sitter::Node;

use super::request;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        answer::is_no_page,
        call::{Call, Scene},
        check::{Check, Test},
    },
};

static MARKUP: Rule = Rule {
    id: "go/markup",
    title: "a text becomes part of a page as it is",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["G203", "G705"],
    advice: "Hand the text itself to the template, which escapes it.",
};

static ESCAPE: Rule = Rule {
    id: "go/no-escape",
    title: "the template engine escapes nothing",
    cwe: Cwe(79),
    severity: Severity::Low,
    aliases: &["import-text-template"],
    advice: "Use `html/template` for pages.",
};

static TEMPLATE: Rule = Rule {
    id: "go/template-injection",
    title: "a stranger writes the template",
    cwe: Cwe(1336),
    severity: Severity::High,
    aliases: &["go-ssti"],
    advice: "Keep templates in files, and hand what the stranger sends over as a value.",
};

pub(super) const CHECKS: &[Check] = &[
    Check { language: Language::Go, words: &["/template"], test: Test::Call(template) },
    Check { language: Language::Go, words: &["html/template"], test: Test::Call(trusted) },
    Check { language: Language::Go, words: &["net/http"], test: Test::Call(answered) },
    Check {
        language: Language::Go,
        words: &["text/template"],
        test: Test::Node(&["import_spec"], unescaped),
    },
];

fn template<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let of_engine = ["text/template.", "html/template."].iter().any(|engine| call.name.starts_with(engine));
    let parsed = *call.arguments.first().filter(|_| of_engine && call.method == "Parse")?;
    let part = request::by_stranger(scene, parsed)?;
    Some(
        call.hit(&TEMPLATE)
            .message(format!("a stranger writes `{part}`, and a template reads what it is given")),
    )
}

const RAW: [&str; 6] = ["HTML", "HTMLAttr", "JS", "JSStr", "URL", "CSS"];

fn trusted<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let kind = call.name.strip_prefix("html/template.").filter(|kind| RAW.contains(kind))?;
    let text = scene.argument(call, 0).filter(|text| !text.is_known())?;
    let cleaned = text.unknowns().all(|node| {
        let written = scene.written(node).to_ascii_lowercase();
        ["sanitiz", "escape"].iter().any(|word| written.contains(word))
    });
    let hit = Hit::of(&MARKUP, call.node.byte_range(), format!("template.{kind}"));
    match request::by_stranger(scene, *call.arguments.first()?) {
        Some(part) => Some(
            hit.severity(Severity::High)
                .message(format!("a stranger writes `{part}`, and the page takes it for markup")),
        ),
        None if cleaned && text.unknowns().next().is_some() => None,
        None => Some(hit.confidence(Confidence::Low)),
    }
}

/// Names under which handlers know where their answer goes.
const WRITERS: [&str; 8] = ["w", "rw", "res", "resp", "response", "writer", "wr", "responseWriter"];

/// A server's answer, which a browser takes for a page.
fn answered<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let writes =
        |at: usize| call.arguments.get(at).is_some_and(|node| WRITERS.contains(&scene.written(*node)));
    let from = match (call.name.as_str(), call.method) {
        ("fmt.Fprintf" | "fmt.Fprint" | "fmt.Fprintln" | "io.WriteString", _) if writes(0) => 1,
        (_, "Write" | "WriteString")
            if call.object.is_some_and(|object| WRITERS.contains(&scene.written(object))) =>
        {
            0
        }
        _ => return None,
    };
    let values = call.arguments.get(from..).unwrap_or_default();
    let part = values.iter().find_map(|value| request::by_stranger(scene, *value))?;
    let hit = Hit::of(&MARKUP, call.node.byte_range(), call.method)
        .severity(Severity::High)
        .confidence(Confidence::Medium);
    (!is_no_page(scene.names.text, call.node.byte_range(), &["func ", "func("])).then(|| {
        hit.message(format!("a stranger writes `{part}`, and the browser of another takes it for markup"))
    })
}

/// Templates of texts in a program that answers requests.
fn unescaped<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let path = scene.written(node.child_by_field_name("path")?).trim_matches(['"', '`']);
    let serves =
        scene.names.text.contains("\"net/http\"") && scene.names.text.contains("http.ResponseWriter");
    (path == "text/template" && serves)
        .then(|| Hit::of(&ESCAPE, node.byte_range(), path).confidence(Confidence::Low))
}
