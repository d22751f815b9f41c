//! `setup.cfg`, the parts that setuptools reads.

use std::ops::Range;

use super::requirement::{Context, take};
use crate::dependencies::{Include, Manifest, SourceKind, lines::Lines};

/// Reads what a project asks for.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::SetupCfg, file.to_owned());
    let lines = Lines::of(file, text);
    for Line { section, key, range, value } in values(text) {
        let group = match (section, key) {
            ("options", "install_requires") => None,
            ("options", "setup_requires") => Some("build-system"),
            ("options", "tests_require") => Some("tests"),
            ("options.extras_require", extra) => Some(extra),
            _ => continue,
        };
        let place = lines.place(range);
        if let Some(files) = value.strip_prefix("file:") {
            for file in files.split(',') {
                let file = file.trim().to_owned();
                manifest.includes.push(Include { file, constraint: false, place: place.clone() });
            }
            continue;
        }
        take(&mut manifest, value, Context { place, group: group.map(str::to_owned) });
    }
    manifest
}

struct Line<'a> {
    section: &'a str,
    key: &'a str,
    range: Range<usize>,
    value: &'a str,
}

/// Every line of a value, with its section and key.
fn values(text: &str) -> Vec<Line<'_>> {
    let (mut section, mut key) = ("", "");
    let mut values = Vec::new();
    let mut at = 0;
    for physical in text.split_inclusive('\n') {
        let line = physical.trim_end();
        let start = at;
        at += physical.len();
        let content = line.trim_start();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let value = if content.len() < line.len() {
            content
        } else if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, key) = (name.trim(), "");
            continue;
        } else if let Some((name, value)) = content.split_once(['=', ':']) {
            key = name.trim();
            value.trim_start()
        } else {
            continue;
        };
        if !value.is_empty() {
            let from = start + line.len() - value.len();
            values.push(Line { section, key, range: from..start + line.len(), value });
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read() {
        let text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    a>=1\n    # not this\n    b[x] ; os_name == 'nt'\n\
            tests_require = file: t.txt, u.txt\n[options.extras_require]\nfast = c\n    ???\n[other]\ninstall_requires = no\n";
        let manifest = read("setup.cfg", text);
        let asked: Vec<_> = manifest
            .requirements
            .iter()
            .map(|one| (one.name.name(), one.group.as_deref(), one.place.span.unwrap().line))
            .collect();
        assert_eq!(asked, [("a", None, 5), ("b", None, 7), ("c", Some("fast"), 10)]);
        assert_eq!((manifest.includes.len(), manifest.unread.len()), (2, 1));
        assert_eq!(manifest.requirements[0].place.span.unwrap().column, 5);
    }
}
