//! What decorators of the project make of a function: what is called under its name is what they give back.
//!
//! A decorator of a library is taken to call the function as it stands there; so is one of which it is not known what it gives.

use std::rc::Rc;

use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::{
    calls::Arguments,
    marks::Site,
    run::{CALLS_MAX, Frame, Run},
    unfollowed::Limit,
    value::{Body, Callable, Shape, Value},
};
use crate::python::names::ScopeId;

/// Decorators that only say how a function is reached as an attribute.
const OF_ATTRIBUTES: [&str; 4] = ["property", "cached_property", "staticmethod", "classmethod"];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What is called when a function is.
    pub(super) fn as_decorated(
        &mut self,
        frame: &mut Frame<'a>,
        callable: &Rc<Callable<'a>>,
    ) -> Rc<Callable<'a>> {
        let Body::Def(def) = callable.body else { return Rc::clone(callable) };
        if callable.bare || def.decorator_list.is_empty() {
            return Rc::clone(callable);
        }
        let key = (callable.file, def.range.start().to_u32());
        let bare = Rc::new(Callable { receiver: None, bare: true, ..(**callable).clone() });
        let made = match self.decorated.get(&key) {
            Some(made) if callable.closure.is_none() => Rc::clone(made),
            _ => {
                // Whatever leads back here is the function itself.
                self.decorated.insert(key, Rc::clone(&bare));
                let made = self.decorate(frame, def, &bare);
                self.decorated.insert(key, Rc::clone(&made));
                made
            }
        };
        if callable.receiver.is_none() {
            return made;
        }
        Rc::new(Callable { receiver: callable.receiver.clone(), ..(*made).clone() })
    }

    fn decorate(
        &mut self,
        frame: &Frame<'a>,
        def: &'a ast::StmtFunctionDef,
        bare: &Rc<Callable<'a>>,
    ) -> Rc<Callable<'a>> {
        let names = self.project.file(bare.file).module.names;
        let scope = names.scope_of(def.range).map_or(ScopeId::MODULE, |own| names.scope(own).parent);
        let mut around = Frame::new(bare.file, scope, frame.context);
        around.depth = frame.depth.saturating_add(1);
        around.closure.clone_from(&bare.closure);
        let mut made = Rc::clone(bare);
        if def.decorator_list.len() > CALLS_MAX as usize {
            self.stopped.insert((Site::new(bare.file, def.name.range), Limit::Depth));
            return made;
        }
        for decorator in def.decorator_list.iter().rev() {
            let named = decorator.expression.as_name_expr().map(|name| name.id.as_str());
            if named.is_some_and(|name| OF_ATTRIBUTES.contains(&name)) {
                return made;
            }
            let Shape::Function(decorator_function) = self.expr(&mut around, &decorator.expression).shape
            else {
                continue;
            };
            let given = Value::from(Shape::Function(Rc::clone(&made)));
            let arguments = Arguments { positional: vec![given], ..Arguments::default() };
            let result = self.call_function(&mut around, decorator.range(), &decorator_function, arguments);
            if let Shape::Function(callable) = result.shape {
                made = Rc::new(Callable { bare: true, ..(*callable).clone() });
            }
        }
        made
    }
}
