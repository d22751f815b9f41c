//! Code that is made of text and run.

use ruff_python_ast::Expr;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::finding::{Confidence, Cwe, Rule, Severity};

pub(super) static CHECKS: &[Check] = &[
    Check {
        rule: Rule {
            id: "python/exec",
            title: "runs text as code",
            cwe: Cwe(95),
            severity: Severity::Medium,
            aliases: &["B102", "S102"],
            advice: "Call the function that is meant, or keep a table of the functions that may be called.",
        },
        confidence: Confidence::High,
        class: Class::Execution,
        words: Words::Builtins(&["exec"]),
        test: Test::Names(&["builtins.exec"]),
    },
    Check {
        rule: Rule {
            id: "python/eval",
            title: "evaluates text as code",
            cwe: Cwe(95),
            severity: Severity::Medium,
            aliases: &["B307", "S307"],
            advice: "Use `ast.literal_eval` for values, a parser for anything else.",
        },
        confidence: Confidence::High,
        class: Class::Execution,
        words: Words::Builtins(&["eval"]),
        test: Test::Names(&["builtins.eval"]),
    },
    Check {
        rule: Rule {
            id: "python/paramiko-command",
            title: "runs a command on another machine",
            cwe: Cwe(78),
            severity: Severity::Medium,
            aliases: &["B601", "S601"],
            advice: "Quote every argument with `shlex.quote`, or send data over a protocol instead of a shell.",
        },
        confidence: Confidence::Medium,
        class: Class::Execution,
        words: Words::Names(&["exec_command"]),
        test: Test::Call(paramiko_command),
    },
    Check {
        rule: Rule {
            id: "python/logging-listen",
            title: "takes logging settings, which are evaluated, from the network",
            cwe: Cwe(94),
            severity: Severity::Medium,
            aliases: &["B612", "S612"],
            advice: "Pass `verify`, which checks a signature before anything is evaluated.",
        },
        confidence: Confidence::High,
        class: Class::Execution,
        words: Words::Members { names: &["listen"], of: &["logging"] },
        test: Test::Call(logging_listen),
    },
];

fn paramiko_command(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    // The client is made elsewhere as a rule; that the file knows the library is what says which `exec_command` it is.
    let method = matches!(call.callee, Expr::Attribute(_)) && call.method() == "exec_command";
    let named = call.name == "paramiko.exec_command";
    let meant = named || method && scene.module.names.imports("paramiko");
    meant.then(|| call.hit("the command is put together here and run by a shell on another machine"))
}

fn logging_listen(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let unverified = call.name == "logging.config.listen" && call.argument("verify", 1).is_none();
    unverified.then(|| call.hit("whoever reaches the port sends settings that are evaluated as code"))
}
