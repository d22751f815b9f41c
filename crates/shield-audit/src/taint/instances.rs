//! New objects of classes of the project.

use std::collections::BTreeMap;

use ruff_python_ast as ast;
use ruff_text_size::TextRange;

use super::{
    calls::Arguments,
    run::{Frame, Run},
    value::{ClassRef, Object, Shape, Value},
};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// A new object of a class of the project.
    pub(super) fn instance(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        class: (u32, &'a ast::StmtClassDef),
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let (file, class) = class;
        let given = arguments.all();
        if !given.iter().any(|value| Self::matters(&frame.state, value, 2)) {
            return Shape::Of(file, class).into();
        }
        let fields = BTreeMap::new();
        let object = Object::Instance { file, class: ClassRef(class), fields };
        let value = self.make(frame, node, object);
        match self.class_attribute(file, class, "__init__", Some(&value)).map(|init| init.shape) {
            Some(Shape::Function(init)) => drop(self.call_function(frame, node, &init, arguments)),
            _ => {
                self.fill(frame, &value, class, &arguments);
                // `Model(**sent)`: which of its fields that fills nobody sees.
                let rest = arguments.rest.map(|rest| frame.state.all_marks(&rest)).unwrap_or_default();
                return value.with(rest);
            }
        }
        value
    }

    /// Fields of a data class are set in the order they are declared in.
    fn fill(
        &mut self,
        frame: &mut Frame<'a>,
        value: &Value<'a>,
        class: &'a ast::StmtClassDef,
        arguments: &Arguments<'a>,
    ) {
        let declared = class.body.iter().filter_map(|stmt| match stmt {
            ast::Stmt::AnnAssign(stmt) => stmt.target.as_name_expr().map(|name| name.id.as_str()),
            _ => None,
        });
        let by_place = declared.zip(arguments.positional.iter().cloned());
        let all: Vec<_> = by_place.chain(arguments.named.iter().cloned()).collect();
        for id in value.objects() {
            frame.state.change(*id, |object| {
                if let Object::Instance { fields, .. } = object {
                    fields.extend(all.iter().cloned());
                }
            });
        }
    }
}
