//! One walk for the names of a file, one for its rules.

use tree_sitter::{Node, Tree};

use super::{
    Language,
    call::{Call, Scene},
    check::{Check, Test},
    go, javascript,
    names::{Names, Scope},
    rust, source,
};
use crate::{configuration::hits::Hit, finding::Severity, tree::Reason};

/// What was found in one tree.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) hits: Vec<Hit>,
    /// The first place that does not parse.
    pub(super) mistake: Option<Reason>,
}

/// What a node opens, closed again when the walk leaves it.
struct Open<'t> {
    scope: Scope,
    name: Option<&'t str>,
    function: bool,
    test: bool,
    /// Whether an attribute says that the next node is a test.
    test_follows: bool,
}

/// Looks at a tree with some checks.
pub(super) fn scan(tree: &Tree, text: &str, language: Language, checks: &[&Check]) -> Scanned {
    let mut names = Names::of(text, language);
    let mut opened = Vec::new();
    let mut scopes = vec![0];
    walk(tree.root_node(), |node, event| match event {
        Event::Enter => {
            let scope = scopes.last().copied().unwrap_or_default();
            let inner = if opens_scope(language, node.kind()) { names.open(scope) } else { scope };
            bind(&mut names, node, scope, inner);
            scopes.push(inner);
            opened.push(inner);
        }
        Event::Leave => drop(scopes.pop()),
    });
    look(tree, &names, &opened, checks)
}

fn look<'t>(tree: &'t Tree, names: &Names<'t>, scopes: &[Scope], checks: &[&Check]) -> Scanned {
    let mut scanned = Scanned::default();
    let mut open = vec![Open { scope: 0, name: None, function: false, test: false, test_follows: false }];
    let (mut around, mut functions): (Vec<&str>, Vec<usize>) = Default::default();
    let mut at = 0;
    let broken = tree.root_node().has_error();
    walk(tree.root_node(), |node, event| {
        let Event::Enter = event else {
            if let Some(left) = open.pop() {
                around.truncate(around.len() - usize::from(left.name.is_some()));
                functions.truncate(functions.len() - usize::from(left.function));
            }
            return;
        };
        if broken && scanned.mistake.is_none() && (node.is_error() || node.is_missing()) {
            scanned.mistake = Some(source::mistake(node, node.is_missing()));
        }
        let outer = open.last_mut().expect("the file is open until the walk ends");
        let scope = outer.scope;
        let test = outer.test || outer.test_follows && !is_attribute(node);
        outer.test_follows = is_attribute(node) && (outer.test_follows || says_test(names.text(node)))
            || node.kind().ends_with("comment") && outer.test_follows;
        let name = node.is_named().then(|| naming(names, node)).flatten();
        around.extend(name);
        let function = is_function(node.kind());
        functions.extend(function.then(|| node.start_byte()));
        if node.is_named() {
            let scene = Scene { names, scope, around: &around, functions: &functions };
            for mut hit in of_node(&scene, node, checks) {
                hit.context = around.join(".").chars().take(200).collect();
                if test {
                    hit.severity = Severity::Info;
                }
                scanned.hits.push(hit);
            }
        }
        open.push(Open { scope: scopes[at], name, function, test, test_follows: false });
        at += 1;
    });
    scanned
}

fn of_node<'t>(scene: &Scene<'_, 't>, node: Node<'t>, checks: &[&Check]) -> Vec<Hit> {
    let call = match node.kind() {
        "call_expression" => Call::of(scene.names, scene.scope, node, "function"),
        "new_expression" => Call::of(scene.names, scene.scope, node, "constructor"),
        _ => None,
    };
    let found = checks.iter().filter_map(|check| match check.test {
        Test::Call(look) => look(scene, call.as_ref()?),
        Test::Node(kinds, look) if kinds.contains(&node.kind()) => look(scene, node),
        Test::Node(..) => None,
    });
    found.collect()
}

fn bind<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope, inner: Scope) {
    match names.language {
        Language::JavaScript | Language::TypeScript | Language::TypeScriptElements => {
            javascript::bind(names, node, scope, inner)
        }
        Language::Go => go::bind(names, node, scope),
        Language::Rust => rust::bind(names, node, scope),
    }
}

fn opens_scope(language: Language, kind: &str) -> bool {
    let block = match language {
        Language::JavaScript | Language::TypeScript | Language::TypeScriptElements => matches!(
            kind,
            "statement_block"
                | "class_body"
                | "catch_clause"
                | "for_statement"
                | "for_in_statement"
                | "switch_body"
        ),
        Language::Go => matches!(
            kind,
            "block"
                | "if_statement"
                | "for_statement"
                | "expression_switch_statement"
                | "type_switch_statement"
                | "expression_case"
                | "default_case"
                | "communication_case"
                | "type_case"
        ),
        Language::Rust => matches!(
            kind,
            "block"
                | "mod_item"
                | "match_arm"
                | "for_expression"
                | "if_expression"
                | "while_expression"
                | "impl_item"
                | "trait_item"
        ),
    };
    block || is_function(kind)
}

/// Whether a node is a function, in any of the languages: each has kinds of its own.
fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "function_expression"
            | "generator_function"
            | "generator_function_declaration"
            | "arrow_function"
            | "method_definition"
            | "method_declaration"
            | "func_literal"
            | "function_item"
            | "closure_expression"
    )
}

/// The name that a node gives to what is in it.
fn naming<'t>(names: &Names<'t>, node: Node<'t>) -> Option<&'t str> {
    let field = match node.kind() {
        "function_declaration"
        | "generator_function_declaration"
        | "method_definition"
        | "class_declaration"
        | "method_declaration"
        | "function_item"
        | "mod_item"
        | "trait_item"
        | "variable_declarator"
        | "abstract_class_declaration"
        | "public_field_definition" => "name",
        "field_definition" => "property",
        "impl_item" => "type",
        "let_declaration" => "pattern",
        "pair" => "key",
        "short_var_declaration" | "assignment_expression" | "assignment_statement" => "left",
        _ => return None,
    };
    let name = node.child_by_field_name(field)?;
    // Of `a.b.token`, the last part says what it is.
    let text = names.text(name).trim_matches(['"', '\'']);
    let last = text.rsplit('.').next().unwrap_or(text);
    (last.len() <= 60 && !last.contains(['\n', '{', '('])).then_some(last)
}

fn is_attribute(node: Node<'_>) -> bool {
    node.kind() == "attribute_item"
}

/// `#[test]`, `#[cfg(test)]`, `#[tokio::test]`.
fn says_test(attribute: &str) -> bool {
    let words = attribute.split(|character: char| !character.is_alphanumeric() && character != '_');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.contains(&"test") && !words.contains(&"not")
}

/// What a walk tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Enter,
    Leave,
}

/// Every node in the order of the text, before and after its children; as deep as the tree is, on no stack.
fn walk<'t>(root: Node<'t>, mut tell: impl FnMut(Node<'t>, Event)) {
    let mut cursor = root.walk();
    loop {
        tell(cursor.node(), Event::Enter);
        if cursor.goto_first_child() {
            continue;
        }
        loop {
            tell(cursor.node(), Event::Leave);
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
