//! Installed distributions: which files each one brought, and which modules it offers to others.

use std::collections::HashMap;

use super::{
    declared::normal,
    files::{EntryKind, Files, join, text_at},
    ini,
    inventory::Unread,
};

/// An installed distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its name, normalised as PEP 503 says.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The modules that it offers: group, and module.
    pub entry_points: Vec<(String, String)>,
    /// The programs that it brings: name, and the module that runs.
    pub programs: Vec<(String, String)>,
}

/// All installed distributions.
#[derive(Clone, Debug, Default)]
pub struct Distributions {
    all: Vec<Distribution>,
    by_path: HashMap<String, usize>,
    /// What says which files belong to a distribution, and could not be read.
    pub unread: Vec<Unread>,
}

// === impl Distributions ===

impl Distributions {
    /// Reads every `*.dist-info` of the folders.
    pub fn read(files: &dyn Files, sites: &[String]) -> Self {
        let mut distributions = Self::default();
        for site in sites {
            for entry in files.list(site).unwrap_or_default() {
                let identity = entry.name.strip_suffix(".dist-info").and_then(|stem| stem.split_once('-'));
                if let Some((name, version)) = identity
                    && entry.kind == EntryKind::Folder
                {
                    distributions.add(files, site, &join(site, &entry.name), (name, version));
                }
            }
        }
        distributions
    }

    /// Every one, in the order of the folders and names.
    pub fn iter(&self) -> impl Iterator<Item = &Distribution> {
        self.all.iter()
    }

    /// The one that a file belongs to.
    pub fn of(&self, path: &str) -> Option<&Distribution> {
        self.by_path.get(path).map(|at| &self.all[*at])
    }

    fn add(&mut self, files: &dyn Files, site: &str, folder: &str, (name, version): (&str, &str)) {
        let number = self.all.len();
        let record = join(folder, "RECORD");
        match text_at(files, &record) {
            Some(text) => {
                // The first field: a path, in quotes if it holds a comma.
                let paths = text.lines().map(|line| {
                    line.strip_prefix('"')
                        .map_or_else(|| line.split(','), |rest| rest.split(','))
                        .next()
                        .unwrap_or_default()
                });
                let paths = paths.map(|path| path.trim_end_matches('"')).filter(|path| !path.is_empty());
                self.by_path.extend(paths.map(|path| (join(site, path), number)));
            }
            None => self.unread.push(Unread {
                path: record,
                reason: "not there or no UTF-8: files without a distribution".to_owned(),
            }),
        }
        let sections = ini::sections(&text_at(files, &join(folder, "entry_points.txt")).unwrap_or_default());
        let points = sections
            .iter()
            .flat_map(|section| section.settings.iter().map(|(_, target)| (section.name.clone(), target)));
        let entry_points = points.map(|(group, target)| (group, module_of(target))).collect();
        let scripts = sections.iter().filter(|section| is_for_people(&section.name));
        let programs = scripts.flat_map(|section| &section.settings);
        let programs = programs.map(|(name, target)| (name.clone(), module_of(target))).collect();
        self.all.push(Distribution {
            name: normal(name),
            version: version.to_owned(),
            entry_points,
            programs,
        });
    }
}

/// Whether the entry points of a group are programs, which people and containers start.
pub(super) fn is_for_people(group: &str) -> bool {
    matches!(group, "console_scripts" | "gui_scripts")
}

/// `foo.cli` of `foo.cli:main [extra]`.
fn module_of(target: &str) -> String {
    target.split([':', '[', ' ']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    #[test]
    fn files_know_their_distribution() {
        let files = Memory::new([
            ("s/Foo_bar-1.2.dist-info/RECORD", "foo/a.py,sha256=x,3\n\"foo/b.py\",,\n"),
            (
                "s/Foo_bar-1.2.dist-info/entry_points.txt",
                "[pytest11]\nfoo = foo.plugin\n[console_scripts]\nfoo = foo.cli:main [x]\n",
            ),
            ("s/other-1.dist-info/METADATA", ""),
        ]);
        let read = Distributions::read(&files, &["s".to_owned()]);
        let foo = read.of("s/foo/b.py").unwrap();
        assert_eq!((foo.name.as_str(), foo.version.as_str()), ("foo-bar", "1.2"));
        let points: Vec<_> =
            foo.entry_points.iter().map(|(group, module)| (group.as_str(), module.as_str())).collect();
        assert_eq!(points, [("pytest11", "foo.plugin"), ("console_scripts", "foo.cli")]);
        assert_eq!(foo.programs, [("foo".to_owned(), "foo.cli".to_owned())]);
        assert_eq!(read.of("s/x.py"), None);
        assert_eq!(read.unread.len(), 1);
    }
}
