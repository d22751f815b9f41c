//! Reading one rule file.

use shield_types::settings::{Refusal, Setting, Table};

use super::{
    bans::Ban,
    changes::{Becomes, Change},
    condition::Condition,
    head::{self, Ids},
    known,
    name::{Form, Name},
    paths::Paths,
    patterns::{self, Pattern},
    taints,
    texts::{self, Text},
};
use crate::{
    finding::{Rule, Severity},
    taint::models::{Harm, Modelled},
};

/// The form of rule files.
const FORMAT: i64 = 1;
/// Longest example, in bytes.
const EXAMPLE_BYTES_MAX: usize = 10_000;

/// What all rule files share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) ids: Ids,
    /// How many kinds of harm they added.
    pub(super) kinds: usize,
}

/// What one file says, as far as it could be made out.
#[derive(Default)]
pub(super) struct Draft<'r> {
    /// Whether another format's rules apply: judging it by these would only mislead.
    pub(super) foreign: bool,
    /// What mistakes call the file.
    pub(super) file: String,
    pub(super) rules: Vec<&'static Rule>,
    pub(super) bans: Vec<Ban>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) texts: Vec<Text>,
    pub(super) models: Vec<Modelled>,
    pub(super) changes: Vec<Change>,
    pub(super) examples: Vec<Examples<'r>>,
}

/// What a rule finds, and what it does not.
pub(super) struct Examples<'r> {
    pub(super) good: Setting<'r, Vec<String>>,
    pub(super) bad: Setting<'r, Vec<String>>,
    pub(super) of: Subject,
    /// What it is called in a list.
    pub(super) name: String,
}

/// What examples are of.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Ban(usize),
    Pattern(usize),
    Text(usize),
    Model(usize),
    Kind(Harm),
}

/// Reads a file; `file` is what it is called.
pub(super) fn read<'r>(root: &Table<'r>, file: &str, shared: &mut Shared) -> Draft<'r> {
    let mut draft = Draft { file: file.to_owned(), ..Draft::default() };
    let format = root.any_integer("format", "`1`").required();
    if format.value().is_some_and(|number| *number != FORMAT) {
        format.mistaken(Refusal::new("not a format that this version reads", "`1`"));
        draft.foreign = true;
        return draft;
    }
    let bans = root.tables("ban");
    let changes = root.tables("change");
    bans.iter().for_each(|table| ban(table, &mut draft, shared));
    patterns::read(root, &mut draft, shared);
    texts::read(root, &mut draft, shared);
    taints::read(root, &mut draft, shared);
    for table in &changes {
        let change = change(table, file);
        draft.changes.extend(change);
    }
    draft
}

fn ban<'r>(table: &Table<'r>, draft: &mut Draft<'r>, shared: &mut Shared) {
    let rule = head::read(table, &mut shared.ids, &draft.file);
    let confidence = head::confidence(table).take();
    let paths = Paths::read(table);
    let calls = names(table, "call", Form::Thing);
    let imports = names(table, "import", Form::Module);
    let attributes = names(table, "attribute", Form::Thing);
    let decorators = names(table, "decorator", Form::Thing);
    let conditions = table.tables("when");
    let when: Vec<_> = conditions.iter().map(Condition::read).collect();
    let examples = examples(table);
    let (Some(calls), Some(imports), Some(attributes), Some(decorators)) =
        (calls, imports, attributes, decorators)
    else {
        return;
    };
    if [&calls, &imports, &attributes, &decorators].iter().all(|names| names.is_empty()) {
        table.mistaken(Refusal::new(
            "nothing that it bans",
            "call, import, attribute or decorator: lists of names",
        ));
        return;
    }
    if !when.is_empty() && calls.is_empty() && decorators.is_empty() {
        table.mistaken(Refusal::new(
            "conditions on arguments of nothing that is called",
            "call or decorator beside `when`",
        ));
        return;
    }
    let when: Option<Vec<_>> = when.into_iter().collect();
    let (Some(rule), Some(confidence), Some(paths), Some(when)) = (rule, confidence, paths, when) else {
        return;
    };
    draft.rules.push(rule);
    draft.bans.push(Ban { rule, confidence, paths, when, calls, imports, attributes, decorators });
    let of = Subject::Ban(draft.bans.len() - 1);
    draft.add_examples(examples, of, rule.id.to_owned());
}

fn change(table: &Table<'_>, file: &str) -> Option<Change> {
    let name = table.string(
        "rule",
        100,
        "the id of a built-in rule or an alias, such as \"python/assert\" or \"B101\"",
    );
    let rules = name.required().and_then(|name| {
        let rules = known::named(&name);
        match rules.is_empty() {
            false => Ok(rules),
            true => {
                let near = known::nearest(&name).unwrap_or("python/assert");
                Err(Refusal::new(
                    "not a rule that can be changed",
                    format!("the id of a built-in rule or an alias, such as \"{near}\""),
                ))
            }
        }
    });
    let severity: Setting<'_, Option<Severity>> = head::severity(table).optional();
    let off = table.boolean("off").optional();
    let reason = head::sentence(table, "reason", 500, "why, for those who read the report").required();
    let paths = Paths::read(table);
    let becomes = match (severity.take()?, off.take()?) {
        (Some(severity), None) => Some(Becomes::Severity(severity)),
        (None, Some(true)) => Some(Becomes::Off),
        _ => {
            table.mistaken(Refusal::new("not one change", "either `severity` or `off = true`"));
            None
        }
    };
    let (rules, reason) = (rules.take(), reason.take());
    Some(Change { rules: rules?, becomes: becomes?, reason: reason?, file: file.to_owned(), paths: paths? })
}

/// A list of names; empty if there is none.
pub(super) fn names(table: &Table<'_>, key: &'static str, form: Form) -> Option<Vec<Name>> {
    let names = table.list_of(key, |text| Name::parse(&text, form));
    let names = names.and_then(|names| match names.is_empty() {
        true => Err(Refusal::new("empty", "at least one name")),
        false => Ok(names),
    });
    names.or(Vec::new()).take()
}

/// `good` and `bad`.
pub(super) fn examples<'r>(table: &Table<'r>) -> [Setting<'r, Vec<String>>; 2] {
    ["good", "bad"].map(|key| {
        let list = table.list_of(key, |text| match text.len() {
            0..=EXAMPLE_BYTES_MAX => Ok(text),
            _ => Err(Refusal::new("longer than 10,000 bytes", "a few lines of code")),
        });
        list.or(Vec::new())
    })
}

// === impl Draft ===

impl<'r> Draft<'r> {
    /// How much is in it; of kinds of harm, the sinks are.
    pub(super) fn entries(&self) -> usize {
        self.bans.len() + self.patterns.len() + self.texts.len() + self.models.len() + self.changes.len()
    }

    pub(super) fn add_examples(
        &mut self,
        examples: [Setting<'r, Vec<String>>; 2],
        of: Subject,
        name: String,
    ) {
        let [good, bad] = examples;
        self.examples.push(Examples { good, bad, of, name });
    }
}
