//! Code, commands and templates made of text.

use tree_sitter::Node;

use super::request::{self, Writer};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::{Text, children},
    },
};

static EVAL: Rule = Rule {
    id: "javascript/eval",
    title: "runs text as code",
    cwe: Cwe(95),
    severity: Severity::Medium,
    aliases: &["detect-eval-with-expression", "no-eval", "no-implied-eval"],
    advice: "Use `JSON.parse` for values, and a table of the functions that may be called.",
};

static COMMAND: Rule = Rule {
    id: "javascript/command",
    title: "a shell runs a text that is put together here",
    cwe: Cwe(78),
    severity: Severity::High,
    aliases: &["detect-child-process"],
    advice: "Call `execFile` or `spawn` with a list of arguments and without `shell`.",
};

static REQUIRE: Rule = Rule {
    id: "javascript/dynamic-require",
    title: "loads a module whose name is not known here",
    cwe: Cwe(95),
    severity: Severity::Low,
    aliases: &["detect-non-literal-require"],
    advice: "Keep a table of the modules that may be loaded.",
};

static REGEXP: Rule = Rule {
    id: "javascript/regular-expression",
    title: "a stranger writes the regular expression",
    cwe: Cwe(1333),
    severity: Severity::Medium,
    aliases: &["detect-non-literal-regexp"],
    advice: "Escape what the stranger sends, or search for it as a text.",
};

static DESERIALISE: Rule = Rule {
    id: "javascript/deserialise",
    title: "makes objects, functions among them, out of a text",
    cwe: Cwe(502),
    severity: Severity::High,
    aliases: &["node-serialize", "express-third-party-object-deserialization"],
    advice: "Use `JSON.parse`.",
};

static TEMPLATE: Rule = Rule {
    id: "javascript/template-injection",
    title: "a stranger writes the template",
    cwe: Cwe(1336),
    severity: Severity::High,
    aliases: &["express-insecure-template-usage"],
    advice: "Keep templates in files, and hand what the stranger sends over as a value.",
};

static ENTITIES: Rule = Rule {
    id: "javascript/xml-entities",
    title: "a document names files and addresses that the parser reads",
    cwe: Cwe(611),
    severity: Severity::High,
    aliases: &["express-libxml-noent"],
    advice: "Leave `noent` out.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::JavaScript,
        words: &["eval", "Function", "setTimeout", "setInterval", "vm", "sandbox", "globalEval"],
        test: Test::Call(eval),
    },
    Check {
        language: Language::JavaScript,
        words: &["puppeteer", "playwright", "chrome-remote-interface", "phantom"],
        test: Test::Call(in_browser),
    },
    Check {
        language: Language::JavaScript,
        words: &["child_process", "execa", "shelljs", "cross-spawn"],
        test: Test::Call(command),
    },
    Check { language: Language::JavaScript, words: &request::WORDS, test: Test::Call(template) },
    Check { language: Language::JavaScript, words: &["require"], test: Test::Call(require) },
    Check { language: Language::JavaScript, words: &request::WORDS, test: Test::Call(regexp) },
    Check { language: Language::JavaScript, words: &["noent"], test: Test::Node(&["pair"], entities) },
    Check { language: Language::JavaScript, words: &["serialize"], test: Test::Call(deserialise) },
];

fn eval<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let name = call.name.strip_prefix("window.").or_else(|| call.name.strip_prefix("globalThis."));
    let name = name.unwrap_or(&call.name);
    let at = match name {
        "eval"
        | "vm.runInThisContext"
        | "vm.runInNewContext"
        | "vm.runInContext"
        | "vm.Script"
        | "vm.compileFunction"
        | "vm2.VMScript"
        | "vm2.VM().run"
        | "vm2.NodeVM().run"
        | "sandbox().run"
        | "$.globalEval"
        | "jQuery.globalEval" => 0,
        "Function" => call.arguments.len().checked_sub(1)?,
        "setTimeout" | "setInterval" | "setImmediate" => {
            // A function is called, a text is run: only what is put together, or sent, is a text for sure.
            let first = *call.arguments.first()?;
            let sent = matches!(first.kind(), "member_expression" | "subscript_expression" | "identifier")
                && request::part(scene, first).is_some();
            return (sent || scene.text(first).is_composed()).then(|| said(scene, call, 0));
        }
        _ => return None,
    };
    scene.argument(call, at).filter(|text| !text.is_known())?;
    Some(said(scene, call, at))
}

/// Worse if it is known that a stranger writes it.
fn said<'t>(scene: &Scene<'_, 't>, call: &Call<'t>, at: usize) -> Hit {
    let hit = call.hit(&EVAL);
    let by = |writer| request::written_by(scene, *call.arguments.get(at)?, writer);
    match by(Writer::Client).or_else(|| by(Writer::Link)) {
        Some(part) => {
            hit.severity(Severity::High).message(format!("a stranger writes `{part}`, and it is run as code"))
        }
        None => hit.message("the text that is run as code is not written here"),
    }
}

/// Code that is put together for a browser under control.
fn in_browser<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let runs = matches!(
        call.method,
        "evaluate"
            | "evaluateHandle"
            | "evaluateOnNewDocument"
            | "evaluateJavaScript"
            | "addInitScript"
            | "compileScript"
    );
    call.object.filter(|_| runs)?;
    let first = *call.arguments.first()?;
    let expression = || property(scene, first, "expression").or_else(|| property(scene, first, "content"));
    let code = if first.kind() == "object" { expression()? } else { first };
    let text = scene.text(code);
    let hit = Hit::of(&EVAL, call.node.byte_range(), call.method);
    match request::part(scene, code) {
        Some(part) => Some(
            hit.severity(Severity::High)
                .message(format!("a stranger writes `{part}`, and the browser runs it")),
        ),
        None if text.is_composed() => {
            Some(hit.confidence(Confidence::Medium).message("the browser runs what is put into the code"))
        }
        None => None,
    }
}

/// Engines that make a page of a template and values.
const TEMPLATES: [&str; 16] = [
    "pug",
    "jade",
    "ejs",
    "dot",
    "doT",
    "handlebars",
    "nunjucks",
    "mustache",
    "lodash",
    "underscore",
    "swig",
    "eta",
    "hogan.js",
    "whiskers",
    "atpl",
    "squirrelly",
];

fn template<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let makes = matches!(
        call.method,
        "compile"
            | "render"
            | "renderString"
            | "renderStringAsync"
            | "template"
            | "precompile"
            | "compileClient"
            | "to_html"
    );
    let engine = call.name.split('.').next().filter(|_| makes).unwrap_or_default();
    let of_engine = TEMPLATES.contains(&engine) || call.name.starts_with("hogan.js.");
    let part = request::argument(scene, call, 0).filter(|_| of_engine)?;
    Some(call.hit(&TEMPLATE).message(format!("a stranger writes `{part}`, and a template can run code")))
}

/// Functions that hand their first argument to a shell.
const SHELL_CALLS: [&str; 5] =
    ["child_process.exec", "child_process.execSync", "shelljs.exec", "execa.command", "execa.execaCommand"];

/// Functions that start the program that their first argument names.
const STARTS: [&str; 8] = [
    "child_process.spawn",
    "child_process.spawnSync",
    "child_process.execFile",
    "child_process.execFileSync",
    "execa",
    "execa.execa",
    "cross-spawn",
    "cross-spawn.sync",
];

/// Shells, and the options after which their script comes.
const SHELLS: [&str; 7] = ["sh", "bash", "zsh", "dash", "cmd", "powershell", "pwsh"];

fn command<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let shell = SHELL_CALLS.contains(&call.name.as_str());
    if !shell && !STARTS.contains(&call.name.as_str()) {
        return None;
    }
    let given = call.arguments.iter().take(if shell { 1 } else { 2 }).filter(|node| node.kind() != "object");
    let given: Vec<_> = given.copied().collect();
    if !shell && !is_shell(scene, call, &given) {
        // Without a shell, values are arguments; the program is not.
        let part = request::part(scene, *given.first()?)?;
        return Some(
            call.hit(&COMMAND).message(format!("a stranger writes `{part}`, which says what program runs")),
        );
    }
    let texts = given.iter().flat_map(|node| parts(scene, *node));
    let (node, text) = texts.into_iter().find(|(_, text)| !text.is_known())?;
    let hit = call.hit(&COMMAND);
    Some(match (request::part(scene, node), text.is_composed()) {
        (Some(part), _) => hit.message(format!("a stranger writes `{part}`, and a shell runs it")),
        (None, true) => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("what is put into the command line may hold commands")
        }
        (None, false) => {
            let hit = hit.severity(Severity::Low).confidence(Confidence::Low);
            hit.message("the command line is not written here")
        }
    })
}

/// Whether what is started is a shell, or runs through one: with `shell`, all of it is one command line.
fn is_shell<'t>(scene: &Scene<'_, 't>, call: &Call<'t>, given: &[Node<'t>]) -> bool {
    let options = call.arguments.iter().rev().find(|argument| argument.kind() == "object");
    let said = options.and_then(|options| property(scene, *options, "shell"));
    let through = said.is_some_and(|value| !matches!(scene.written(value), "false" | "undefined"));
    let program = given.first().and_then(|program| scene.text(*program).literal()).unwrap_or_default();
    let base = program.rsplit(['/', '\\']).next().unwrap_or(&program).trim_end_matches(".exe");
    through || SHELLS.contains(&base)
}

/// The texts of an argument: of a list, its elements.
fn parts<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Vec<(Node<'t>, Text<'t>)> {
    let nodes = if node.kind() == "array" { children(node, 20) } else { vec![node] };
    nodes.into_iter().map(|one| (one, scene.text(one))).collect()
}

/// The value of a property of an object that is written out.
pub(super) fn property<'t>(scene: &Scene<'_, 't>, object: Node<'t>, name: &str) -> Option<Node<'t>> {
    let pairs = children(object, 100).into_iter().filter(|child| child.kind() == "pair");
    let mut named = pairs.filter(|pair| {
        let key = pair.child_by_field_name("key").map(|key| scene.written(key).trim_matches(['"', '\'']));
        key == Some(name)
    });
    named.next()?.child_by_field_name("value")
}

fn require<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let text = scene.argument(call, 0).filter(|_| call.name == "require" && call.object.is_none())?;
    let found = !text.is_known() && call.callee.kind() == "identifier";
    found.then(|| call.hit(&REQUIRE).confidence(Confidence::Medium))
}

fn regexp<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let part = request::argument(scene, call, 0).filter(|_| call.name == "RegExp")?;
    Some(call.hit(&REGEXP).message(format!("a stranger writes `{part}`: an expression can take for ever")))
}

fn entities<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (key, value) = (node.child_by_field_name("key")?, node.child_by_field_name("value")?);
    let on = scene.written(key).trim_matches(['"', '\'']) == "noent" && scene.written(value) == "true";
    on.then(|| Hit::of(&ENTITIES, node.byte_range(), "noent"))
}

fn deserialise<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let made = matches!(
        call.name.as_str(),
        "node-serialize.unserialize" | "serialize-to-js.deserialize" | "funcster.deepDeserialize"
    );
    let unknown = !scene.argument(call, 0)?.is_known();
    (made && unknown).then(|| call.hit(&DESERIALISE))
}
