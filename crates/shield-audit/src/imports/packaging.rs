//! Findings about a project's packaging and imports: settings that do nothing, names that hide others, imports that fail.

use rayon::prelude::*;

use super::{
    broken::{Broken, Cause, Declaration, Misnamed, Survey},
    facts::When,
    files::{Files, join, text_at},
    inventory::{Home, Inventory, Module, ModuleId, Shape},
    layout::{Layout, manifest, sections_of, value_at},
    library::Library,
    load::{LoadCause, LoadFailure},
    standard::is_standard,
    undefined::Undefined,
};
use crate::finding::{Confidence, Cwe, Finding, Fingerprint, Place, Rule, Severity, Span, Step, Wording};

/// What cannot work: an import of something that is not there.
pub static BROKEN_IMPORT: Rule = rule(
    "imports/broken",
    "import that cannot work",
    Severity::High,
    "import what exists, or add what is missing",
);
/// What works only where somebody installed it by hand: no list of the project asks for it.
pub static UNDECLARED_IMPORT: Rule = rule(
    "imports/undeclared",
    "import of what no list of the project names",
    Severity::Medium,
    "name the distribution in `pyproject.toml` or the list of requirements",
);
/// What cannot work: a circle of imports.
pub static CIRCULAR_IMPORT: Rule = rule(
    "imports/circular",
    "imports that fail in a circle",
    Severity::High,
    "move what both modules need into a third one, or import it within the function that needs it",
);
/// What cannot work: a file that does not parse.
pub static REFUSED_FILE: Rule =
    rule("imports/syntax-error", "file that Python refuses", Severity::High, "mend the syntax error");
/// What cannot work: a use of a name that nothing binds.
pub static UNDEFINED_NAME: Rule = rule(
    "imports/undefined-name",
    "name that nothing binds",
    Severity::High,
    "import it, or bind it before it is used",
);
/// A file that nothing can import.
pub static HIDDEN_FILE: Rule = rule(
    "imports/hidden-file",
    "file that another one hides",
    Severity::Medium,
    "rename or remove one of the two",
);
/// A module with a standard module's name.
pub static SHADOWS_STANDARD: Rule = rule(
    "imports/shadows-standard",
    "module named as one of the standard library",
    Severity::Medium,
    "give the module another name",
);
/// A folder of modules that tools leave out of the package.
pub static NO_INIT: Rule = rule(
    "packaging/no-init",
    "package folder without `__init__.py`",
    Severity::Low,
    "add an empty `__init__.py`, or have the build find namespace packages",
);
/// Settings that pytest never reads.
pub static DEAD_PYTEST: Rule = rule(
    "packaging/dead-pytest-settings",
    "pytest settings that are never read",
    Severity::Medium,
    "move them to where pytest looks",
);
/// A project that says nothing about how it is built.
pub static NO_MANIFEST: Rule =
    rule("packaging/no-pyproject", "project without `pyproject.toml`", Severity::Low, "write one");

const fn rule(id: &'static str, title: &'static str, severity: Severity, advice: &'static str) -> Rule {
    // Improper adherence to coding standards: none of these is a weakness by itself.
    Rule { id, title, cwe: Cwe(710), severity, aliases: &[], advice }
}

/// Files that pytest looks into in this order, and the section that it reads there.
const PYTEST_FILES: [(&str, &str); 4] = [
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
];

/// What findings are made from.
pub struct Packaging<'a> {
    /// Where files are read from.
    pub files: &'a dyn Files,
    /// The project's folder, which names in findings are relative to.
    pub project: &'a str,
    /// The project's modules.
    pub library: &'a Library<'a>,
}

// === impl Packaging ===

impl Packaging<'_> {
    /// Every import that cannot work. One whose failure is caught, or that only type checkers see, is of little weight.
    pub fn broken(&self, survey: &Survey) -> Vec<Finding> {
        let finding = |broken: &Broken| {
            let (rule, severity) = match broken.cause {
                Cause::NotInstalled { declared: Declaration::Declared, .. } => return None,
                Cause::NotInstalled { .. } if broken.guard == super::Guard::None => {
                    // Stubs come with type checkers.
                    let severity = UNDECLARED_IMPORT.severity;
                    let typing = broken.when == When::Typing;
                    (&UNDECLARED_IMPORT, if typing { Severity::Low } else { severity })
                }
                _ if broken.guard != super::Guard::None || broken.when == When::Typing => {
                    (&BROKEN_IMPORT, Severity::Low)
                }
                _ if broken.when == When::Deferred => (&BROKEN_IMPORT, Severity::Medium),
                _ => (&BROKEN_IMPORT, Severity::High),
            };
            let message = format!("`{}` cannot work: {}", broken.written, self.explain(&broken.cause));
            Some(self.finding(
                rule,
                severity,
                (self.source(broken.importer), Some(broken.line)),
                (&broken.written, message),
            ))
        };
        let misnamed = survey.misnamed.iter().map(|one: &Misnamed| {
            let message = format!("`{}` names a module that is not there: {}", one.text, one.edit.reason);
            let place = (self.source(one.importer), Some(one.line));
            self.finding(&BROKEN_IMPORT, Severity::Medium, place, (&one.text, message))
        });
        survey.broken.iter().filter_map(finding).chain(misnamed).collect()
    }

    /// Uses of names that nothing binds. One that only a function reaches is of less weight.
    fn undefined(&self, layout: &Layout) -> Vec<Finding> {
        let of = |path: &String| -> Vec<Finding> {
            let text = text_at(self.files, path).unwrap_or_default();
            let finding = |one: Undefined| {
                let severity = if one.when == When::Load { Severity::High } else { Severity::Medium };
                let message = format!("nothing binds `{}`: its use is a `NameError`", one.name);
                self.finding(&UNDEFINED_NAME, severity, (path, Some(one.line)), (&one.name, message))
            };
            self.files.undefined(path, &text).into_iter().map(finding).collect()
        };
        layout.sources.par_iter().flat_map_iter(of).collect()
    }

    /// A circle of imports that a load met.
    pub(super) fn circular(&self, failure: &LoadFailure) -> Option<Finding> {
        let LoadCause::Circular { module, name } = &failure.why else { return None };
        let steps: Vec<Step> = failure
            .steps
            .iter()
            .map(|(importer, import)| Step {
                place: self.place_of(*importer, *import),
                what: "imports the next".to_owned(),
            })
            .collect();
        let last = steps.last()?.place.clone();
        let subject = format!("{module}.{name}");
        let message =
            format!("`{name}` is asked of `{module}` while that is being loaded and has not come to it");
        let mut finding =
            self.finding(&CIRCULAR_IMPORT, CIRCULAR_IMPORT.severity, (&last.file, None), (&subject, message));
        finding.place = last;
        finding.steps = steps;
        Some(finding)
    }

    /// What is wrong with files and settings, in the order of the files.
    pub fn project(&self, layout: &Layout) -> Vec<Finding> {
        let mut findings = self.refused(layout);
        findings.extend(self.undefined(layout));
        findings.extend(self.hidden());
        findings.extend(self.names());
        findings.extend(self.pytest());
        if manifest(self.files, self.project).is_none() {
            findings.push(self.whole(
                &NO_MANIFEST,
                &join(self.project, "pyproject.toml"),
                "pyproject.toml",
                "nothing says how this project is built and tested".to_owned(),
            ));
        }
        findings.sort_by(|left, right| {
            (&left.place, left.rule.id, &left.subject).cmp(&(&right.place, right.rule.id, &right.subject))
        });
        findings
    }

    fn refused(&self, layout: &Layout) -> Vec<Finding> {
        let refused = layout.sources.iter().filter_map(|path| {
            let fault = self.library.facts(self.library.inventory.at(path)?)?.faults.first()?;
            let message = format!("Python refuses the file: {}", fault.message);
            Some(self.finding(
                &REFUSED_FILE,
                REFUSED_FILE.severity,
                (path, Some(fault.line)),
                (&fault.message, message),
            ))
        });
        refused.collect()
    }

    fn hidden(&self) -> Vec<Finding> {
        let inventory = self.library.inventory;
        let hidden = inventory.shadowed.iter().filter_map(|shadowed| {
            let winner = inventory.module(shadowed.winner?);
            let message = format!("`{}` is imported in its place", self.relative(&winner.path));
            (winner.home == Home::Project)
                .then(|| self.whole(&HIDDEN_FILE, &shadowed.path, &winner.name, message))
        });
        hidden.collect()
    }

    fn names(&self) -> Vec<Finding> {
        let inventory = self.library.inventory;
        let ours =
            inventory.modules().map(|(_, module)| module).filter(|module| module.home == Home::Project);
        let mut findings = Vec::new();
        for module in ours {
            if !module.name.is_empty()
                && !module.name.contains('.')
                && is_standard(self.library.target.version, &module.name)
            {
                let message =
                    format!("`import {}` finds this in place of the standard library's", module.name);
                findings.push(self.whole(&SHADOWS_STANDARD, &module.path, &module.name, message));
            }
            if lacks_init(inventory, module) {
                let message = format!(
                    "`{}` lies in a package but is none: tools that find packages leave it out",
                    module.name
                );
                findings.push(self.whole(&NO_INIT, &module.path, &module.name, message));
            }
        }
        findings
    }

    fn pytest(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut read: Option<&str> = None;
        let has_options = manifest(self.files, self.project)
            .is_some_and(|table| value_at(&table, &["tool", "pytest", "ini_options"]).is_some());
        for (file, section) in PYTEST_FILES {
            let path = join(self.project, file);
            if text_at(self.files, &path).is_none() {
                continue;
            }
            for found in sections_of(self.files, self.project, file)
                .iter()
                .filter(|found| matches!(found.name.as_str(), "pytest" | "tool:pytest"))
            {
                let message = match read {
                    _ if found.name != section => format!(
                        "in `{file}` pytest reads `[{section}]`, not `[{}]`: {} settings do nothing",
                        found.name,
                        found.settings.len()
                    ),
                    Some(first) => {
                        format!("pytest reads `{first}` alone: {} settings do nothing", found.settings.len())
                    }
                    None => continue,
                };
                findings.push(self.finding(
                    &DEAD_PYTEST,
                    DEAD_PYTEST.severity,
                    (&path, Some(found.line)),
                    (&found.name, message),
                ));
            }
            // A `pytest.ini` counts even when it is empty; the other files only with their section.
            let counts = file.ends_with("pytest.ini")
                || sections_of(self.files, self.project, file).iter().any(|found| found.name == section);
            if counts && read.is_none() && (file.ends_with("pytest.ini") || !has_options) {
                read = Some(file);
            }
            if read.is_none() && has_options {
                read = Some("pyproject.toml");
            }
        }
        if let Some(first) = read.filter(|first| has_options && first.ends_with("pytest.ini")) {
            let message = format!("pytest reads `{first}` alone: `[tool.pytest.ini_options]` does nothing");
            findings.push(self.whole(
                &DEAD_PYTEST,
                &join(self.project, "pyproject.toml"),
                "tool.pytest.ini_options",
                message,
            ));
        }
        findings
    }

    /// A cause in words.
    fn explain(&self, cause: &Cause) -> String {
        match cause {
            Cause::Renamed { to } | Cause::FromInside { to } => format!("the module is `{to}`"),
            Cause::Miscounted { to, level } => format!("`{to}` is {level} dots away"),
            Cause::Absent { module, alike } if alike.is_empty() => format!("there is no module `{module}`"),
            Cause::Absent { module, alike } => {
                format!("there is no module `{module}`; of its last name there is `{}`", alike.join("`, `"))
            }
            Cause::Moved { to } => format!("the name is in `{to}`"),
            Cause::NameAbsent { module, homes } if homes.is_empty() => {
                format!("`{module}` has no such name, and no other module of the project")
            }
            Cause::NameAbsent { module, homes } => {
                format!("`{module}` has no such name; it is in `{}`", homes.join("`, `"))
            }
            Cause::Hidden { module, path } => {
                format!("the name is in `{}`, which `{module}` hides", self.relative(path))
            }
            Cause::Refused { path, fault } => {
                format!("Python refuses `{}` at line {}: {}", self.relative(path), fault.line, fault.message)
            }
            Cause::NotInstalled { distribution, .. } => {
                format!("nothing installed has it, and no list of the project names `{distribution}`")
            }
        }
    }

    fn source(&self, id: ModuleId) -> &str {
        let module = self.library.inventory.module(id);
        module.source.as_deref().unwrap_or(&module.path)
    }

    fn place_of(&self, id: ModuleId, import: usize) -> Place {
        let source = self.source(id);
        let start = self
            .library
            .facts(id)
            .and_then(|facts| facts.imports.get(import))
            .map_or(0, |import| import.range.start as usize);
        let line = text_at(self.files, source).map(|text| super::syntax::line_at(&text, start));
        Place { file: self.relative(source).to_owned(), span: line.map(whole_line) }
    }

    fn relative<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.project).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
    }

    fn whole(&self, rule: &'static Rule, path: &str, subject: &str, message: String) -> Finding {
        self.finding(rule, rule.severity, (path, None), (subject, message))
    }

    fn finding(
        &self,
        rule: &'static Rule,
        severity: Severity,
        (path, line): (&str, Option<u32>),
        (subject, message): (&str, String),
    ) -> Finding {
        Finding {
            rule,
            severity,
            confidence: Confidence::High,
            place: Place { file: self.relative(path).to_owned(), span: line.map(whole_line) },
            context: String::new(),
            subject: subject.to_owned(),
            message,
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        }
    }
}

/// A line from its first column; where it ends is not kept.
const fn whole_line(line: u32) -> Span {
    Span { line, column: 1, end_line: line, end_column: 1 }
}

/// A namespace package inside of a package, however many namespaces lie between.
fn lacks_init(inventory: &Inventory, module: &Module) -> bool {
    let parents = || {
        std::iter::successors(Some(&*module.name), |name| name.rsplit_once('.').map(|(parent, _)| parent))
            .skip(1)
            .filter_map(|name| inventory.find(name))
    };
    module.shape == Shape::Namespace
        && parents().any(|parent| inventory.module(parent).shape == Shape::Package)
}
