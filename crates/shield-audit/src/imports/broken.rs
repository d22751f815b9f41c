//! What a survey says of imports.

use serde::Serialize;

use super::{
    facts::{Guard, When},
    inventory::ModuleId,
    plan::Edit,
    syntax::SyntaxFault,
};

/// What is wrong with an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// The package has another name now.
    Renamed {
        /// The module that is meant.
        to: String,
    },
    /// The name is a path inside of a package.
    FromInside {
        /// The module that is meant.
        to: String,
    },
    /// A relative import counts the wrong number of dots.
    Miscounted {
        /// The module that is meant.
        to: String,
        /// How many dots it takes.
        level: u32,
    },
    /// The module exists nowhere.
    Absent {
        /// Its absolute name; what is written where dots lead out of the package.
        module: String,
        /// Modules whose last name is the same: perhaps one of them is meant.
        alike: Vec<String>,
    },
    /// The name is in exactly one other module.
    Moved {
        /// Which.
        to: String,
    },
    /// The module has no such name.
    NameAbsent {
        /// The module.
        module: String,
        /// Modules that define the name: none or several.
        homes: Vec<String>,
    },
    /// The name is in a file that can never be imported, because the module has its name.
    Hidden {
        /// The module.
        module: String,
        /// The file.
        path: String,
    },
    /// The module is there, but Python refuses its text.
    Refused {
        /// Its file.
        path: String,
        /// The first error in it.
        fault: SyntaxFault,
    },
    /// A distribution is missing.
    NotInstalled {
        /// Its most likely name.
        distribution: String,
        /// Whether any list of the project has it.
        declared: Declaration,
    },
}

/// Whether a distribution is in any of the project's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declaration {
    /// It is.
    Declared,
    /// It is not.
    Undeclared,
}

/// An import that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The module it stands in.
    pub importer: ModuleId,
    /// Which of its imports.
    pub import: usize,
    /// Which name of a `from` import.
    pub name: Option<usize>,
    /// Its line, from 1.
    pub line: u32,
    /// What it asks for: `from a import b`.
    pub written: String,
    /// When it runs.
    pub when: When,
    /// Whether its failure is caught.
    pub guard: Guard,
    /// What is wrong.
    pub cause: Cause,
}

/// An import that works, in a way that it should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// The module it stands in.
    pub importer: ModuleId,
    /// Its line, from 1.
    pub line: u32,
    /// What it asks for.
    pub module: String,
    /// Why it should not.
    pub doubt: Doubt,
}

/// Why an import that works should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The file is loaded a second time, under a second name: its classes and its state exist twice.
    SecondName {
        /// The first name.
        first: String,
    },
    /// Its distribution is installed, but no list of the project has it.
    Undeclared {
        /// The distribution.
        distribution: String,
    },
}

/// A string that names what to replace (`patch("a.b")`), below a module that has another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misnamed {
    /// The module it stands in.
    pub importer: ModuleId,
    /// Its line, from 1.
    pub line: u32,
    /// The string.
    pub text: String,
    /// The edit that mends it.
    pub edit: Edit,
}

/// All imports of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many bindings there are.
    pub bindings: usize,
    /// Those that cannot work, by file and line.
    pub broken: Vec<Broken>,
    /// Those that should not.
    pub doubtful: Vec<Doubtful>,
    /// Strings that name modules by names they do not have, by file and line.
    pub misnamed: Vec<Misnamed>,
}
