//! Files and permissions.

use ruff_python_ast::{self as ast, Expr, ExprBinOp, Operator};
use ruff_text_size::{Ranged, TextRange};

use super::{Call, Check, Class, Hit, Scene, Shape, Test, Words, strings};
use crate::finding::{Confidence, Cwe, Rule, Severity};

const fn check(rule: Rule, confidence: Confidence, words: Words, test: Test) -> Check {
    Check { rule, confidence, class: Class::Files, words, test }
}

const fn permissions(id: &'static str, aliases: &'static [&'static str]) -> Rule {
    let advice = "Give permissions to the owner only: `0o600`, `0o700`.";
    Rule {
        id,
        title: "lets others change a file",
        cwe: Cwe(732),
        severity: Severity::Medium,
        aliases,
        advice,
    }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        permissions("python/open-permissions", &["B103", "S103"]),
        Confidence::High,
        Words::Names(&["chmod", "umask"]),
        Test::Call(open_permissions),
    ),
    check(
        permissions("python/loose-permissions", &["B103"]),
        Confidence::High,
        Words::Names(&["chmod", "fchmod", "lchmod"]),
        Test::Call(loose_permissions),
    ),
    check(
        Rule {
            id: "python/fixed-temporary-path",
            title: "a path in a directory that everybody writes to",
            cwe: Cwe(377),
            severity: Severity::Medium,
            aliases: &["B108", "S108"],
            advice: "Use `tempfile`, which makes a name nobody can foresee.",
        },
        Confidence::Medium,
        Words::Parts(SHARED),
        Test::Expression(Shape::Text, fixed_temporary_path),
    ),
    check(
        Rule {
            id: "python/mktemp",
            title: "a name that somebody else may take first",
            cwe: Cwe(377),
            severity: Severity::Medium,
            aliases: &["B306", "S306"],
            advice: "Use `tempfile.mkstemp` or `NamedTemporaryFile`, which make the file too.",
        },
        Confidence::High,
        Words::Names(&["mktemp"]),
        Test::Names(&["tempfile.mktemp"]),
    ),
    check(
        Rule {
            id: "python/tar-extract",
            title: "unpacks files wherever the archive says",
            cwe: Cwe(22),
            severity: Severity::High,
            aliases: &["B202", "S202"],
            advice: "Pass `filter=\"data\"`.",
        },
        Confidence::High,
        Words::Names(&["tarfile"]),
        Test::Call(tar_extract),
    ),
];

/// Directories that everybody writes to.
const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// Bits with which others write, or the group runs.
const OPEN: u64 = 0o12;

/// Bits with which the group or others write or run.
const LOOSE: u64 = 0o33;

/// Every bit that a mode can have.
const VALID: u64 = 0o7777;

fn open_permissions(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.name == "os.umask" {
        let mask = call.positional().first().filter(|mask| Bits::of(scene, mask) == Bits::exactly(0))?;
        return Some(call.hit("everybody may write to whatever is made from here on").moved(mask.range()));
    }
    let of_path = || {
        let object = call.object().filter(|_| call.method() == "chmod")?;
        scene.module.names.made_by(object, scene.at).filter(|maker| maker == "pathlib.Path")
    };
    let mode = match call.name {
        "os.chmod" => call.argument("mode", 1)?,
        _ => call.argument("mode", 0).filter(|_| of_path().is_some())?,
    };
    let bits = Bits::of(scene, mode);
    let message = if bits.is_invalid() {
        "the mode has bits that there are not".to_owned()
    } else if bits.set & OPEN != 0 {
        format!("the mode is `0o{:o}`", bits.set)
    } else {
        return None;
    };
    let severity = if bits.set & 0o2 != 0 { Severity::High } else { Severity::Medium };
    Some(call.hit(message).severity(severity).moved(mode.range()))
}

fn loose_permissions(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let [_, mode] = call.positional() else { return None };
    let bits = Bits::of(scene, mode);
    let elsewhere = call.name != "os.chmod" && bits.set & OPEN != 0;
    let weak = bits.set & LOOSE != 0 && bits.set & OPEN == 0;
    let loose = call.method().contains("chmod") && !bits.is_invalid() && (elsewhere || weak);
    loose.then(|| call.hit(format!("the mode is `0o{:o}`", bits.set)))
}

/// What is known of the bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bits {
    set: u64,
    clear: u64,
    /// Whether bits beyond these are set.
    beyond: bool,
}

// === impl Bits ===

impl Bits {
    const UNKNOWN: Self = Self { set: 0, clear: 0, beyond: false };

    const fn exactly(value: u64) -> Self {
        Self { set: value, clear: !value, beyond: false }
    }

    /// What is known of an expression.
    fn of(scene: &Scene<'_>, expr: &Expr) -> Self {
        match expr {
            Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(int), .. }) => {
                int.as_u64().map_or(Self { beyond: true, ..Self::UNKNOWN }, Self::exactly)
            }
            Expr::Attribute(_) | Expr::Name(_) => {
                let constant =
                    scene.resolve(expr).and_then(|name| stat_constant(name.strip_prefix("stat.")?));
                constant.map_or(Self::UNKNOWN, Self::exactly)
            }
            Expr::BinOp(operation) => Self::of_operation(scene, operation),
            _ => Self::UNKNOWN,
        }
    }

    fn of_operation(scene: &Scene<'_>, ExprBinOp { left, op, right, .. }: &ExprBinOp) -> Self {
        let (one, other) = (Self::of(scene, left), Self::of(scene, right));
        match op {
            Operator::BitOr => Self {
                set: one.set | other.set,
                clear: one.clear & other.clear,
                beyond: one.beyond || other.beyond,
            },
            Operator::BitAnd => Self {
                set: one.set & other.set,
                clear: one.clear | other.clear,
                beyond: one.beyond && other.beyond,
            },
            Operator::BitXor if scene.source(left.as_ref()) == scene.source(right.as_ref()) => {
                Self::exactly(0)
            }
            Operator::BitXor => Self {
                set: one.set & other.clear | one.clear & other.set,
                clear: one.set & other.set | one.clear & other.clear,
                beyond: one.beyond || other.beyond,
            },
            _ => Self::UNKNOWN,
        }
    }

    const fn is_invalid(self) -> bool {
        self.beyond || self.set & !VALID != 0
    }
}

/// Constants of `stat` that are bits of a mode.
fn stat_constant(name: &str) -> Option<u64> {
    Some(match name {
        "S_IXOTH" => 0o1,
        "S_IWOTH" => 0o2,
        "S_IROTH" => 0o4,
        "S_IRWXO" => 0o7,
        "S_IXGRP" => 0o10,
        "S_IWGRP" => 0o20,
        "S_IRGRP" => 0o40,
        "S_IRWXG" => 0o70,
        "S_IXUSR" | "S_IEXEC" => 0o100,
        "S_IWUSR" | "S_IWRITE" => 0o200,
        "S_IRUSR" | "S_IREAD" => 0o400,
        "S_IRWXU" => 0o700,
        "S_ISVTX" => 0o1000,
        "S_ISGID" | "S_ENFMT" => 0o2000,
        "S_ISUID" => 0o4000,
        _ => return None,
    })
}

fn fixed_temporary_path(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let (range, path) = strings::parts(expr).find(|(range, text)| is_shared(scene, *range, text))?;
    // A path that `tempfile` gets is a directory in which it makes names of its own.
    let given_to = scene.parent().and_then(Expr::as_call_expr).and_then(|call| scene.resolve(&call.func));
    if given_to.is_some_and(|name| name.starts_with("tempfile.")) || strings::is_docstring(scene, expr) {
        return None;
    }
    Some(Hit::at(range, path, "somebody else can make the file, or a link in its place, first"))
}

/// Whether a text begins with a shared directory, as it is written.
fn is_shared(scene: &Scene<'_>, range: TextRange, text: &str) -> bool {
    SHARED.iter().any(|directory| text.starts_with(directory) && scene.module.text[range].contains(directory))
}

fn tar_extract(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let extracts =
        call.method() == "extractall" && call.object().is_some() && scene.module.names.imports("tarfile");
    let zip = call.object().and_then(|object| scene.module.names.made_by(object, scene.at));
    // It drops `..` and the root of every name, and makes no links.
    if zip.is_some_and(|maker| maker == "zipfile.ZipFile") {
        return None;
    }
    let filter = call.keyword("filter").and_then(|keyword| scene.text(&keyword.value));
    if !extracts || matches!(filter.as_deref(), Some("data" | "tar")) {
        return None;
    }
    let hit = call.hit("a name with `..` or a link leads out of the directory");
    Some(match call.keyword("members").map(|keyword| &keyword.value) {
        None => hit,
        Some(Expr::Call(_)) => hit.severity(Severity::Low).confidence(Confidence::Low),
        Some(_) => hit.severity(Severity::Medium).confidence(Confidence::Medium),
    })
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn permissions_of_paths_and_masks_are_found() {
        for (text, found) in [
            ("import os\nos.umask(0)", true),
            ("import os\nos.umask(0o077)", false),
            ("from pathlib import Path\nPath('a').chmod(0o777)", true),
            ("from pathlib import Path\nPath('a').chmod(0o600)", false),
            ("x.chmod(0o777)", false),
        ] {
            let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
            let mut ids = report.findings.iter().map(|one| one.rule.id);
            assert_eq!(ids.any(|id| id == "python/open-permissions"), found, "{text}");
        }
    }
}
