//! Texts that become part of a page.

use tree_sitter::Node;

use super::{
    request::{self, Writer},
    web::answers,
};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        answer::is_no_page,
        call::{Call, Scene},
        check::{Check, Test},
        fold::Text,
    },
};

pub(in crate::languages) static MARKUP: Rule = Rule {
    id: "javascript/markup",
    title: "a text becomes part of a page as it is",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["insecure-document-method", "react-dangerouslysetinnerhtml", "no-unsanitized"],
    advice: "Set `textContent`, or clean the text with DOMPurify.",
};

static ESCAPE: Rule = Rule {
    id: "javascript/no-escape",
    title: "the template engine escapes nothing",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["detect-disable-mustache-escape"],
    advice: "Leave escaping on, and mark the few texts that are markup.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::JavaScript,
        words: &["innerHTML", "outerHTML"],
        test: Test::Node(&["assignment_expression", "augmented_assignment_expression"], assigned),
    },
    Check {
        language: Language::JavaScript,
        words: &["dangerouslySetInnerHTML"],
        test: Test::Node(&["pair"], dangerous),
    },
    Check {
        language: Language::JavaScript,
        words: &["insertAdjacentHTML", "document", "trustAs", "bypassSecurityTrust"],
        test: Test::Call(written),
    },
    Check { language: Language::JavaScript, words: &["$(", "jQuery"], test: Test::Call(by_jquery) },
    Check { language: Language::JavaScript, words: &request::WORDS, test: Test::Call(answered) },
    Check {
        language: Language::JavaScript,
        words: &["escapeMarkup", "noEscape"],
        test: Test::Node(&["pair", "assignment_expression"], escape),
    },
];

/// Whether a text is markup that somebody else may have written, and nobody cleaned.
fn is_raw<'t>(scene: &Scene<'_, 't>, text: &Text<'t>) -> bool {
    text.unknowns().any(|node| {
        let written = scene.written(scene.given(node)).to_ascii_lowercase();
        let cleaned = [
            "sanitiz",
            "sanitis",
            "escape",
            "purify",
            "encode",
            "trustedhtml",
            "xss(",
            ".length",
            "tofixed",
            "number(",
            "parseint",
        ];
        !cleaned.iter().any(|word| written.contains(word))
    })
}

/// How sure it is that a text does harm in a page: if an address says it, it is known; what is put together is more likely to be markup.
fn judged<'t>(scene: &Scene<'_, 't>, hit: Hit, value: Node<'t>) -> Hit {
    match request::written_by(scene, value, Writer::Link) {
        Some(part) => {
            let hit = hit.severity(Severity::High).confidence(Confidence::High);
            hit.message(format!("whoever makes the link writes `{part}`, and the page takes it for markup"))
        }
        None if scene.text(value).is_composed() => hit.confidence(Confidence::Medium),
        None => hit.confidence(Confidence::Low),
    }
}

fn assigned<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
    let property = left.child_by_field_name("property").map(|property| scene.written(property));
    let property = property.filter(|property| matches!(*property, "innerHTML" | "outerHTML"))?;
    let text = scene.text(right);
    // What was in the page already is not made worse by moving it.
    let moved = ["innerHTML", "outerHTML"].iter().any(|of| scene.written(right).ends_with(of));
    (is_raw(scene, &text) && !moved)
        .then(|| judged(scene, Hit::of(&MARKUP, node.byte_range(), property), right))
}

fn dangerous<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let key = scene.written(node.child_by_field_name("key")?);
    let value = node.child_by_field_name("value").filter(|_| key == "__html")?;
    is_raw(scene, &scene.text(value))
        .then(|| judged(scene, Hit::of(&MARKUP, node.byte_range(), "dangerouslySetInnerHTML"), value))
}

fn written<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let trusts = ["trustAs", "bypassSecurityTrust"].iter().any(|start| call.method.starts_with(start));
    let at = match (call.name.as_str(), call.method) {
        ("document.write" | "document.writeln", _) => 0,
        (_, "insertAdjacentHTML") => 1,
        (_, "trustAs") => 1,
        _ if trusts && call.object.is_some() => 0,
        _ => return None,
    };
    let text = scene.argument(call, at).filter(|text| is_raw(scene, text))?;
    let hit = Hit::of(&MARKUP, call.node.byte_range(), call.method);
    (!text.is_known()).then(|| judged(scene, hit, call.arguments[at]))
}

/// Methods of jQuery that take markup.
const MARKING: [&str; 8] = ["html", "append", "prepend", "before", "after", "wrap", "wrapAll", "replaceWith"];

fn by_jquery<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let of = |written: &str| written.starts_with('$') || written.starts_with("jQuery");
    let made = matches!(call.name.as_str(), "$" | "jQuery" | "jquery");
    let marks = MARKING.contains(&call.method) && call.object.is_some_and(|object| of(scene.written(object)));
    let first = *call.arguments.first().filter(|_| made || marks)?;
    let text = scene.text(first);
    let by_link = request::written_by(scene, first, Writer::Link).is_some();
    // Nodes are appended more often than texts are, and most of what is looked for is no markup.
    let markup = text.is_composed() && text.beginning().trim_start().starts_with('<');
    let found =
        is_raw(scene, &text) && (by_link || markup || call.method == "html" && first.kind() != "object");
    found.then(|| judged(scene, Hit::of(&MARKUP, call.node.byte_range(), call.method), first))
}

/// A server's answer, which a browser takes for a page.
fn answered<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let object = call.object.filter(|_| matches!(call.method, "send" | "write" | "end"))?;
    let first = *call.arguments.first().filter(|_| answers(scene, object))?;
    let part = request::part(scene, first).filter(|part| !part.ends_with("body"))?;
    let hit = Hit::of(&MARKUP, call.node.byte_range(), call.method).severity(Severity::High);
    (!is_no_page(scene.names.text, call.node.byte_range(), &["function", "=>"])).then(|| {
        hit.message(format!("a stranger writes `{part}`, and the browser of another takes it for markup"))
    })
}

fn escape<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (target, value) = if node.kind() == "pair" { ("key", "value") } else { ("left", "right") };
    let (target, value) = (node.child_by_field_name(target)?, node.child_by_field_name(value)?);
    let name = scene.written(target).rsplit('.').next()?.trim_matches(['"', '\'']);
    let off = matches!((name, scene.written(value)), ("escapeMarkup", "false") | ("noEscape", "true"));
    off.then(|| Hit::of(&ESCAPE, node.byte_range(), name))
}
