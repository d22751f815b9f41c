//! XML parsers of the standard library: entities that grow, files that are read, addresses that are asked.

use super::{Call, Check, Class, Hit, Scene, Test, Words};
use crate::finding::{Confidence, Cwe, Rule, Severity};

const TITLE: &str = "a parser that follows what a document tells it";

/// Parsing with one of the standard library's modules.
const fn parser(
    id: &'static str,
    aliases: &'static [&'static str],
    words: &'static [&'static str],
    names: &'static [&'static str],
) -> Check {
    check(id, Severity::Medium, aliases, words, Test::Names(names))
}

/// Importing one of them.
const fn import(
    id: &'static str,
    aliases: &'static [&'static str],
    modules: &'static [&'static str],
    words: &'static [&'static str],
) -> Check {
    check(id, Severity::Low, aliases, words, Test::Imports(modules))
}

const fn check(
    id: &'static str,
    severity: Severity,
    aliases: &'static [&'static str],
    words: &'static [&'static str],
    test: Test,
) -> Check {
    let advice = "Use `defusedxml`, which has the same functions.";
    let rule = Rule { id, title: TITLE, cwe: Cwe(611), severity, aliases, advice };
    Check { rule, confidence: Confidence::High, class: Class::Xml, words: Words::Names(words), test }
}

pub(super) static CHECKS: &[Check] = &[
    parser(
        "python/xml-c-element-tree",
        &["B313", "S313"],
        &["cElementTree"],
        &[
            "xml.etree.cElementTree.parse",
            "xml.etree.cElementTree.iterparse",
            "xml.etree.cElementTree.fromstring",
            "xml.etree.cElementTree.XMLParser",
        ],
    ),
    parser(
        "python/xml-element-tree",
        &["B314", "S314"],
        &["ElementTree"],
        &[
            "xml.etree.ElementTree.parse",
            "xml.etree.ElementTree.iterparse",
            "xml.etree.ElementTree.fromstring",
            "xml.etree.ElementTree.XMLParser",
        ],
    ),
    parser(
        "python/xml-expat-reader",
        &["B315", "S315"],
        &["expatreader"],
        &["xml.sax.expatreader.create_parser"],
    ),
    parser(
        "python/xml-expat-builder",
        &["B316", "S316"],
        &["expatbuilder"],
        &["xml.dom.expatbuilder.parse", "xml.dom.expatbuilder.parseString"],
    ),
    parser(
        "python/xml-sax",
        &["B317", "S317"],
        &["sax"],
        &["xml.sax.parse", "xml.sax.parseString", "xml.sax.make_parser"],
    ),
    parser(
        "python/xml-minidom",
        &["B318", "S318"],
        &["minidom"],
        &["xml.dom.minidom.parse", "xml.dom.minidom.parseString"],
    ),
    parser(
        "python/xml-pulldom",
        &["B319", "S319"],
        &["pulldom"],
        &["xml.dom.pulldom.parse", "xml.dom.pulldom.parseString"],
    ),
    parser(
        "python/lxml",
        &["B320", "S320"],
        &["lxml"],
        &[
            "lxml.etree.parse",
            "lxml.etree.fromstring",
            "lxml.etree.XML",
            "lxml.objectify.fromstring",
            "lxml.objectify.parse",
            "lxml.objectify.XML",
            "lxml.etree.RestrictedElement",
            "lxml.etree.GlobalParserTLS",
            "lxml.etree.getDefaultParser",
            "lxml.etree.check_docinfo",
        ],
    ),
    Check {
        rule: Rule {
            id: "python/lxml-entities",
            title: TITLE,
            cwe: Cwe(611),
            severity: Severity::Medium,
            aliases: &["py/xxe"],
            advice: "Leave `resolve_entities` off: documents of others read files and grow.",
        },
        confidence: Confidence::High,
        class: Class::Xml,
        words: Words::Arguments(&["resolve_entities"]),
        test: Test::Call(resolves_entities),
    },
    import(
        "python/xml-element-tree-import",
        &["B405", "S405"],
        &["xml.etree.cElementTree", "xml.etree.ElementTree"],
        &["cElementTree", "ElementTree"],
    ),
    import("python/xml-sax-import", &["B406", "S406"], &["xml.sax"], &["sax"]),
    import("python/xml-expat-import", &["B407", "S407"], &["xml.dom.expatbuilder"], &["expatbuilder"]),
    import("python/xml-minidom-import", &["B408", "S408"], &["xml.dom.minidom"], &["minidom"]),
    import("python/xml-pulldom-import", &["B409", "S409"], &["xml.dom.pulldom"], &["pulldom"]),
    import("python/lxml-import", &["B410", "S410"], &["lxml"], &["lxml"]),
    import("python/xmlrpc-import", &["B411", "S411"], &["xmlrpc"], &["xmlrpc"]),
];

fn resolves_entities(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let parser =
        matches!(call.name, "lxml.etree.XMLParser" | "lxml.etree.ETCompatXMLParser" | "lxml.etree.iterparse");
    let on = scene.given(call, "resolve_entities").filter(|value| parser && scene.is_bool(value, true));
    on.map(|_| call.hit("a document says which files it puts into itself"))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn other_ways_into_lxml_are_found() {
        for (text, id) in [
            ("from lxml import objectify\nobjectify.fromstring(x)", "python/lxml"),
            ("from lxml import etree\netree.iterparse(x, resolve_entities=True)", "python/lxml-entities"),
        ] {
            let report = Audit::default().text("a.py", text, Parse::WhereWordsOccur);
            assert!(report.findings.iter().any(|one| one.rule.id == id), "{text}");
        }
    }

    #[test]
    fn parsers_that_resolve_entities_are_found() {
        for (arguments, found) in
            [("resolve_entities=True", true), ("resolve_entities=False", false), ("", false)]
        {
            let text = format!("from lxml import etree\np = etree.XMLParser({arguments})");
            let report = Audit::default().text("a.py", &text, Parse::WhereWordsOccur);
            let mut ids = report.findings.iter().map(|one| one.rule.id);
            assert_eq!(ids.any(|id| id == "python/lxml-entities"), found, "{arguments}");
        }
    }
}
