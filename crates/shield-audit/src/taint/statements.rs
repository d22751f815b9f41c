//! Following statements.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr, Stmt};

use super::{
    kept::Part,
    marks::{Marks, What},
    run::{Frame, Run},
    state::State,
    value::{Key, Object, Shape, Value},
};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Follows a list of statements.
    pub(super) fn body(&mut self, frame: &mut Frame<'a>, body: &'a [Stmt]) {
        for stmt in body {
            if frame.dead || !self.spend(1) {
                return;
            }
            self.statement(frame, stmt);
        }
    }

    fn statement(&mut self, frame: &mut Frame<'a>, stmt: &'a Stmt) {
        match stmt {
            Stmt::Expr(stmt) => {
                self.expr(frame, &stmt.value);
                self.ends(frame, &stmt.value);
            }
            Stmt::Assign(stmt) => {
                let value = self.expr(frame, &stmt.value);
                stmt.targets.iter().for_each(|target| self.assign(frame, target, value.clone()));
            }
            Stmt::AnnAssign(stmt) => {
                if let Some(expr) = &stmt.value {
                    let value = self.expr(frame, expr);
                    self.assign(frame, &stmt.target, value);
                }
            }
            Stmt::AugAssign(stmt) => self.augmented(frame, stmt),
            Stmt::Return(stmt) => self.returns(frame, stmt),
            Stmt::If(stmt) => self.branches(frame, stmt),
            Stmt::For(stmt) => self.for_loop(frame, stmt),
            Stmt::While(stmt) => self.while_loop(frame, stmt),
            Stmt::With(stmt) => {
                for item in &stmt.items {
                    let value = self.expr(frame, &item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.assign(frame, target, value);
                    }
                }
                self.body(frame, &stmt.body);
            }
            Stmt::Try(stmt) => self.tried(frame, stmt),
            Stmt::Match(stmt) => self.matched(frame, stmt),
            Stmt::Raise(stmt) => {
                stmt.exc.iter().for_each(|expr| drop(self.expr(frame, expr)));
                frame.dead = true;
            }
            Stmt::Assert(stmt) => {
                self.expr(frame, &stmt.test);
                self.assume(frame, &stmt.test, true);
            }
            Stmt::Break(_) | Stmt::Continue(_) => Self::leaves_round(frame, stmt),
            Stmt::FunctionDef(node) => {
                let closure = Some(Rc::clone(&frame.state.variables));
                let value = self.function(frame.file, node, closure);
                frame.state.set(node.name.as_str(), value);
            }
            Stmt::ClassDef(node) => {
                frame.state.set(node.name.as_str(), Shape::Class(frame.file, node).into());
            }
            Stmt::Import(stmt) => stmt.names.iter().for_each(|alias| {
                let whole = alias.name.as_str();
                let top = whole.split('.').next().unwrap_or(whole);
                match &alias.asname {
                    Some(name) => frame.state.set(name.as_str(), self.imported(frame.file, whole)),
                    None => frame.state.set(top, self.imported(frame.file, top)),
                }
            }),
            Stmt::ImportFrom(stmt) => {
                let module = stmt.module.as_ref().map_or("", |module| module.as_str());
                let module = self.project.absolute(frame.file, module, stmt.level);
                for alias in stmt.names.iter().filter(|alias| alias.name.as_str() != "*") {
                    let value = self.member(&module, alias.name.as_str());
                    frame.state.set(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), value);
                }
            }
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    /// Puts a value where a target says.
    pub(super) fn assign(&mut self, frame: &mut Frame<'a>, target: &'a Expr, value: Value<'a>) {
        match target {
            Expr::Name(name) => {
                let value = self.step(frame, value, target, What::Assigned);
                self.spend(if Rc::strong_count(&frame.state.variables) > 1 { frame.state.size() } else { 0 });
                let name = name.id.as_str();
                self.rebound(frame, name);
                frame.state.set(name, value);
                if let Some(keeper) = self.declared_global(frame, name) {
                    frame.kept.insert(name, vec![keeper]);
                }
            }
            Expr::Attribute(attribute) => {
                let object = self.expr(frame, &attribute.value);
                self.set_attribute(frame, &object, attribute.attr.as_str(), &value);
                self.answer_gets(frame, attribute, &object, &value);
                self.keep_attribute(frame, attribute, &object, value);
            }
            Expr::Subscript(subscript) => {
                let object = self.expr(frame, &subscript.value);
                let key = self.expr(frame, &subscript.slice);
                self.stored(frame, target, [&object, &key, &value]);
                let place = key.only().and_then(Key::of);
                let keepers = self.keepers_at(frame, &subscript.value);
                let part = place.clone().map_or(Part::Some, Part::At);
                self.left(frame, &keepers, &part, &value);
                for id in object.objects() {
                    frame.state.change(*id, |object| object.put(place.clone(), value.clone()));
                }
                // Something of which nothing is known still holds what was put into it.
                if let (Shape::Unknown, Expr::Name(name)) = (&object.shape, subscript.value.as_ref()) {
                    let marks = object.marks.join(&value.marks);
                    frame.state.set(name.id.as_str(), Value::unknown(marks));
                }
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                for (index, target) in elts.iter().enumerate() {
                    let index = i64::try_from(index).unwrap_or(i64::MAX);
                    let part = if elts.iter().any(Expr::is_starred_expr) {
                        self.item(frame, target, &value)
                    } else {
                        let key = Value::constant(crate::python::fold::Constant::Int(index));
                        self.subscript(frame, target, &value, &key)
                    };
                    self.assign(frame, target, part);
                }
            }
            Expr::Starred(starred) => self.assign(frame, &starred.value, value),
            _ => {}
        }
    }

    fn set_attribute(&mut self, frame: &mut Frame<'a>, object: &Value<'a>, name: &'a str, value: &Value<'a>) {
        let many = object.objects().len() > 1;
        for id in object.objects() {
            frame.state.change(*id, |object| match object {
                Object::Instance { fields, .. } => {
                    let before = fields.get(name).filter(|_| many);
                    let value = before.map_or_else(|| value.clone(), |before| before.join(value));
                    fields.insert(name, value);
                }
                Object::Made { fields, .. } => drop(fields.insert(Key::Text(name.to_owned()), value.clone())),
                _ => {}
            });
        }
    }

    /// An attribute that outlives the call is set.
    fn keep_attribute(
        &mut self,
        frame: &mut Frame<'a>,
        attribute: &'a ast::ExprAttribute,
        object: &Value<'a>,
        value: Value<'a>,
    ) {
        let keepers = self.keepers_of(object, attribute.attr.as_str(), false);
        if keepers.is_empty() {
            return;
        }
        let value = self.step(frame, value, attribute, What::Assigned);
        let name = self.source_text(frame.file, attribute.range);
        frame.state.set(name, value);
        frame.kept.insert(name, keepers);
        frame.attributes.insert(name);
    }

    /// A name means something else: what is known of its attributes is not known of those.
    fn rebound(&mut self, frame: &mut Frame<'a>, name: &str) {
        let is_of = |own: &&&str| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let stale: Vec<&str> = frame.attributes.iter().filter(is_of).copied().collect();
        if stale.is_empty() {
            return;
        }
        self.leave(frame);
        for attribute in stale {
            frame.state.unset(attribute);
            frame.attributes.remove(attribute);
        }
    }

    fn augmented(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtAugAssign) {
        let before = self.expr(frame, &stmt.target);
        let value = self.expr(frame, &stmt.value);
        if let (ast::Operator::Add, [_, ..]) = (stmt.op, before.objects()) {
            let item = self.item(frame, &stmt.value, &value);
            before.objects().iter().for_each(|id| frame.state.change(*id, |list| list.mix(item.clone())));
            return;
        }
        let value = self.operation(frame, &stmt.target, &before, stmt.op, &value);
        self.assign(frame, &stmt.target, value);
    }

    fn returns(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtReturn) {
        let value = match &stmt.value {
            Some(expr) => self.expr(frame, expr),
            None => Value::constant(crate::python::fold::Constant::None),
        };
        if frame.handler.is_some()
            && let Some(expr) = &stmt.value
        {
            self.answered(frame, expr, &value);
        }
        frame.returned = Some(match frame.returned.take() {
            Some(before) => before.join(&value),
            None => value,
        });
        self.spend(frame.state.size());
        let state = frame.state.clone();
        State::join_into(&mut frame.ends, state);
        frame.dead = true;
    }

    fn leaves_round(frame: &mut Frame<'a>, stmt: &Stmt) {
        let state = frame.state.clone();
        if let Some(around) = frame.loops.last_mut() {
            let way = if stmt.is_break_stmt() { &mut around.breaks } else { &mut around.continues };
            State::join_into(way, state);
        }
        frame.dead = true;
    }

    fn branches(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtIf) {
        let clauses = stmt.elif_else_clauses.iter();
        let rest = clauses.map(|clause| (clause.test.as_ref(), clause.body.as_slice()));
        let all: Vec<_> =
            std::iter::once((Some(stmt.test.as_ref()), stmt.body.as_slice())).chain(rest).collect();
        let mut after = None;
        for (test, body) in all {
            if frame.dead {
                break;
            }
            let Some(test) = test else {
                self.body(frame, body);
                self.leaves(frame, &mut after);
                break;
            };
            let truth = self.expr(frame, test).truth();
            let mut otherwise = frame.state.clone();
            if truth != Some(false) {
                self.assume(frame, test, true);
                self.body(frame, body);
                self.leaves(frame, &mut after);
            }
            std::mem::swap(&mut frame.state, &mut otherwise);
            frame.dead = truth == Some(true);
            if !frame.dead {
                self.assume(frame, test, false);
            }
        }
        self.leaves(frame, &mut after);
        Self::goes_on(frame, after);
    }

    /// A way ends here; what is known of it meets the others.
    pub(super) fn leaves(&mut self, frame: &mut Frame<'a>, after: &mut Option<State<'a>>) {
        if !frame.dead {
            self.spend(frame.state.size());
            State::join_into(after, frame.state.clone());
        }
        frame.dead = true;
    }

    /// Goes on from where ways met, if any did.
    pub(super) fn goes_on(frame: &mut Frame<'a>, after: Option<State<'a>>) {
        frame.dead = after.is_none();
        if let Some(state) = after {
            frame.state = state;
        }
    }

    /// The marks of everything that reaches a place, for what is not followed closer.
    pub(super) fn together(frame: &Frame<'a>, values: &[&Value<'a>]) -> Marks {
        let empty = Marks::default();
        values.iter().fold(empty, |marks, value| marks.join(&frame.state.all_marks(value)))
    }
}
