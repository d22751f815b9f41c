//! The repair of imports, as data: which bytes of which files become what, and why.
//!
//! Only what is mechanical: a package with another name, a path written from inside a package, dots counted wrongly, a name with exactly one
//! other home, and what [`super::vain`] says of names that are nowhere. Edits replace tokens and leave every other byte; planning again after they
//! are applied plans nothing. Text that is no UTF-8 is never rewritten.

use std::ops::Range;

use serde::Serialize;

use super::{
    broken::Cause,
    facts::{Import, ImportedName, Mention, What, When},
    inventory::{Home, ModuleId},
    library::Presence,
    reading::Reading,
    relocate::Wanted,
    resolve::Found,
    rewrite::{Destination, rewrite, wide},
    survey::Surveyor,
    syntax,
};

/// One piece of text in place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The bytes that it replaces; none for an insertion.
    pub range: Range<usize>,
    /// What stands there then.
    pub text: String,
    /// Why, in one sentence for people.
    pub reason: String,
}

/// What changes in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilePlan {
    /// The file.
    pub path: String,
    /// In order; no two touch the same byte.
    pub edits: Vec<Edit>,
}

/// Why a plan cannot be applied to a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyEditsError {
    /// The text is not the one that the plan was made for.
    #[error("apply edit of bytes {start}..{end}: outside of the text or over another edit")]
    Misplaced {
        /// Where the edit starts.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// Python would refuse what comes out.
    #[error("apply edits: line {line} would no longer parse: {message}")]
    Refused {
        /// The line of the new error, from 1.
        line: u32,
        /// The parser's words.
        message: String,
    },
}

/// Applies edits to the text they were planned for, and parses what comes out.
///
/// # Errors
/// When an edit does not fit the text, or the outcome has more syntax errors than the text had.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, ApplyEditsError> {
    let mut applied = String::with_capacity(text.len() + 64 * edits.len());
    let mut at = 0;
    for Edit { range, text: replacement, .. } in edits {
        let misplaced = ApplyEditsError::Misplaced { start: range.start, end: range.end };
        let kept = text
            .get(at..range.start)
            .filter(|_| range.start <= range.end && text.is_char_boundary(range.end));
        applied.push_str(kept.ok_or(misplaced)?);
        applied.push_str(replacement);
        at = range.end;
    }
    applied.push_str(text.get(at..).ok_or(ApplyEditsError::Misplaced { start: at, end: at })?);
    let before = syntax::faults(text);
    let after = syntax::faults(&applied);
    match after.first() {
        Some(fault) if after.len() > before.len() => {
            Err(ApplyEditsError::Refused { line: fault.line, message: fault.message.clone() })
        }
        _ => Ok(applied),
    }
}

// === impl Surveyor ===

impl Surveyor<'_> {
    /// The repair of these files.
    pub fn plan(&self, files: &[String]) -> Vec<FilePlan> {
        let plans = files.iter().filter_map(|path| {
            let id = self.library.inventory.at(path)?;
            let source = self.library.inventory.module(id).source.as_deref()?;
            let (text, exact) = self.library.text(source).ok()?;
            let edits = if exact { self.edits(id, &text) } else { Vec::new() };
            (!edits.is_empty()).then(|| FilePlan { path: source.to_owned(), edits })
        });
        plans.collect()
    }

    /// The repair of one import of a module whose text is read: none if it works, or if nothing mechanical mends it.
    pub(crate) fn repair_of(&self, importer: ModuleId, import: usize, reading: &Reading<'_>) -> Vec<Edit> {
        let found = self.library.facts(importer).and_then(|facts| facts.imports.get(import));
        found.map(|import| self.repair(importer, import, reading)).unwrap_or_default()
    }

    fn edits(&self, importer: ModuleId, text: &str) -> Vec<Edit> {
        let Some(facts) = self.library.facts(importer) else { return Vec::new() };
        let reading = &Reading::of(text);
        let imports = facts.imports.iter().filter(|import| import.when != When::Never);
        let mut edits: Vec<Edit> =
            imports.flat_map(|import| self.repair(importer, import, reading)).collect();
        edits.extend(facts.mentions.iter().filter_map(|mention| self.mention(importer, mention)));
        edits.sort_by(|left, right| {
            (left.range.start, left.range.end, &left.text).cmp(&(
                right.range.start,
                right.range.end,
                &right.text,
            ))
        });
        edits.dedup();
        edits
    }

    fn repair(&self, importer: ModuleId, import: &Import, reading: &Reading<'_>) -> Vec<Edit> {
        let text = reading.text;
        if let Some((name, Found::Missing(_))) = self.meant(importer, &import.what)
            && self.is_elsewhere(&self.own_path(importer), &import.what, &name)
        {
            return Vec::new();
        }
        match &import.what {
            What::Module { name, at, renamed } => {
                self.repair_module(importer, import, (name, at, renamed.is_some()), text)
            }
            What::From { level, module, at, names } => {
                let origin = format!("{}{module}", ".".repeat(*level as usize));
                let destinations = self.destinations(importer, import, (&origin, names), reading);
                rewrite(text, import, (&origin, at), names, &destinations)
            }
            What::Called { name, at: Some(at), .. } => {
                self.repair_module(importer, import, (name, at, true), text)
            }
            What::Called { .. } | What::Below { .. } | What::Anything => Vec::new(),
        }
    }

    /// `import a.b as c`: only the name changes. Without `as` the statement binds the first word, so only a single word can be mended.
    fn repair_module(
        &self,
        importer: ModuleId,
        import: &Import,
        (name, at, renamed): (&str, &Range<u32>, bool),
        text: &str,
    ) -> Vec<Edit> {
        let Some((_, Found::Missing(_))) = self.meant(importer, &import.what) else { return Vec::new() };
        let (Cause::Renamed { to } | Cause::FromInside { to }) = self.missing(importer, import, name) else {
            return Vec::new();
        };
        let reason = format!("the module `{name}` is `{to}`");
        if renamed {
            return vec![Edit { range: wide(at), text: to, reason }];
        }
        let alone = text.get(wide(&import.range)).is_some_and(|statement| !statement.contains(','));
        match to.rsplit_once('.') {
            Some((package, last)) if alone && last == name => {
                vec![Edit {
                    range: wide(&import.range),
                    text: format!("from {package} import {last}"),
                    reason,
                }]
            }
            _ => Vec::new(),
        }
    }

    /// For each name of a `from` import the module that it should be asked of, and why.
    fn destinations(
        &self,
        importer: ModuleId,
        import: &Import,
        (origin, names): (&str, &[ImportedName]),
        reading: &Reading<'_>,
    ) -> Vec<Destination> {
        let stays = Destination::of(origin.to_owned(), String::new());
        let (stays, module) = match self.meant(importer, &import.what) {
            Some((_, Found::Module(module))) => (stays, Some(module)),
            Some((_, Found::Standard)) => (stays, None),
            meant => match meant.map_or_else(
                || self.miscounted(importer, import),
                |(name, _)| Some(self.missing(importer, import, &name)),
            ) {
                Some(Cause::Renamed { to } | Cause::FromInside { to }) => {
                    let module = self.library.inventory.find(&to);
                    let reason = format!("the module `{origin}` is `{to}`");
                    (Destination::of(to, reason), module)
                }
                Some(Cause::Miscounted { level, to }) => {
                    let name = format!("{}{}", ".".repeat(level as usize), origin.trim_start_matches('.'));
                    (Destination::of(name, format!("`{to}` is {level} dots away")), None)
                }
                _ => (stays, None),
            },
        };
        let moved = |name: &ImportedName| match self.name_in(importer, module?, &name.name, import.when)? {
            Cause::Moved { to } => {
                let reason = format!("`{}` is in `{to}` and nowhere else", name.name);
                Some(Destination::of(to, reason))
            }
            Cause::NameAbsent { .. } => {
                Some(Destination::in_vain(&stays, name, self.vain(importer, import, name, reading)?))
            }
            _ => None,
        };
        names.iter().map(|name| moved(name).unwrap_or_else(|| stays.clone())).collect()
    }

    /// A string that names what to replace, below a module of another name.
    pub(super) fn mention(&self, importer: ModuleId, mention: &Mention) -> Option<Edit> {
        let inventory = self.library.inventory;
        let text = mention.text.as_str();
        let cuts: Vec<usize> = text.match_indices('.').map(|(at, _)| at).collect();
        let known = cuts.iter().rev().find(|at| inventory.find(&text[..**at]).is_some());
        let next = |at: usize| text[at + 1..].split('.').next().unwrap_or_default();
        if let Some(at) = known {
            let id = inventory.find(&text[..*at])?;
            // Deeper than a module lie attributes of what it has; those are not looked at.
            if inventory.module(id).home == Home::Site
                || self.library.has(id, next(*at), When::Load) != Presence::Absent
            {
                return None;
            }
        }
        let meant = cuts.iter().rev().find_map(|at| {
            let names = &[next(*at)];
            let wanted = Wanted { importer, missing: &text[..*at], names, when: When::Load };
            let (_, id) = self.meant_instead(&wanted)?;
            (self.library.has(id, next(*at), When::Load) != Presence::Absent).then_some((*at, id))
        });
        let (at, id) = meant.filter(|(at, id)| text[..*at] != *inventory.module(*id).name)?;
        let start = mention.at.start as usize;
        let to = inventory.module(id).name.to_string();
        let reason = format!("the module `{}` is `{to}`", &text[..at]);
        Some(Edit { range: start..start + at, text: to, reason })
    }
}
