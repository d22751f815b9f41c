//! Which modules and programs the words of commands, settings and foreign code name.

use super::files::name_of;

/// What starts the program that follows somewhere behind it.
const STARTERS: [&str; 22] = [
    "CMD",
    "ENTRYPOINT",
    "RUN",
    "bash",
    "dumb-init",
    "env",
    "exec",
    "gosu",
    "hatch",
    "nice",
    "nohup",
    "pdm",
    "pipenv",
    "poetry",
    "rye",
    "sh",
    "su-exec",
    "sudo",
    "time",
    "timeout",
    "tini",
    "uv",
];
/// Behind these stands what is installed, not what is run.
const INSTALLS: [&str; 3] = ["install", "add", "download"];
/// What comments of scripts and settings begin with.
const COMMENTS: [&str; 4] = ["# ", "#", ";", "//"];

/// What a text names, told as it is found.
pub(super) trait Names {
    /// A text that is one name: of a module, of something in it, or of a program.
    fn whole(&mut self, text: &str);
    /// A module that is imported, or what is taken from one.
    fn module(&mut self, name: &str);
    /// A program that is run.
    fn program(&mut self, name: &str);
}

/// Lines of commands. Every word may be a program if `all`, else the first, and any behind what starts others.
pub(super) fn commands(text: &str, all: bool, names: &mut impl Names) {
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().filter(|line| !is_comment(line)) {
        for command in line.split([';', '&', '|', '(', ')', '`']) {
            one_command(command, all, names);
        }
    }
}

fn one_command(text: &str, all: bool, names: &mut impl Names) {
    let stops = |character: char| character.is_whitespace() || "\"',[]{}".contains(character);
    let (mut first, mut all, mut option) = (true, all, false);
    for word in text.split(stops).filter(|word| !word.is_empty()) {
        if INSTALLS.contains(&word) {
            return;
        }
        let word = word.trim_start_matches(['@', '!', '+']);
        let is_option = word.len() > 1 && word.starts_with('-');
        if let Some((_, value)) = word.split_once('=') {
            names.whole(value);
        } else if !is_option {
            all |= STARTERS.contains(&name_of(word));
            if first || all {
                names.program(word.trim_end_matches(':'));
            }
            if option || (all && word.contains([':', '.'])) {
                names.whole(word);
            }
            first = word.ends_with(':');
        }
        option = is_option;
    }
}

/// Settings, one a line, as YAML, TOML, INI and environments have them.
pub(super) fn settings(text: &str, names: &mut impl Names) {
    for line in text.lines().filter(|line| !is_comment(line)) {
        let mut line = line.trim();
        while let Some(item) = line.strip_prefix("- ") {
            line = item.trim_start();
        }
        let cut = line.find(": ").or_else(|| line.find('=')).or_else(|| line.strip_suffix(':').map(str::len));
        let (key, value) =
            cut.map_or(("", line), |at| (&line[..at], line[at..].trim_start_matches([':', '='])));
        names.whole(bare(key));
        let value = bare(value);
        for part in value.split([',', '[', ']', '{', '}']).map(bare) {
            match part.contains(char::is_whitespace) {
                true => commands(part, false, names),
                false => names.whole(part),
            }
        }
    }
}

fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || "\"'`,-".contains(character))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with("#!") && COMMENTS.iter().any(|start| line.starts_with(start))
}

/// Modules behind `-m`, in whatever stands around: `python -m a`, `["python", "-m", "a"]`.
pub(super) fn run_modules(text: &str, names: &mut impl Names) {
    let part_of_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-');
    let mut before = "";
    for word in text.split(|character| !part_of_name(character)).filter(|word| !word.is_empty()) {
        if before == "-m" {
            names.module(word);
            names.module(&format!("{word}.__main__"));
        }
        before = word;
    }
}

/// Modules that statements import, wherever they stand: in Cython, notebooks, texts, `python -c "import a"`.
pub(super) fn imports(text: &str, names: &mut impl Names) {
    if !text.contains("import") {
        return;
    }
    let spaced = text.replace(',', " , ");
    let stops = |character: char| character.is_whitespace() || "\"'`;()\\".contains(character);
    let mut words = spaced.split(stops).filter(|word| !word.is_empty()).peekable();
    let (mut before, mut last) = ("", "");
    while let Some(word) = words.next() {
        if !matches!(word, "import" | "cimport") {
            (before, last) = (last, word);
            continue;
        }
        while let Some(name) = words.next() {
            match before {
                "from" => names.module(&format!("{last}.{name}")),
                _ => names.module(name),
            }
            if words.next_if_eq(&"as").is_some() {
                words.next();
            }
            if words.next_if_eq(&",").is_none() {
                break;
            }
        }
        (before, last) = ("", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Names for Seen {
        fn whole(&mut self, text: &str) {
            self.0.extend((!text.is_empty()).then(|| text.to_owned()));
        }

        fn module(&mut self, name: &str) {
            self.0.push(format!("import {name}"));
        }

        fn program(&mut self, name: &str) {
            self.0.push(format!("run {name}"));
        }
    }

    fn seen(look: impl FnOnce(&mut Seen)) -> Vec<String> {
        let mut seen = Seen::default();
        look(&mut seen);
        seen.0
    }

    #[test]
    fn programs_stand_first_or_behind_a_starter() {
        assert_eq!(seen(|names| commands("a b c && d", false, names)), ["run a", "run d"]);
        assert_eq!(seen(|names| commands("sudo env a", false, names)), ["run sudo", "run env", "run a"]);
        assert_eq!(seen(|names| commands("X=1 a -k b.C", false, names)), ["1", "run a", "b.C"]);
        assert_eq!(seen(|names| commands("# a\nweb: b", false, names)), ["run web", "run b"]);
    }

    #[test]
    fn what_is_installed_is_not_run() {
        assert_eq!(seen(|names| commands("pip install -U \\\n a b && c", true, names)), ["run pip", "run c"]);
    }

    #[test]
    fn settings_are_keys_and_values() {
        assert_eq!(seen(|names| settings("a: b\n- c.D\n# e\nf = \"g\"", names)), ["a", "b", "c.D", "f", "g"]);
        assert_eq!(
            seen(|names| settings("command: [\"a\", \"-m\", b]\nrun: c d", names)),
            ["command", "a", "m", "b", "run", "run c"]
        );
    }

    #[test]
    fn statements_are_found_anywhere() {
        let text = "python -c 'import a, b.c as d,e; from f import g' && cimport h";
        let found = ["import a", "import b.c", "import e", "import f.g", "import h"];
        assert_eq!(seen(|names| imports(text, names)), found);
        assert_eq!(
            seen(|names| run_modules("[x, \"-m\", 'a.b']", names)),
            ["import a.b", "import a.b.__main__"]
        );
    }
}
