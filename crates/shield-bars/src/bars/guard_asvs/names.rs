//! From the output of the tests and their names to requirements.

use std::{collections::BTreeMap, fmt};

/// Every number of the standard, with its level.
const STANDARD: &str = include_str!("asvs.txt");

/// A requirement of ASVS 5.0: chapter, section, number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Requirement(u8, u8, u8);

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bars) enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// The requirements of the standard and their levels.
pub(super) fn standard() -> BTreeMap<Requirement, u8> {
    let lines = STANDARD.lines().filter(|line| !line.starts_with('#'));
    let requirement = |line: &str| {
        let (number, level) = line.split_once(' ')?;
        Some((Requirement::read(&mut number.split('.'))?, level.parse().ok()?))
    };
    lines.map(|line| requirement(line).expect("the list holds numbers and levels")).collect()
}

/// The tests in the output of the test harness, one `test PATH ... OUTCOME` a line.
pub(in crate::bars) fn outcomes(output: &str) -> Vec<(String, Outcome)> {
    let test = |line: &str| {
        let (path, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let outcome = match outcome {
            "ok" => Outcome::Passed,
            _ if outcome.starts_with("ignored") => Outcome::Ignored,
            _ => Outcome::Failed,
        };
        Some((path.to_owned(), outcome))
    };
    output.lines().filter_map(test).collect()
}

/// The requirements that the test at this path is named after: one, or a range within a section. `None` for another name. A
/// test that runs on several databases is a module of its name, with a function for each.
pub(super) fn requirements(path: &str) -> Option<Vec<Requirement>> {
    let name = path.rsplit("::").find_map(|name| name.strip_prefix("asvs_v"))?;
    let mut words = name.split('_');
    let first = Requirement::read(&mut words)?;
    let mut following = words.clone();
    let last = match following.next() {
        Some("to") => Requirement::read(&mut following).unwrap_or(first),
        Some(_) | None => first,
    };
    let same_section = (first.0, first.1) == (last.0, last.1);
    same_section.then(|| (first.2..=last.2).map(|number| Requirement(first.0, first.1, number)).collect())
}

// === impl Requirement ===

impl Requirement {
    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut number = || parts.next()?.parse().ok();
        Some(Self(number()?, number()?, number()?))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

// === impl Outcome ===

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Ignored => "was ignored",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Requirement, outcomes, requirements, standard};

    #[test]
    fn lists_the_whole_standard() {
        let standard = standard();
        assert_eq!(standard.len(), 345);
        assert_eq!(standard.get(&Requirement(9, 1, 2)), Some(&1));
        assert_eq!(standard.get(&Requirement(9, 1, 4)), None);
    }

    #[test]
    fn reads_numbers_out_of_names() {
        assert_eq!(requirements("a::tests::asvs_v6_2_4_holds_3000"), Some(vec![Requirement(6, 2, 4)]));
        assert_eq!(requirements("asvs_v6_2_9_takes_64_to_128"), Some(vec![Requirement(6, 2, 9)]));
        let on_a_database = requirements("once::asvs_v15_4_2_one_of_many_takes_a_token::sqlite");
        assert_eq!(on_a_database, Some(vec![Requirement(15, 4, 2)]));
        let range = requirements("asvs_v3_3_1_to_3_3_3_hands_out").unwrap_or_default();
        assert_eq!(range, [Requirement(3, 3, 1), Requirement(3, 3, 2), Requirement(3, 3, 3)]);
        assert_eq!(requirements("asvs_v3_3_1_to_4_3_3_hands_out"), None);
        assert_eq!(requirements("asvs_v3_3_says_nothing"), None);
        assert_eq!(requirements("reads_numbers"), None);
    }

    #[test]
    fn reads_what_the_harness_prints() {
        let output = "\nrunning 3 tests\ntest a::b ... ok\ntest c ... FAILED\ntest d ... ignored, slow\n";
        let expected = [("a::b", Outcome::Passed), ("c", Outcome::Failed), ("d", Outcome::Ignored)];
        assert_eq!(outcomes(output), expected.map(|(path, outcome)| (path.to_owned(), outcome)));
    }
}
