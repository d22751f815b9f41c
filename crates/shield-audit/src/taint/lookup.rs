//! What names mean: of variables, at the top of files, in modules.

use std::rc::Rc;

use ruff_python_ast::Expr;

use super::{
    project::Meaning,
    run::{Frame, NO_CALLS, Run},
    value::{Object, ObjectId, Shape, Value},
};
use crate::python::names::{Binding, Bound, Lookup, ScopeId};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// The value of a name.
    pub(super) fn name(&mut self, frame: &mut Frame<'a>, name: &'a str, node: &'a Expr) -> Value<'a> {
        if let Some(value) = frame.state.variables.get(name) {
            let value = value.clone();
            return self.read(frame, value);
        }
        let names = self.project.file(frame.file).module.names;
        match names.lookup(name, frame.at(node)) {
            Lookup::Bound(binding) => {
                if binding.at.scope == ScopeId::MODULE {
                    let value = self.global(frame.file, name);
                    if matches!(value.shape, Shape::Function(_) | Shape::Class(..) | Shape::Module(_)) {
                        return value;
                    }
                    let keepers = self.variable(frame.file, name).into_iter().collect();
                    let value = self.found(frame, node, keepers, value);
                    return self.read(frame, value);
                }
                if let Some(value) = frame.closure.as_ref().and_then(|closure| closure.get(name)) {
                    return value.clone();
                }
                if binding.at.scope == frame.scope {
                    return Value::default();
                }
                self.bound(frame.file, *binding)
            }
            Lookup::Unbound => {
                frame.closure.as_ref().and_then(|closure| closure.get(name)).cloned().unwrap_or_default()
            }
            Lookup::Free => names
                .resolve(node, frame.at(node))
                .map_or_else(Value::default, |name| self.imported(frame.file, &name)),
        }
    }

    /// The value of a name at the top of a file, if it is bound only once.
    fn global(&mut self, file: u32, name: &'a str) -> Value<'a> {
        if let Some(value) = self.globals.get(&(file, name)) {
            return value.clone();
        }
        // Whatever leads back here is not known.
        self.globals.insert((file, name), Value::default());
        let names = self.project.file(file).module.names;
        let mut bindings = names.bindings(ScopeId::MODULE, name);
        let (last, before) = (bindings.next(), bindings.next());
        let value = match (last, before) {
            (Some(binding), None) => self.bound(file, *binding),
            // Of several imports, classes or functions the last; of several values none.
            (Some(binding), Some(_)) if !matches!(binding.bound, Bound::Value(_) | Bound::Unknown) => {
                self.bound(file, *binding)
            }
            _ => Value::default(),
        };
        self.globals.insert((file, name), value.clone());
        value
    }

    /// What a binding outside of the function at hand means.
    pub(super) fn bound(&mut self, file: u32, binding: Binding<'a>) -> Value<'a> {
        match binding.bound {
            Bound::Module(name) => self.imported(file, name),
            Bound::Member { module, level, member } => {
                let module = self.project.absolute(file, module, level);
                self.member(&module, member)
            }
            Bound::Function(node) => self.function(file, node, None),
            Bound::Class(node) => Shape::Class(file, node).into(),
            Bound::Value(expr) if self.work > 0 => {
                let mut frame = Frame::new(file, binding.at.scope, 0);
                frame.depth = NO_CALLS;
                let value = self.expr(&mut frame, expr);
                // Objects of the file's own could be changed by anybody: only what they are made of is known.
                match value.shape {
                    Shape::Objects(ref ids) => self.frozen(&frame, ids),
                    _ => value,
                }
            }
            _ => Value::default(),
        }
    }

    /// What is known for ever of an object at the top of a file: what library made it.
    pub(super) fn frozen(&self, frame: &Frame<'a>, ids: &[ObjectId]) -> Value<'a> {
        match ids.first().and_then(|id| frame.state.object(*id)) {
            Some(Object::Made { name, .. }) => Value::external(Rc::clone(name)),
            Some(Object::Instance { file, class, .. }) => Shape::Of(*file, class.0).into(),
            // A list of constants is what it looks like: an allow-list.
            Some(object) if object.values().iter().all(|item| !item.constants().is_empty()) => {
                Value::external("constants")
            }
            _ => Value::default(),
        }
    }

    /// A module by its dotted name.
    pub(super) fn imported(&mut self, _file: u32, name: &str) -> Value<'a> {
        match self.project.meaning(name) {
            Some(_) => Shape::Module(name.into()).into(),
            None => Value::external(name),
        }
    }

    /// A member of a module.
    pub(super) fn member(&mut self, module: &str, member: &'a str) -> Value<'a> {
        let whole = if module.is_empty() { member.to_owned() } else { format!("{module}.{member}") };
        if let Some(Meaning::File(file)) = self.project.meaning(module) {
            let names = self.project.file(file).module.names;
            if names.bindings(ScopeId::MODULE, member).next().is_some() {
                return self.global(file, member);
            }
        }
        if self.project.meaning(&whole).is_some() {
            return Shape::Module(whole.into()).into();
        }
        match self.project.meaning(module) {
            Some(_) => Value::default(),
            None => Value::external(whole),
        }
    }
}
