//! Files, archives, permissions.

use tree_sitter::Node;

use super::request;
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

static TEMPORARY: Rule = Rule {
    id: "go/fixed-temporary-path",
    title: "whoever is faster puts a link there",
    cwe: Cwe(377),
    severity: Severity::Medium,
    aliases: &["G303"],
    advice: "Use `os.CreateTemp` or `os.MkdirTemp`.",
};

static PERMISSIONS: Rule = Rule {
    id: "go/loose-permissions",
    title: "everybody may write to it",
    cwe: Cwe(732),
    severity: Severity::Medium,
    aliases: &["G301", "G302", "G306", "G307"],
    advice: "Give files `0600`, directories `0750`.",
};

static PATH: Rule = Rule {
    id: "go/path-traversal",
    title: "a stranger names the file",
    cwe: Cwe(22),
    severity: Severity::High,
    aliases: &["G304", "G703"],
    advice: "Open it through `os.Root`, or check it with `filepath.IsLocal`.",
};

static ARCHIVE: Rule = Rule {
    id: "go/archive-path",
    title: "an archive says where its files go",
    cwe: Cwe(22),
    severity: Severity::Medium,
    aliases: &["G305"],
    advice: "Check each name with `filepath.IsLocal` before it is joined.",
};

static BOMB: Rule = Rule {
    id: "go/decompression-bomb",
    title: "a small archive fills the disk",
    cwe: Cwe(409),
    severity: Severity::Medium,
    aliases: &["G110"],
    advice: "Copy with `io.CopyN` or from an `io.LimitReader`.",
};

static ROOT_SERVED: Rule = Rule {
    id: "go/root-served",
    title: "serves every file of the host",
    cwe: Cwe(552),
    severity: Severity::High,
    aliases: &["G111"],
    advice: "Serve the one directory that is meant.",
};

pub(super) const CHECKS: &[Check] = &[
    Check { language: Language::Go, words: &["/tmp", "/var/tmp"], test: Test::Call(temporary) },
    Check {
        language: Language::Go,
        words: &["Mkdir", "Chmod", "OpenFile", "WriteFile"],
        test: Test::Call(permissions),
    },
    Check { language: Language::Go, words: &["net/http", "gin", "echo", "fiber"], test: Test::Call(path) },
    Check { language: Language::Go, words: &["archive/zip", "archive/tar"], test: Test::Call(archive) },
    Check { language: Language::Go, words: &["io.Copy"], test: Test::Call(bomb) },
    Check { language: Language::Go, words: &["http.Dir"], test: Test::Call(root_served) },
];

fn temporary<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let makes =
        matches!(call.name.as_str(), "os.Create" | "os.WriteFile" | "io/ioutil.WriteFile" | "os.OpenFile");
    let text = scene.argument(call, 0).filter(|_| makes)?.literal()?;
    let found = ["/tmp/", "/var/tmp/", "/usr/tmp/"].iter().any(|start| text.starts_with(start));
    found.then(|| call.hit(&TEMPORARY))
}

/// The number of a mode: `0777`, `0o777`.
fn mode(written: &str) -> Option<u32> {
    let digits = written.strip_prefix("0o").or_else(|| written.strip_prefix('0'))?;
    u32::from_str_radix(digits, 8).ok()
}

fn permissions<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let at = match call.name.as_str() {
        "os.Mkdir" | "os.MkdirAll" | "os.Chmod" => 1,
        "os.OpenFile" | "os.WriteFile" | "io/ioutil.WriteFile" => 2,
        _ => return None,
    };
    let written = scene.argument(call, at)?.literal()?;
    let mode = mode(&written)?;
    // Directories with the sticky bit are made for everybody.
    let loose = mode & 0o002 != 0 && mode & 0o1000 == 0;
    let subject = format!("{} {written}", call.name);
    loose.then(|| Hit::of(&PERMISSIONS, call.node.byte_range(), subject).confidence(Confidence::Medium))
}

fn path<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let opens = matches!(
        call.name.as_str(),
        "os.Open"
            | "os.OpenFile"
            | "os.ReadFile"
            | "io/ioutil.ReadFile"
            | "os.Create"
            | "os.WriteFile"
            | "os.Remove"
            | "os.RemoveAll"
            | "os.Rename"
            | "os.Mkdir"
            | "os.MkdirAll"
            | "net/http.ServeFile"
    );
    let sends = call.object.is_some_and(|object| request::is_context(scene, object));
    let at = match (call.name.as_str(), call.method) {
        ("net/http.ServeFile", _) => 2,
        ("net/http.ServeFileFS", _) => 3,
        (_, "File" | "SendFile" | "FileAttachment" | "Attachment" | "Inline" | "Download") if sends => 0,
        (_, "SaveUploadedFile" | "SaveFile") if sends => 1,
        _ if opens => 0,
        _ => return None,
    };
    let first = *call.arguments.get(at)?;
    // Who starts a program may name its files.
    let part = request::by_stranger(scene, first)?;
    let hit = call.hit(&PATH).message(format!("`{part}` names the file, and with `..` it leads anywhere"));
    Some(guard::judged(scene, hit, &request::trail(scene, first)))
}

fn archive<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let joins = matches!(call.name.as_str(), "path/filepath.Join" | "path.Join");
    let named = |node: &&Node<'t>| {
        let written = scene.written(**node);
        written.ends_with(".Name") && !written.contains('(')
    };
    let name = call.arguments.iter().skip(1).filter(|_| joins).find(named)?;
    let checked =
        scene.names.text.contains("filepath.IsLocal") || scene.names.text.contains("strings.HasPrefix");
    (!checked).then(|| {
        call.hit(&ARCHIVE)
            .confidence(Confidence::Medium)
            .message(format!("`{}` may begin with `../`", scene.written(*name)))
    })
}

fn bomb<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let from = scene.name(
        *call.arguments.get(1).filter(|_| matches!(call.name.as_str(), "io.Copy" | "io.CopyBuffer"))?,
    )?;
    let unpacks = from.starts_with("compress/") && from.ends_with("Reader()")
        || from == "archive/zip.File.Open()"
        || from == "archive/tar.NewReader()";
    unpacks.then(|| call.hit(&BOMB).confidence(Confidence::Medium))
}

fn root_served<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let root = scene.argument(call, 0).filter(|_| call.name == "net/http.Dir")?.literal()?;
    (root == "/").then(|| call.hit(&ROOT_SERVED))
}
