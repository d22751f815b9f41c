//! Remedies for imports that cannot work, and for names that nothing binds.

use std::collections::{BTreeMap, HashMap};

use ruff_text_size::TextSize;
use shield_types::Sha256Digest;

use super::{Change, Class, Remedy, python::Entrances, source::Source};
use crate::{
    finding::Finding,
    imports::{
        BROKEN_IMPORT, Broken, CIRCULAR_IMPORT, Cause, Edit, Files, Guard, HIDDEN_FILE, Inventory, ModuleId,
        Reading, Survey, Surveyor, UNDECLARED_IMPORT, UNDEFINED_NAME, Vain, undefined,
    },
    python::{Kind, Module},
};

/// What remedies for imports are made from.
pub struct Imports<'a> {
    /// Where files are read from.
    pub files: &'a dyn Files,
    /// The project's folder, which places are relative to.
    pub project: &'a str,
    /// Every module.
    pub inventory: &'a Inventory,
    /// Plans the repair of single imports.
    pub surveyor: &'a Surveyor<'a>,
    /// What is wrong with imports.
    pub survey: &'a Survey,
}

/// What tells a finding from others: its rule, file, line and subject.
type Told = (&'static str, String, u32, String);

/// How it is mended.
struct Repair {
    class: Class,
    why: &'static str,
    edits: Vec<Edit>,
}

/// What a repair rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The names are the same.
    Same,
    /// One other module has something of that name.
    Namesake,
    /// A name is taken for another one.
    Alike,
    /// A top-level name that the project does not have is taken for its own.
    Foreign,
}

const ONLY_FAILS: &str = "as it is, it fails whenever it runs";
const NAMESAKE: &str = "what has the same name elsewhere could be something else";
const BUILT_IN: &str = "whoever runs the file may bind the name beforehand";
const FOREIGN: &str = "the name could be that of a distribution that is neither installed nor declared";

// === impl Imports ===

impl Imports<'_> {
    /// One remedy for each finding about imports, in their order. The findings are those that [`crate::imports::Packaging`] makes of the
    /// survey, and of names that nothing binds.
    #[must_use]
    pub fn remedies(&self, findings: &[Finding]) -> Vec<Remedy> {
        let mut texts = HashMap::new();
        let mut repairs = self.of_survey(&mut texts);
        repairs.extend(self.of_circles(findings, &mut texts));
        let missing = findings.iter().filter(|finding| finding.rule == &UNDEFINED_NAME);
        let mut files: Vec<&str> = missing.map(|finding| finding.place.file.as_str()).collect();
        files.dedup();
        for file in files {
            if let Some(bytes) = self.bytes(file, &mut texts) {
                let lacking = missing_imports(file, bytes).into_iter();
                repairs.extend(
                    lacking
                        .filter(|(import, ..)| !self.is_own(file, import))
                        .map(|(_, told, repair)| (told, repair)),
                );
            }
        }
        let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, finding) in findings.iter().enumerate() {
            by_file.entry(&finding.place.file).or_default().push(number);
        }
        let hidden =
            |finding: &Finding| (finding.rule == &HIDDEN_FILE).then(|| self.of_hidden(finding)).flatten();
        let mut remedies: Vec<Option<Remedy>> = findings.iter().map(hidden).collect();
        for (file, numbers) in by_file {
            let source = self.bytes(file, &mut texts).and_then(|bytes| Source::read(file, bytes).ok());
            let Some(source) = source else { continue };
            for number in numbers {
                let finding = &findings[number];
                let line = finding.place.span.map_or(0, |span| span.line);
                let told = (finding.rule.id, file.to_owned(), line, finding.subject.clone());
                if let Some(repair) = repairs.get(&told) {
                    remedies[number] = remedy(finding, repair, &source);
                }
            }
        }
        let proposal = |finding: &Finding| {
            Remedy::proposal(finding, finding.rule.advice, "nothing mechanical is right here")
        };
        let each = remedies.into_iter().zip(findings);
        each.map(|(remedy, finding)| remedy.unwrap_or_else(|| proposal(finding))).collect()
    }

    /// The repairs of imports, and of strings that name modules.
    fn of_survey(&self, texts: &mut HashMap<String, Option<Vec<u8>>>) -> HashMap<Told, Repair> {
        let mut repairs = HashMap::new();
        for of_file in self.survey.broken.chunk_by(|one, next| one.importer == next.importer) {
            let file = self.file_of(of_file[0].importer);
            let text = file.and_then(|file| Some((file, str::from_utf8(self.bytes(file, texts)?).ok()?)));
            let Some((file, text)) = text else { continue };
            let reading = Reading::of(text);
            for statement in of_file.chunk_by(|one, next| one.import == next.import) {
                repairs.extend(self.of_statement(statement, file, &reading));
            }
        }
        for misnamed in &self.survey.misnamed {
            let Some(file) = self.file_of(misnamed.importer) else { continue };
            let told = (BROKEN_IMPORT.id, file.to_owned(), misnamed.line, misnamed.text.clone());
            let edits = vec![misnamed.edit.clone()];
            let (class, why) = match self.surveyor.is_sure(&misnamed.text) {
                true => (Class::A, ONLY_FAILS),
                false => (Class::B, FOREIGN),
            };
            repairs.insert(told, Repair { class, why, edits });
        }
        repairs
    }

    /// The repairs of what one statement asks for: all of them are the same edits.
    fn of_statement(&self, statement: &[Broken], file: &str, reading: &Reading<'_>) -> Vec<(Told, Repair)> {
        let mut likeness = Likeness::Same;
        let mends = |one: &&Broken| match one.cause {
            Cause::Renamed { .. } | Cause::FromInside { .. } | Cause::Miscounted { .. } => true,
            Cause::Moved { .. } => {
                likeness = likeness.max(Likeness::Namesake);
                true
            }
            Cause::NameAbsent { .. } => match self.surveyor.in_vain(one, reading) {
                Some(Vain::Meant { .. }) => {
                    likeness = likeness.max(Likeness::Alike);
                    true
                }
                vain => vain.is_some(),
            },
            _ => false,
        };
        let (mended, left): (Vec<&Broken>, Vec<&Broken>) = statement.iter().partition(mends);
        let edits = mended.first().map(|one| self.surveyor.repair_of(one.importer, one.import, reading));
        let edits = edits.unwrap_or_default();
        if !self.surveyor.is_sure_of(statement[0].importer, statement[0].import) {
            likeness = Likeness::Foreign;
        }
        let (class, why) = match (statement[0].guard, likeness) {
            (Guard::None, Likeness::Same) => (Class::A, ONLY_FAILS),
            (Guard::None, Likeness::Namesake) => (Class::B, NAMESAKE),
            (Guard::None, Likeness::Alike) => {
                (Class::B, "that it is the one that is meant is told by what is taken from it")
            }
            (Guard::None, Likeness::Foreign) => (Class::B, FOREIGN),
            (Guard::ImportError | Guard::Everything, _) => {
                (Class::B, "its failure is caught: what stands in for it is used no more")
            }
        };
        let told = |one: &Broken| {
            let undeclared = matches!(one.cause, Cause::NotInstalled { .. }) && one.guard == Guard::None;
            let rule = if undeclared { &UNDECLARED_IMPORT } else { &BROKEN_IMPORT };
            (rule.id, file.to_owned(), one.line, one.written.clone())
        };
        let proposed = |one: &Broken| {
            (told(one), Repair { class: Class::C, why: unmended(&one.cause), edits: Vec::new() })
        };
        if edits.is_empty() {
            return statement.iter().map(proposed).collect();
        }
        let repair = |one: &Broken| (told(one), Repair { class, why, edits: edits.clone() });
        mended.into_iter().map(repair).chain(left.into_iter().map(proposed)).collect()
    }

    /// The repairs of imports that fail in a circle.
    fn of_circles(
        &self,
        findings: &[Finding],
        texts: &mut HashMap<String, Option<Vec<u8>>>,
    ) -> Vec<(Told, Repair)> {
        let mut repairs = Vec::new();
        for finding in findings.iter().filter(|finding| finding.rule == &CIRCULAR_IMPORT) {
            let (file, line) = (&finding.place.file, finding.place.span.map_or(0, |span| span.line));
            let Some(importer) = self.inventory.at(&self.path_of(file)) else { continue };
            let text = self.bytes(file, texts).and_then(|bytes| str::from_utf8(bytes).ok());
            let edits = text.map(|text| self.surveyor.untangled(importer, line, &finding.subject, text));
            let told = (CIRCULAR_IMPORT.id, file.clone(), line, finding.subject.clone());
            let (class, why) = if edits.as_ref().is_some_and(|edits| !edits.is_empty()) {
                (Class::B, "whoever evaluates annotations does not find the name any more")
            } else {
                (Class::C, "that nothing but annotations that nobody evaluates uses the name is not shown")
            };
            repairs.push((told, Repair { class, why, edits: edits.unwrap_or_default() }));
        }
        repairs
    }

    /// The empty package that hides a file goes, so that the file can be imported.
    fn of_hidden(&self, finding: &Finding) -> Option<Remedy> {
        let hidden = self.path_of(&finding.place.file);
        let package = self.surveyor.hollow_package(&hidden)?;
        let of = Sha256Digest::of(&self.files.read(&package).ok()?);
        let file = self.inside(&package);
        Some(Remedy {
            finding: finding.clone(),
            class: Class::B,
            what: format!("removes `{file}`, an empty package: `{}` is imported then", finding.place.file),
            why: "what the hidden file does takes place then".to_owned(),
            changes: vec![Change::Remove { file: file.to_owned(), of }],
        })
    }

    /// Whether an import of a standard module would find one of the project: in its search path, or beside the file.
    fn is_own(&self, file: &str, import: &str) -> bool {
        let module = import.split_whitespace().nth(1).unwrap_or_default();
        let top = module.split('.').next().unwrap_or_default();
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside =
            self.path_of(&if folder.is_empty() { top.to_owned() } else { format!("{folder}/{top}") });
        let files = [format!("{beside}.py"), format!("{beside}/__init__.py")];
        self.inventory.find(top).is_some() || files.iter().any(|file| self.inventory.at(file).is_some())
    }

    /// A module's file as places name it.
    fn file_of(&self, id: ModuleId) -> Option<&str> {
        self.inventory.module(id).source.as_deref().map(|source| self.inside(source))
    }

    fn inside<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.project).unwrap_or(path).trim_start_matches('/')
    }

    /// The path of a file that a place names.
    fn path_of(&self, file: &str) -> String {
        if self.project.is_empty() { file.to_owned() } else { format!("{}/{file}", self.project) }
    }

    fn bytes<'t>(&self, file: &str, texts: &'t mut HashMap<String, Option<Vec<u8>>>) -> Option<&'t [u8]> {
        let read = || self.files.read(&self.path_of(file)).ok();
        texts.entry(file.to_owned()).or_insert_with(read).as_deref()
    }
}

/// Why nothing mechanical mends an import.
const fn unmended(cause: &Cause) -> &'static str {
    match cause {
        Cause::Absent { .. } => {
            "the module exists nowhere: it must be written, or the import and what uses it must go"
        }
        Cause::NameAbsent { homes, .. } if homes.is_empty() => {
            "the name exists nowhere and is used here: it must be written, or what uses it must go"
        }
        Cause::NameAbsent { .. } => "which of the places that have the name is meant is not in the text",
        Cause::Hidden { .. } => "what hides the file holds something: one of the two needs another name",
        Cause::Refused { .. } => "the imported file must be mended first",
        Cause::NotInstalled { .. } => "a distribution must be chosen and added",
        Cause::Renamed { .. } | Cause::FromInside { .. } | Cause::Miscounted { .. } | Cause::Moved { .. } => {
            "the statement cannot be rewritten as it stands"
        }
    }
}

fn remedy(finding: &Finding, repair: &Repair, source: &Source<'_>) -> Option<Remedy> {
    if repair.edits.is_empty() {
        return Some(Remedy::proposal(finding, finding.rule.advice, repair.why));
    }
    let changes = repair.edits.iter().map(|edit| source.change(edit.range.clone(), &edit.text));
    Some(Remedy {
        finding: finding.clone(),
        class: repair.class,
        what: repair.edits.first()?.reason.clone(),
        why: repair.why.to_owned(),
        changes: changes.collect::<Option<Vec<Change>>>()?,
    })
}

/// The imports that a file lacks, each with its statement.
fn missing_imports(file: &str, bytes: &[u8]) -> Vec<(String, Told, Repair)> {
    let Ok(source) = Source::read(file, bytes) else { return Vec::new() };
    let lacking = undefined(&source.text).into_iter().filter_map(|one| Some((one.import.clone()?, one)));
    let lacking: Vec<_> = lacking.collect();
    if lacking.is_empty() {
        return Vec::new();
    }
    let repairs = Module::with(&source.text, Kind::Code, |module| {
        let entrances = Entrances::of(module, source.line_end());
        let repair = |(import, one): &(String, crate::imports::Undefined)| {
            let (range, text) = entrances.add(import, TextSize::new(one.at))?;
            let edits = vec![Edit { range, text, reason: format!("adds `{import}`") }];
            let told = (UNDEFINED_NAME.id, file.to_owned(), one.line, one.name.clone());
            Some((import.clone(), told, Repair { class: Class::B, why: BUILT_IN, edits }))
        };
        lacking.iter().filter_map(repair).collect()
    });
    repairs.unwrap_or_default()
}
