//! Commands, statements, markup.

use super::files::request;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        secret,
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

static SQL: Rule = Rule {
    id: "go/sql",
    title: "a statement is put together from texts",
    cwe: Cwe(89),
    severity: Severity::High,
    aliases: &["G201", "G202", "G701"],
    advice: "Write `?` or `$1` where the value goes, and hand the value over as a parameter.",
};

static MARKUP: Rule = Rule {
    id: "go/markup",
    title: "a text becomes part of a page as it is",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["G203", "G705"],
    advice: "Hand the text itself to the template, which escapes it.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::Go,
        words: &["os/exec", "syscall", "StartProcess"],
        test: Test::Call(command),
    },
    Check { language: Language::Go, words: &["Query", "Exec", "Prepare"], test: Test::Call(sql) },
    Check { language: Language::Go, words: &["html/template"], test: Test::Call(markup) },
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
        let outside = program.unknowns().find_map(|node| request(scene, node));
        return match outside {
            Some(part) => Some(call.hit(&COMMAND).message(format!("`{part}` says which program runs"))),
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
        let outside = text.unknowns().any(|node| request(scene, node).is_some());
        return Some(match (outside, text.is_composed()) {
            (true, _) => hit,
            (false, true) => hit.severity(Severity::Medium).confidence(Confidence::Medium),
            (false, false) => hit.severity(Severity::Low).confidence(Confidence::Low),
        });
    }
    let part = arguments.iter().find_map(|node| request(scene, *node))?;
    let hit = call.hit(&COMMAND).severity(Severity::Medium).confidence(Confidence::Medium);
    Some(hit.message(format!("`{part}` becomes an argument, or an option, of `{base}`")))
}

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let method = call.method.strip_suffix("Context").unwrap_or(call.method);
    let asks = matches!(
        method,
        "Query"
            | "QueryRow"
            | "Exec"
            | "Prepare"
            | "Queryx"
            | "QueryRowx"
            | "MustExec"
            | "Get"
            | "Select"
            | "Raw"
    );
    call.object.filter(|_| asks)?;
    // The statement comes first, or behind the context, or behind where results go.
    let mut texts = call.arguments.iter().take(3).map(|node| (*node, scene.text(*node)));
    let (_, text) = texts.find(|(_, text)| text.is_composed() && secret::is_sql(text.beginning()))?;
    let outside = text.unknowns().find_map(|node| request(scene, node));
    if outside.is_none()
        && text.unknowns().all(|node| secret::is_harmless_part(scene.written(node)))
        && text.unknowns().next().is_some()
    {
        return None;
    }
    let hit = Hit::of(&SQL, call.node.byte_range(), call.method);
    Some(match outside {
        Some(part) => hit.message(format!("the database takes `{part}` for a part of the statement")),
        None => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("the database takes what is put in for a part of the statement")
        }
    })
}

const RAW: [&str; 6] = ["HTML", "HTMLAttr", "JS", "JSStr", "URL", "CSS"];

fn markup<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let kind = call.name.strip_prefix("html/template.").filter(|kind| RAW.contains(kind))?;
    let text = scene.argument(call, 0).filter(|text| !text.is_known())?;
    let cleaned = text.unknowns().all(|node| {
        let written = scene.written(node).to_ascii_lowercase();
        ["sanitiz", "escape"].iter().any(|word| written.contains(word))
    });
    let hit =
        Hit::of(&MARKUP, call.node.byte_range(), format!("template.{kind}")).confidence(Confidence::Low);
    (!cleaned || text.unknowns().next().is_none()).then_some(hit)
}
