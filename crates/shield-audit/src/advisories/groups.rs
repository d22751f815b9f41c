//! One vulnerability has many names: records that share one, directly or through others, are about the same.
//!
//! A withdrawn record joins nothing: many were withdrawn because they named the wrong one.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

/// Sets of names, joined as records are read.
#[derive(Default)]
pub(crate) struct Groups {
    numbers: HashMap<String, usize>,
    parents: Vec<usize>,
}

/// All names of one vulnerability.
pub(crate) struct Group {
    /// The one it is called by: a CVE before a GHSA before a number of one language's database.
    pub name: String,
    /// All of them, sorted.
    pub names: Vec<String>,
}

// === impl Groups ===

impl Groups {
    /// Says that these are names of one vulnerability.
    pub(crate) fn join<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let mut first = None;
        for name in names {
            let root = self.root_of(name);
            let first = *first.get_or_insert(root);
            let target = self.find(first);
            self.parents[root] = target;
        }
    }

    /// The groups, by each of their names.
    pub(crate) fn finish(mut self) -> HashMap<String, Rc<Group>> {
        let names: Vec<(String, usize)> = self.numbers.drain().collect();
        let mut by_root: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (name, number) in names {
            by_root.entry(self.find(number)).or_default().push(name);
        }
        let mut groups = HashMap::new();
        for mut names in by_root.into_values() {
            names.sort_unstable();
            let name = names.iter().min_by_key(|name| rank(name)).cloned().unwrap_or_default();
            let group = Rc::new(Group { name, names });
            groups.extend(group.names.iter().map(|name| (name.clone(), Rc::clone(&group))));
        }
        groups
    }

    fn root_of(&mut self, name: &str) -> usize {
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = self.parents.len();
                self.parents.push(number);
                self.numbers.insert(name.to_owned(), number);
                number
            }
        };
        self.find(number)
    }

    fn find(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            // Halving the path keeps every later walk short.
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }
}

fn rank(name: &str) -> (u8, &str) {
    let rank = match name.split('-').next() {
        Some("CVE") => 0,
        Some("GHSA") => 1,
        Some("PYSEC" | "RUSTSEC" | "GO" | "MAL") => 2,
        _ => 3,
    };
    (rank, name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_join_through_others() {
        let mut groups = Groups::default();
        groups.join(["PYSEC-1", "GHSA-b"]);
        groups.join(["GHSA-c", "CVE-2"]);
        groups.join(["GHSA-b", "GHSA-c"]);
        groups.join(["PYSEC-9"]);
        let groups = groups.finish();
        assert_eq!(groups["PYSEC-1"].names, ["CVE-2", "GHSA-b", "GHSA-c", "PYSEC-1"]);
        assert_eq!(groups["PYSEC-1"].name, "CVE-2");
        assert_eq!(groups["PYSEC-9"].name, "PYSEC-9");
    }

    proptest! {
        /// The same groups whatever the order in which records come.
        #[test]
        fn order_of_records_is_free(pairs in prop::collection::vec((0_u8..12, 0_u8..12), 0..20)) {
            let groups_of = |pairs: &mut dyn Iterator<Item = &(u8, u8)>| {
                let mut groups = Groups::default();
                for (one, other) in pairs {
                    groups.join([format!("CVE-{one}").as_str(), format!("CVE-{other}").as_str()]);
                }
                let groups = groups.finish();
                groups.into_iter().map(|(name, group)| (name, group.names.clone())).collect::<BTreeMap<_, _>>()
            };
            prop_assert_eq!(groups_of(&mut pairs.iter()), groups_of(&mut pairs.iter().rev()));
        }
    }
}
