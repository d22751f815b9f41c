//! Fixed commands without a shell.

use ruff_text_size::Ranged;

use super::{
    arguments::bytes,
    site::{Mend, Site},
};

/// Words that only a shell knows.
const BUILTINS: [&str; 22] = [
    ".", ":", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export", "fg", "jobs", "read", "set",
    "shift", "source", "trap", "type", "ulimit", "umask", "unset", "wait",
];

/// `run("ls -l", shell=True)` becomes `run(["ls", "-l"])`, if nothing in the text means something to a shell. With `executable` the
/// program would be another: that names the shell.
pub(super) fn subprocess_shell(site: &Site<'_>) -> Option<Mend> {
    let arguments = site.arguments()?;
    if site.call.argument("executable", 2).is_some() {
        return None;
    }
    let command = site.call.argument("args", 0)?;
    let literal = command.as_string_literal_expr()?;
    let words = words(literal.value.to_str())?;
    let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let edits = vec![
        (bytes(command.range()), format!("[{}]", list.join(", "))),
        arguments.remove(site.call.keyword("shell")?)?,
    ];
    let why = "a program that is not there is an exception then, no exit code of a shell";
    Some(Mend::changing("runs the program itself, without a shell", why, edits))
}

/// The words of a command that a shell would only split.
fn words(text: &str) -> Option<Vec<&str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _@%+=:,./-".contains(&byte);
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let first = words.first()?;
    let program = !first.contains('=') && !BUILTINS.contains(first);
    (text.bytes().all(plain) && program).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_split() {
        assert_eq!(words("ls  -l /tmp/a,b "), Some(vec!["ls", "-l", "/tmp/a,b"]));
        for text in [
            "",
            "ls | wc",
            "ls *",
            "ls ~",
            "a=1 b",
            "cd x",
            "echo 'a b'",
            "echo $HOME",
            "a\nb",
            "a\\b",
            "a & b",
        ] {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
