//! Objects made of bytes that somebody sent.

use ruff_python_ast::Expr;

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::names::Bound,
};

const ADVICE: &str = "Use a format that holds data only: JSON, or one with a schema.";

const fn check(rule: Rule, words: &'static [&'static str], test: Test) -> Check {
    Check {
        rule,
        confidence: Confidence::High,
        class: Class::Deserialisation,
        words: Words::Names(words),
        test,
    }
}

const fn rule(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    aliases: &'static [&'static str],
) -> Rule {
    Rule { id, title, cwe: Cwe(502), severity, aliases, advice: ADVICE }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        rule(
            "python/pickle",
            "makes objects of bytes, and runs what they say",
            Severity::Medium,
            &["B301", "S301"],
        ),
        &["pickle", "_pickle", "cPickle", "dill", "shelve", "jsonpickle", "read_pickle"],
        Test::Names(&[
            "pickle.loads",
            "pickle.load",
            "pickle.Unpickler",
            "_pickle.loads",
            "_pickle.load",
            "_pickle.Unpickler",
            "cPickle.loads",
            "cPickle.load",
            "cPickle.Unpickler",
            "dill.loads",
            "dill.load",
            "dill.Unpickler",
            "shelve.open",
            "shelve.DbfilenameShelf",
            "jsonpickle.decode",
            "jsonpickle.unpickler.decode",
            "jsonpickle.unpickler.Unpickler",
            "pandas.read_pickle",
        ]),
    ),
    check(
        rule(
            "python/marshal",
            "makes objects of bytes without any check",
            Severity::Medium,
            &["B302", "S302"],
        ),
        &["marshal"],
        Test::Names(&["marshal.load", "marshal.loads"]),
    ),
    check(
        rule("python/pickle-import", "a format that runs what it holds", Severity::Low, &["B403", "S403"]),
        &["pickle", "cPickle", "dill", "shelve"],
        Test::Imports(&["pickle", "cPickle", "dill", "shelve"]),
    ),
    check(
        Rule {
            id: "python/yaml-load",
            title: "makes objects of YAML",
            cwe: Cwe(502),
            severity: Severity::Medium,
            aliases: &["B506", "S506"],
            advice: "Use `yaml.safe_load`.",
        },
        &["yaml"],
        Test::Call(yaml_load),
    ),
    check(
        rule("python/torch-load", "loads a model, and runs what it says", Severity::Medium, &["B614"]),
        &["torch"],
        Test::Call(torch_load),
    ),
    check(
        rule(
            "python/array-pickle",
            "loads a file, and runs what it says",
            Severity::Medium,
            &["py/unsafe-deserialization"],
        ),
        &["numpy", "joblib", "cloudpickle"],
        Test::Call(array_pickle),
    ),
    check(
        Rule {
            id: "python/unpinned-download",
            title: "downloads whatever is newest",
            cwe: Cwe(494),
            severity: Severity::Medium,
            aliases: &["B615"],
            advice: "Pass `revision` with the hash of a commit.",
        },
        &["from_pretrained", "load_dataset", "hf_hub_download", "snapshot_download"],
        Test::Call(unpinned_download),
    ),
];

/// How far the bases of a loader are followed.
const LOADER_BASES_MAX: usize = 8;

/// Loaders that make nothing but plain values.
const SAFE_LOADERS: [&str; 9] = [
    "yaml.SafeLoader",
    "yaml.CSafeLoader",
    "yaml.BaseLoader",
    "yaml.CBaseLoader",
    "yaml.loader.SafeLoader",
    "yaml.loader.CSafeLoader",
    "yaml.loader.BaseLoader",
    "yaml.cyaml.CSafeLoader",
    "yaml.cyaml.CBaseLoader",
];

fn yaml_load(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.name == "ruamel.yaml.YAML" {
        let kind = call.argument("typ", 0).and_then(|kind| scene.text(kind));
        return (kind.as_deref() == Some("unsafe"))
            .then(|| call.hit("this kind makes any object the text asks for"));
    }
    if call.name != "yaml.load" {
        return None;
    }
    let Some(loader) = call.argument("Loader", 1) else {
        return Some(call.hit("without a loader, older versions make any object the text asks for"));
    };
    (!is_safe_loader(scene, loader, LOADER_BASES_MAX))
        .then(|| call.hit("this loader may make any object the text asks for"))
}

/// Whether a loader is one that makes plain values only, or a class of this file made from such.
fn is_safe_loader(scene: &Scene<'_>, loader: &Expr, depth: usize) -> bool {
    if scene.is_any(loader, &SAFE_LOADERS) {
        return true;
    }
    let binding =
        loader.as_name_expr().and_then(|name| scene.module.names.lookup(&name.id, scene.at).binding());
    let Some(Bound::Class(class)) = binding.map(|binding| binding.bound) else { return false };
    let bases = class.bases();
    depth > 0 && !bases.is_empty() && bases.iter().all(|base| is_safe_loader(scene, base, depth - 1))
}

fn torch_load(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let loads = matches!(call.name, "torch.load" | "torch.serialization.load");
    let weights_only =
        call.keyword("weights_only").is_some_and(|keyword| scene.is_bool(&keyword.value, true));
    (loads && !weights_only).then(|| call.hit("a model file is a pickle: it runs what it says"))
}

fn array_pickle(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    match call.name {
        "numpy.load" => {
            let allowed =
                call.argument("allow_pickle", 2).filter(|allowed| scene.truth(allowed) == Some(true))?;
            Some(call.hit("`allow_pickle` lets the file run what it says").moved(allowed))
        }
        "joblib.load" | "sklearn.externals.joblib.load" | "cloudpickle.load" | "cloudpickle.loads" => {
            Some(call.hit("the file is a pickle: it runs what it says"))
        }
        _ => None,
    }
}

fn unpinned_download(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let module = match call.name.rsplit('.').next()? {
        "from_pretrained" => "transformers",
        "load_dataset" => "datasets",
        "hf_hub_download" | "snapshot_download" => "huggingface_hub",
        _ => return None,
    };
    if !call.name.split('.').any(|part| part == module) {
        return None;
    }
    let revision =
        call.keyword("revision").or_else(|| call.keyword("commit_id")).map(|keyword| &keyword.value);
    if revision.is_some_and(|revision| is_pinned(scene, revision)) {
        return None;
    }
    let local = call.positional().first().and_then(|first| scene.text(first));
    let local =
        local.is_some_and(|path| path.starts_with('/') || path.starts_with("./") || path.starts_with("../"));
    (!local).then(|| call.hit("without the hash of a commit, tomorrow's download is another one"))
}

/// Whether a revision is the hash of a commit; one that is decided elsewhere may be.
fn is_pinned(scene: &Scene<'_>, revision: &Expr) -> bool {
    match scene.text(revision) {
        Some(text) => text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !revision.is_literal_expr(),
    }
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn kinds_of_ruamel_are_told_apart() {
        let finds = |kind: &str| {
            let text = format!("from ruamel.yaml import YAML\ny = YAML({kind})\n");
            !Audit::default().text("a.py", &text, Parse::Always).findings.is_empty()
        };
        assert!(finds("typ='unsafe'"));
        assert!(!finds("typ='safe'") && !finds(""));
    }

    #[test]
    fn a_loader_is_what_it_is_made_from() {
        let loads = |bases: &str| {
            let text = format!(
                "import yaml\nclass Tags({bases}): pass\nclass More(Tags): pass\nyaml.load(x, Loader=More)\n"
            );
            !Audit::default().text("a.py", &text, Parse::Always).findings.is_empty()
        };
        assert!(!loads("yaml.SafeLoader"));
        for bases in ["yaml.Loader", "yaml.SafeLoader, yaml.Loader", "", "More", "unknown.Loader"] {
            assert!(loads(bases), "{bases}");
        }
    }
}
