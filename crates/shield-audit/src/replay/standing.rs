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
