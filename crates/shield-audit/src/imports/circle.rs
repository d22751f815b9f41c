//! Circles of imports: where they are met, and which need not be, because the name that is asked for too soon stands in annotations alone.
//!
//! With `from __future__ import annotations` nothing evaluates the annotations of a plain function, so their names are for type checkers, and so is the
//! import that brings them. Annotations that libraries evaluate (fields of classes, decorated functions) are left alone.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry};

use ruff_python_ast::{
    Expr, Stmt, StmtFunctionDef,
    visitor::{Visitor, walk_expr, walk_stmt},
};

use super::{
    broken::Survey,
    facts::{Facts, Guard, Import, What, When},
    inventory::ModuleId,
    load::{LoadCause, LoadFailure, Loader},
    packaging::Packaging,
    plan::Edit,
    relocate::is_test,
    resolve::Found,
    rewrite::{alone, newline_at, removals},
    survey::Surveyor,
    syntax,
};
use crate::finding::Finding;

/// What modules name in their imports, each with whether it is a star.
type Asked = HashMap<ModuleId, Vec<(ModuleId, bool)>>;

const MARK: &str = "TYPE_CHECKING";
/// Decorators that look at no annotation.
const PLAIN: [&str; 3] = ["classmethod", "property", "staticmethod"];

// === impl Packaging ===

impl Packaging<'_> {
    /// The circles that are met when these files are loaded one after the other in one process: all of them, and those with tests alone, since what is
    /// loaded before decides whether a circle closes. Each is said once. Besides, the modules that were not loaded to their end.
    pub fn circles(&self, sources: &[String], survey: &Survey) -> (Vec<Finding>, BTreeSet<ModuleId>) {
        let mut findings: Vec<Finding> = Vec::new();
        let mut unfinished = BTreeSet::new();
        let mut load = |loader: &mut Loader<'_>, module| match loader.load(module) {
            Err(LoadFailure { why: LoadCause::Unfinished, .. }) => drop(unfinished.insert(module)),
            loaded => findings.extend(loaded.err().and_then(|failure| self.circular(&failure))),
        };
        let steps_left = Loader::steps();
        for tests_alone in [false, true] {
            let mut loader = Loader::new(self.library, survey).within(&steps_left);
            let wanted = sources
                .iter()
                .filter(|path| !tests_alone || is_test(path.strip_prefix(self.project).unwrap_or(path)));
            for module in wanted.filter_map(|path| self.library.inventory.at(path)) {
                load(&mut loader, module);
            }
        }
        for program in self.programs_with_stars(sources) {
            let mut loader = Loader::of_program(self.library, survey).within(&steps_left);
            load(&mut loader, program);
        }
        findings.sort_by(|one, other| (&one.place, &one.subject).cmp(&(&other.place, &other.subject)));
        findings.dedup_by(|later, first| (&later.place, &later.subject) == (&first.place, &first.subject));
        (findings, unfinished)
    }

    /// The files that no other imports, if stars go in circles somewhere: which names these take depends on where a program begins.
    fn programs_with_stars(&self, sources: &[String]) -> Vec<ModuleId> {
        let ours: Vec<ModuleId> = sources.iter().filter_map(|path| self.library.inventory.at(path)).collect();
        let asked: Asked = ours.iter().map(|id| (*id, self.asked_by(*id))).collect();
        let rings = rings(&asked);
        let circular = asked.iter().any(|(importer, all)| {
            all.iter().any(|(origin, star)| *star && rings.get(origin) == rings.get(importer))
        });
        if !circular {
            return Vec::new();
        }
        let imported: HashSet<ModuleId> = asked.values().flatten().map(|(origin, _)| *origin).collect();
        ours.into_iter().filter(|id| !imported.contains(id)).collect()
    }

    /// The modules that a module names in its imports, and whether with a star.
    fn asked_by(&self, importer: ModuleId) -> Vec<(ModuleId, bool)> {
        let resolver = self.library.resolver();
        let mut all = Vec::new();
        for import in self.library.facts(importer).into_iter().flat_map(|facts| &facts.imports) {
            let (name, names) = match &import.what {
                What::Module { name, .. } => (Some(name.clone()), &[][..]),
                What::From { level, module, names, .. } => {
                    (resolver.absolute(importer, *level, module), &names[..])
                }
                _ => continue,
            };
            let Some(name) = name else { continue };
            let star = names.iter().any(|name| name.name == "*");
            let below = names.iter().filter_map(|one| {
                self.library.inventory.find(&format!("{name}.{}", one.name)).map(|id| (id, false))
            });
            all.extend(below);
            all.extend(resolver.parents(&name).map(|parent| (parent, false)));
            if let Found::Module(module) = resolver.find(importer, &name) {
                all.push((module, star));
            }
        }
        all
    }
}

/// For each module one of those that it leads to and that lead back to it: modules in the same ring have the same.
/// This is Kosaraju's algorithm, since asking for each star whether it leads back takes the square of the time.
fn rings(asked: &Asked) -> HashMap<ModuleId, ModuleId> {
    let (mut seen, mut left) = (HashSet::new(), Vec::new());
    for start in asked.keys() {
        let mut open = vec![(*start, false)];
        while let Some((id, whole)) = open.pop() {
            if whole {
                left.push(id);
            } else if seen.insert(id) {
                open.push((id, true));
                open.extend(asked.get(&id).into_iter().flatten().map(|(module, _)| (*module, false)));
            }
        }
    }
    let mut importers: HashMap<ModuleId, Vec<ModuleId>> = HashMap::new();
    for (importer, all) in asked {
        all.iter().for_each(|(module, _)| importers.entry(*module).or_default().push(*importer));
    }
    let mut rings = HashMap::new();
    for start in left.into_iter().rev() {
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            if let Entry::Vacant(place) = rings.entry(id) {
                place.insert(start);
                open.extend(importers.get(&id).into_iter().flatten());
            }
        }
    }
    rings
}

// === impl Surveyor ===

impl Surveyor<'_> {
    /// The edits after which an import that fails in a circle is for type checkers alone; none if its name is used for anything else. `asked` is the
    /// module and the name with a dot between, `text` is the importer's.
    pub(crate) fn untangled(&self, importer: ModuleId, line: u32, asked: &str, text: &str) -> Vec<Edit> {
        let found = self.library.facts(importer).and_then(|facts| {
            let here = |import: &&Import| {
                import.when == When::Load
                    && import.guard == Guard::None
                    && syntax::line_at(text, import.range.start as usize) == line
            };
            let mut imports = facts.imports.iter().filter(here);
            imports.find_map(|import| Some((facts, import, self.asked_name(importer, import, asked)?)))
        });
        let Some((facts, import, number)) = found else { return Vec::new() };
        let What::From { names, .. } = &import.what else { return Vec::new() };
        let bound = names[number].renamed.as_ref().unwrap_or(&names[number].name);
        let shown = facts.all.contains(bound) || self.is_asked(importer, bound);
        if shown || text.contains("get_type_hints") || !only_annotates(text, bound) {
            return Vec::new();
        }
        for_checkers(text, facts, import, number).unwrap_or_default()
    }

    /// Which name of an import is the one that is asked for.
    fn asked_name(&self, importer: ModuleId, import: &Import, asked: &str) -> Option<usize> {
        let What::From { names, .. } = &import.what else { return None };
        let (_, Found::Module(module)) = self.meant(importer, &import.what)? else { return None };
        let name = asked.strip_prefix(&*self.library.inventory.module(module).name)?.strip_prefix('.')?;
        names.iter().position(|one| one.name == name)
    }
}

/// Makes an import, or one name of it, one for type checkers; `None` if something else is on its lines, or it is within a block.
fn for_checkers(text: &str, facts: &Facts, import: &Import, number: usize) -> Option<Vec<Edit>> {
    let What::From { names, at, .. } = &import.what else { return None };
    let start = import.range.start as usize;
    let line_end = alone(text, &import.range)?;
    let newline = Some(newline_at(text, line_end)).filter(|newline| !newline.is_empty()).unwrap_or("\n");
    let (known, mut edits) = marked(facts, import);
    let mark = if known { String::new() } else { format!("from typing import {MARK}{newline}") };
    let name = &names[number];
    let reason = format!("`{}` stands in annotations alone, so only type checkers import it", name.name);
    if names.len() == 1 {
        let opening = format!("{mark}if {MARK}:{newline}    ");
        edits.push(Edit { range: start..start, text: opening, reason });
    } else {
        let origin = &text[at.start as usize..at.end as usize];
        let listed = &text[name.at.start as usize..name.at.end as usize];
        let block = format!("{newline}{mark}if {MARK}:{newline}    from {origin} import {listed}");
        edits.push(Edit { range: line_end..line_end, text: block, reason });
        edits.extend(removals(names, &[number]));
    }
    edits.sort_by_key(|edit| edit.range.start);
    Some(edits)
}

/// Whether [`MARK`] is there before an import, with the edit that may be needed for it.
fn marked(facts: &Facts, import: &Import) -> (bool, Vec<Edit>) {
    let before = |end: u32| end <= import.range.start;
    if facts.bound.iter().any(|bound| bound.name == MARK && bound.when == When::Load && before(bound.from)) {
        return (true, Vec::new());
    }
    let typing = facts.imports.iter().find_map(|one| {
        let What::From { level: 0, module, names, .. } = &one.what else { return None };
        let plain = one.when == When::Load && one.guard == Guard::None && before(one.range.end);
        let last = names.last().filter(|last| plain && module == "typing" && last.name != "*")?;
        Some(last.at.end as usize)
    });
    let edit = typing.map(|at| Edit {
        range: at..at,
        text: format!(", {MARK}"),
        reason: "for what only type checkers import".to_owned(),
    });
    (edit.is_some(), edit.into_iter().collect())
}

/// Whether a text binds a name by one import, and uses it only in annotations that nothing evaluates.
fn only_annotates(text: &str, name: &str) -> bool {
    let mut uses = Uses { name, functions: 0, imports: 0, otherwise: 0 };
    syntax::with_module(text, |tree, _| {
        let postponed = tree.body.iter().filter_map(Stmt::as_import_from_stmt).any(|import| {
            import.module.as_deref() == Some("__future__")
                && import.names.iter().any(|alias| alias.name.as_str() == "annotations")
        });
        uses.otherwise += u32::from(!postponed);
        uses.visit_body(&tree.body);
    });
    uses.otherwise == 0 && uses.imports == 1
}

struct Uses<'n> {
    name: &'n str,
    /// How many functions are around.
    functions: u32,
    imports: u32,
    /// Uses that run, and other bindings.
    otherwise: u32,
}

// === impl Uses ===

impl Uses<'_> {
    fn binds(&self, name: &str) -> u32 {
        u32::from(name == self.name)
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        self.otherwise += self.binds(&function.name);
        let plain = function.decorator_list.iter().all(|decorator| {
            decorator.expression.as_name_expr().is_some_and(|name| PLAIN.contains(&name.id.as_str()))
        });
        let parameters = &function.parameters;
        for parameter in parameters.iter() {
            self.otherwise += self.binds(parameter.name());
            parameter.default().into_iter().for_each(|default| self.visit_expr(default));
            parameter.annotation().filter(|_| !plain).into_iter().for_each(|expr| self.visit_expr(expr));
        }
        function.returns.iter().filter(|_| !plain).for_each(|expr| self.visit_expr(expr));
        function.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
        self.functions += 1;
        self.visit_body(&function.body);
        self.functions -= 1;
    }
}

impl<'a> Visitor<'a> for Uses<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => return self.function(function),
            // A local variable's annotation is only for readers.
            Stmt::AnnAssign(assign) if self.functions > 0 => {
                self.visit_expr(&assign.target);
                assign.value.iter().for_each(|value| self.visit_expr(value));
                return;
            }
            Stmt::ClassDef(class) => self.otherwise += self.binds(&class.name),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.otherwise += self.binds(bound.split('.').next().unwrap_or_default());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.imports += self.binds(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            Stmt::Global(global) => {
                self.otherwise += global.names.iter().map(|name| self.binds(name)).sum::<u32>();
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression {
            self.otherwise += self.binds(&name.id);
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::{
        files::Memory,
        inventory::{Home, Inventory, SearchRoot},
        standard::PythonVersion,
    };

    #[test]
    fn rings_are_told_apart() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let files = Memory::new(names.map(|name| (format!("{name}.py"), "")));
        let root = SearchRoot { folder: String::new(), home: Home::Project };
        let inventory = Inventory::read(&files, &[root], PythonVersion(11));
        let id = |name: &str| inventory.find(name).unwrap();
        let mut asked = Asked::new();
        for (importer, origin) in
            [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "d"), ("f", "f")]
        {
            asked.entry(id(importer)).or_default().push((id(origin), true));
        }
        let rings = rings(&asked);
        let together = |one: &str, other: &str| rings[&id(one)] == rings[&id(other)];
        assert!(together("a", "b") && together("d", "e"));
        for (one, other) in [("b", "c"), ("c", "d"), ("a", "e"), ("e", "f")] {
            assert!(!together(one, other), "{one} {other}");
        }
    }

    #[test]
    fn only_silent_annotations_count() {
        let head = "from __future__ import annotations\nfrom m import A\n";
        let of = |rest: &str| only_annotates(&format!("{head}{rest}\n"), "A");
        for silent in [
            "def f(a: A, *b: A, c: A = None) -> list[A]: x: A = 1",
            "class C:\n    @property\n    async def f(self) -> A: pass",
            "x = 1",
        ] {
            assert!(of(silent), "{silent}");
        }
        for used in [
            "class C:\n    a: A",
            "a: A = 1",
            "@get('/')\ndef f(a: A): pass",
            "def f(a=A): pass",
            "def f(): return A()",
            "class C(A): pass",
            "def f(A): pass",
            "from n import A",
        ] {
            assert!(!of(used), "{used}");
        }
        assert!(
            !only_annotates("from m import A\ndef f(a: A): pass\n", "A"),
            "its annotations are evaluated"
        );
    }
}
