//! Remedies for imports that cannot work, and for names that nothing binds.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use ruff_text_size::TextSize;

use super::{Change, Class, Remedy, python::Entrances, source::Source};
use crate::{
    finding::Finding,
    imports::{
        BROKEN_IMPORT, Broken, Cause, Edit, Files, Guard, Inventory, ModuleId, Survey, Surveyor,
        UNDEFINED_NAME, undefined,
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

/// A statement that was planned: a module and the number of its import.
type Planned = HashMap<(ModuleId, usize), Vec<Edit>>;

const ONLY_FAILS: &str = "as it is, it fails whenever it runs";

// === impl Imports ===

impl Imports<'_> {
    /// One remedy for each finding about imports, in their order. The findings are those that [`crate::imports::Packaging`] makes of the
    /// survey, and of names that nothing binds.
    #[must_use]
    pub fn remedies(&self, findings: &[Finding]) -> Vec<Remedy> {
        let mut texts = HashMap::new();
        let mut repairs = self.of_survey(&mut texts);
        let missing = findings.iter().filter(|finding| finding.rule == &UNDEFINED_NAME);
        let mut files: Vec<&str> = missing.map(|finding| finding.place.file.as_str()).collect();
        files.dedup();
        for file in files {
            if let Some(bytes) = self.bytes(file, &mut texts) {
                repairs.extend(missing_imports(file, bytes));
            }
        }
        let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, finding) in findings.iter().enumerate() {
            by_file.entry(&finding.place.file).or_default().push(number);
        }
        let mut remedies: Vec<Option<Remedy>> = vec![None; findings.len()];
        for (file, numbers) in by_file {
            let source = self.bytes(file, &mut texts).and_then(|bytes| Source::read(file, bytes).ok());
            let Some(source) = source else { continue };
            for number in numbers {
                let finding = &findings[number];
                let line = finding.place.span.map_or(0, |span| span.line);
                let told = (finding.rule.id, file.to_owned(), line, finding.subject.clone());
                remedies[number] = repairs.get(&told).and_then(|repair| remedy(finding, repair, &source));
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
        let mut planned = Planned::new();
        let mut repairs = HashMap::new();
        for broken in &self.survey.broken {
            let Some(file) = self.file_of(broken.importer) else { continue };
            if let Some(edits) = self.planned(broken, file, &mut planned, texts) {
                let (class, why) = match broken.guard {
                    Guard::None => (Class::A, ONLY_FAILS),
                    Guard::ImportError | Guard::Everything => {
                        (Class::B, "its failure is caught: what stands in for it is used no more")
                    }
                };
                let told = (BROKEN_IMPORT.id, file.to_owned(), broken.line, broken.written.clone());
                repairs.insert(told, Repair { class, why, edits });
            }
        }
        for misnamed in &self.survey.misnamed {
            let Some(file) = self.file_of(misnamed.importer) else { continue };
            let told = (BROKEN_IMPORT.id, file.to_owned(), misnamed.line, misnamed.text.clone());
            let edits = vec![misnamed.edit.clone()];
            repairs.insert(told, Repair { class: Class::A, why: ONLY_FAILS, edits });
        }
        repairs
    }

    /// The edits that mend an import; `None` where nothing mechanical does.
    fn planned(
        &self,
        broken: &Broken,
        file: &str,
        planned: &mut Planned,
        texts: &mut HashMap<String, Option<Vec<u8>>>,
    ) -> Option<Vec<Edit>> {
        if !matches!(
            broken.cause,
            Cause::Renamed { .. } | Cause::FromInside { .. } | Cause::Miscounted { .. } | Cause::Moved { .. }
        ) {
            return None;
        }
        let statement = (broken.importer, broken.import);
        let edits = match planned.entry(statement) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let text = str::from_utf8(self.bytes(file, texts)?).ok()?;
                free.insert(self.surveyor.repair_of(broken.importer, broken.import, text))
            }
        };
        (!edits.is_empty()).then(|| edits.clone())
    }

    /// A module's file as places name it.
    fn file_of(&self, id: ModuleId) -> Option<&str> {
        let source = self.inventory.module(id).source.as_deref()?;
        let inside = source.strip_prefix(self.project).unwrap_or(source);
        Some(inside.trim_start_matches('/'))
    }

    fn bytes<'t>(&self, file: &str, texts: &'t mut HashMap<String, Option<Vec<u8>>>) -> Option<&'t [u8]> {
        let read = || {
            let path =
                if self.project.is_empty() { file.to_owned() } else { format!("{}/{file}", self.project) };
            self.files.read(&path).ok()
        };
        texts.entry(file.to_owned()).or_insert_with(read).as_deref()
    }
}

fn remedy(finding: &Finding, repair: &Repair, source: &Source<'_>) -> Option<Remedy> {
    let changes = repair.edits.iter().map(|edit| source.change(edit.range.clone(), &edit.text));
    Some(Remedy {
        finding: finding.clone(),
        class: repair.class,
        what: repair.edits.first()?.reason.clone(),
        why: repair.why.to_owned(),
        changes: changes.collect::<Option<Vec<Change>>>()?,
    })
}

/// The imports that a file lacks.
fn missing_imports(file: &str, bytes: &[u8]) -> Vec<(Told, Repair)> {
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
            Some((told, Repair { class: Class::A, why: ONLY_FAILS, edits }))
        };
        lacking.iter().filter_map(repair).collect()
    });
    repairs.unwrap_or_default()
}
