//! Commands of a shell, split into words: no expansion, no grammar.
//!
//! It knows quotes, comments, line continuations and what stands between commands; that is enough to tell which program is called
//! with which words, and what its output is piped into. What it cannot make out it takes for a word.

use std::ops::Range;

/// What stands behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// `;`, `&&`, `||`, a line end, the end.
    Next,
    /// `|`: the next command reads what this one writes.
    Pipe,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words without quotes; assignments before the program are among them.
    pub(super) words: Vec<String>,
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// What its output becomes.
    pub(super) then: Then,
    /// Whether its output goes to a file.
    pub(super) redirected: bool,
}

/// A command while it is read.
#[derive(Default)]
struct Reader {
    commands: Vec<Command>,
    words: Vec<String>,
    word: Option<String>,
    start: Option<usize>,
    end: usize,
    redirected: bool,
    /// Whether nothing but space has come since a line was continued.
    continued: bool,
    /// The first command of this line.
    line: usize,
    /// Words that end the here-documents which this line begins.
    documents: Vec<String>,
    /// Words that ended no here-document.
    missed: usize,
    /// What stands in `"$(…)"`.
    substituted: Vec<Range<usize>>,
    /// Whether one of these has no end: then nobody looks for the end of another.
    unclosed: bool,
}

/// Words that stand before a command without being it.
const BEFORE: [&str; 16] = [
    "then", "do", "else", "elif", "if", "while", "until", "{", "(", "!", "time", "exec", "command", "env",
    "nohup", "set",
];

/// Shells: what a here-document says to one of them is a script, too.
pub(super) const SHELLS: [&str; 6] = ["ash", "bash", "dash", "ksh", "sh", "zsh"];

/// Substitutions within substitutions that are looked into.
const DEPTH_MAX: usize = 8;

/// Ends of here-documents that are looked for in vain; behind them all of a script is commands.
const MISSED_MAX: usize = 100;

/// Splits a script. `offset` is where it begins in its file. Commands whose output becomes part of a quoted word come last.
pub(super) fn commands(script: &str, offset: usize) -> Vec<Command> {
    nested(script, offset, 0)
}

fn nested(script: &str, offset: usize, depth: usize) -> Vec<Command> {
    let Reader { mut commands, substituted, .. } = read(script, offset);
    for range in substituted.into_iter().filter(|_| depth < DEPTH_MAX) {
        let start = range.start;
        commands.extend(nested(script.get(range).unwrap_or_default(), offset + start, depth + 1));
    }
    commands
}

fn read(script: &str, offset: usize) -> Reader {
    let mut reader = Reader::default();
    let bytes = script.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let width = script[at..].chars().next().map_or(1, char::len_utf8);
        match bytes[at] {
            b'\\' => at = reader.escaped(script, at),
            quote @ (b'\'' | b'"') => at = reader.quoted(script, at, quote),
            b'#' if reader.word.is_none() => {
                at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
                // Within an instruction of a Dockerfile, the line of a comment ends nothing.
                at = (at + usize::from(reader.continued)).min(bytes.len());
            }
            b'\n' if reader.continued => at += 1,
            b' ' | b'\t' | b'\r' => {
                reader.end_word();
                at += 1;
            }
            b'\n' => {
                reader.end(Then::Next, offset);
                at = reader.after_documents(script, at + 1);
            }
            b';' | b'(' | b')' | b'`' => {
                reader.end(Then::Next, offset);
                at += 1;
            }
            b'|' if bytes.get(at + 1) != Some(&b'|') => {
                reader.end(Then::Pipe, offset);
                at += 1 + usize::from(bytes.get(at + 1) == Some(&b'&'));
            }
            b'&' if bytes.get(at + 1) == Some(&b'>') || reader.ends_in_redirection() => {
                reader.push(script, at, 1);
                at += 1;
            }
            b'|' | b'&' => {
                reader.end(Then::Next, offset);
                at += 1 + usize::from(bytes.get(at + 1) == Some(&bytes[at]));
            }
            _ => {
                reader.push(script, at, width);
                at += width;
            }
        }
    }
    reader.end(Then::Next, offset);
    reader
}

/// The end of what stands in `$(…)`, of which `start` is the first byte behind the parenthesis.
fn end_of_substitution(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 1;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The word that ends a here-document: `<<EOF`, `<<-EOF`. A shift of a number has none that begins with a letter.
fn terminator(word: &str) -> Option<&str> {
    let (_, word) = word.split_once("<<")?;
    let word = word.strip_prefix('-').unwrap_or(word);
    let named = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (named && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')).then_some(word)
}

// === impl Reader ===

impl Reader {
    fn push(&mut self, script: &str, at: usize, width: usize) {
        self.start.get_or_insert(at);
        self.continued = false;
        self.end = at + width;
        self.word.get_or_insert_default().push_str(&script[at..at + width]);
    }

    fn ends_in_redirection(&self) -> bool {
        self.word.as_deref().is_some_and(|word| word.ends_with('>'))
    }

    fn escaped(&mut self, script: &str, at: usize) -> usize {
        let rest = &script[at + 1..];
        match rest.chars().next() {
            Some('\n') => {
                self.end_word();
                self.continued = true;
                at + 2
            }
            Some('\r') if rest.starts_with("\r\n") => {
                self.end_word();
                self.continued = true;
                at + 3
            }
            Some(character) => {
                self.push(script, at + 1, character.len_utf8());
                at + 1 + character.len_utf8()
            }
            None => at + 1,
        }
    }

    fn quoted(&mut self, script: &str, at: usize, quote: u8) -> usize {
        self.start.get_or_insert(at);
        self.continued = false;
        let bytes = script.as_bytes();
        let mut end = at + 1;
        while end < bytes.len() && bytes[end] != quote {
            let inner = (quote == b'"').then(|| self.substitution(bytes, end)).flatten();
            end = match inner {
                Some(inner) => {
                    self.substituted.push(inner.clone());
                    inner.end + 1
                }
                None if quote == b'"' && bytes[end] == b'\\' => end + 2,
                None => end + 1,
            };
        }
        let end = end.min(bytes.len());
        // A cut after a backslash may fall into a character.
        let text = script.get(at + 1..end).unwrap_or_default();
        self.word.get_or_insert_default().push_str(text);
        self.end = (end + 1).min(bytes.len());
        let mut next = self.end;
        while !script.is_char_boundary(next) {
            next += 1;
        }
        self.end = next;
        next
    }

    /// What stands in the `$(…)` that begins here.
    fn substitution(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        let start = (!self.unclosed && bytes[at..].starts_with(b"$(")).then_some(at + 2)?;
        let end = end_of_substitution(bytes, start);
        self.unclosed = end.is_none();
        Some(start..end?)
    }

    /// Where the script goes on behind the here-documents that a line began. What is said to a shell is part of the script.
    fn after_documents(&mut self, script: &str, start: usize) -> usize {
        let line = self.commands.get(self.line..).unwrap_or_default();
        let runs = |word: &String| SHELLS.contains(&base(word)) || base(word) == "ssh";
        let redirects = |command: &Command| command.words.first().is_some_and(|word| word.starts_with("<<"));
        let runs = line.iter().any(|command| redirects(command) || command.words.iter().any(runs));
        self.line = self.commands.len();
        let mut at = start;
        for word in std::mem::take(&mut self.documents).into_iter().filter(|_| !runs) {
            if self.missed == MISSED_MAX {
                break;
            }
            let mut end = at;
            let mut lines = script.get(at..).unwrap_or_default().split_inclusive('\n');
            let ends = lines.any(|line| {
                end += line.len();
                line.trim() == word
            });
            self.missed += usize::from(!ends);
            at = if ends { end } else { at };
        }
        at
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            let apart = self.words.last().is_some_and(|before| matches!(before.as_str(), "<<" | "<<-"));
            let whole = if apart { format!("<<{word}") } else { word.clone() };
            self.documents.extend(terminator(&whole).map(str::to_owned));
            let to_file = word.trim_start_matches(|character: char| character.is_ascii_digit());
            self.redirected |= (to_file.starts_with('>') || to_file.starts_with("&>"))
                && !to_file.starts_with(">&")
                && !word.starts_with('2');
            self.words.push(word);
        }
    }

    fn end(&mut self, then: Then, offset: usize) {
        self.end_word();
        let mut words = std::mem::take(&mut self.words);
        let start = self.start.take();
        let redirected = std::mem::take(&mut self.redirected);
        if let (Some(start), false) = (start, words.is_empty()) {
            let keywords = words.iter().take_while(|word| BEFORE.contains(&word.as_str())).count();
            if keywords < words.len() {
                words.drain(..keywords);
            }
            let range = offset + start..offset + self.end;
            self.commands.push(Command { words, range, then, redirected });
        }
    }
}

// === impl Command ===

impl Command {
    /// The program, without its directory; assignments and options before it are passed over.
    pub(super) fn program(&self) -> &str {
        self.at_program().0
    }

    /// Whether it runs through `sudo`.
    pub(super) fn is_sudo(&self) -> bool {
        let first = self.words.iter().find(|word| !is_assignment(word));
        first.is_some_and(|word| base(word) == "sudo")
    }

    /// What follows the program.
    pub(super) fn arguments(&self) -> &[String] {
        let (_, at) = self.at_program();
        self.words.get(at + 1..).unwrap_or_default()
    }

    fn at_program(&self) -> (&str, usize) {
        let mut after_sudo = false;
        for (at, word) in self.words.iter().enumerate() {
            if is_assignment(word) || after_sudo && word.starts_with('-') {
                continue;
            }
            match base(word) {
                "sudo" | "doas" => after_sudo = true,
                program => return (program, at),
            }
        }
        ("", self.words.len())
    }

    /// Whether one of the arguments is given.
    pub(super) fn has(&self, arguments: &[&str]) -> bool {
        self.arguments().iter().any(|word| arguments.contains(&word.as_str()))
    }

    /// The value of an option: `--name value` or `--name=value`.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let mut words = self.arguments().iter();
        while let Some(word) = words.next() {
            if word == name {
                return words.next().map(String::as_str);
            }
            if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    /// Whether one of its short options, alone or among others (`-fsSLk`), is this letter.
    pub(super) fn has_letter(&self, letter: char) -> bool {
        let short = |word: &&String| word.starts_with('-') && !word.starts_with("--");
        self.arguments().iter().filter(short).any(|word| {
            let letters = word[1..].chars().take_while(char::is_ascii_alphabetic);
            letters.into_iter().any(|one| one == letter)
        })
    }
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(script: &str) -> Vec<String> {
        let say = |command: &Command| {
            format!("{}{}", command.words.join(" "), if command.then == Then::Pipe { " |" } else { "" })
        };
        commands(script, 0).iter().map(say).collect()
    }

    #[test]
    fn scripts_are_split() {
        assert_eq!(said("a 'b c' && d|e; f\n# g\nh \\\n i"), ["a b c", "d |", "e", "f", "h i"]);
        assert_eq!(said("a \\\n# b\n\n c\nd"), ["a c", "d"]);
        assert_eq!(said("if x; then y; fi"), ["x", "y", "fi"]);
        assert_eq!(said("echo \"a | b\" >c 2>&1 &"), ["echo a | b >c 2>&1"]);
        assert_eq!(said("\"ü\\"), ["ü\\"]);
    }

    #[test]
    fn here_documents_are_no_commands_unless_a_shell_reads_them() {
        assert_eq!(said("cat <<EOF >x\na | b\nEOF\nc"), ["cat <<EOF >x", "c"]);
        assert_eq!(said("cat <<-'E F'\na"), ["cat <<-E F", "a"]);
        assert_eq!(said("cat << A <<B\nA\nb\nB\nc"), ["cat << A <<B", "c"]);
        assert_eq!(said("ssh h bash <<EOF\na\nEOF"), ["ssh h bash <<EOF", "a", "EOF"]);
        assert_eq!(said("cat <<EOF | sh\na\nEOF"), ["cat <<EOF |", "sh", "a", "EOF"]);
        assert_eq!(said("<<EOF\na\nEOF"), ["<<EOF", "a", "EOF"]);
        // Without its end it is none.
        assert_eq!(said("x=$((1 << y))\na"), ["x=$", "1 << y", "a"]);
    }

    #[test]
    fn substitutions_in_quotes_are_commands() {
        let found = commands("x=\"a $(b \"$(c)\")\"; d", 10);
        let found: Vec<_> = found.iter().map(|one| (one.words.join(" "), one.range.start)).collect();
        let found: Vec<_> = found.iter().map(|(words, start)| (words.as_str(), *start)).collect();
        assert_eq!(found, [("x=a $(b \"$(c)\")", 10), ("d", 29), ("b $(c)", 17), ("c", 22)]);
        assert_eq!(said("'$(a)' \"$(b\""), ["$(a) $(b"]);
    }

    #[test]
    fn programs_are_found_behind_what_precedes_them() {
        let command = &commands("A=1 sudo -E /usr/bin/curl -fsSLk --proto =https x", 0)[0];
        assert!(command.is_sudo() && command.program() == "curl" && command.has_letter('k'));
        assert_eq!((command.option("--proto"), command.has_letter('o')), (Some("=https"), false));
        assert!(commands("echo x > /dev/null", 0)[0].redirected);
        assert!(!commands("echo x 2> /dev/null", 0)[0].redirected);
    }
}
