//! What rule files say about strangers' data: `kind`, `source`, `sink`, `sanitizer`, `propagator`.

use std::collections::BTreeMap;

use serde_json::Value;
use shield_types::settings::{Refusal, Setting, Table};

use super::{
    head, intern,
    name::{Form, Name},
    read::{self, Draft, Shared, Subject},
};
use crate::taint::models::{Argument, Cleared, Harm, Model, Modelled};

/// Longest name of an argument, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// Most arguments of a propagator.
const ARGUMENTS_MAX: usize = 20;

/// Kinds of harm by what this file may call them.
type Kinds = BTreeMap<String, Harm>;

pub(super) fn read<'r>(root: &Table<'r>, draft: &mut Draft<'r>, shared: &mut Shared) {
    let mut kinds: Kinds = Harm::BUILT_IN.iter().map(|(word, harm)| ((*word).to_owned(), *harm)).collect();
    root.tables("kind").iter().for_each(|table| kind(table, &mut kinds, draft, shared));
    root.tables("source").iter().for_each(|table| source(table, draft));
    root.tables("sink").iter().for_each(|table| sink(table, &kinds, draft));
    root.tables("sanitizer").iter().for_each(|table| sanitizer(table, &kinds, draft));
    root.tables("propagator").iter().for_each(|table| propagator(table, draft));
}

fn kind<'r>(table: &Table<'r>, kinds: &mut Kinds, draft: &mut Draft<'r>, shared: &mut Shared) {
    let rule = head::read(table, &mut shared.ids, &draft.file);
    let name =
        table.string("name", 40, "a word for it, such as \"log\"").required().and_then(|name| {
            match (head::is_kebab(&name) && name != "all", kinds.contains_key(&name)) {
                (false, _) => {
                    Err(Refusal::new("not a word", "small letters, digits and `-`; `all` is every kind"))
                }
                (true, true) => Err(Refusal::new("given already", "another word")),
                (true, false) => Ok(name),
            }
        });
    let accepted =
        "what becomes of the data, behind \"what a stranger sends\": \"becomes part of a line of the log\"";
    let harm = head::sentence(table, "harm", 200, accepted).required();
    let examples = read::examples(table);
    let (name, harm) = (name.take(), harm.take());
    let (Some(rule), Some(name), Some(harm)) = (rule, name, harm) else { return };
    let Some(harm) = Harm::own(rule, shared.kinds, intern::text(&harm)) else {
        let most = format!("at most {} of all rule files", Harm::OWN_MAX);
        table.mistaken(Refusal::new("one kind too many", most));
        return;
    };
    shared.kinds += 1;
    draft.rules.push(rule);
    kinds.insert(name, harm);
    draft.add_examples(examples, Subject::Kind(harm), rule.id.to_owned());
}

fn source<'r>(table: &Table<'r>, draft: &mut Draft<'r>) {
    let calls = read::names(table, "call", Form::Thing);
    let attributes = read::names(table, "attribute", Form::Thing);
    let decorators = read::names(table, "decorator", Form::Thing);
    let examples = read::examples(table);
    let (Some(calls), Some(attributes), Some(decorators)) = (calls, attributes, decorators) else { return };
    if calls.is_empty() && attributes.is_empty() && decorators.is_empty() {
        let accepted = "call (what it gives), attribute (what it is) or decorator (the parameters below it): lists of names";
        table.mistaken(Refusal::new("nothing that lets data in", accepted));
        return;
    }
    let all = [&calls, &attributes, &decorators].into_iter().flatten();
    let name = label("source", all);
    add(draft, Modelled { model: Model::Source, calls, attributes, decorators }, examples, name);
}

fn sink<'r>(table: &Table<'r>, kinds: &Kinds, draft: &mut Draft<'r>) {
    let calls = calls(table);
    let kind = table.string("kind", NAME_BYTES_MAX, &listed(kinds)).required().and_then(|word| {
        kinds.get(&word).copied().ok_or_else(|| Refusal::new("not a kind of harm", listed(kinds)))
    });
    let name =
        table.string("argument", NAME_BYTES_MAX, "the name of an argument, such as \"sql\"").optional();
    let position = position(table).optional();
    let examples = read::examples(table);
    let (kind, name, position) = (kind.take(), name.take(), position.take());
    let (Some(calls), Some(kind), Some(name), Some(position)) = (calls, kind, name, position) else { return };
    let label = label("sink", calls.iter());
    add(draft, of_calls(Model::Sink(kind, Argument { position, name }), calls), examples, label);
}

fn sanitizer<'r>(table: &Table<'r>, kinds: &Kinds, draft: &mut Draft<'r>) {
    let calls = calls(table);
    let accepted = format!("`all`, or {}", listed(kinds));
    let cleared = table.list_of("kinds", |word| match kinds.get(&word) {
        Some(harm) => Ok(Cleared::default().and(*harm)),
        None if word == "all" => Ok(Cleared::ALL),
        None => Err(Refusal::new("not a kind of harm", accepted.clone())),
    });
    let cleared = cleared.required().and_then(|all| match all.is_empty() {
        true => Err(Refusal::new("empty", accepted.clone())),
        false => Ok(all.into_iter().reduce(Cleared::or).unwrap_or_default()),
    });
    let examples = read::examples(table);
    let (Some(calls), Some(cleared)) = (calls, cleared.take()) else { return };
    let label = label("sanitizer", calls.iter());
    add(draft, of_calls(Model::Sanitizer(cleared), calls), examples, label);
}

fn propagator<'r>(table: &Table<'r>, draft: &mut Draft<'r>) {
    let calls = calls(table);
    let accepted = "a list of places from 0 and names of arguments, such as [0, \"text\"]";
    let from = table.json_list("from", ARGUMENTS_MAX, accepted, |value| match value {
        Value::String(name) if (1..=NAME_BYTES_MAX).contains(&name.len()) => {
            Ok(Argument { name: Some(name), position: None })
        }
        Value::Number(number) => {
            let place =
                number.as_u64().filter(|place| *place < 100).and_then(|place| usize::try_from(place).ok());
            let position = place.ok_or_else(|| Refusal::new("not a place", "a place from 0 to 99"))?;
            Ok(Argument { position: Some(position), name: None })
        }
        _ => Err(Refusal::new("not an argument", accepted)),
    });
    let from = from.or(Vec::new());
    let examples = read::examples(table);
    let (Some(calls), Some(from)) = (calls, from.take()) else { return };
    let label = label("propagator", calls.iter());
    add(draft, of_calls(Model::Propagator(from), calls), examples, label);
}

/// `call`, which must be there.
fn calls(table: &Table<'_>) -> Option<Vec<Name>> {
    let names = read::names(table, "call", Form::Thing)?;
    if names.is_empty() {
        table.missing("call", "a list of names, such as [\"shop.db.raw\"]");
        return None;
    }
    Some(names)
}

fn position<'r>(table: &Table<'r>) -> Setting<'r, usize> {
    table
        .integer("position", 0..=99)
        .and_then(|at| usize::try_from(at).map_err(|_| Refusal::new("out of range", "a place from 0")))
}

fn of_calls(model: Model, calls: Vec<Name>) -> Modelled {
    Modelled { model, calls, attributes: Vec::new(), decorators: Vec::new() }
}

fn add<'r>(draft: &mut Draft<'r>, model: Modelled, examples: [Setting<'r, Vec<String>>; 2], name: String) {
    draft.models.push(model);
    draft.add_examples(examples, Subject::Model(draft.models.len() - 1), name);
}

/// What a model is called in a list.
fn label<'n>(what: &str, names: impl Iterator<Item = &'n Name>) -> String {
    let names: Vec<_> = names.map(ToString::to_string).collect();
    format!("{what} {}", names.join(", "))
}

fn listed(kinds: &Kinds) -> String {
    let words: Vec<_> = kinds.keys().map(|word| format!("`{word}`")).collect();
    format!("one of {}", words.join(", "))
}
