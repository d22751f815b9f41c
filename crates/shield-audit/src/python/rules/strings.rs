//! Texts in the source.

use ruff_python_ast::{Expr, FStringPart, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::Scene;

/// The fixed texts of an expression and where they stand: one of a string, each literal part of an f-string.
pub(super) fn parts(expr: &Expr) -> Box<dyn Iterator<Item = (TextRange, &str)> + '_> {
    match expr {
        Expr::StringLiteral(literal) => Box::new(std::iter::once((literal.range, literal.value.to_str()))),
        Expr::FString(text) => Box::new(text.value.iter().flat_map(part)),
        _ => Box::new(std::iter::empty()),
    }
}

fn part(part: &FStringPart) -> Vec<(TextRange, &str)> {
    match part {
        FStringPart::Literal(literal) => vec![(literal.range, literal.as_str())],
        FStringPart::FString(text) => {
            text.elements.literals().map(|literal| (literal.range, &*literal.value)).collect()
        }
    }
}

/// Whether a text is documentation: the first statement of a file, class or function.
pub(super) fn is_docstring(scene: &Scene<'_>, expr: &Expr) -> bool {
    let Some(Stmt::Expr(stmt)) = scene.statement else { return false };
    stmt.value.range() == expr.range() && is_first(scene, expr)
}

fn is_first(scene: &Scene<'_>, expr: &Expr) -> bool {
    // Nothing but the head of a definition, or nothing at all, comes before it.
    let before = scene.module.text[..expr.start().to_usize()].trim_end();
    let lines = before.lines().rev().find(|line| !line.trim_start().starts_with('#'));
    lines.is_none_or(|line| line.trim_end().ends_with(':'))
}
