//! Code and commands made of text, and text that a database takes for code.

use tree_sitter::Node;

use super::request;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::Text,
        secret,
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

static SQL: Rule = Rule {
    id: "javascript/sql",
    title: "a statement is put together from texts",
    cwe: Cwe(89),
    severity: Severity::High,
    aliases: &["node-sqli", "tainted-sql-string"],
    advice: "Write `?` or `$1` where the value goes, and hand the value over as a parameter.",
};

static REQUIRE: Rule = Rule {
    id: "javascript/dynamic-require",
    title: "loads a module whose name is not known here",
    cwe: Cwe(95),
    severity: Severity::Low,
    aliases: &["detect-non-literal-require"],
    advice: "Keep a table of the modules that may be loaded.",
};

static PATH: Rule = Rule {
    id: "javascript/path-traversal",
    title: "a stranger names the file",
    cwe: Cwe(22),
    severity: Severity::High,
    aliases: &["detect-non-literal-fs-filename"],
    advice: "Resolve the path, and refuse it unless it lies below the directory that is meant.",
};

static TEMPORARY: Rule = Rule {
    id: "javascript/fixed-temporary-path",
    title: "whoever is faster puts a link there",
    cwe: Cwe(377),
    severity: Severity::Medium,
    aliases: &["B108", "S108"],
    advice: "Make a directory of your own with `fs.mkdtemp`.",
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

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::JavaScript,
        words: &["eval", "Function", "setTimeout", "setInterval", "vm"],
        test: Test::Call(eval),
    },
    Check {
        language: Language::JavaScript,
        words: &["child_process", "execa", "shelljs"],
        test: Test::Call(command),
    },
    Check {
        language: Language::JavaScript,
        words: &["query", "execute", "raw", "Raw", "prepare", "exec"],
        test: Test::Call(sql),
    },
    Check { language: Language::JavaScript, words: &["require"], test: Test::Call(require) },
    Check { language: Language::JavaScript, words: &["fs", "sendFile", "download"], test: Test::Call(path) },
    Check { language: Language::JavaScript, words: &["RegExp"], test: Test::Call(regexp) },
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
        | "vm.compileFunction" => 0,
        "Function" => call.arguments.len().checked_sub(1)?,
        "setTimeout" | "setInterval" | "setImmediate" => {
            // A function is called, a text is run: only what is put together is a text for sure.
            let text = scene.argument(call, 0).filter(Text::is_composed)?;
            return Some(said(scene, call.hit(&EVAL), &text));
        }
        _ => return None,
    };
    let text = scene.argument(call, at).filter(|text| !text.is_known())?;
    Some(said(scene, call.hit(&EVAL), &text))
}

/// Worse if it is known that a stranger writes it.
fn said<'t>(scene: &Scene<'_, 't>, hit: Hit, text: &Text<'t>) -> Hit {
    match request::part(scene, text) {
        Some(part) => {
            hit.severity(Severity::High).message(format!("a stranger writes `{part}`, and it is run as code"))
        }
        None => hit.message("the text that is run as code is not written here"),
    }
}

fn command<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let shell = match call.name.as_str() {
        "child_process.exec"
        | "child_process.execSync"
        | "shelljs.exec"
        | "execa.command"
        | "execa.execaCommand" => true,
        "child_process.spawn"
        | "child_process.spawnSync"
        | "child_process.execFile"
        | "child_process.execFileSync"
        | "execa"
        | "execa.execa" => false,
        _ => return None,
    };
    if !shell {
        // With `shell`, all of it is one command line.
        let options = call.arguments.iter().find(|argument| argument.kind() == "object")?;
        let value = property(scene, *options, "shell")?;
        if matches!(scene.written(value), "false" | "undefined") {
            return None;
        }
    }
    let texts = call.arguments.iter().take(if shell { 1 } else { 2 }).filter(|node| node.kind() != "object");
    let text = texts.flat_map(|node| parts(scene, *node)).find(|text| !text.is_known())?;
    let hit = call.hit(&COMMAND);
    Some(match (request::part(scene, &text), text.is_composed()) {
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

/// The texts of an argument: of a list, its elements.
fn parts<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Vec<Text<'t>> {
    match node.kind() {
        "array" => {
            crate::languages::fold::children(node, 20).into_iter().map(|one| scene.text(one)).collect()
        }
        _ => vec![scene.text(node)],
    }
}

/// The value of a property of an object that is written out.
pub(super) fn property<'t>(scene: &Scene<'_, 't>, object: Node<'t>, name: &str) -> Option<Node<'t>> {
    let pairs =
        crate::languages::fold::children(object, 100).into_iter().filter(|child| child.kind() == "pair");
    let mut named = pairs.filter(|pair| {
        let key = pair.child_by_field_name("key").map(|key| scene.written(key).trim_matches(['"', '\'']));
        key == Some(name)
    });
    named.next()?.child_by_field_name("value")
}

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let asks = [
        "query",
        "execute",
        "raw",
        "whereRaw",
        "orderByRaw",
        "$queryRawUnsafe",
        "$executeRawUnsafe",
        "prepare",
        "exec",
    ];
    call.object.filter(|_| asks.contains(&call.method))?;
    let text = scene.argument(call, 0)?;
    let part = request::part(scene, &text);
    let harmless =
        part.is_none() && text.unknowns().all(|node| secret::is_harmless_part(scene.written(node)));
    let found = text.is_composed() && secret::is_sql(text.beginning()) && !harmless;
    let hit = Hit::of(&SQL, call.node.byte_range(), call.method);
    found.then(|| match part {
        Some(part) => hit.message(format!(
            "a stranger writes `{part}`, and the database takes it for a part of the statement"
        )),
        None => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("the database takes what is put in for a part of the statement")
        }
    })
}

fn require<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let text = scene.argument(call, 0).filter(|_| call.name == "require" && call.object.is_none())?;
    let found = !text.is_known() && call.callee.kind() == "identifier";
    found.then(|| call.hit(&REQUIRE).confidence(Confidence::Medium))
}

fn path<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let of_files = ["fs.", "fs/promises.", "fs-extra."].iter().any(|module| call.name.starts_with(module));
    let sends = matches!(call.method, "sendFile" | "download") && call.object.is_some();
    if !of_files && !sends {
        return None;
    }
    let first = call.arguments.first()?;
    // `path.join(dir, req.params.name)` keeps nobody in the directory.
    let joined = Call::of(scene.names, scene.scope, *first, "function")
        .filter(|call| matches!(call.name.as_str(), "path.join" | "path.resolve"));
    let texts: Vec<_> = match &joined {
        Some(joined) => joined.arguments.iter().map(|node| scene.text(*node)).collect(),
        None => vec![scene.text(*first)],
    };
    // `sendFile` with a root stays below it.
    let rooted = sends
        && call
            .arguments
            .get(1)
            .is_some_and(|options| options.kind() == "object" && property(scene, *options, "root").is_some());
    if let Some(part) = texts.iter().find_map(|text| request::part(scene, text)).filter(|_| !rooted) {
        return Some(
            call.hit(&PATH).message(format!("a stranger writes `{part}`, and with `..` it leads anywhere")),
        );
    }
    let writes =
        ["write", "append", "create", "open", "mkdir"].iter().any(|verb| call.method.starts_with(verb))
            && !call.method.contains("ReadStream");
    let fixed = texts.first()?.beginning().to_owned();
    let temporary = of_files && writes && fixed.starts_with("/tmp/") && texts.first()?.is_known();
    temporary.then(|| call.hit(&TEMPORARY).confidence(Confidence::Medium))
}

fn regexp<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let part = request::argument(scene, call, 0).filter(|_| call.name == "RegExp")?;
    Some(call.hit(&REGEXP).message(format!("a stranger writes `{part}`: an expression can take for ever")))
}

fn deserialise<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let made = matches!(
        call.name.as_str(),
        "node-serialize.unserialize" | "serialize-to-js.deserialize" | "funcster.deepDeserialize"
    );
    let unknown = !scene.argument(call, 0)?.is_known();
    (made && unknown).then(|| call.hit(&DESERIALISE))
}
