//! One `from` import rewritten: its names asked of other modules, by other names, or not at all. Every byte between stays.

use std::{collections::BTreeMap, ops::Range};

use super::{
    facts::{Import, ImportedName},
    plan::Edit,
    vain::Vain,
};

/// What becomes of a name of a `from` import.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// The module that it is asked of; none if it is asked for no more.
    pub(super) module: Option<String>,
    /// What it is called there, if not as it is written.
    pub(super) name: Option<String>,
    /// Why; empty if it stays.
    pub(super) reason: String,
}

// === impl Destination ===

impl Destination {
    pub(super) fn of(module: String, reason: String) -> Self {
        Self { module: Some(module), name: None, reason }
    }

    /// Where a name goes that its module, at `there`, has not.
    pub(super) fn in_vain(there: &Self, name: &ImportedName, vain: Vain) -> Self {
        let bound = name.renamed.as_ref().unwrap_or(&name.name);
        match vain {
            Vain::Unused => {
                let reason = format!("`{}` is nowhere, and nothing here uses it", name.name);
                Self { module: None, name: None, reason }
            }
            Vain::Meant { name: meant, members } => {
                let reason = format!(
                    "`{}` is nowhere; `{meant}` alone has all {members} members that are taken from it",
                    name.name
                );
                let written = if meant == *bound { meant } else { format!("{meant} as {bound}") };
                Self { name: Some(written), reason, ..there.clone() }
            }
        }
    }
}

pub(super) fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// Edits one `from` import so that every name is asked of its destination. The largest group keeps the statement; each other one becomes a
/// statement of its own before it.
pub(super) fn rewrite(
    text: &str,
    import: &Import,
    (origin, at): (&str, &Range<u32>),
    names: &[ImportedName],
    destinations: &[Destination],
) -> Vec<Edit> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, destination) in destinations.iter().enumerate() {
        if let Some(module) = &destination.module {
            groups.entry(module).or_default().push(number);
        }
    }
    // Among equals the origin keeps its statement.
    let Some(keeper) = groups
        .iter()
        .max_by_key(|(module, group)| (group.len(), **module == origin))
        .map(|(module, _)| *module)
    else {
        return destinations.first().map(|first| without(text, import, &first.reason)).into_iter().collect();
    };
    let reason = |number: usize| destinations[number].reason.clone();
    let mut edits = Vec::new();
    if keeper != origin {
        let reason = groups[keeper].first().map(|number| reason(*number)).unwrap_or_default();
        edits.push(Edit { range: wide(at), text: keeper.to_owned(), reason });
    }
    for number in &groups[keeper] {
        if let Some(name) = &destinations[*number].name {
            edits.push(Edit { range: wide(&names[*number].at), text: name.clone(), reason: reason(*number) });
        }
    }
    let leaving: Vec<usize> =
        (0..names.len()).filter(|number| destinations[*number].module.as_deref() != Some(keeper)).collect();
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
        let written =
            |number: &usize| destinations[*number].name.as_deref().unwrap_or(&text[wide(&names[*number].at)]);
        let listed: Vec<&str> = group.iter().map(written).collect();
        let statement = format!("from {module} import {}{between}", listed.join(", "));
        let reason = group
            .iter()
            .map(|number| destinations[*number].reason.as_str())
            .find(|reason| !reason.is_empty());
        edits.push(Edit {
            range: start..start,
            text: statement,
            reason: reason.unwrap_or("the other names of this statement lie elsewhere").to_owned(),
        });
    }
    let dropped = |number: &&usize| destinations[**number].module.is_none();
    let why = leaving.iter().find(dropped).map(|number| reason(*number));
    edits.extend(removals(names, &leaving).into_iter().map(|edit| match &why {
        Some(reason) => Edit { reason: reason.clone(), ..edit },
        None => edit,
    }));
    edits
}

/// Takes an import away, with its lines if nothing else is on them and it is in no block.
fn without(text: &str, import: &Import, reason: &str) -> Edit {
    let (start, end) = (import.range.start as usize, import.range.end as usize);
    let reason = reason.to_owned();
    match alone(text, &import.range) {
        Some(line_end) => {
            let newline = newline_at(text, line_end).len();
            Edit { range: start..line_end + newline, text: String::new(), reason }
        }
        None => Edit { range: start..end, text: "pass".to_owned(), reason },
    }
}

/// Where the last line of a statement ends, if it begins its first line without an indent and nothing but a comment is behind it.
pub(super) fn alone(text: &str, statement: &Range<u32>) -> Option<usize> {
    let (start, end) = (statement.start as usize, statement.end as usize);
    let line_end = text[end..].find(['\n', '\r']).map_or(text.len(), |length| end + length);
    let behind = text[end..line_end].trim_start();
    let first = start == 0 || text[..start].ends_with(['\n', '\r']);
    (first && (behind.is_empty() || behind.starts_with('#'))).then_some(line_end)
}

/// The line end that stands at a byte; empty at the end of the text.
pub(super) fn newline_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let length = if rest.starts_with("\r\n") { 2 } else { rest.len().min(1) };
    &rest[..length]
}

/// Takes names out of the list of a `from` import, each with the comma that parts it from the next one that stays.
pub(super) fn removals(names: &[ImportedName], leaving: &[usize]) -> Vec<Edit> {
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
