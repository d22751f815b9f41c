//! Texts that are put together of nothing that could do harm: constants, numbers, and what is quoted for its place.
//!
//! [`pieces`](crate::python::fold) knows a text to the letter or not at all. Here it is enough that each part comes from the source: of
//! `"DESC" if x else "ASC"` nobody knows which, and both are harmless. A name counts if it is never bound to anything else, wherever
//! that happens; what no rule of this file understands is taken for harmful.

use ruff_python_ast::{self as ast, Expr, FStringPart, InterpolatedStringElement, Operator};
use ruff_text_size::Ranged;

use super::Scene;
use crate::python::names::{At, Bound};

/// How many expressions are looked at for one text, and how many names lead on from one another.
const WORK_MAX: u32 = 500;
const STEPS_MAX: u8 = 8;

/// Conversions of `%` that take nothing but numbers.
const NUMERIC: &str = "diouxXeEfFgG";

/// Functions whose answers are numbers.
const NUMBERS: [&str; 5] =
    ["builtins.int", "builtins.float", "builtins.len", "builtins.ord", "builtins.hash"];

/// Whether every part of a text is written out, a number, or the answer of one of these calls.
pub(super) fn is_harmless(scene: &Scene<'_>, text: &Expr, quoting: &'static [&'static str]) -> bool {
    Look { scene: *scene, quoting, work: WORK_MAX, steps: STEPS_MAX }.text(text)
}

struct Look<'m> {
    scene: Scene<'m>,
    /// Functions whose answers are harmless where the text goes.
    quoting: &'static [&'static str],
    work: u32,
    steps: u8,
}

// === impl Look ===

impl Look<'_> {
    fn text(&mut self, part: &Expr) -> bool {
        let Some(work) = self.work.checked_sub(1) else { return false };
        self.work = work;
        match part {
            Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => true,
            Expr::Named(named) => self.text(&named.value),
            Expr::If(choice) => self.text(&choice.body) && self.text(&choice.orelse),
            Expr::BoolOp(choice) => choice.values.iter().all(|value| self.text(value)),
            Expr::UnaryOp(operation) => self.text(&operation.operand),
            Expr::FString(text) => text.value.iter().all(|part| self.part(part)),
            Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mod, right, .. }) => self.filled(left, right),
            // `"?" * n`: whatever `n` is, if it is no number this fails.
            Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mult, right, .. }) => {
                is_text_or_list(left) && self.text(left) || is_text_or_list(right) && self.text(right)
            }
            Expr::BinOp(ast::ExprBinOp { left, op: Operator::Add, right, .. }) => {
                self.text(left) && self.text(right)
            }
            Expr::List(ast::ExprList { elts, .. })
            | Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => elts.iter().all(|item| self.text(item)),
            Expr::ListComp(ast::ExprListComp { elt, .. })
            | Expr::Generator(ast::ExprGenerator { elt, .. }) => self.text(elt),
            Expr::Call(call) => self.call(call),
            Expr::Name(name) => self.name(name.id.as_str()),
            _ => false,
        }
    }

    fn part(&mut self, part: &FStringPart) -> bool {
        match part {
            FStringPart::Literal(_) => true,
            FStringPart::FString(text) => text.elements.iter().all(|element| match element {
                InterpolatedStringElement::Literal(_) => true,
                InterpolatedStringElement::Interpolation(value) => {
                    let spec = value.format_spec.as_deref();
                    let plain = spec.is_none_or(|spec| spec.elements.iter().all(|one| one.is_literal()));
                    plain && self.text(&value.expression)
                }
            }),
        }
    }

    /// `"… %d … %s" % (a, b)`: what a conversion takes that only takes numbers does no harm.
    fn filled(&mut self, template: &Expr, values: &Expr) -> bool {
        let one = std::slice::from_ref(values);
        let values = values.as_tuple_expr().map_or(one, |tuple| tuple.elts.as_slice());
        let conversions = template.as_string_literal_expr().and_then(|text| conversions(text.value.to_str()));
        match conversions {
            Some(conversions) if conversions.len() == values.len() => conversions
                .into_iter()
                .zip(values)
                .all(|(conversion, value)| NUMERIC.contains(conversion) || self.text(value)),
            _ => self.text(template) && values.iter().all(|value| self.text(value)),
        }
    }

    fn call(&mut self, call: &ast::ExprCall) -> bool {
        let ast::Arguments { args, keywords, .. } = &call.arguments;
        if let Expr::Attribute(method) = call.func.as_ref()
            && matches!(method.attr.as_str(), "format" | "join" | "upper" | "lower" | "strip")
            && self.text(&method.value)
        {
            return args.iter().all(|value| self.text(value))
                && keywords.iter().all(|keyword| keyword.arg.is_some() && self.text(&keyword.value));
        }
        let Some(name) = self.scene.resolve(&call.func) else { return false };
        let name = name.as_str();
        self.quoting.contains(&name)
            || NUMBERS.contains(&name)
            || name == "builtins.str" && args.len() == 1 && self.text(&args[0])
    }

    /// Whether a name is never bound to anything else.
    fn name(&mut self, name: &str) -> bool {
        let names = self.scene.module.names;
        let Some(steps) = self.steps.checked_sub(1) else { return false };
        let Some(binding) = names.lookup(name, self.scene.at).binding() else { return false };
        let outer = (self.scene.at, self.steps);
        self.steps = steps;
        let harmless = names.bindings(binding.at.scope, name).all(|one| {
            let Bound::Value(value) = one.bound else { return false };
            self.scene.at = At { position: value.start(), ..one.at };
            self.text(value)
        });
        (self.scene.at, self.steps) = outer;
        harmless
    }
}

fn is_text_or_list(expr: &Expr) -> bool {
    matches!(expr, Expr::StringLiteral(_) | Expr::List(_) | Expr::Tuple(_))
}

/// The letters of a template's conversions; none where one has a name or takes two values.
fn conversions(template: &str) -> Option<Vec<char>> {
    let mut letters = Vec::new();
    let mut characters = template.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        let letter = characters.find(|one| !matches!(one, '0'..='9' | '.' | '-' | '+' | ' ' | '#'))?;
        match letter {
            '%' => {}
            letter if letter.is_ascii_alphabetic() => letters.push(letter),
            _ => return None,
        }
    }
    Some(letters)
}

#[cfg(test)]
mod tests {
    use crate::{
        finding::Severity,
        python::{Audit, Parse},
    };

    /// How bad it is to run this as a command.
    fn severity(lines: &str) -> Option<Severity> {
        let text = format!("import os, shlex\nDIR = '/srv'\ndef f(x, y):\n    {lines}\n");
        let report = Audit::default().text("a.py", &text, Parse::WhereWordsOccur);
        report.findings.iter().find(|one| one.rule.id == "python/os-shell").map(|one| one.severity)
    }

    #[test]
    fn parts_that_are_written_out_do_no_harm() {
        for lines in [
            "os.system('kill %d' % int(x))",
            "os.system('kill %d %s' % (x, 'now'))",
            "c = 'ls ' + shlex.quote(x); os.system(c)",
            "c = ' -a' if x else ''; os.system(f'ls {DIR}{c}')",
            "os.system('ls ' + ' '.join(shlex.quote(one) for one in x))",
            "os.system('seq {} {n}'.format(len(x), n=float(y)))",
            "os.system('echo ' + 'a ' * x)",
            "os.system('echo ' + str(int(x)))",
        ] {
            assert_eq!(severity(lines), Some(Severity::Low), "{lines}");
        }
    }

    #[test]
    fn one_part_of_others_is_enough() {
        for lines in [
            "os.system('kill %s' % x)",
            "os.system('kill %d %s' % (1, x))",
            "os.system('kill %(a)d' % x)",
            "c = 'ls ' + shlex.quote(x); c += y; os.system(c)",
            "c = '' if x else y; os.system('ls ' + c)",
            "c = 'a'; c = y; os.system('ls ' + c)",
            "os.system('ls ' + ' '.join(x))",
            "os.system('ls ' * x + y)",
            "os.system(x * 3)",
            "os.system('ls {}'.format(**x))",
            "os.system(f'ls {DIR:{x}}')",
            "for c in x: os.system('ls ' + c)",
        ] {
            assert_eq!(severity(lines), Some(Severity::High), "{lines}");
        }
    }

    #[test]
    fn much_is_given_up() {
        let lines: String = (1..200).map(|n| format!("a{n} = a{0} + a{0}\n    ", n - 1)).collect();
        assert_eq!(severity(&format!("a0 = 'x'\n    {lines}os.system(a199)")), Some(Severity::High));
    }
}
