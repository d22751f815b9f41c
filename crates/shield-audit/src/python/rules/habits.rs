//! Settings and habits.

use ruff_python_ast::{ExceptHandler, Expr, Stmt};
use ruff_text_size::{Ranged, TextLen, TextRange, TextSize};

use super::{Call, Case, Check, Class, Hit, Scene, Shape, Test, Words, places, strings};
use crate::finding::{Confidence, Cwe, Rule, Severity};

const fn check(rule: Rule, confidence: Confidence, words: Words, test: Test) -> Check {
    Check { rule, confidence, class: Class::Habits, words, test }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        Rule {
            id: "python/assert",
            title: "a check that is gone under `python -O`",
            cwe: Cwe(703),
            severity: Severity::Low,
            aliases: &["B101", "S101"],
            advice: "Raise an exception where the check must hold.",
        },
        Confidence::High,
        Words::Placed { words: &["assert"], case: Case::Exact, stands: places::is_assertion },
        Test::Statement(assertion),
    ),
    check(
        Rule {
            id: "python/bind-all",
            title: "listens on every network",
            cwe: Cwe(605),
            severity: Severity::Medium,
            aliases: &["B104", "S104"],
            advice: "Bind to `127.0.0.1`, or take the address from the settings.",
        },
        Confidence::Medium,
        Words::Parts(&[ALL_INTERFACES]),
        Test::Expression(Shape::Text, bind_all),
    ),
    check(
        Rule {
            id: "python/except-pass",
            title: "errors that nobody hears of",
            cwe: Cwe(703),
            severity: Severity::Low,
            aliases: &["B110", "S110"],
            advice: "Name the errors that are meant, and log the rest.",
        },
        Confidence::High,
        SILENT,
        Test::Statement(except_pass),
    ),
    check(
        Rule {
            id: "python/except-continue",
            title: "errors that nobody hears of",
            cwe: Cwe(703),
            severity: Severity::Low,
            aliases: &["B112", "S112"],
            advice: "Name the errors that are meant, and log the rest.",
        },
        Confidence::High,
        SILENT,
        Test::Statement(except_continue),
    ),
    check(
        Rule {
            id: "python/flask-debug",
            title: "a debugger for whoever causes an error",
            cwe: Cwe(94),
            severity: Severity::High,
            aliases: &["B201", "S201"],
            advice: "Leave `debug` out; `flask run --debug` sets it where it is wanted.",
        },
        Confidence::Medium,
        Words::Names(&["flask", "flask_socketio", "run_simple"]),
        Test::Call(flask_debug),
    ),
    check(
        Rule {
            id: "python/subprocess-import",
            title: "runs other programs",
            cwe: Cwe(78),
            severity: Severity::Low,
            aliases: &["B404", "S404"],
            advice: "Look at what is run.",
        },
        Confidence::High,
        Words::Names(&["subprocess"]),
        Test::Imports(&["subprocess"]),
    ),
    check(
        Rule {
            id: "python/trojan-source",
            title: "characters that show the source in another order than it runs",
            cwe: Cwe(838),
            severity: Severity::High,
            aliases: &["B613"],
            advice: "Remove them, or write them as escapes.",
        },
        Confidence::Medium,
        Words::Parts(TURNING),
        Test::File(trojan_source),
    ),
];

/// What a handler needs whose only statement does nothing.
const SILENT: Words =
    Words::Placed { words: &["except"], case: Case::Exact, stands: places::is_silent_handler };

/// The address that means every network.
const ALL_INTERFACES: &str = "0.0.0.0";

/// Characters that change the direction of writing.
const TURNING: &[&str] = &[
    "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}", "\u{202e}", "\u{2066}", "\u{2067}", "\u{2068}",
    "\u{2069}", "\u{200f}",
];

fn assertion(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    match stmt {
        Stmt::Assert(assert) if !scene.type_checking => {
            Hit::at(assert.range, "assert", "`assert` checks nothing under `python -O`").into()
        }
        _ => Vec::new(),
    }
}

fn bind_all(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let whole = |range: TextRange, text: &str| {
        text == ALL_INTERFACES && scene.module.text[range].contains(ALL_INTERFACES)
    };
    let (range, _) = strings::parts(expr).find(|(range, text)| whole(*range, text))?;
    (!strings::is_docstring(scene, expr))
        .then(|| Hit::at(range, ALL_INTERFACES, "whoever reaches the machine reaches this"))
}

/// Handlers that catch everything and whose only statement is of one kind.
fn silent(scene: &Scene<'_>, stmt: &Stmt, only: fn(&Stmt) -> bool, message: &str) -> Vec<Hit> {
    let Stmt::Try(attempt) = stmt else { return Vec::new() };
    let handlers = attempt.handlers.iter().filter(|handler| {
        let ExceptHandler::ExceptHandler(caught) = handler;
        matches!(caught.body.as_slice(), [one] if only(one)) && catches_all(scene, caught.type_.as_deref())
    });
    handlers.map(|handler| Hit::at(handler.range(), "except", message)).collect()
}

fn catches_all(scene: &Scene<'_>, kind: Option<&Expr>) -> bool {
    let all = |kind: &Expr| scene.is_any(kind, &["builtins.Exception", "builtins.BaseException"]);
    match kind {
        None => true,
        Some(Expr::Tuple(kinds)) => kinds.elts.iter().any(all),
        Some(kind) => all(kind),
    }
}

fn except_pass(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    silent(scene, stmt, Stmt::is_pass_stmt, "every error is passed over, also the ones nobody thought of")
}

fn except_continue(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    silent(scene, stmt, Stmt::is_continue_stmt, "every error is passed over, also the ones nobody thought of")
}

fn flask_debug(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if matches!(call.name, "werkzeug.serving.run_simple" | "werkzeug.run_simple") {
        let debugger = call.argument("use_debugger", 4).filter(|value| scene.is_bool(value, true))?;
        return Some(call.hit("the debugger runs a console for whoever causes an error").moved(debugger));
    }
    let debug =
        call.keyword("debug").filter(|debug| call.method() == "run" && scene.is_bool(&debug.value, true))?;
    let maker = scene.module.names.made_by(call.object()?, scene.at)?;
    matches!(maker.as_str(), "flask.Flask" | "flask_socketio.SocketIO")
        .then(|| call.hit("`debug=True` runs a console for whoever causes an error").moved(debug.range))
}

fn trojan_source(scene: &Scene<'_>) -> Option<Hit> {
    let text = scene.module.text;
    // They all begin with this byte, which few files have.
    let mut candidates = memchr::memchr_iter(TURNING[0].as_bytes()[0], text.as_bytes());
    let at = candidates.find(|&at| TURNING.iter().any(|turning| text[at..].starts_with(turning)))?;
    let character = text[at..].chars().next()?;
    let range = TextRange::at(TextSize::try_from(at).ok()?, character.text_len());
    let code = u32::from(character);
    Some(Hit::at(range, format!("U+{code:04X}"), format!("U+{code:04X} shows what follows in another order")))
}
