//! The repair of imports, as data: which bytes of which files become what, and why.
//!
//! Only what is mechanical: a package with another name, a path written from inside a package, dots counted wrongly, a name with exactly one
//! other home. Edits replace tokens and leave every other byte; planning again after they are applied plans nothing. Text that is no
//! UTF-8 is never rewritten.

use std::{collections::BTreeMap, ops::Range};

use serde::Serialize;

use super::{
    facts::{Import, ImportedName, Mention, What, When},
    inventory::{Home, ModuleId},
    library::Presence,
    resolve::Found,
    survey::{Cause, Surveyor},
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

/// Where a name is imported from after the repair.
type Destination = (String, String);

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

    /// The repair of one import of a module whose text this is: none if it works, or if nothing mechanical mends it.
    pub fn repair_of(&self, importer: ModuleId, import: usize, text: &str) -> Vec<Edit> {
        let found = self.library.facts(importer).and_then(|facts| facts.imports.get(import));
        found.map(|import| self.repair(importer, import, text)).unwrap_or_default()
    }

    fn edits(&self, importer: ModuleId, text: &str) -> Vec<Edit> {
        let Some(facts) = self.library.facts(importer) else { return Vec::new() };
        let imports = facts.imports.iter().filter(|import| import.when != When::Never);
        let mut edits: Vec<Edit> = imports.flat_map(|import| self.repair(importer, import, text)).collect();
        edits.extend(facts.mentions.iter().filter_map(|mention| self.mention(mention)));
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

    fn repair(&self, importer: ModuleId, import: &Import, text: &str) -> Vec<Edit> {
        match &import.what {
            What::Module { name, at, renamed } => {
                self.repair_module(importer, import, (name, at, renamed.is_some()), text)
            }
            What::From { level, module, at, names } => {
                let origin = format!("{}{module}", ".".repeat(*level as usize));
                let destinations = self.destinations(importer, import, &origin, names);
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
        origin: &str,
        names: &[ImportedName],
    ) -> Vec<Destination> {
        let stays = (origin.to_owned(), String::new());
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
                    ((to, reason), module)
                }
                Some(Cause::Miscounted { level, to }) => {
                    let name = origin.trim_start_matches('.');
                    (
                        (
                            format!("{}{name}", ".".repeat(level as usize)),
                            format!("`{to}` is {level} dots away"),
                        ),
                        None,
                    )
                }
                _ => (stays, None),
            },
        };
        let moved = |name: &ImportedName| match self.name_in(importer, module?, &name.name, import.when)? {
            Cause::Moved { to } => {
                let reason = format!("`{}` is in `{to}` and nowhere else", name.name);
                Some((to, reason))
            }
            _ => None,
        };
        names.iter().map(|name| moved(name).unwrap_or_else(|| stays.clone())).collect()
    }

    /// A string that names what to replace, below a module of another name.
    pub(super) fn mention(&self, mention: &Mention) -> Option<Edit> {
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
            let (_, id) = self.homes.module(&text[..*at], &[next(*at)], When::Load)?;
            (self.library.has(id, next(*at), When::Load) != Presence::Absent).then_some((*at, id))
        });
        let (at, id) = meant.filter(|(at, id)| text[..*at] != *inventory.module(*id).name)?;
        let start = mention.at.start as usize;
        let to = inventory.module(id).name.to_string();
        let reason = format!("the module `{}` is `{to}`", &text[..at]);
        Some(Edit { range: start..start + at, text: to, reason })
    }
}

fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// Edits one `from` import so that every name is asked of its destination. The largest group keeps the statement; each other one becomes a
/// statement of its own before it.
fn rewrite(
    text: &str,
    import: &Import,
    (origin, at): (&str, &Range<u32>),
    names: &[ImportedName],
    destinations: &[Destination],
) -> Vec<Edit> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, (module, _)) in destinations.iter().enumerate() {
        groups.entry(module).or_default().push(number);
    }
    // Among equals the origin keeps its statement.
    let Some(keeper) = groups
        .iter()
        .max_by_key(|(module, group)| (group.len(), **module == origin))
        .map(|(module, _)| *module)
    else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    if keeper != origin {
        let reason = groups[keeper].first().map(|number| destinations[*number].1.clone()).unwrap_or_default();
        edits.push(Edit { range: wide(at), text: keeper.to_owned(), reason });
    }
    let leaving: Vec<usize> = (0..names.len()).filter(|number| destinations[*number].0 != keeper).collect();
    if leaving.is_empty() {
        return edits;
    }
    let start = import.range.start as usize;
    let line = text[..start].rfind('\n').map_or(0, |before| before + 1);
    let indent = &text[line..start];
    let newline = if text[..line].ends_with("\r\n") { "\r\n" } else { "\n" };
    // Where something else stands before it on its line, a semicolon parts them.
    let between = if indent.trim().is_empty() { format!("{newline}{indent}") } else { "; ".to_owned() };
    for (module, group) in groups.iter().filter(|(module, _)| **module != keeper) {
        let listed: Vec<&str> = group.iter().map(|number| &text[wide(&names[*number].at)]).collect();
        let statement = format!("from {module} import {}{between}", listed.join(", "));
        let reason =
            group.iter().map(|number| destinations[*number].1.as_str()).find(|reason| !reason.is_empty());
        edits.push(Edit {
            range: start..start,
            text: statement,
            reason: reason.unwrap_or("the other names of this statement lie elsewhere").to_owned(),
        });
    }
    edits.extend(removals(names, &leaving));
    edits
}

/// Takes names out of the list of a `from` import, each with the comma that parts it from the next one that stays.
fn removals(names: &[ImportedName], leaving: &[usize]) -> Vec<Edit> {
    let Some(last_kept) = (0..names.len()).rev().find(|number| !leaving.contains(number)) else {
        return Vec::new();
    };
    let remove = |range: Range<usize>| Edit {
        range,
        text: String::new(),
        reason: "asked of its own module".to_owned(),
    };
    let before = leaving.iter().filter(|number| **number < last_kept);
    let mut edits: Vec<Edit> = before
        .map(|number| remove(names[*number].at.start as usize..names[number + 1].at.start as usize))
        .collect();
    if last_kept + 1 < names.len() {
        edits.push(remove(names[last_kept].at.end as usize..names[names.len() - 1].at.end as usize));
    }
    edits
}
