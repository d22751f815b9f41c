//! Objects of libraries that keep what is put into them: settings by section and key, texts in memory, parsers of XML.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    calls::{Arguments, Call},
    run::{Frame, Run},
    value::{Key, Object, ObjectId, Value},
};
use crate::python::fold::Constant;

/// What a file in memory is called, which no name leads to.
pub(super) const IN_MEMORY: &str = "io.StringIO()";

/// Where a text in memory is kept.
const CONTENT: &str = "content";

/// The feature that lets a parser of the standard library follow external entities, and its address.
const EXTERNAL: [&str; 4] = [
    "xml.sax.handler.feature_external_ges",
    "xml.sax.handler.feature_external_pes",
    "http://xml.org/sax/features/external-general-entities",
    "http://xml.org/sax/features/external-parameter-entities",
];

/// An object that a call makes, if it is one of these.
pub(super) fn made<'a>(
    run: &mut Run<'_, 'a>,
    frame: &mut Frame<'a>,
    call: &Call<'_, 'a>,
) -> Option<Value<'a>> {
    let name = match call.name {
        "configparser.ConfigParser" | "configparser.RawConfigParser" | "configparser.SafeConfigParser" => {
            "configparser.ConfigParser()"
        }
        "io.StringIO" | "io.BytesIO" => IN_MEMORY,
        "xml.sax.make_parser" => "xml.sax.make_parser()",
        "lxml.etree.XMLParser" => "lxml.etree.XMLParser()",
        name if is_queue(name) => return Some(run.make(frame, call.node, queue(name))),
        "asyncio.gather" => {
            return Some(run.make(frame, call.node, Object::List(call.arguments.positional.clone())));
        }
        "collections.OrderedDict" | "collections.defaultdict" | "collections.Counter" => {
            return Some(run.make(frame, call.node, Object::table()));
        }
        "collections.deque" => {
            let object = match call.arguments.positional.first() {
                Some(value) => Object::Bag(run.item(frame, call.node, value)),
                None => Object::List(Vec::new()),
            };
            return Some(run.make(frame, call.node, object));
        }
        _ => return None,
    };
    let mut fields: BTreeMap<Key, Value<'a>> = BTreeMap::new();
    for (name, value) in &call.arguments.named {
        fields.insert(Key::Text((*name).to_owned()), value.clone());
    }
    if let (true, Some(first)) = (name.starts_with("io."), call.arguments.positional.first()) {
        fields.insert(content(), first.clone());
    }
    Some(run.make(frame, call.node, Object::Made { name: name.into(), fields }))
}

/// Queues in the memory of the process: what is put in comes out.
fn is_queue(name: &str) -> bool {
    ["queue.", "asyncio.", "multiprocessing."].iter().any(|library| {
        name.strip_prefix(library).is_some_and(|class| class.ends_with("Queue") && !class.contains('.'))
    })
}

fn queue<'a>(name: &str) -> Object<'a> {
    Object::Made { name: format!("{name}()").into(), fields: BTreeMap::new() }
}

/// What a method of such an object gives.
pub(super) fn method<'a>(
    run: &mut Run<'_, 'a>,
    frame: &mut Frame<'a>,
    id: ObjectId,
    method: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let Some(Object::Made { name, fields }) = frame.state.object(id).cloned() else { return None };
    let given = &arguments.positional;
    Some(match (name.as_ref(), method) {
        ("io.StringIO()", "write" | "writelines") => {
            let before = fields.get(&content()).cloned();
            let parts: Vec<_> = before.into_iter().chain(given.first().cloned()).collect();
            let text = run.concatenated(frame, &parts);
            set(frame, id, content(), text);
            Value::default()
        }
        ("io.StringIO()", _) => {
            let text = fields.get(&content()).cloned().unwrap_or_default();
            run.read(frame, text)
        }
        (queue, "put" | "put_nowait") if queue.strip_suffix("()").is_some_and(is_queue) => {
            let item = arguments.get(0, "item")?;
            let item = fields.get(&content()).map_or_else(|| item.clone(), |before| before.join(item));
            set(frame, id, content(), item);
            Value::default()
        }
        (queue, "get" | "get_nowait") if queue.strip_suffix("()").is_some_and(is_queue) => {
            let item = fields.get(&content()).cloned().unwrap_or_default();
            run.read(frame, item)
        }
        ("configparser.ConfigParser()", "set") => {
            match (section_key(given), given.get(2)) {
                (Some(key), Some(value)) => set(frame, id, key, value.clone()),
                // Under a name that is not known it may be anywhere.
                (None, Some(value)) => frame.state.change(id, |object| {
                    if let Object::Made { fields, .. } = object {
                        fields.values_mut().for_each(|one| *one = one.join(value));
                    }
                }),
                _ => {}
            }
            Value::default()
        }
        ("configparser.ConfigParser()", "get") => {
            let found = match section_key(given) {
                Some(key) => fields.get(&key).cloned(),
                None => fields.values().cloned().reduce(|all, one| all.join(&one)),
            };
            let value = found.or_else(|| arguments.named("fallback").cloned()).unwrap_or_default();
            run.read(frame, value)
        }
        ("configparser.ConfigParser()", "getint" | "getfloat" | "getboolean") => Value::default(),
        ("xml.sax.make_parser()", "setFeature") => {
            let feature = given.first()?;
            let named = feature.external_name().or(feature.only_text())?;
            if EXTERNAL.contains(&named) {
                set(frame, id, Key::Text(named.to_owned()), given.get(1).cloned().unwrap_or_default());
            }
            Value::default()
        }
        _ => return None,
    })
}

/// Whether a parser follows external entities, if that is known.
pub(super) fn follows_entities(frame: &Frame<'_>, parser: &Value<'_>) -> Option<bool> {
    let [id] = parser.objects() else { return None };
    let Some(Object::Made { name, fields }) = frame.state.object(*id) else { return None };
    match name.as_ref() {
        "xml.sax.make_parser()" => {
            let on = |feature: &&'static str| {
                let value = fields.get(&Key::Text((**feature).to_owned()));
                value.is_some_and(|value| value.truth() != Some(false))
            };
            Some(EXTERNAL.iter().any(on))
        }
        "lxml.etree.XMLParser()" => {
            let value = fields.get(&Key::Text("resolve_entities".to_owned()))?;
            match value.only() {
                Some(Constant::Bool(value)) => Some(*value),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a value is an object of this name.
pub(super) fn is(frame: &Frame<'_>, value: &Value<'_>, wanted: &str) -> bool {
    value.objects().iter().any(
        |id| matches!(frame.state.object(*id), Some(Object::Made { name, .. }) if name.as_ref() == wanted),
    )
}

fn set<'a>(frame: &mut Frame<'a>, id: ObjectId, key: Key, value: Value<'a>) {
    frame.state.change(id, |object| {
        if let Object::Made { fields, .. } = object {
            fields.insert(key, value);
        }
    });
}

fn section_key(given: &[Value<'_>]) -> Option<Key> {
    let (section, key) = (given.first()?.only_text()?, given.get(1)?.only_text()?);
    // Keys are the same in capitals and small letters.
    Some(Key::Text(format!("{section}\0{}", key.to_lowercase())))
}

fn content() -> Key {
    Key::Text(CONTENT.to_owned())
}

/// The name that calls of an object's methods have.
pub(super) fn name_of(frame: &Frame<'_>, value: &Value<'_>) -> Option<Rc<str>> {
    value.objects().iter().find_map(|id| match frame.state.object(*id) {
        Some(Object::Made { name, .. }) => Some(Rc::clone(name)),
        _ => None,
    })
}
