//! Loops, and what is tried.

use ruff_python_ast::{self as ast, ExceptHandler, Expr, Stmt};

use super::{
    run::{Frame, Loop, Run},
    state::State,
    value::Value,
};

/// How often a loop is followed; one in which something new is learnt each time is not followed to its end.
const ROUNDS_MAX: usize = 32;

// === impl Run ===

impl<'a> Run<'_, 'a> {
    pub(super) fn for_loop(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtFor) {
        let over = self.expr(frame, &stmt.iter);
        self.rounds(frame, |run, frame| {
            let item = run.item(frame, &stmt.iter, &over);
            run.assign(frame, &stmt.target, item);
            run.body(frame, &stmt.body);
        });
        let after = frame.loops.pop().and_then(|around| around.breaks);
        self.after_loop(frame, &stmt.orelse, after);
    }

    pub(super) fn while_loop(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtWhile) {
        let truth = self.expr(frame, &stmt.test).truth();
        if truth == Some(false) {
            return self.body(frame, &stmt.orelse);
        }
        let endless = matches!(stmt.test.as_ref(), Expr::BooleanLiteral(literal) if literal.value);
        self.rounds(frame, |run, frame| {
            run.expr(frame, &stmt.test);
            run.assume(frame, &stmt.test, true);
            run.body(frame, &stmt.body);
        });
        frame.dead = endless;
        if !endless {
            self.assume(frame, &stmt.test, false);
        }
        let after = frame.loops.pop().and_then(|around| around.breaks);
        self.after_loop(frame, &stmt.orelse, after);
    }

    /// Follows a loop until nothing new is learnt; the state is what holds before each round. The loop stays open.
    fn rounds(&mut self, frame: &mut Frame<'a>, mut round: impl FnMut(&mut Self, &mut Frame<'a>)) {
        frame.loops.push(Loop::default());
        for _ in 0..ROUNDS_MAX {
            let before = frame.state.clone();
            round(self, frame);
            let mut after = (!frame.dead).then(|| frame.state.clone());
            if let Some(state) = frame.loops.last_mut().and_then(|around| around.continues.take()) {
                State::join_into(&mut after, state);
            }
            frame.dead = false;
            frame.state = after.map_or_else(|| before.clone(), |after| before.join(&after));
            if frame.state == before || !self.spend(frame.state.size()) {
                return;
            }
        }
        self.cut = true;
    }

    fn after_loop(&mut self, frame: &mut Frame<'a>, orelse: &'a [Stmt], breaks: Option<State<'a>>) {
        self.body(frame, orelse);
        let mut after = breaks;
        self.leaves(frame, &mut after);
        Self::goes_on(frame, after);
    }

    pub(super) fn tried(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtTry) {
        let mut thrown = frame.state.clone();
        for one in &stmt.body {
            self.body(frame, std::slice::from_ref(one));
            if !stmt.handlers.is_empty() || !stmt.finalbody.is_empty() {
                self.spend(frame.state.size());
                thrown = thrown.join(&frame.state);
            }
            if frame.dead {
                break;
            }
        }
        self.body(frame, &stmt.orelse);
        let mut after = None;
        self.leaves(frame, &mut after);
        for handler in &stmt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            frame.state = thrown.clone();
            frame.dead = false;
            if let Some(name) = &handler.name {
                frame.state.set(name.as_str(), Value::default());
            }
            self.body(frame, &handler.body);
            self.leaves(frame, &mut after);
        }
        if stmt.finalbody.is_empty() {
            return Self::goes_on(frame, after);
        }
        // What comes at last comes in any case; behind it, only what got there by itself goes on.
        let dead = after.is_none();
        Self::goes_on(frame, Some(after.unwrap_or(thrown)));
        self.body(frame, &stmt.finalbody);
        frame.dead |= dead;
    }
}
