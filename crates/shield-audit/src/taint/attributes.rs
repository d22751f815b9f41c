//! Attributes: of modules, of objects of libraries, of classes of the project.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    calls::Arguments,
    expressions::literal,
    marks::{Marks, Role},
    run::{Frame, Run},
    sources,
    value::{Body, Callable, Key, Object, ObjectId, Shape, Value},
};
use crate::python::names::{Bound, ScopeId, ScopeKind};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What `a.b` is, with what others left there.
    pub(super) fn attribute_read(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        attribute: &'a ast::ExprAttribute,
    ) -> Value<'a> {
        if let Some(value) = self.data_of_field(frame, node, attribute) {
            return value;
        }
        let object = self.expr(frame, &attribute.value);
        let name = attribute.attr.as_str();
        let keepers = self.keepers_of(&object, name, true);
        if keepers.is_empty() {
            return self.attribute(frame, node, &object, name);
        }
        let own = self.source_text(frame.file, attribute.range);
        if let Some(value) = frame.state.variables.get(own).cloned() {
            return self.read(frame, value);
        }
        let value = self.attribute(frame, node, &object, name);
        let value = self.found(frame, node, keepers, value);
        self.read(frame, value)
    }

    /// What `a.b` is.
    pub(super) fn attribute(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        name: &'a str,
    ) -> Value<'a> {
        if let Some(value) = self.validated(frame, node, object, name) {
            return value;
        }
        match &object.shape {
            Shape::Module(module) => self.member(module, name),
            Shape::External(whole) if &**whole == "builtins.super()" => {
                self.of_super(frame, name).unwrap_or_else(|| Value::external(format!("{whole}.{name}")))
            }
            Shape::External(whole) => self.external_attribute(frame, node, whole, name, &object.marks),
            Shape::Class(file, class) => self.class_attribute(*file, class, name, None).unwrap_or_default(),
            Shape::Of(file, class) => self.field_of(frame, node, object, (*file, class), name),
            Shape::Objects(ids) => {
                let parts: Vec<_> = ids.iter().map(|id| self.field(frame, node, object, *id, name)).collect();
                let joined = parts.into_iter().reduce(|all, one| all.join(&one)).unwrap_or_default();
                self.read(frame, joined)
            }
            _ => Value::unknown(self.derived(frame, node, &object.marks, Role::Part)),
        }
    }

    /// What a class above the one whose method this is has under a name.
    fn of_super(&mut self, frame: &mut Frame<'a>, name: &'a str) -> Option<Value<'a>> {
        let names = self.project.file(frame.file).module.names;
        let (scope, first) = names.method(frame.scope)?;
        let ScopeKind::Class(class) = names.scope(scope).kind else { return None };
        let receiver = frame.state.variables.get(first).cloned();
        for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
            let mut around = Frame::new(frame.file, ScopeId::MODULE, 0);
            if let Shape::Class(file, above) = self.expr(&mut around, base).shape
                && let Some(value) = self.class_attribute(file, above, name, receiver.as_ref())
            {
                return Some(value);
            }
        }
        None
    }

    /// What a class of a library gives to those that are derived from it.
    fn given_by_base(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        class: (u32, &'a ast::StmtClassDef),
        name: &str,
    ) -> Option<Value<'a>> {
        let base = self.library_base(class.0, class.1)?;
        Some(self.external_attribute(frame, node, &format!("{base}()"), name, &Marks::default()))
    }

    fn external_attribute(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &str,
        name: &str,
        marks: &Marks,
    ) -> Value<'a> {
        let whole = format!("{object}.{name}");
        let mut marks = marks.clone();
        if let Some(source) = sources::of(&whole)
            && !(source.of_path && frame.fixed_path)
        {
            let mark = self.source(frame, node);
            marks = marks.join(&Marks::one(mark).clear(source.cleared));
        } else if !marks.is_empty() {
            let host = object.starts_with("urllib.parse.url") && matches!(name, "netloc" | "hostname");
            let kept = sources::names_a_file(&whole);
            let role = if host { Role::Host } else { Role::Part };
            marks = self.derived(frame, node, &marks, role).clear(kept);
        }
        Value::external(whole).with(marks)
    }

    /// What an attribute of one object is.
    pub(super) fn field(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        id: ObjectId,
        name: &'a str,
    ) -> Value<'a> {
        match frame.state.object(id) {
            Some(Object::Instance { file, class, fields }) => {
                if let Some(value) = fields.get(name) {
                    return value.clone();
                }
                let (file, class) = (*file, class.0);
                let own = Value::object(id).with(object.marks.clone());
                self.field_of(frame, node, &own, (file, class), name)
            }
            Some(Object::Made { fields, .. }) => {
                fields.get(&Key::Text(name.to_owned())).cloned().unwrap_or_default()
            }
            _ => Value::unknown(self.derived(frame, node, &object.marks, Role::Part)),
        }
    }

    /// What an object has that its class says something of.
    fn field_of(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        object: &Value<'a>,
        class: (u32, &'a ast::StmtClassDef),
        name: &'a str,
    ) -> Value<'a> {
        let (file, class) = class;
        match self.class_attribute(file, class, name, Some(object)) {
            Some(value) if matches!(value.shape, Shape::Function(_) | Shape::Class(..)) => {
                self.property(frame, node, value)
            }
            Some(value) if object.marks.is_empty() && !matches!(value.shape, Shape::Unknown) => value,
            // What a stranger sends fills the fields that the class declares.
            _ if !object.marks.is_empty() => {
                let marks = self.derived(frame, node, &object.marks, Role::Part);
                self.declared(file, class, name, marks)
            }
            _ => match self.set_by_methods(file, class, name, 0) {
                Value { shape: Shape::Unknown, .. } => self
                    .given_by_django(frame, node, (file, class), name)
                    .or_else(|| self.given_by_base(frame, node, (file, class), name))
                    .unwrap_or_default(),
                value => value,
            },
        }
    }

    /// A function that looks like an attribute is called at once.
    fn property(&mut self, frame: &mut Frame<'a>, node: &'a Expr, value: Value<'a>) -> Value<'a> {
        if let Shape::Function(callable) = &value.shape
            && let Body::Def(def) = callable.body
            && def.decorator_list.iter().any(|decorator| {
                decorator
                    .expression
                    .as_name_expr()
                    .is_some_and(|name| matches!(name.id.as_str(), "property" | "cached_property"))
            })
        {
            let callable = Rc::clone(callable);
            return self.call_function(frame, node.range(), &callable, Arguments::default());
        }
        value
    }

    /// What a class or one of its bases has under a name; functions bound to the receiver.
    pub(super) fn class_attribute(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        receiver: Option<&Value<'a>>,
    ) -> Option<Value<'a>> {
        let (file, binding) = self.class_member(file, class, name, 0)?;
        match binding.bound {
            Bound::Function(node) => {
                let unbound = node.decorator_list.iter().any(|decorator| {
                    decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "staticmethod")
                });
                let receiver = match receiver {
                    _ if unbound => None,
                    Some(receiver) => Some(receiver.clone()),
                    None if is_class_method(node) => Some(Shape::Class(file, class).into()),
                    None => None,
                };
                let bare = node.decorator_list.is_empty();
                let callable = Callable { file, body: Body::Def(node), receiver, closure: None, bare };
                Some(Shape::Function(Rc::new(callable)).into())
            }
            Bound::Class(node) => Some(Shape::Class(file, node).into()),
            Bound::Value(expr) => Some(literal(expr).map_or_else(Value::default, Value::constant)),
            _ => Some(Value::default()),
        }
    }
}

fn is_class_method(node: &ast::StmtFunctionDef) -> bool {
    node.decorator_list.iter().any(|decorator| {
        decorator.expression.as_name_expr().is_some_and(|name| name.id.as_str() == "classmethod")
    })
}
