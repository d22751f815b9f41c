//! Getters against values of every kind.

use std::{net::SocketAddr, time::Duration};

use proptest::prelude::*;
use serde_json::Value;

use super::{Mistakes, Ratio, Reader, Refusal, Setting, Table, duration_text};

/// What a getter delivers for `text`, or what is printed.
fn read<T>(text: &str, get: impl Fn(&Table<'_>) -> Option<T>) -> Result<Option<T>, String> {
    let reader = Reader::new(text, "f");
    let value = get(&reader.root());
    reader.finish().map(|()| value).map_err(|mistakes| mistakes.to_string())
}

fn problem<T>(text: &str, get: impl Fn(&Table<'_>) -> Option<T>) -> String {
    let printed = read(text, get).err().unwrap_or_else(|| panic!("{text} was accepted"));
    printed.lines().next().unwrap().to_owned()
}

#[test]
fn getters_deliver_what_was_written() {
    assert_eq!(read("k = 'é'", |table| table.string("k", 9, "a text").take()), Ok(Some("é".to_owned())));
    assert_eq!(read("k = true", |table| table.boolean("k").take()), Ok(Some(true)));
    assert_eq!(read("k = -0", |table| table.integer("k", -1..=1).take()), Ok(Some(0)));
    assert_eq!(read("k = 0xff_ff", |table| table.integer("k", 0..=65_535).take()), Ok(Some(65_535)));
    let minute = Duration::from_secs(60);
    assert_eq!(read("k = '1m'", |table| table.duration("k", minute..=minute).take()), Ok(Some(minute)));
    let ratio = Ratio::from_millionths(5);
    assert_eq!(read("k = '0.0005%'", |table| table.ratio("k", ratio..=ratio).take()), Ok(Some(ratio)));
    assert_eq!(read("k = '2KiB'", |table| table.size("k", 0..=4096).take()), Ok(Some(2048)));
    let address: SocketAddr = "[::1]:80".parse().unwrap();
    assert_eq!(read("k = '[::1]:80'", |table| table.socket_address("k").take()), Ok(Some(address)));
    assert_eq!(read("k = 'b'", |table| table.enumeration("k", &[("a", 1), ("b", 2)]).take()), Ok(Some(2)));
    assert_eq!(read("k = ['a']", |table| table.list_of("k", Ok).take()), Ok(Some(vec!["a".to_owned()])));
    let map = read("[k]\na.b = 1", |table| table.map_of("k", |_, text| Ok(text)).take());
    assert_eq!(map.unwrap_err(), "f:2: k.a: a table, not a text\n    expected: a text in quotes");
}

#[test]
fn hidden_values_are_not_shown() {
    let told = |text: &str| {
        problem(text, |table| {
            let key = table.string("k", 99, "a text").hidden_if(|text| text.contains('@'));
            key.and_then(|_| Err::<(), _>(Refusal::new("odd", "even"))).take()
        })
    };
    assert_eq!(told("k = 'secret@host'"), "f:1: k: odd");
    assert_eq!(told("k = 'host'"), "f:1: k = 'host': odd");
}

#[test]
fn every_getter_refuses_every_other_kind() {
    let values = ["'text'", "7", "7.5", "true", "1979-05-27", "[1]", "{ a = 1 }", "[[1]]", "nan", "07:32:00"];
    let refused = |get: &dyn Fn(&Table<'_>) -> bool| {
        values.iter().filter(|value| !get(&Reader::new(&format!("k = {value}"), "f").root())).count()
    };
    let second = Duration::from_secs(1);
    assert_eq!(refused(&|table| table.string("k", 9, "a text").value().is_some()), 9);
    assert_eq!(refused(&|table| table.boolean("k").value().is_some()), 9);
    assert_eq!(refused(&|table| table.integer("k", 0..=9).value().is_some()), 9);
    assert_eq!(refused(&|table| table.duration("k", second..=second).value().is_some()), 10);
    assert_eq!(refused(&|table| table.ratio("k", Ratio::ONE..=Ratio::ONE).value().is_some()), 10);
    assert_eq!(refused(&|table| table.size("k", 0..=9).value().is_some()), 10);
    assert_eq!(refused(&|table| table.socket_address("k").value().is_some()), 10);
    assert_eq!(refused(&|table| table.list_of("k", Ok).value().is_some()), 10);
    assert_eq!(refused(&|table| table.map_of("k", |_, text| Ok(text)).value().is_some()), 10);
    assert_eq!(refused(&|table| table.table("k").present()), 9);
    assert_eq!(refused(&|table| table.tables("k").len() == 1), 10);
}

#[test]
fn free_getters_hand_out_json() {
    let number = |table: &Table<'_>| table.number("k", 0.0..=10.0).take();
    assert_eq!(read("k = 7", number), Ok(Some(7.0)));
    assert_eq!(read("k = 1_0.0", number), Ok(Some(10.0)));
    assert_eq!(problem("k = nan", number), "f:1: k = nan: out of range");
    assert_eq!(problem("k = 1e400", number), "f:1: k = 1e400: out of range");
    assert_eq!(problem("k = '7'", number), "f:1: k = '7': a text, not a number");
    let json = |table: &Table<'_>| table.json("k", "anything", |value| Ok(value.to_string())).take();
    let written = "k = { b = [1, 2.5, 'x'], a.c = true }";
    assert_eq!(read(written, json), Ok(Some(r#"{"a":{"c":true},"b":[1,2.5,"x"]}"#.to_owned())));
    for (value, why) in
        [("07:32:00", "JSON does not have"), ("[inf]", "out of range"), (r#""\u0000""#, "NUL")]
    {
        assert!(problem(&format!("k = {value}"), json).contains(why), "{value}");
    }
}

#[test]
fn each_free_element_is_judged() {
    let even = |value: Value| match value.as_i64() {
        Some(number) if number % 2 == 0 => Ok(number),
        _ => Err(Refusal::new("odd", "")),
    };
    let list = |table: &Table<'_>| table.json_list("k", 3, "a list", even).take();
    assert_eq!(read("k = [2, 4]", list), Ok(Some(vec![2, 4])));
    assert_eq!(read("k = [1, 2,\n3]", list).unwrap_err(), "f:1: k = 1: odd\nf:2: k = 3: odd");
    assert!(problem("k = [2, 2, 2, 2]", list).ends_with("4 elements, more than 3"));
    let map = |table: &Table<'_>| table.json_map("k", 1, "a table", |_, value| even(value)).take();
    assert_eq!(read("[k]\na = 2", map).unwrap().unwrap()["a"], 2);
    assert_eq!(problem("[k]\na = 'x'", map), "f:2: k.a = 'x': odd");
    assert!(problem("k = { a = 2, b = 2 }", map).ends_with("2 entries, more than 1"));
}

#[test]
fn tables_are_mistaken_as_a_whole() {
    let judged = |text: &str| {
        problem(text, |table| {
            table.table("t").missing("a", "`a` or `b`");
            Some(())
        })
    };
    assert_eq!(judged("\n[t]\n"), "f:2: t.a: missing");
    // Where a line cannot be read, nothing is missed.
    assert!(!judged("[t]\na = /x\n").contains("missing"));
    let whole = |table: &Table<'_>| {
        table.table("t").mistaken(Refusal::new("too many", ""));
        Some(())
    };
    assert_eq!(problem("\n[t]\n", whole), "f:2: t: too many");
}

#[test]
fn positions_count_characters() {
    let mistakes = {
        let reader = Reader::new("[t]\r\n\"é\" = 1\n  k = { 'ä' = 'é', b = 2 }", "f");
        let table = reader.root().table("t");
        drop(table.map_of("k", |_, text| Ok(text)));
        reader.finish().unwrap_err()
    };
    let places: Vec<(usize, usize, &str)> =
        mistakes.list().iter().map(|mistake| (mistake.line, mistake.column, mistake.key.as_str())).collect();
    assert_eq!(places, [(2, 1, "t.é"), (3, 24, "t.k.b")]);
}

#[test]
fn chained_steps_give_one_mistake() {
    let steps = |setting: Setting<'_, i64>| {
        setting.and_then(|_| Err::<i64, _>(Refusal::new("odd", ""))).required().or(8).optional().take()
    };
    assert_eq!(problem("k = 7", |table| steps(table.integer("k", 0..=9))), "f:1: k = 7: odd");
    assert_eq!(read("", |table| table.integer("k", 0..=9).optional().take()), Ok(Some(None)));
    assert_eq!(read("", |table| table.integer("k", 0..=9).or(3).take()), Ok(Some(3)));
    assert_eq!(problem("", |table| table.integer("k", 0..=9).required().take()), "f:1: k: missing");
}

#[test]
fn wrong_table_silences_its_keys() {
    let get = |table: &Table<'_>| table.table("t").table("u").integer("k", 0..=9).required().take();
    assert_eq!(
        read("t = 1", get),
        Err("f:1: t = 1: not a table\n    expected: a table, written as [t]".to_owned())
    );
}

#[test]
fn bounds_lists_and_maps() {
    let list = format!("k = [{}]", "'a',".repeat(257));
    assert!(problem(&list, |table| table.list_of("k", Ok).take()).ends_with("257 elements"));
    let map: String = (0..257).map(|number| format!("k.a{number} = ''\n")).collect();
    assert!(problem(&map, |table| table.map_of("k", |_, text| Ok(text)).take()).ends_with("257 entries"));
}

#[test]
fn durations_are_serialised_as_text() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Wait(#[serde(with = "duration_text")] Duration);
    let json = serde_json::to_string(&Wait(Duration::from_millis(1_500))).unwrap();
    assert_eq!(json, "\"1500ms\"");
    assert_eq!(serde_json::from_str::<Wait>(&json).unwrap().0, Duration::from_millis(1_500));
    assert!(serde_json::from_str::<Wait>("\"1.5s\"").is_err());
}

/// Asks for everything in a small schema.
fn judge(text: &str) -> Result<(), Mistakes> {
    let reader = Reader::new(text, "f");
    let root = reader.root();
    drop(root.integer("a", 0..=9).required());
    drop(root.table("b").string("c", 9, "a text").required());
    for table in root.table("b").tables("d") {
        drop(table.map_of("e", |_, text| Ok(text)));
        drop(table.list_of("f", Ok));
    }
    root.refuse("g", "gone", "");
    reader.finish()
}

proptest! {
    #[test]
    fn any_document_is_judged(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\"", "'", "\"\"\"", "'''", "\n", "\r", "#", " ", "\\u",
                "a", "b", "c", "d", "e", "f", "g", "[b]\n", "[[b.d]]\n", "a = 1\n", "b.c = 'x'\n", "1", "1e9", "é", "\u{1}",
            ]),
            0..80,
        ),
    ) {
        let _ = judge(&tokens.concat());
    }

    #[test]
    fn accepts_exactly_the_schema(number in 0..20_i64, text in "[a-z]{0,12}", extra in prop::option::of("[h-z]{1,5}")) {
        let extra_line = extra.as_ref().map(|key| format!("{key} = 1\n")).unwrap_or_default();
        let document = format!("{extra_line}a = {number}\n[b]\nc = '{text}'\n");
        let mistakes = judge(&document).err().map_or(0, |mistakes| mistakes.list().len());
        let expected = usize::from(number > 9) + usize::from(text.is_empty() || text.len() > 9) + usize::from(extra.is_some());
        prop_assert_eq!(mistakes, expected);
    }
}
