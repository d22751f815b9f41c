//! Whether a file is the project's own, and if not, whether the application ever loads it.

use std::collections::BTreeMap;

use crate::imports::{Distributions, Home, Inventory, ModuleId, Reach, Usage};

/// How near a file is to what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The project's own.
    Own,
    /// Installed, and loaded: how it comes to it.
    Reached {
        /// The names of the modules on the way.
        chain: String,
    },
    /// Installed, and never loaded.
    Unreached,
    /// Installed, and nothing of its distribution is ever loaded.
    NeverImported {
        /// The distribution.
        distribution: String,
    },
}

/// What is loaded, and what it belongs to.
#[derive(Debug)]
pub struct Reachability<'a> {
    inventory: &'a Inventory,
    reach: &'a Reach,
    distributions: &'a Distributions,
    usage: BTreeMap<&'a str, Usage>,
}

/// How many modules of a way are named.
const CHAIN_MAX: usize = 6;

// === impl Reachability ===

impl<'a> Reachability<'a> {
    /// From one import graph.
    #[must_use]
    pub fn new(inventory: &'a Inventory, reach: &'a Reach, distributions: &'a Distributions) -> Self {
        Self { inventory, reach, distributions, usage: reach.usage(inventory, distributions) }
    }

    /// How near a file is; its path as the inventory knows it.
    #[must_use]
    pub fn standing(&self, path: &str) -> Standing {
        let id = self.inventory.at(path);
        if let Some(id) = id {
            if self.inventory.module(id).home != Home::Site {
                return Standing::Own;
            }
            if self.reach.link(id).is_some() {
                return Standing::Reached { chain: self.chain(id) };
            }
        }
        let distribution = self.distributions.of(path).map(|found| found.name.as_str());
        match distribution.and_then(|name| Some((name, self.usage.get(name)?))) {
            Some((name, usage)) if usage.reached == 0 => {
                Standing::NeverImported { distribution: name.to_owned() }
            }
            _ => Standing::Unreached,
        }
    }

    fn chain(&self, id: ModuleId) -> String {
        let chain = self.reach.chain(id);
        let name = |(id, _): &(ModuleId, _)| self.inventory.module(*id).name.to_string();
        let mut names: Vec<String> = chain.iter().map(name).collect();
        if names.len() > CHAIN_MAX {
            let between = names.len() - CHAIN_MAX;
            names.splice(CHAIN_MAX / 2..names.len() - CHAIN_MAX / 2, [format!("{between} more")]);
        }
        names.join(" > ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::{Layout, Library, Memory, PythonVersion, Surroundings, Target, reach};

    #[test]
    fn files_are_near_or_far() {
        let files = Memory::new([
            ("p/app.py", "import used.a\n"),
            ("s/used/__init__.py", ""),
            ("s/used/a.py", ""),
            ("s/used/late.py", ""),
            ("s/alone/__init__.py", ""),
            ("s/used-1.dist-info/RECORD", "used/__init__.py,,\nused/a.py,,\nused/late.py,,\n"),
            ("s/alone-1.dist-info/RECORD", "alone/__init__.py,,\nalone/data/x.py,,\n"),
        ]);
        let site_packages = vec!["s".to_owned()];
        let around = Surroundings { project: "p".to_owned(), site_packages, ..Surroundings::default() };
        let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
        let layout = Layout::discover(&files, &around);
        let inventory = Inventory::read(&files, &layout.roots, target.version);
        let library = Library::new(&files, &inventory, target);
        let distributions = Distributions::read(&files, &around.site_packages);
        let roots: Vec<_> = inventory.at("p/app.py").into_iter().collect();
        let reached = reach(&library, &distributions, &roots);
        let reachability = Reachability::new(&inventory, &reached, &distributions);
        let alone = Standing::NeverImported { distribution: "alone".to_owned() };
        for (path, standing) in [
            ("p/app.py", Standing::Own),
            ("s/used/a.py", Standing::Reached { chain: "app > used.a".to_owned() }),
            ("s/used/late.py", Standing::Unreached),
            ("s/alone/__init__.py", alone.clone()),
            ("s/alone/data/x.py", alone),
            ("s/nobody.py", Standing::Unreached),
        ] {
            assert_eq!(reachability.standing(path), standing, "{path}");
        }
    }
}
