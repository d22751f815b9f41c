//! What a stranger sent, as forms and serializers hand it out once they have looked at it.
//!
//! A field of numbers, dates or choices lets no text through; a field of characters lets any, so that what comes out of it is as dangerous as it was,
//! and a little less sure: validators may stand in the way.

use std::collections::BTreeMap;

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{
    importers::Frameworks,
    kinds::Kinds,
    marks::Marks,
    run::{Frame, Run},
    value::{Key, Object, Shape, Value},
};
use crate::python::names::{At, Bound, ScopeId};

/// Where forms of Django and serializers of its REST framework keep what is valid.
const VALIDATED: [&str; 2] = ["cleaned_data", "validated_data"];

/// Beginnings of the names of fields that let no text of a stranger's choice through.
const CHECKED: [&str; 15] = [
    "Boolean",
    "Choice",
    "Date",
    "Decimal",
    "Duration",
    "Float",
    "IPAddress",
    "Integer",
    "ModelChoice",
    "NullBoolean",
    "PrimaryKeyRelated",
    "Select",
    "Time",
    "TypedChoice",
    "UUID",
];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a form of Django has under one of these names.
    pub(super) fn validated(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &'a str,
    ) -> Option<Value<'a>> {
        let django = self.project.file(frame.file).frameworks.has(Frameworks::DJANGO);
        if !django || !VALIDATED.contains(&name) {
            return None;
        }
        let class = self.class_of(frame, object);
        if class.is_some_and(|(file, class)| self.class_member(file, class, name, 0).is_some()) {
            return None;
        }
        let sent = Value::unknown(Marks::one(self.source(frame, node)).clear(Kinds::DOUBT));
        let Some((file, class)) = class else { return Some(sent) };
        let fields = class.body.iter().filter_map(|stmt| {
            let (name, call) = field(stmt)?;
            let kind = call.func.as_attribute_expr().map(|kind| kind.attr.as_str());
            let kind = kind.or(call.func.as_name_expr().map(|kind| kind.id.as_str()))?;
            Some((Key::Text(name.to_owned()), if is_checked(kind) { Value::default() } else { sent.clone() }))
        });
        let known: BTreeMap<_, _> = fields.collect();
        // What a model or another form declares is not seen here.
        if known.is_empty() || self.declares_elsewhere(file, class) {
            return Some(sent);
        }
        Some(self.make(frame, node.range(), Object::Table { known, rest: None }))
    }

    fn declares_elsewhere(&mut self, file: u32, class: &'a ast::StmtClassDef) -> bool {
        let of_model = class
            .body
            .iter()
            .any(|stmt| matches!(stmt, Stmt::ClassDef(inner) if inner.name.as_str() == "Meta"));
        let mut bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        of_model
            || bases.any(|base| {
                let mut frame = Frame::new(file, ScopeId::MODULE, 0);
                matches!(self.expr(&mut frame, base).shape, Shape::Class(..))
            })
    }

    /// `form.name.data` of a form of WTForms.
    pub(super) fn data_of_field(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        attribute: &'a ast::ExprAttribute,
    ) -> Option<Value<'a>> {
        let field = attribute.value.as_attribute_expr().filter(|_| attribute.attr.as_str() == "data")?;
        let form = self.quietly(frame, &field.value);
        let (file, class) = self.class_of(frame, &form)?;
        let (file, binding) = self.class_member(file, class, field.attr.as_str(), 0)?;
        let Bound::Value(Expr::Call(call)) = binding.bound else { return None };
        let at = At { scope: ScopeId::MODULE, position: call.start() };
        let kind = self.meant(file, &call.func, at).external_name()?.to_owned();
        let (library, kind) = kind.rsplit_once('.')?;
        if !library.starts_with("wtforms") && !library.starts_with("flask_wtf") || !kind.ends_with("Field") {
            return None;
        }
        if is_checked(kind) {
            return Some(Value::default());
        }
        Some(Value::unknown(Marks::one(self.source(frame, node)).clear(Kinds::DOUBT)))
    }

    /// The class of the project that an object is of.
    fn class_of(&self, frame: &Frame<'a>, object: &Value<'a>) -> Option<(u32, &'a ast::StmtClassDef)> {
        match &object.shape {
            Shape::Of(file, class) => Some((*file, class)),
            Shape::Objects(ids) => ids.iter().find_map(|id| match frame.state.object(*id) {
                Some(Object::Instance { file, class, .. }) => Some((*file, class.0)),
                _ => None,
            }),
            _ => None,
        }
    }
}

/// A field that a class declares: its name, and what makes it.
fn field(stmt: &Stmt) -> Option<(&str, &ast::ExprCall)> {
    let Stmt::Assign(assign) = stmt else { return None };
    let [Expr::Name(name)] = assign.targets.as_slice() else { return None };
    Some((name.id.as_str(), assign.value.as_call_expr()?))
}

fn is_checked(kind: &str) -> bool {
    kind.ends_with("Field") && CHECKED.iter().any(|checked| kind.starts_with(checked))
}

/// Whether a decorator hands a view what a stranger sent, parsed: of webargs, flask-smorest, APIFlask.
pub(super) fn hands_parsed(decorator: &Expr) -> bool {
    let Expr::Call(call) = decorator else { return false };
    match call.func.as_ref() {
        Expr::Name(name) => matches!(name.id.as_str(), "use_args" | "use_kwargs"),
        Expr::Attribute(attribute) => {
            matches!(attribute.attr.as_str(), "use_args" | "use_kwargs" | "arguments" | "input")
        }
        _ => false,
    }
}
