//! `match`: which case is taken, and what it binds.

use ruff_python_ast as ast;

use super::{
    run::{Frame, Run},
    value::Value,
};

// === impl Run ===

impl<'a> Run<'_, 'a> {
    pub(super) fn matched(&mut self, frame: &mut Frame<'a>, stmt: &'a ast::StmtMatch) {
        let subject = self.expr(frame, &stmt.subject);
        let mut after = None;
        for case in &stmt.cases {
            let verdict = self.pattern(frame, &case.pattern, &subject);
            if verdict == Some(false) {
                continue;
            }
            let otherwise = frame.state.clone();
            self.bind_pattern(frame, &case.pattern, &subject);
            if let Some(guard) = &case.guard {
                self.expr(frame, guard);
                self.assume(frame, guard, true);
            }
            self.body(frame, &case.body);
            self.leaves(frame, &mut after);
            if verdict == Some(true) && case.guard.is_none() {
                return Self::goes_on(frame, after);
            }
            frame.state = otherwise;
            frame.dead = false;
        }
        self.leaves(frame, &mut after);
        Self::goes_on(frame, after);
    }

    /// Everything that a pattern names is a part of what it matches.
    fn bind_pattern(&mut self, frame: &mut Frame<'a>, pattern: &'a ast::Pattern, subject: &Value<'a>) {
        let inside = || Value::unknown(subject.marks.clone());
        match pattern {
            ast::Pattern::MatchAs(node) => {
                if let Some(inner) = &node.pattern {
                    self.bind_pattern(frame, inner, subject);
                }
                if let Some(name) = &node.name {
                    frame.state.set(name.as_str(), subject.clone());
                }
            }
            ast::Pattern::MatchOr(node) => {
                node.patterns.iter().for_each(|one| self.bind_pattern(frame, one, subject));
            }
            ast::Pattern::MatchSequence(node) => {
                node.patterns.iter().for_each(|one| self.bind_pattern(frame, one, &inside()));
            }
            ast::Pattern::MatchMapping(node) => {
                node.patterns.iter().for_each(|one| self.bind_pattern(frame, one, &inside()));
                node.rest.iter().for_each(|name| frame.state.set(name.as_str(), inside()));
            }
            ast::Pattern::MatchClass(node) => {
                let named = node.arguments.keywords.iter().map(|keyword| &keyword.pattern);
                node.arguments
                    .patterns
                    .iter()
                    .chain(named)
                    .for_each(|one| self.bind_pattern(frame, one, &inside()));
            }
            ast::Pattern::MatchStar(node) => {
                node.name.iter().for_each(|name| frame.state.set(name.as_str(), inside()));
            }
            ast::Pattern::MatchValue(_) | ast::Pattern::MatchSingleton(_) => {}
        }
    }

    /// Whether a pattern matches a value, if that is known.
    pub(super) fn pattern(
        &mut self,
        frame: &mut Frame<'a>,
        pattern: &'a ast::Pattern,
        subject: &Value<'a>,
    ) -> Option<bool> {
        if pattern.is_irrefutable() {
            return Some(true);
        }
        match pattern {
            ast::Pattern::MatchValue(node) => {
                let value = self.expr(frame, &node.value);
                let known = value.only()?;
                let all = subject.constants();
                let equal = all.iter().filter(|one| *one == known).count();
                (!all.is_empty() && (equal == 0 || equal == all.len())).then_some(equal > 0)
            }
            ast::Pattern::MatchOr(node) => {
                let verdicts: Vec<_> =
                    node.patterns.iter().map(|one| self.pattern(frame, one, subject)).collect();
                if verdicts.contains(&Some(true)) {
                    return Some(true);
                }
                verdicts.iter().all(|verdict| *verdict == Some(false)).then_some(false)
            }
            _ => None,
        }
    }
}
