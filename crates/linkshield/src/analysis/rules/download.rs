//! Links to files that run, and names that hide it.

use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const DOUBLE: Rule = Rule {
    id: "double-extension",
    severity: Severity::High,
    points: 75,
    title: "Program disguised as a document",
};
const EXECUTABLE: Rule =
    Rule { id: "executable-download", severity: Severity::Low, points: 30, title: "Link to a program" };
const SCRIPT: Rule =
    Rule { id: "script-download", severity: Severity::Low, points: 30, title: "Link to a script" };
const CONTAINER: Rule =
    Rule { id: "disk-image-download", severity: Severity::Low, points: 20, title: "Link to a disk image" };
const MACRO: Rule = Rule {
    id: "macro-document",
    severity: Severity::Low,
    points: 25,
    title: "Link to a document with macros",
};
const ARCHIVE: Rule =
    Rule { id: "archive-download", severity: Severity::Info, points: 10, title: "Link to an archive" };

pub(super) const RULES: &[Rule] = &[DOUBLE, EXECUTABLE, SCRIPT, CONTAINER, MACRO, ARCHIVE];

const EXECUTABLES: &[&str] = &[
    "apk", "appx", "cpl", "deb", "dll", "dmg", "exe", "gadget", "ipa", "jar", "msi", "msix", "msp", "pif",
    "pkg", "reg", "rpm", "scr", "sys", "xpi",
];
const SCRIPTS: &[&str] = &[
    "bat", "chm", "cmd", "hta", "jse", "lnk", "ps1", "psm1", "scf", "sh", "url", "vbe", "vbs", "wsf", "wsh",
];
const CONTAINERS: &[&str] = &["img", "iso", "vhd", "vhdx"];
const MACRO_DOCUMENTS: &[&str] = &["docm", "dotm", "potm", "ppam", "pptm", "xlam", "xlsb", "xlsm", "xltm"];
const ARCHIVES: &[&str] =
    &["7z", "ace", "arj", "bz2", "cab", "gz", "lzh", "rar", "tar", "tgz", "xz", "zip", "zst"];
/// What a person expects to be harmless: the first half of a disguise.
const DECOYS: &[&str] = &[
    "avi", "csv", "doc", "docx", "gif", "htm", "html", "jpeg", "jpg", "mov", "mp3", "mp4", "odt", "pdf",
    "png", "ppt", "pptx", "rtf", "txt", "wav", "webp", "xls", "xlsx",
];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    if target.url.cannot_be_a_base() {
        return;
    }
    let path_files = path_files(target.url.path());
    let pairs = target.url.query_pairs();
    let parameters: Vec<String> =
        pairs.flat_map(|(name, value)| [last_segment(&name), last_segment(&value)]).collect();
    if let Some(file) = path_files.iter().chain(&parameters).find(|file| disguised(file)) {
        let explanation =
            format!("`{}` poses as a document but its last extension makes it a program.", shown(file));
        findings.push(DOUBLE.found(explanation, file));
    }
    path_files.iter().for_each(|file| check_kind(file, findings));
}

/// The file that a path names, with and without parameters of its last segment (`a.exe;id=1`).
fn path_files(path: &str) -> Vec<String> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut files = vec![file_name(last)];
    files.extend(last.split_once(';').map(|(front, _)| file_name(front)));
    files
}

fn check_kind(file: &str, findings: &mut Vec<Finding>) {
    let Some((_, extension)) = file.rsplit_once('.') else { return };
    let kinds = [
        (EXECUTABLES, EXECUTABLE, "a program that runs once opened"),
        (SCRIPTS, SCRIPT, "a script or shortcut that runs once opened"),
        (CONTAINERS, CONTAINER, "a disk image, whose contents escape download warnings"),
        (MACRO_DOCUMENTS, MACRO, "a document that can run macros"),
        (ARCHIVES, ARCHIVE, "an archive, whose contents cannot be seen from here"),
    ];
    if let Some((_, rule, what)) = kinds.into_iter().find(|(extensions, ..)| extensions.contains(&extension))
    {
        findings.push(rule.found(format!("`{}` is {what}.", shown(file)), file));
    }
}

/// Whether the name ends in a document's extension followed by a program's.
fn disguised(file: &str) -> bool {
    let mut parts = file.rsplit('.').map(str::trim);
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let named = parts.next().is_some();
    let program = last == "com" && !file.starts_with("www.");
    let runs = program || [EXECUTABLES, SCRIPTS].iter().any(|kind| kind.contains(&last));
    // `setup.html.url` and the like keep a name in front; a bare `pdf.exe` does not pose as anything.
    named && runs && DECOYS.contains(&before)
}

/// The file that a parameter names; nothing for a URL without a path, which ends in its host.
fn last_segment(value: &str) -> String {
    match value.rsplit_once(['/', '\\']) {
        Some((front, _)) if front.ends_with(['/', '\\']) => String::new(),
        Some((_, last)) => file_name(last),
        None => file_name(value),
    }
}

/// The name as the operating system will store it: decoded, lower-case, up to a NUL, without trailing dots and spaces.
fn file_name(segment: &str) -> String {
    let pair = format!("name={}", segment.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    let decoded = decoded.unwrap_or_default();
    decoded.split('\0').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_ascii_lowercase()
}
