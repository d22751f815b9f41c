//! Lists of texts: conditions, columns and placeholders, which programs join to a statement.
//!
//! A list is known if all that it is made with is, and all that is put into it: then what it is joined to was written by whoever wrote
//! the program. What a function quotes for a database, and placeholders, are as good as known.

use tree_sitter::Node;

use super::{
    Language,
    fold::{Part, Question, Text, children},
    names::{Meaning, Scope},
    secret::is_harmless_part,
};

/// Elements of one literal that are looked at.
const ELEMENTS_MAX: usize = 200;

/// Stands for the elements of a list that is known.
const ELEMENTS: &str = "?";

impl<'t> Question<'_, 't> {
    /// The text that a list is joined to, if the list is known.
    pub(super) fn joined(&mut self, list: Node<'t>, scope: Scope) -> Option<Text<'t>> {
        self.is_known_list(list, scope).then(|| Text::known(ELEMENTS))
    }

    fn is_known_list(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let known = self.within(|question| {
            Some(match node.kind() {
                "identifier" => question.is_known_name(node, scope),
                "array" => question.are_known(&children(node, ELEMENTS_MAX), scope),
                "composite_literal" => question.is_known_literal(node, scope),
                "call_expression" if question.names.language == Language::Go => question.appends(node, scope),
                "call_expression" => question.makes(node, scope),
                "new_expression" => question.names.text(node).starts_with("new Array("),
                "parenthesized_expression" => question.is_known_list(node.named_child(0)?, scope),
                _ => false,
            })
        });
        known.unwrap_or_default()
    }

    fn are_known(&mut self, elements: &[Node<'t>], scope: Scope) -> bool {
        elements.len() < ELEMENTS_MAX && elements.iter().all(|element| self.is_known_element(*element, scope))
    }

    fn is_known_element(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let names = self.names;
        let text = self.text(node, scope);
        let named = text.0.iter().all(|part| !matches!(part, Part::Unknown(None)));
        named && text.unknowns().all(|part| is_harmless_part(names.text(part)))
    }

    /// A name, by all that it is given and all that is put into it. Within itself (`a = append(a, x)`) it adds nothing.
    fn is_known_name(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let names = self.names;
        let name = names.text(node);
        if self.lists.contains(&name) {
            return true;
        }
        let given: &[(Node<'t>, Scope)] = match names.meaning(scope, name) {
            Some(Meaning::Value(value, at)) => &[(*value, *at)],
            Some(Meaning::Either(values)) => values,
            Some(Meaning::Nothing) => &[],
            _ => return false,
        };
        let Some(put) = names.elements(scope, name) else { return false };
        self.lists.push(name);
        let known = given.iter().all(|(value, at)| self.is_known_list(*value, *at))
            && put.iter().all(|(element, at)| self.is_known_element(*element, *at));
        self.lists.pop();
        known
    }

    /// `[]string{"a", "b"}`.
    fn is_known_literal(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let Some(body) = node.child_by_field_name("body") else { return false };
        let elements = children(body, ELEMENTS_MAX);
        let values: Vec<_> = elements
            .iter()
            .map(|element| match element.kind() {
                "literal_element" => element.named_child(0).unwrap_or(*element),
                _ => *element,
            })
            .collect();
        self.are_known(&values, scope)
    }

    /// Go: `make([]string, n)`, `append(list, "id = ?")`.
    fn appends(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let names = self.names;
        let function = node.child_by_field_name("function").map_or("", |function| names.text(function));
        let arguments = node.child_by_field_name("arguments").map(|list| children(list, ELEMENTS_MAX));
        match (function, arguments.as_deref()) {
            ("make", _) => true,
            ("append", Some([list, added @ ..])) => {
                self.is_known_list(*list, scope)
                    && added.iter().all(|one| match one.kind() {
                        "variadic_argument" => {
                            one.named_child(0).is_some_and(|list| self.is_known_list(list, scope))
                        }
                        _ => self.is_known_element(*one, scope),
                    })
            }
            _ => false,
        }
    }

    /// JavaScript: `ids.map(() => '?')`, `Array(n).fill('?')`, `where.filter(Boolean)`.
    fn makes(&mut self, node: Node<'t>, scope: Scope) -> bool {
        let names = self.names;
        let Some(callee) = node.child_by_field_name("function") else { return false };
        let arguments = node.child_by_field_name("arguments").map(|list| children(list, ELEMENTS_MAX));
        let first = arguments.and_then(|arguments| arguments.first().copied());
        let (object, method) = (callee.child_by_field_name("object"), callee.child_by_field_name("property"));
        match (method.map(|method| names.text(method)), object, first) {
            (Some("map"), _, Some(function)) => function
                .child_by_field_name("body")
                .filter(|body| !matches!(body.kind(), "identifier" | "statement_block"))
                .is_some_and(|body| self.is_known_element(body, scope)),
            (Some("fill"), _, Some(filler)) => self.is_known_element(filler, scope),
            (Some("filter" | "slice" | "sort" | "reverse"), Some(list), _) => self.is_known_list(list, scope),
            _ => false,
        }
    }
}
