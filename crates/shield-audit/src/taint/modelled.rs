//! Putting the models of rule files into effect.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;
use rustc_hash::FxHashMap;

use super::{
    calls::Call,
    kinds::Kinds,
    marks::Marks,
    models::{Argument, Cleared, Model, Models},
    project::{Meaning, Project},
    report::Contexts,
    run::{Frame, Run},
    value::Value,
};
use crate::{
    custom::{Name, Naming},
    python::names::{At, ScopeId},
};

/// A function or class of the project that models are about.
#[derive(Debug)]
pub(super) struct Modelled {
    /// What a rule file calls it.
    pub(super) name: String,
    pub(super) models: Vec<u32>,
}

/// Functions and classes of the project that models are about, by file and beginning.
pub(super) fn of(project: &Project<'_>) -> FxHashMap<(u32, u32), Modelled> {
    let mut found: FxHashMap<(u32, u32), Modelled> = FxHashMap::default();
    let mut files: FxHashMap<u32, FxHashMap<String, u32>> = FxHashMap::default();
    let mut note = |file: u32, start: u32, name: String, model: u32| {
        let new = || Modelled { name, models: Vec::new() };
        found.entry((file, start)).or_insert_with(new).models.push(model);
    };
    for (number, one) in (0..).zip(&project.models.all) {
        for name in &one.calls {
            let (whole, within) = match name {
                Name::Whole(name) => (name, false),
                Name::Within(name) => (name, true),
                Name::Method(_) => continue,
            };
            let ends = whole.match_indices('.').map(|(dot, _)| dot).chain(within.then_some(whole.len()));
            for end in ends {
                let Some(Meaning::File(file)) = project.meaning(&whole[..end]) else { continue };
                let defined = files.entry(file).or_insert_with(|| definitions(project, file));
                let rest = whole[end..].trim_start_matches('.').replace("()", "");
                if !within {
                    defined
                        .get(&rest)
                        .into_iter()
                        .for_each(|start| note(file, *start, whole.clone(), number));
                    continue;
                }
                let inside = |own: &str| {
                    rest.is_empty() || own.strip_prefix(&rest).is_some_and(|own| own.starts_with('.'))
                };
                for (own, start) in defined.iter().filter(|(own, _)| inside(own)) {
                    note(file, *start, format!("{}.{own}", &whole[..end]), number);
                }
            }
        }
    }
    found
}

/// The functions and classes of a file, by their qualified names: where each begins.
fn definitions(project: &Project<'_>, file: u32) -> FxHashMap<String, u32> {
    let functions = Contexts::of(project, file);
    let mut all: FxHashMap<String, u32> =
        functions.named().map(|(range, name)| (name.to_owned(), range.start().to_u32())).collect();
    for stmt in &project.file(file).module.syntax.body {
        if let Stmt::ClassDef(class) = stmt {
            all.insert(class.name.to_string(), class.range.start().to_u32());
        }
    }
    all
}

// === impl Models ===

impl Models {
    /// The models of something by its name: `shop.db.raw`, `?.raw_query`.
    pub(super) fn of_call(&self, name: &str) -> Vec<u32> {
        if self.calls.is_empty() {
            return Vec::new();
        }
        let method = name.rsplit_once('.').map(|(_, method)| self.calls.of_method(method));
        self.calls.of(name).chain(method.into_iter().flatten()).collect()
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a call gives by its models. None where they only say what harm it does, or nothing.
    pub(super) fn modelled(
        &mut self,
        frame: &mut Frame<'a>,
        call: &Call<'_, 'a>,
        numbers: &[u32],
    ) -> Option<Value<'a>> {
        let project = self.project;
        let models = numbers.iter().filter_map(|number| project.models.model(*number));
        let (mut cleared, mut lets_in, mut handed) = (Kinds::NONE, false, None);
        let mut known = false;
        for model in models {
            known |= !matches!(model, Model::Sink(..));
            match model {
                Model::Source => lets_in = true,
                Model::Sink(harm, argument) => {
                    for value in argument.of(call) {
                        self.reaches(frame, call, harm.0, (value, true));
                    }
                }
                Model::Sanitizer(Cleared(kinds)) => cleared |= *kinds,
                Model::Propagator(arguments) => {
                    let values = arguments.iter().flat_map(|argument| argument.of(call));
                    let all: &mut Vec<_> = handed.get_or_insert_default();
                    match arguments.is_empty() {
                        true => all.extend(Argument::default().of(call).into_iter().chain(call.receiver)),
                        false => all.extend(values),
                    }
                }
            }
        }
        if !known {
            return None;
        }
        self.sinks(frame, call);
        let all = || Argument::default().of(call).into_iter().chain(call.receiver).collect();
        // What a source gives is its own; it hands nothing on.
        let handed = if lets_in { handed.unwrap_or_default() } else { handed.unwrap_or_else(all) };
        let mut marks = Self::together(frame, &handed).clear(cleared);
        if cleared.has(Kinds::ALL) {
            marks = Marks::default();
        }
        if lets_in {
            marks = marks.join(&Marks::one(self.source(frame, call.node)));
        }
        Some(Self::named_result(call.name).with(marks))
    }

    /// The models of a function or class of the project that begins at a place, or of any method of this name; and what rule files
    /// call it.
    pub(super) fn model_of(&self, place: (u32, u32), method: Option<&str>) -> Option<(String, Vec<u32>)> {
        let project = self.project;
        let own = project.modelled.get(&place);
        let of_any: Vec<u32> =
            method.into_iter().flat_map(|method| project.models.calls.of_method(method)).collect();
        match own {
            Some(own) => Some((own.name.clone(), own.models.iter().copied().chain(of_any).collect())),
            None if of_any.is_empty() => None,
            None => Some((format!("?.{}", method.unwrap_or_default()), of_any)),
        }
    }

    /// Something that is read, which a model may call a stranger's.
    pub(super) fn modelled_read(
        &mut self,
        frame: &mut Frame<'a>,
        expr: &'a Expr,
        value: Value<'a>,
    ) -> Value<'a> {
        let project = self.project;
        if project.models.attributes.is_empty() {
            return value;
        }
        let file = project.file(frame.file);
        let naming = Naming { names: file.module.names, path: file.path };
        let at = frame.at(expr);
        let name = file.module.names.resolve(expr, at).unwrap_or_default();
        let means = naming.called(&project.models.attributes, expr, at, &name);
        if !means.iter().any(|(number, _)| project.models.model(*number).is_some()) {
            return value;
        }
        let mark = Marks::one(self.source(frame, expr));
        let marks = value.marks.join(&mark);
        value.with(marks)
    }

    /// Whether a model says that a stranger calls a function.
    pub(super) fn is_called_by_strangers(&self, file: u32, function: &ast::StmtFunctionDef) -> bool {
        let table = &self.project.models.decorators;
        if table.is_empty() {
            return false;
        }
        let file = self.project.file(file);
        let naming = Naming { names: file.module.names, path: file.path };
        let scope =
            file.module.names.scope_of(function.range).map(|scope| file.module.names.scope(scope).parent);
        function.decorator_list.iter().any(|decorator| {
            let callee = match &decorator.expression {
                Expr::Call(call) => call.func.as_ref(),
                other => other,
            };
            let at = At { scope: scope.unwrap_or(ScopeId::MODULE), position: decorator.start() };
            let name = file.module.names.resolve(callee, at).unwrap_or_default();
            let means = naming.called(table, callee, at, &name);
            means.iter().any(|(number, _)| self.project.models.model(*number).is_some())
        })
    }
}

// === impl Argument ===

impl Argument {
    /// The values that a call gives for it; what nobody sees (`*args`) may be it.
    fn of<'v, 'a>(&self, call: &Call<'v, 'a>) -> Vec<&'v Value<'a>> {
        let arguments = call.arguments;
        if self.position.is_none() && self.name.is_none() {
            return arguments.all();
        }
        let by_name = self.name.as_deref().and_then(|name| arguments.named(name));
        let given = by_name.or_else(|| arguments.positional.get(self.position?));
        given.or(arguments.rest.as_ref()).into_iter().collect()
    }
}
