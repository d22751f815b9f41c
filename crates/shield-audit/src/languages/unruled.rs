//! Languages that no rule here knows: their files are only searched for secrets, and reports say of how many that is true.

/// Names of languages as GitHub's linguist has them, with the endings of their files. Templates are named by the language that their own code is
/// written in, which is what nobody looks at.
const ENDINGS: [(&str, &[&str]); 45] = [
    ("Ada", &["adb", "ads"]),
    ("ASP.NET", &["asax", "ascx", "ashx", "asmx", "aspx", "cshtml", "razor", "vbhtml"]),
    ("Assembly", &["asm"]),
    ("Astro", &["astro"]),
    ("Batchfile", &["bat", "cmd"]),
    ("Blade", &["blade.php"]),
    ("C", &["c", "h"]),
    ("C#", &["cs", "csx"]),
    ("C++", &["cc", "cpp", "cxx", "hh", "hpp", "hxx", "ipp"]),
    ("Clojure", &["clj", "cljc", "cljs"]),
    ("CoffeeScript", &["coffee"]),
    ("Cython", &["pxd", "pxi", "pyx"]),
    ("Dart", &["dart"]),
    ("EJS", &["ejs"]),
    ("Elixir", &["ex", "exs", "heex"]),
    ("Erlang", &["erl", "hrl"]),
    ("F#", &["fs", "fsi", "fsx"]),
    ("Fortran", &["f03", "f90", "f95"]),
    ("Groovy", &["gradle", "groovy"]),
    ("HCL", &["hcl", "tf"]),
    ("Handlebars", &["handlebars", "hbs", "mustache"]),
    ("Haskell", &["hs", "lhs"]),
    ("Java", &["java"]),
    ("Java Server Pages", &["jsp", "jspx"]),
    ("Jinja", &["j2", "jinja", "jinja2", "njk"]),
    ("Julia", &["jl"]),
    ("Kotlin", &["kt", "kts"]),
    ("Lua", &["lua"]),
    ("Objective-C", &["m", "mm"]),
    ("OCaml", &["ml", "mli"]),
    ("Pascal", &["dpr", "pas"]),
    ("Perl", &["pl", "pm", "t"]),
    ("PHP", &["php", "phtml"]),
    ("PowerShell", &["ps1", "psd1", "psm1"]),
    ("Pug", &["jade", "pug"]),
    ("R", &["r", "rmd"]),
    ("Ruby", &["erb", "gemspec", "haml", "rake", "rb", "ru", "slim"]),
    ("Scala", &["sbt", "scala"]),
    ("SQL", &["pgsql", "plsql", "psql", "sql"]),
    ("Solidity", &["sol"]),
    ("Swift", &["swift"]),
    ("Tcl", &["tcl"]),
    ("Twig", &["liquid", "twig"]),
    ("Visual Basic", &["bas", "vb", "vba", "vbs"]),
    ("Zig", &["zig"]),
];

/// Those that backends are written in. What a build, a schema or a template says matters too, but nobody would take its absence from a report for
/// an audit of the program.
const OF_BACKENDS: [&str; 24] = [
    "ASP.NET",
    "C",
    "C#",
    "C++",
    "Clojure",
    "CoffeeScript",
    "Cython",
    "Dart",
    "Elixir",
    "Erlang",
    "F#",
    "Haskell",
    "Java",
    "Java Server Pages",
    "Kotlin",
    "Lua",
    "OCaml",
    "PHP",
    "Perl",
    "Ruby",
    "Scala",
    "Swift",
    "Visual Basic",
    "Zig",
];

/// Whether backends are written in a language.
pub(crate) fn is_of_backends(language: &str) -> bool {
    OF_BACKENDS.contains(&language)
}

/// Files without an ending that say by their name what they are.
const NAMES: [(&str, &[&str]); 3] = [
    ("Groovy", &["jenkinsfile"]),
    ("Makefile", &["gnumakefile", "makefile"]),
    (
        "Ruby",
        &["brewfile", "capfile", "fastfile", "gemfile", "guardfile", "podfile", "rakefile", "vagrantfile"],
    ),
];

/// Interpreters of scripts that only their first line names.
const INTERPRETERS: [(&str, &[&str]); 7] = [
    ("Awk", &["awk", "gawk", "mawk"]),
    ("Lua", &["lua"]),
    ("Perl", &["perl"]),
    ("PHP", &["php"]),
    ("R", &["Rscript"]),
    ("Ruby", &["ruby"]),
    ("Tcl", &["expect", "tclsh", "wish"]),
];

/// The language of a file, if it is code that no rule looks at.
#[must_use]
pub fn of(path: &str, bytes: &[u8]) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let within = |table: &[(&'static str, &[&str])], word: &str| {
        table.iter().find(|(_, words)| words.contains(&word)).map(|(language, _)| *language)
    };
    match name.split_once('.') {
        // A file whose name begins with a dot has no ending.
        None | Some(("", _)) => within(&NAMES, &name).or_else(|| within(&INTERPRETERS, interpreter(bytes)?)),
        Some((_, endings)) => {
            within(&ENDINGS, endings).or_else(|| within(&ENDINGS, endings.rsplit('.').next()?))
        }
    }
}

/// The program that the first line of a script names, without its directory: of `#!/usr/bin/env -S ruby -w` it is `ruby`.
pub(crate) fn interpreter(bytes: &[u8]) -> Option<&str> {
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = str::from_utf8(line.get(..line.len().min(200))?).ok()?;
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    match words.next()? {
        "env" => words.find(|word| !word.starts_with('-') && !word.contains('=')),
        program => Some(program),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_ending_name_and_first_line() {
        for (path, bytes, expected) in [
            ("a/index.php", "", Some("PHP")),
            ("views/a.blade.php", "", Some("Blade")),
            ("a/Main.java", "", Some("Java")),
            ("B.CS", "", Some("C#")),
            ("Rakefile", "", Some("Ruby")),
            ("page.html.erb", "", Some("Ruby")),
            ("page.html.j2", "", Some("Jinja")),
            ("bin/run", "#!/usr/bin/env -S ruby -w\n", Some("Ruby")),
            ("bin/run", "#!/usr/bin/perl", Some("Perl")),
            ("bin/run", "#!/bin/sh", None),
            ("bin/run", "#!", None),
            ("a.py", "", None),
            ("a.js", "", None),
            ("a.min.css", "", None),
            (".php", "", None),
            ("c", "", None),
        ] {
            assert_eq!(of(path, bytes.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn no_ending_is_of_two_languages() {
        let mut all: Vec<_> = ENDINGS.iter().flat_map(|(_, endings)| *endings).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(
            ENDINGS
                .iter()
                .flat_map(|(_, endings)| *endings)
                .all(|ending| super::super::Language::of(&format!("a.{ending}")).is_none())
        );
    }
}
