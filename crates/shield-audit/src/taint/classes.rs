//! What classes and annotations say of values.

use ruff_python_ast::{self as ast, Expr, Operator, Stmt};
use ruff_text_size::Ranged;

use super::{
    marks::Marks,
    run::{Frame, NO_CALLS, Run},
    value::{Shape, Value},
};
use crate::python::names::{At, Binding, Bound, ScopeId, ScopeKind};

/// How deep bases of classes are looked through.
const BASES_MAX: u8 = 6;

/// What an annotation says of a value.
pub(super) enum Kind<'a> {
    /// A number, a date, one of a few names.
    Checked,
    /// An object of a library.
    External(String),
    /// An object of the project.
    Class(u32, &'a ast::StmtClassDef),
    /// A text, or anything.
    Open,
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What an annotation alone says of a parameter.
    pub(super) fn annotated(&mut self, file: u32, annotation: &'a Expr) -> Value<'a> {
        match self.kind(file, annotation, 0) {
            Kind::External(name) => Value::external(format!("{name}()")),
            Kind::Class(file, class) => Shape::Of(file, class).into(),
            Kind::Checked | Kind::Open => Value::default(),
        }
    }

    /// A value of which an annotation says more.
    pub(super) fn typed(&mut self, file: u32, annotation: Option<&'a Expr>, value: Value<'a>) -> Value<'a> {
        match (annotation, &value.shape) {
            (Some(annotation), Shape::Unknown) => {
                let marks = value.marks;
                self.annotated(file, annotation).with(marks)
            }
            _ => value,
        }
    }

    /// What the methods of a class or its bases set an attribute to, as far as its kind is known.
    pub(super) fn set_by_methods(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        depth: u8,
    ) -> Value<'a> {
        let key = (file, class.range.start().to_u32(), name);
        if let Some(value) = self.fields.get(&key) {
            return value.clone();
        }
        // Whatever leads back here is not known.
        self.fields.insert(key, Value::default());
        let names = self.project.file(file).module.names;
        let scope = names.scope_of(class.range);
        let binding = scope.and_then(|scope| names.set_by_methods(scope, name)).copied();
        let value = match binding {
            Some(binding) => self.set_in(file, binding),
            None if depth < BASES_MAX => self.set_in_bases(file, class, name, depth),
            None => Value::default(),
        };
        self.fields.insert(key, value.clone());
        value
    }

    fn set_in_bases(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        depth: u8,
    ) -> Value<'a> {
        for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
            let mut frame = Frame::new(file, ScopeId::MODULE, 0);
            if let Shape::Class(file, class) = self.expr(&mut frame, base).shape {
                let value = self.set_by_methods(file, class, name, depth + 1);
                if !matches!(value.shape, Shape::Unknown) {
                    return value;
                }
            }
        }
        Value::default()
    }

    /// What a method sets an attribute to, with what the annotations of its parameters say.
    fn set_in(&mut self, file: u32, binding: Binding<'a>) -> Value<'a> {
        let Bound::Value(expr) = binding.bound else { return Value::default() };
        let names = self.project.file(file).module.names;
        let mut frame = Frame::new(file, binding.at.scope, 0);
        frame.depth = NO_CALLS;
        if let ScopeKind::Function(function) = names.scope(binding.at.scope).kind {
            for parameter in function.parameters.iter_non_variadic_params() {
                if let Some(annotation) = parameter.annotation() {
                    let value = self.annotated(file, annotation);
                    frame.state.set(parameter.parameter.name.as_str(), value);
                }
            }
        }
        let at = At { scope: binding.at.scope, position: expr.start() };
        let (expr, _) = names.value_of(expr, at).unwrap_or((expr, at));
        let value = self.expr(&mut frame, expr);
        match value.shape {
            Shape::Objects(ref ids) => self.frozen(&frame, ids),
            _ => Value::from(value.shape),
        }
    }

    /// What a field that a class declares holds of what a stranger sent.
    pub(super) fn declared(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &str,
        marks: Marks,
    ) -> Value<'a> {
        let field = class.body.iter().find_map(|stmt| match stmt {
            Stmt::AnnAssign(stmt)
                if stmt.target.as_name_expr().is_some_and(|own| own.id.as_str() == name) =>
            {
                Some(stmt.annotation.as_ref())
            }
            _ => None,
        });
        match field.map(|annotation| self.kind(file, annotation, 0)) {
            Some(Kind::Checked) => Value::default(),
            _ => Value::unknown(marks),
        }
    }

    /// What an annotation says.
    pub(super) fn kind(&mut self, file: u32, annotation: &'a Expr, depth: u8) -> Kind<'a> {
        if depth > 4 {
            return Kind::Open;
        }
        match annotation {
            Expr::Subscript(subscript) => {
                let outer = self.source_text(file, subscript.value.range());
                match outer.rsplit('.').next().unwrap_or(outer) {
                    "Literal" => Kind::Checked,
                    "Optional" | "Annotated" | "List" | "list" | "Set" | "set" | "Sequence" | "Union" => {
                        let first = match subscript.slice.as_ref() {
                            Expr::Tuple(tuple) => tuple.elts.first(),
                            other => Some(other),
                        };
                        first.map_or(Kind::Open, |first| self.kind(file, first, depth + 1))
                    }
                    _ => Kind::Open,
                }
            }
            Expr::BinOp(operation) if operation.op == Operator::BitOr => {
                self.kind(file, &operation.left, depth + 1)
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                let mut frame = Frame::new(file, ScopeId::MODULE, 0);
                let value = self.expr(&mut frame, annotation);
                match value.shape {
                    Shape::External(name) => external_kind(&name),
                    Shape::Class(file, class) if self.is_enum(file, class) => Kind::Checked,
                    Shape::Class(file, class) => Kind::Class(file, class),
                    _ => Kind::Open,
                }
            }
            _ => Kind::Open,
        }
    }

    /// Whether a framework fills objects of a class with what a stranger sends.
    pub(super) fn is_model(&mut self, file: u32, class: &'a ast::StmtClassDef, depth: u8) -> bool {
        if class.decorator_list.iter().any(|one| self.source_text(file, one.range()).contains("dataclass")) {
            return true;
        }
        for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
            let mut frame = Frame::new(file, ScopeId::MODULE, 0);
            let model = match self.expr(&mut frame, base).shape {
                Shape::External(name) => name.ends_with("Model") || name.ends_with("TypedDict"),
                Shape::Class(file, class) if depth < BASES_MAX => self.is_model(file, class, depth + 1),
                _ => false,
            };
            if model {
                return true;
            }
        }
        false
    }

    fn is_enum(&self, file: u32, class: &'a ast::StmtClassDef) -> bool {
        let bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        bases.into_iter().any(|base| self.source_text(file, base.range()).ends_with("Enum"))
    }

    /// Where a class or one of its bases binds a name.
    pub(super) fn class_member(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        depth: u8,
    ) -> Option<(u32, Binding<'a>)> {
        let names = self.project.file(file).module.names;
        let scope = names.scope_of(class.range)?;
        if let Some(binding) = names.bindings(scope, name).next() {
            return Some((file, *binding));
        }
        if depth >= BASES_MAX {
            return None;
        }
        let bases = class.arguments.as_ref()?.args.iter();
        for base in bases {
            let mut frame = Frame::new(file, ScopeId::MODULE, 0);
            if let Shape::Class(file, class) = self.expr(&mut frame, base).shape
                && let Some(found) = self.class_member(file, class, name, depth + 1)
            {
                return Some(found);
            }
        }
        None
    }
}

fn external_kind<'a>(name: &str) -> Kind<'a> {
    match name {
        "builtins.int"
        | "builtins.float"
        | "builtins.bool"
        | "uuid.UUID"
        | "datetime.datetime"
        | "datetime.date"
        | "datetime.time"
        | "datetime.timedelta"
        | "decimal.Decimal"
        | "pydantic.UUID4"
        | "ipaddress.IPv4Address" => Kind::Checked,
        _ if name.starts_with("builtins.") || name.starts_with("typing.") => Kind::Open,
        "pydantic.EmailStr" | "pydantic.HttpUrl" | "pydantic.AnyHttpUrl" | "pydantic.AnyUrl" => Kind::Open,
        _ => Kind::External(name.to_owned()),
    }
}
