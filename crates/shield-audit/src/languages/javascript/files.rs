//! Files that strangers name.

use super::{execution::property, request};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        guard,
    },
};

static PATH: Rule = Rule {
    id: "javascript/path-traversal",
    title: "a stranger names the file",
    cwe: Cwe(22),
    severity: Severity::High,
    aliases: &["detect-non-literal-fs-filename"],
    advice: "Resolve the path, and refuse it unless it lies below the directory that is meant.",
};

static TEMPORARY: Rule = Rule {
    id: "javascript/fixed-temporary-path",
    title: "whoever is faster puts a link there",
    cwe: Cwe(377),
    severity: Severity::Medium,
    aliases: &["B108", "S108"],
    advice: "Make a directory of your own with `fs.mkdtemp`.",
};

pub(super) const CHECKS: &[Check] = &[Check {
    language: Language::JavaScript,
    words: &["fs", "sendFile", "sendfile", "download", "render"],
    test: Test::Call(path),
}];

/// Modules whose functions open the file that their first argument names.
const MODULES: [&str; 4] = ["fs.", "fs/promises.", "fs-extra.", "graceful-fs."];

fn path<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let of_files = MODULES.iter().any(|module| call.name.starts_with(module));
    let sends = matches!(call.method, "sendFile" | "sendfile" | "download") && call.object.is_some();
    let renders = call.method == "render"
        && call.object.is_some_and(|object| matches!(scene.written(object), "res" | "response"));
    if !of_files && !sends && !renders {
        return None;
    }
    let first = *call.arguments.first()?;
    // `sendFile` with a root stays below it.
    let options = call.arguments.get(1).filter(|options| sends && options.kind() == "object");
    let rooted = options.is_some_and(|options| property(scene, *options, "root").is_some());
    // `path.join(dir, req.params.name)` keeps nobody in the directory.
    if let Some(part) = request::part(scene, first).filter(|_| !rooted) {
        let hit =
            call.hit(&PATH).message(format!("a stranger writes `{part}`, and with `..` it leads anywhere"));
        return Some(guard::judged(scene, hit, &request::trail(scene, first)));
    }
    let writes =
        ["write", "append", "create", "open", "mkdir"].iter().any(|verb| call.method.starts_with(verb))
            && !call.method.contains("ReadStream");
    let text = scene.text(first);
    let temporary = of_files && writes && text.beginning().starts_with("/tmp/") && text.is_known();
    temporary.then(|| call.hit(&TEMPORARY).confidence(Confidence::Medium))
}
