//! What FastAPI puts into the parameters of a function: by their annotations, and by what they depend on.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    calls::Arguments,
    classes::Kind,
    kinds::Kinds,
    marks::Marks,
    run::{Frame, Run},
    value::{Callable, Shape, Value},
};
use crate::python::names::ScopeId;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    pub(super) fn fastapi_parameter(
        &mut self,
        frame: &mut Frame<'a>,
        parameter: &'a ast::ParameterWithDefault,
        rules: &[String],
    ) -> Value<'a> {
        let annotation = parameter.annotation();
        let default = parameter.default.as_deref();
        let given = annotation.into_iter().flat_map(annotated_parts).chain(default);
        for expr in given {
            let Expr::Call(call) = expr else { continue };
            let callee = self.expr(frame, &call.func);
            let dependency = callee.external_name().and_then(|name| name.rsplit('.').next());
            if matches!(dependency, Some("Depends" | "Security")) {
                return match call.arguments.args.first() {
                    Some(dependency) => {
                        let value = self.depended(frame, dependency);
                        self.typed(frame.file, annotation, value)
                    }
                    None => self.declared_dependency(frame, annotation),
                };
            }
        }
        let name = parameter.parameter.name.as_str();
        let kind = annotation.map_or(Kind::Open, |annotation| self.kind(frame.file, annotation, 0));
        match kind {
            Kind::Checked => Value::default(),
            Kind::External(name) if name.ends_with(".UploadFile") => {
                let mark = self.source(frame, parameter.parameter.range);
                Value::external(format!("{name}()")).with(Marks::one(mark))
            }
            Kind::External(name) => Value::external(format!("{name}()")),
            Kind::Class(file, class) if !self.is_model(file, class, 0) => Shape::Of(file, class).into(),
            Kind::Class(file, class) => {
                let mark = self.source(frame, parameter.parameter.range);
                Value::from(Shape::Of(file, class)).with(Marks::one(mark))
            }
            Kind::Open => {
                let in_path = rules.iter().any(|rule| rule.contains(&format!("{{{name}}}")));
                let mark = self.source(frame, parameter.parameter.range);
                Value::unknown(Marks::one(mark).clear(if in_path { Kinds::NO_SLASH } else { Kinds::NONE }))
            }
        }
    }

    /// What a dependency gives: its own parameters are a stranger's too.
    fn depended(&mut self, frame: &mut Frame<'a>, dependency: &'a Expr) -> Value<'a> {
        let callee = self.expr(frame, dependency);
        match &callee.shape {
            Shape::Function(callable) if frame.depth < 3 => {
                let arguments = self.asked_for(frame, callable, 0);
                let callable = (**callable).clone();
                self.call_function(frame, dependency.range(), &callable, arguments)
            }
            Shape::Class(file, class) => {
                let init = self.class_attribute(*file, class, "__init__", Some(&Value::default()));
                let arguments = match init.map(|init| init.shape) {
                    Some(Shape::Function(init)) if frame.depth < 3 => self.asked_for(frame, &init, 1),
                    _ => Arguments::default(),
                };
                self.instance(frame, dependency.range(), (*file, class), arguments)
            }
            _ => Value::default(),
        }
    }

    /// `Depends()`: the annotation says what it depends on.
    fn declared_dependency(&mut self, frame: &mut Frame<'a>, annotation: Option<&'a Expr>) -> Value<'a> {
        let Some(annotation) = annotation else { return Value::default() };
        match self.kind(frame.file, annotation, 0) {
            Kind::Class(file, class) if self.is_model(file, class, 0) => {
                let mark = self.source(frame, annotation);
                Value::from(Shape::Of(file, class)).with(Marks::one(mark))
            }
            Kind::Class(..) => self.depended(frame, annotation),
            _ => self.annotated(frame.file, annotation),
        }
    }

    /// What a dependency is given for its parameters, without the first ones.
    fn asked_for(&mut self, frame: &mut Frame<'a>, callable: &Callable<'a>, skipped: usize) -> Arguments<'a> {
        let mut arguments = Arguments::default();
        let Some(parameters) = callable.body.parameters() else { return arguments };
        let mut inner = Frame::new(callable.file, ScopeId::MODULE, frame.context);
        inner.depth = frame.depth + 1;
        for parameter in parameters.iter_non_variadic_params().skip(skipped) {
            let value = self.fastapi_parameter(&mut inner, parameter, &[]);
            arguments.named.push((parameter.parameter.name.as_str(), value));
        }
        frame.state = frame.state.join(&inner.state);
        arguments
    }
}

fn annotated_parts(annotation: &Expr) -> &[Expr] {
    match annotation {
        Expr::Subscript(subscript) => match subscript.slice.as_ref() {
            Expr::Tuple(tuple) => &tuple.elts,
            _ => &[],
        },
        _ => &[],
    }
}
