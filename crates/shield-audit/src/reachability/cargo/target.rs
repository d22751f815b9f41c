//! For which targets a dependency is.

/// How deep expressions may nest.
const DEPTH_MAX: usize = 32;

/// Words of targets that are certainly not Linux.
const OTHERS: [&str; 5] = ["windows", "apple", "wasm32", "freebsd", "fuchsia"];

/// Whether a key of `[target]`, an expression or the name of a target, certainly leaves out Linux.
pub(super) fn is_other(target: &str) -> bool {
    let target = target.trim();
    match target.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) {
        Some(expression) => holds(expression, 0) == Some(false),
        None => !target.contains("linux") && OTHERS.iter().any(|other| target.contains(other)),
    }
}

/// Whether an expression holds on Linux; none if that depends on more, or is not understood.
fn holds(expression: &str, depth: usize) -> Option<bool> {
    let expression = expression.trim();
    if depth > DEPTH_MAX {
        return None;
    }
    let inside =
        |name: &str| expression.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')');
    if let Some(inner) = inside("not") {
        return holds(inner, depth + 1).map(|holds| !holds);
    }
    for (name, decided) in [("all", false), ("any", true)] {
        if let Some(inner) = inside(name) {
            let parts: Vec<Option<bool>> = parts(inner).map(|part| holds(part, depth + 1)).collect();
            let known = parts.iter().all(Option::is_some).then_some(!decided);
            return if parts.contains(&Some(decided)) { Some(decided) } else { known };
        }
    }
    match expression.split_once('=').map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))) {
        Some(("target_os", system)) => Some(system == "linux"),
        Some(("target_family", family)) => Some(family == "unix"),
        Some(("target_env", "msvc")) => Some(false),
        Some(("target_vendor", "apple")) => Some(false),
        None if expression == "unix" => Some(true),
        None if expression == "windows" => Some(false),
        _ => None,
    }
}

/// The parts between the commas of the outermost level.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let parts = list.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_from_linux() {
        for other in [
            "cfg(windows)",
            "cfg(target_os = \"macos\")",
            "cfg(any(windows, target_os = \"ios\"))",
            "cfg(all(feature = \"x\", windows))",
            "cfg(not(unix))",
            "cfg(all(unix, not(target_os = \"linux\")))",
            "x86_64-pc-windows-msvc",
            "aarch64-apple-darwin",
        ] {
            assert!(is_other(other), "{other}");
        }
    }

    #[test]
    fn doubt_is_for_linux() {
        for ours in [
            "cfg(unix)",
            "cfg(any(windows, unix))",
            "cfg(any(windows, feature = \"x\"))",
            "cfg(not(windows))",
            "cfg(all())",
            "cfg(target_pointer_width = \"64\")",
            "cfg(not(target_pointer_width = \"64\"))",
            "x86_64-unknown-linux-gnu",
            "my-board",
            "cfg(",
            "cfg(all(",
            "cfg(not())",
        ] {
            assert!(!is_other(ours), "{ours}");
        }
    }
}
