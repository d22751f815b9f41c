//! A call, seen by rules.

use tree_sitter::Node;

use super::{
    fold::{Question, Text, children},
    names::{Meaning, Names, Scope},
};
use crate::{configuration::hits::Hit, finding::Rule};

/// Arguments of one call that are looked at.
const ARGUMENTS_MAX: usize = 30;

/// Where a rule looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'n, 't> {
    pub(super) names: &'n Names<'t>,
    pub(super) scope: Scope,
    /// The names around, outermost first: of functions, and of what a value is given to.
    pub(super) around: &'n [&'t str],
    /// Where the functions around begin, outermost first.
    pub(super) functions: &'n [usize],
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Call<'t> {
    /// All of it.
    pub(super) node: Node<'t>,
    /// What is called.
    pub(super) callee: Node<'t>,
    /// Its name as one would import it; empty if it cannot be followed.
    pub(super) name: String,
    /// The last part of its name as it is written.
    pub(super) method: &'t str,
    /// What a method is called on.
    pub(super) object: Option<Node<'t>>,
    /// With what.
    pub(super) arguments: Vec<Node<'t>>,
}

// === impl Scene ===

impl<'t> Scene<'_, 't> {
    pub(super) fn text(&self, node: Node<'t>) -> Text<'t> {
        Question::to(self.names).text(node, self.scope)
    }

    pub(super) fn name(&self, node: Node<'t>) -> Option<String> {
        Question::to(self.names).name(node, self.scope)
    }

    /// The text of an argument.
    pub(super) fn argument(&self, call: &Call<'t>, at: usize) -> Option<Text<'t>> {
        call.arguments.get(at).map(|node| self.text(*node))
    }

    /// What a plain name was given, if it was given one thing; else the expression itself.
    pub(super) fn given(&self, node: Node<'t>) -> Node<'t> {
        match self.names.meaning(self.scope, self.written(node)) {
            Some(Meaning::Value(value, _)) => *value,
            _ => node,
        }
    }

    pub(super) fn written(&self, node: Node<'_>) -> &'t str {
        self.names.text(node)
    }
}

// === impl Call ===

impl<'t> Call<'t> {
    /// The call that a node is. `function` and `arguments` are the names of its fields.
    pub(super) fn of(names: &Names<'t>, scope: Scope, node: Node<'t>, function: &str) -> Option<Self> {
        let callee = node.child_by_field_name(function)?;
        let list = node.child_by_field_name("arguments");
        // `new X` has none; a tagged template has its text in this place.
        let arguments = match list {
            Some(list) if list.kind() != "template_string" => children(list, ARGUMENTS_MAX),
            Some(_) => return None,
            None => Vec::new(),
        };
        let name = Question::to(names).name(callee, scope).unwrap_or_default();
        let field = |of: &[&str]| of.iter().find_map(|field| callee.child_by_field_name(field));
        let last = field(&["property", "field", "name"]).unwrap_or(callee);
        let object = field(&["object", "operand", "value"]);
        Some(Self { node, callee, name, method: names.text(last), object, arguments })
    }

    /// A hit at the call, about its name.
    pub(super) fn hit(&self, rule: &'static Rule) -> Hit {
        let name = if self.name.is_empty() { self.method } else { &self.name };
        Hit::of(rule, self.node.byte_range(), name)
    }
}
