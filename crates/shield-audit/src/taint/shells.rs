//! Lists of arguments that a shell reads.

use ruff_python_ast::{self as ast, Expr};

use super::value::Value;
use crate::python::fold::Constant;

/// Programs that run what they are given.
const SHELLS: [&str; 13] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "cmd",
    "cmd.exe",
    "powershell",
    "powershell.exe",
    "pwsh",
    "python",
    "python3",
];

/// What tells them that the next argument is code.
const SWITCHES: [&str; 6] = ["-c", "/c", "/C", "-lc", "-Command", "-ic"];

/// Where in a list of arguments the code begins that a shell runs.
pub(super) fn runs_shell(items: &[Value<'_>]) -> Option<usize> {
    let first = items.first()?;
    let is = |value: &Value<'_>, names: &[&str]| {
        value.constants().iter().any(|one| match one {
            Constant::Text(text) => {
                names.contains(&text.rsplit('/').next().unwrap_or(text)) || names.contains(&text.as_str())
            }
            _ => false,
        })
    };
    if !is(first, &SHELLS) {
        return None;
    }
    items.iter().position(|item| is(item, &SWITCHES)).map(|at| at + 1)
}

/// The text that a process's arguments are the words of: `run(text.split())`, `run(shlex.split(text))`.
pub(super) fn words_of(process: &Expr) -> Option<&Expr> {
    let ast::ExprCall { arguments, .. } = process.as_call_expr()?;
    let words = arguments.find_argument_value("args", 0)?.as_call_expr()?;
    let split = words.func.as_attribute_expr().filter(|method| method.attr.as_str() == "split")?;
    let of_shlex = split.value.as_name_expr().is_some_and(|module| module.id.as_str() == "shlex");
    if of_shlex { words.arguments.find_argument_value("s", 0) } else { Some(&split.value) }
}
