//! Walking to the findings of a file.

use std::{collections::HashMap, ops::Range};

use ruff_python_ast::{Expr, ExprCall, Stmt, visitor::Visitor};
use ruff_text_size::{Ranged, TextRange};

use super::{Class, Project, fixer, guards::Guards, modules::Entrances, places};
use crate::{
    finding::Finding,
    python::{
        Module,
        names::{At, ScopeId},
        rules::{Call, Scene},
        scopes::{self, ScopeNode, ScopeVisitor},
    },
};

/// Ranges of the text with what stands there then.
pub(super) type Edits = Vec<(Range<usize>, String)>;

/// How a finding is mended.
#[derive(Clone, Debug)]
pub(super) struct Mend {
    pub(super) class: Class,
    pub(super) what: String,
    pub(super) why: String,
    pub(super) edits: Edits,
}

/// A call with a finding.
pub(super) struct Site<'s> {
    pub(super) scene: Scene<'s>,
    pub(super) call: Call<'s>,
    pub(super) node: &'s ExprCall,
    pub(super) finding: &'s Finding,
    pub(super) project: &'s Project,
    pub(super) entrances: &'s Entrances,
    /// What the file's comparisons decide.
    pub(super) guards: &'s Guards<'s>,
    /// Whether the file seeds random numbers.
    pub(super) seeded: bool,
}

struct Walk<'w, 'm> {
    module: &'m Module<'m>,
    findings: &'w [Finding],
    project: &'w Project,
    entrances: Entrances,
    guards: Guards<'m>,
    seeded: bool,
    /// Findings by their ranges.
    wanted: HashMap<TextRange, Vec<usize>>,
    scopes: Vec<ScopeId>,
    parents: Vec<&'m Expr>,
    statement: Option<&'m Stmt>,
    mends: Vec<Option<Mend>>,
}

/// How each finding of a file is mended.
pub(super) fn mend(
    module: &Module<'_>,
    findings: &[Finding],
    project: &Project,
    line_end: &'static str,
) -> Vec<Option<Mend>> {
    let spans: Vec<_> = findings.iter().map(|finding| finding.place.span).collect();
    let mut wanted: HashMap<TextRange, Vec<usize>> = HashMap::new();
    for (number, range) in places::ranges(module.text, &spans).into_iter().enumerate() {
        if let Some(range) = range.filter(|_| fixer(&findings[number]).is_some()) {
            wanted.entry(range).or_default().push(number);
        }
    }
    let mut walk = Walk {
        module,
        findings,
        project,
        entrances: Entrances::of(module, line_end),
        guards: Guards::default(),
        seeded: module.names.imports("random.seed") || module.text.contains(".seed("),
        wanted,
        scopes: vec![ScopeId::MODULE],
        parents: Vec::new(),
        statement: None,
        mends: vec![None; findings.len()],
    };
    if !walk.wanted.is_empty() {
        walk.guards = Guards::of(module);
        walk.visit_body(&module.syntax.body);
    }
    walk.mends
}

// === impl Walk ===

impl<'m> Walk<'_, 'm> {
    fn call(&mut self, node: &'m ExprCall) {
        let whole = TextRange::new(node.func.start(), node.end());
        // Findings lie at the call, or at one of its named arguments.
        let named = node.arguments.keywords.iter().map(Ranged::range);
        for range in [whole].into_iter().chain(named) {
            let Some(numbers) = self.wanted.remove(&range) else { continue };
            for number in numbers {
                self.mends[number] = self.site(node, number);
            }
        }
    }

    fn site(&self, node: &'m ExprCall, number: usize) -> Option<Mend> {
        // In a text that is put together, quotes and line ends mean something else.
        if self.parents.iter().any(|parent| matches!(parent, Expr::FString(_) | Expr::TString(_))) {
            return None;
        }
        let finding = &self.findings[number];
        let scope = self.scopes.last().copied().unwrap_or(ScopeId::MODULE);
        let scene = Scene {
            module: self.module,
            at: At { scope, position: node.start() },
            parents: &self.parents,
            statement: self.statement,
            type_checking: false,
        };
        let name = scene.resolve(&node.func).unwrap_or_default();
        let call =
            Call { callee: &node.func, name: &name, arguments: Some(&node.arguments), range: node.range() };
        let (project, entrances, guards, seeded) = (self.project, &self.entrances, &self.guards, self.seeded);
        fixer(finding)?(&Site { scene, call, node, finding, project, entrances, guards, seeded })
    }
}

impl<'m> ScopeVisitor<'m> for Walk<'_, 'm> {
    fn enter(&mut self, node: ScopeNode<'m>) {
        let scope = self.module.names.scope_of(node.range());
        self.scopes.push(scope.unwrap_or(ScopeId::MODULE));
    }

    fn leave(&mut self) {
        self.scopes.pop();
    }
}

impl<'m> Visitor<'m> for Walk<'_, 'm> {
    fn visit_stmt(&mut self, stmt: &'m Stmt) {
        let outer = self.statement.replace(stmt);
        let parents = std::mem::take(&mut self.parents);
        scopes::walk_stmt(self, stmt);
        self.parents = parents;
        self.statement = outer;
    }

    fn visit_expr(&mut self, expr: &'m Expr) {
        if let Expr::Call(call) = expr {
            self.call(call);
        }
        self.parents.push(expr);
        scopes::walk_expr(self, expr);
        self.parents.pop();
    }

    fn visit_annotation(&mut self, expr: &'m Expr) {
        self.visit_expr(expr);
    }
}
