//! Commands and code made of text.

use tree_sitter::Node;

use super::{network::field, request};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
    },
};

static COMMAND: Rule = Rule {
    id: "go/command",
    title: "runs a command that is not written here",
    cwe: Cwe(78),
    severity: Severity::High,
    aliases: &["G204", "G702"],
    advice: "Name the program, hand values over as arguments of their own, and leave the shell out.",
};

static EVAL: Rule = Rule {
    id: "go/eval",
    title: "runs text as code",
    cwe: Cwe(95),
    severity: Severity::Medium,
    aliases: &["dangerous-execution"],
    advice: "Run only scripts that are part of the program, and hand values over with `Set`.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::Go,
        words: &["os/exec", "syscall", "StartProcess"],
        test: Test::Call(command),
    },
    Check {
        language: Language::Go,
        words: &["os/exec"],
        test: Test::Node(&["composite_literal"], written_out),
    },
    Check { language: Language::Go, words: &["otto", "goja", "v8go"], test: Test::Call(code) },
];

const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ash", "cmd", "powershell", "pwsh"];

fn command<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let at = match call.name.as_str() {
        "os/exec.Command"
        | "syscall.Exec"
        | "syscall.ForkExec"
        | "syscall.StartProcess"
        | "os.StartProcess" => 0,
        "os/exec.CommandContext" => 1,
        _ => return None,
    };
    let program = scene.argument(call, at)?;
    if !program.is_known() {
        // What a parameter or a table holds is known to whoever filled it.
        let outside = request::part(scene, call.arguments[at]);
        return match outside {
            Some(part) => {
                let hit = call.hit(&COMMAND).message(format!("`{part}` says which program runs"));
                Some(by_whom(hit, part))
            }
            None if program.is_composed() => {
                let hit = call.hit(&COMMAND).message("which program runs is put together here");
                Some(hit.confidence(Confidence::Medium).severity(Severity::Medium))
            }
            None => None,
        };
    }
    let name = program.literal()?;
    let base = name.rsplit('/').next().unwrap_or(&name).trim_end_matches(".exe");
    let arguments = call.arguments.get(at + 1..).unwrap_or_default();
    let texts: Vec<_> = arguments.iter().map(|node| scene.text(*node)).collect();
    let script = texts.iter().position(|text| {
        matches!(text.literal().as_deref(), Some("-c" | "/c" | "/C" | "-Command" | "-lc" | "-ec"))
    });
    if let Some(script) = script.filter(|_| SHELLS.contains(&base)) {
        let text = texts.get(script + 1).filter(|text| !text.is_known())?;
        let hit = call.hit(&COMMAND).message(format!("`{base}` runs a text that is not written here"));
        let outside = arguments.get(script + 1).and_then(|node| request::part(scene, *node));
        return Some(match (outside, text.is_composed()) {
            (Some(part), _) => by_whom(hit, part),
            (None, true) => hit.severity(Severity::Medium).confidence(Confidence::Medium),
            (None, false) => hit.severity(Severity::Low).confidence(Confidence::Low),
        });
    }
    let part = arguments.iter().find_map(|node| request::by_stranger(scene, *node))?;
    let hit = call.hit(&COMMAND).severity(Severity::Medium).confidence(Confidence::Medium);
    Some(hit.message(format!("`{part}` becomes an argument, or an option, of `{base}`")))
}

/// Who starts a program may have it start another: `$EDITOR`, or itself once more.
fn by_whom(hit: Hit, part: &str) -> Hit {
    if part.starts_with("os.") { hit.severity(Severity::Low).confidence(Confidence::Low) } else { hit }
}

/// `exec.Cmd{Path: …, Args: …}`.
fn written_out<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let kind = scene.name(node.child_by_field_name("type")?)?;
    let field = |name: &str| field(scene, node, name).filter(|_| kind == "os/exec.Cmd");
    let hit = Hit::of(&COMMAND, node.byte_range(), "exec.Cmd");
    if let Some(part) = field("Path").and_then(|path| request::part(scene, path)) {
        return Some(by_whom(hit.message(format!("`{part}` says which program runs")), part));
    }
    let arguments =
        field("Args").and_then(|list| list.child_by_field_name("body").or_else(|| list.named_child(0)))?;
    let elements = children(arguments, 50).into_iter().filter_map(|element| element.named_child(0));
    let part = elements.into_iter().find_map(|element| request::by_stranger(scene, element))?;
    let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
    Some(hit.message(format!("`{part}` becomes an argument, or an option, of a program")))
}

/// JavaScript that an interpreter within the program runs.
fn code<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let engine = ["/otto.", "/goja.", "/v8go."].iter().any(|engine| call.name.contains(engine));
    let runs = matches!(call.method, "Run" | "Eval" | "RunString" | "RunScript");
    let text = scene.argument(call, 0).filter(|text| engine && runs && !text.is_known())?;
    let hit = call.hit(&EVAL);
    Some(match request::part(scene, call.arguments[0]) {
        Some(part) => {
            hit.severity(Severity::High).message(format!("a stranger writes `{part}`, and it is run as code"))
        }
        None if text.is_composed() => hit.message("the text that is run as code is put together here"),
        None => hit.severity(Severity::Low).confidence(Confidence::Low),
    })
}
