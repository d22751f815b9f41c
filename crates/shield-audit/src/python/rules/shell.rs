//! Commands that are run.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{Call, Check, Class, Hit, Scene, Test, Words, composed};
use crate::finding::{Confidence, Cwe, Rule, Severity};

const ADVICE: &str = "Pass the command as a list of arguments, without a shell, and by its full path.";

/// What every call that runs a command needs: its function, or a module that has nothing else, and the module.
const WORDS: Words =
    Words::Members { names: FUNCTIONS, of: &["subprocess", "os", "popen2", "commands", "asyncio"] };

const FUNCTIONS: &[&str] = &[
    "subprocess",
    "create_subprocess_shell",
    "getoutput",
    "getstatusoutput",
    "system",
    "popen",
    "popen2",
    "popen3",
    "popen4",
    "Popen3",
    "Popen4",
    "execl",
    "execle",
    "execlp",
    "execlpe",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "spawnl",
    "spawnle",
    "spawnlp",
    "spawnlpe",
    "spawnv",
    "spawnve",
    "spawnvp",
    "spawnvpe",
    "startfile",
];

/// The rule about one way to run a command.
const fn check(
    rule: Rule,
    confidence: Confidence,
    words: Words,
    look: fn(&Scene<'_>, &Call<'_>) -> Option<Hit>,
) -> Check {
    Check { rule, confidence, class: Class::Execution, words, test: Test::Call(look) }
}

const fn rule(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    aliases: &'static [&'static str],
) -> Rule {
    Rule { id, title, cwe: Cwe(78), severity, aliases, advice: ADVICE }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        rule("python/subprocess-shell", "runs a command through a shell", Severity::High, &["B602", "S602"]),
        Confidence::High,
        Words::Arguments(&["shell"]),
        subprocess_shell,
    ),
    check(
        rule(
            "python/subprocess-unknown-shell",
            "may run a command through a shell",
            Severity::Medium,
            &["B602", "S603"],
        ),
        Confidence::Low,
        Words::Arguments(&["shell"]),
        subprocess_unknown_shell,
    ),
    check(
        rule(
            "python/subprocess-input",
            "runs a command that is put together",
            Severity::Low,
            &["B603", "S603"],
        ),
        Confidence::High,
        Words::Names(&["subprocess"]),
        subprocess_input,
    ),
    check(
        rule("python/subprocess-fixed", "runs a fixed command", Severity::Info, &["B603"]),
        Confidence::High,
        Words::Names(&["subprocess"]),
        subprocess_fixed,
    ),
    check(
        rule("python/shell-keyword", "asks for a shell", Severity::Medium, &["B604", "S604"]),
        Confidence::Low,
        Words::Arguments(&["shell"]),
        shell_keyword,
    ),
    check(
        rule("python/shell-handed-on", "hands on whether there is a shell", Severity::Info, &["B604"]),
        Confidence::Low,
        Words::Arguments(&["shell"]),
        shell_handed_on,
    ),
    check(
        rule("python/os-shell", "runs a command through a shell", Severity::High, &["B605", "S605"]),
        Confidence::High,
        WORDS,
        os_shell,
    ),
    check(
        rule("python/os-process", "starts a process", Severity::Low, &["B606", "S606"]),
        Confidence::Medium,
        WORDS,
        os_process,
    ),
    check(
        rule(
            "python/partial-path",
            "runs whatever the search path finds first",
            Severity::Low,
            &["B607", "S607"],
        ),
        Confidence::High,
        WORDS,
        partial_path,
    ),
    check(
        Rule {
            id: "python/wildcard-command",
            title: "hands a wildcard to a command that takes names for options",
            cwe: Cwe(155),
            severity: Severity::High,
            aliases: &["B609", "S609"],
            advice: "List the files with `glob` and put `--` before them.",
        },
        Confidence::Medium,
        WORDS,
        wildcard_command,
    ),
];

/// How a call runs a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// With a shell only if asked.
    Subprocess,
    /// With a shell.
    Shell,
    /// Without one.
    Directly,
}

fn runs(name: &str) -> Option<Runs> {
    let (module, function) = name.split_once('.')?;
    match (module, function) {
        ("subprocess", "Popen" | "call" | "check_call" | "check_output" | "run") => Some(Runs::Subprocess),
        ("os", "system" | "popen" | "popen2" | "popen3" | "popen4")
        | ("popen2", "popen2" | "popen3" | "popen4" | "Popen3" | "Popen4")
        | ("subprocess" | "commands", "getoutput" | "getstatusoutput")
        | ("asyncio", "create_subprocess_shell") => Some(Runs::Shell),
        (
            "os",
            "execl" | "execle" | "execlp" | "execlpe" | "execv" | "execve" | "execvp" | "execvpe" | "spawnl"
            | "spawnle" | "spawnlp" | "spawnlpe" | "spawnv" | "spawnve" | "spawnvp" | "spawnvpe"
            | "startfile",
        ) => Some(Runs::Directly),
        _ => None,
    }
}

/// What is run.
fn command<'c>(call: &Call<'c>) -> Option<&'c Expr> {
    match runs(call.name)? {
        Runs::Subprocess => call.argument("args", 0).or_else(|| call.positional().first()),
        Runs::Shell => call.argument("cmd", 0),
        Runs::Directly => call.positional().first(),
    }
}

/// Whether a call asks for a shell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shell {
    On,
    Off,
    /// It depends on something that is not in sight.
    Unknown,
}

fn shell(scene: &Scene<'_>, call: &Call<'_>) -> Option<Shell> {
    let value = scene.given(call, "shell")?;
    Some(match truth(scene, value) {
        Some(true) => Shell::On,
        Some(false) => Shell::Off,
        None => Shell::Unknown,
    })
}

/// Whether something counts as true: beyond what is known of its value, what is never empty.
fn truth(scene: &Scene<'_>, value: &Expr) -> Option<bool> {
    match value {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Float(value), .. }) => {
            Some(*value != 0.0)
        }
        Expr::NumberLiteral(ast::ExprNumberLiteral {
            value: ast::Number::Complex { real, imag }, ..
        }) => Some(*real != 0.0 || *imag != 0.0),
        Expr::Lambda(_) | Expr::Generator(_) => Some(true),
        Expr::List(ast::ExprList { elts, .. })
        | Expr::Tuple(ast::ExprTuple { elts, .. })
        | Expr::Set(ast::ExprSet { elts, .. }) => {
            let unpacked = elts.iter().all(Expr::is_starred_expr);
            if elts.is_empty() { Some(false) } else { (!unpacked).then_some(true) }
        }
        Expr::Dict(dict) => {
            if dict.items.iter().any(|item| item.key.is_some()) {
                return Some(true);
            }
            let all_empty = dict.items.iter().all(|item| truth(scene, &item.value) == Some(false));
            all_empty.then_some(false)
        }
        Expr::FString(text) => {
            let shown = text.value.elements().any(|element| match element {
                ast::InterpolatedStringElement::Literal(literal) => !literal.value.is_empty(),
                // `{x=}` shows the name, and bytes are shown with their quotes.
                ast::InterpolatedStringElement::Interpolation(part) => {
                    part.debug_text.is_some() || part.expression.is_bytes_literal_expr()
                }
            });
            let literal = text.value.literals().any(|literal| !literal.is_empty());
            if shown || literal { Some(true) } else { scene.truth(value) }
        }
        value => scene.truth(value),
    }
}

fn subprocess_shell(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let command = command(call).filter(|_| runs(call.name) == Some(Runs::Subprocess))?;
    (shell(scene, call) == Some(Shell::On)).then(|| shell_hit(scene, call, command))
}

fn subprocess_unknown_shell(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let unknown = runs(call.name) == Some(Runs::Subprocess) && shell(scene, call) == Some(Shell::Unknown);
    unknown.then(|| call.hit("whether the command goes through a shell is decided elsewhere"))
}

/// A command for a shell: a fixed one is safe until somebody changes it.
fn shell_hit(scene: &Scene<'_>, call: &Call<'_>, command: &Expr) -> Hit {
    if scene.text(command).is_some() {
        call.hit("the command is fixed, but goes through a shell: the next change may put something into it")
            .severity(Severity::Low)
    } else if composed::is_harmless(scene, command, QUOTING) {
        call.hit("each value in the command is fixed, a number or quoted, but it goes through a shell: the next one may not be")
            .severity(Severity::Low)
    } else {
        call.hit("the command is put together and goes through a shell: whatever is in it is run")
    }
}

/// What quotes a value so that a shell takes it for one word.
const QUOTING: &[&str] = &["shlex.quote", "shlex.join", "pipes.quote"];

fn without_shell(scene: &Scene<'_>, call: &Call<'_>) -> bool {
    runs(call.name) == Some(Runs::Subprocess) && matches!(shell(scene, call), None | Some(Shell::Off))
}

fn subprocess_input(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let command = command(call).filter(|_| without_shell(scene, call))?;
    (!is_fixed(scene, command)).then(|| call.hit("which command is run, and with what, is not fixed here"))
}

/// Every fixed command, with or without a shell: one that loses its shell is no other command than before.
fn subprocess_fixed(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let fixed = runs(call.name) == Some(Runs::Subprocess)
        && command(call).is_none_or(|command| is_fixed(scene, command));
    fixed.then(|| call.hit("a fixed command is run"))
}

/// Whether a command is written out: only what is in the source counts, a variable may change with the next commit.
fn is_fixed(scene: &Scene<'_>, command: &Expr) -> bool {
    let fixed = |part: &Expr| part.is_string_literal_expr() || scene.is_any(part, &["sys.executable"]);
    match command {
        Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => {
            elts.iter().all(fixed)
        }
        Expr::Named(named) => is_fixed(scene, &named.value),
        other => fixed(other),
    }
}

fn shell_keyword(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let on = runs(call.name) != Some(Runs::Subprocess) && shell(scene, call) == Some(Shell::On);
    on.then(|| call.hit("`shell` is set here: if a command is run with it, it goes through a shell"))
}

fn shell_handed_on(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let unknown = runs(call.name) != Some(Runs::Subprocess) && shell(scene, call) == Some(Shell::Unknown);
    unknown.then(|| call.hit("`shell` is handed on: whether a command goes through one is decided elsewhere"))
}

fn os_shell(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let command = command(call).filter(|_| runs(call.name) == Some(Runs::Shell))?;
    Some(shell_hit(scene, call, command))
}

fn os_process(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    (runs(call.name) == Some(Runs::Directly)).then(|| call.hit("what is started must not come from outside"))
}

fn partial_path(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let command = command(call)?;
    let first = match command {
        Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => elts.first()?,
        other => other,
    };
    let Expr::StringLiteral(literal) = first else { return None };
    if is_path(literal.value.to_str()) {
        return None;
    }
    let word = literal.value.to_str().split_whitespace().next().unwrap_or_default();
    let message = format!("`{word}` is looked for along the search path");
    Some(call.hit(message).moved(command.range()))
}

/// Whether a command says where its program is: `/bin/ls`, `./run`, `C:\run`.
fn is_path(text: &str) -> bool {
    let mut characters = text.chars();
    match characters.next() {
        Some('/' | '\\' | '.') => true,
        Some(letter) if letter.is_alphabetic() => characters.next() == Some(':'),
        _ => false,
    }
}

fn wildcard_command(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let shell = match runs(call.name)? {
        Runs::Subprocess => shell(scene, call) == Some(Shell::On),
        Runs::Shell => true,
        Runs::Directly => false,
    };
    let command = command(call).filter(|_| shell)?;
    let text = match command {
        Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => {
            elts.iter().filter_map(|part| scene.text(part)).collect::<Vec<_>>().join(" ")
        }
        other => scene.text(other)?,
    };
    let program = ["chown", "chmod", "tar", "rsync"].into_iter().find(|program| text.contains(program))?;
    text.contains('*').then(|| {
        let message = format!("a file named like an option of `{program}` becomes one");
        call.hit(message).moved(command.range())
    })
}
