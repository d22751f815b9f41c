//! Calls whose one argument, or whose name, is wrong.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::{
    arguments::bytes,
    site::{Edits, Mend, Site},
};
use crate::python::fold::Constant;

/// Seconds that a request may take that says nothing.
const TIMEOUT_SECONDS: &str = "10";

/// `yaml.load` becomes `yaml.safe_load`, without a loader. A loader of the project's own may know tags that it needs: a person decides.
pub(super) fn yaml_load(site: &Site<'_>) -> Option<Mend> {
    let arguments = site.arguments()?;
    let mut edits = callee(site, "load", "safe_load", "yaml")?;
    let named = site.call.keyword("Loader").map(|keyword| (keyword.range(), &keyword.value));
    let placed = site.call.positional().get(1).map(|loader| (loader.range(), loader));
    if let Some((range, loader)) = named.or(placed) {
        site.scene.resolve(loader).filter(|name| name.starts_with("yaml."))?;
        edits.push(arguments.remove(range)?);
    }
    let why = "documents with tags of Python's own are refused then";
    Some(Mend::changing("loads plain values only: `yaml.safe_load`", why, edits))
}

/// Another member of a module in place of the one that is called.
fn callee(site: &Site<'_>, from: &str, to: &str, module: &str) -> Option<Edits> {
    match site.call.callee {
        Expr::Attribute(attribute) if attribute.attr.as_str() == from => {
            Some(vec![(bytes(&attribute.attr), to.to_owned())])
        }
        Expr::Name(name) => {
            let mut edits = site.import(module)?;
            edits.push((bytes(name), format!("{module}.{to}")));
            Some(edits)
        }
        _ => None,
    }
}

/// `verify=False` goes: the default is to look at the certificate.
pub(super) fn certificate_check(site: &Site<'_>) -> Option<Mend> {
    let edit = site.arguments()?.remove(site.call.keyword("verify")?)?;
    let why = "servers whose certificate nobody vouches for are refused then";
    Some(Mend::changing("looks at the server's certificate: `verify` goes", why, vec![edit]))
}

/// A request gets a time limit.
pub(super) fn timeout(site: &Site<'_>) -> Option<Mend> {
    let arguments = site.arguments()?;
    let edits = match site.call.keyword("timeout") {
        Some(keyword) => vec![(bytes(&keyword.value), TIMEOUT_SECONDS.to_owned())],
        None => arguments.add(site.node, &format!("timeout={TIMEOUT_SECONDS}"))?,
    };
    let what = format!("waits {TIMEOUT_SECONDS} seconds at most: `timeout={TIMEOUT_SECONDS}`");
    Some(Mend::changing(what, "an answer that takes longer is an error then", edits))
}

/// `debug=True` goes.
pub(super) fn debug(site: &Site<'_>) -> Option<Mend> {
    let edit = site.arguments()?.remove(site.call.keyword("debug")?)?;
    let why = "errors show no console then, and code is not loaded anew";
    Some(Mend::changing("runs without the debugger: `debug=True` goes", why, vec![edit]))
}

/// `eval` of a literal's text becomes `ast.literal_eval`.
pub(super) fn eval(site: &Site<'_>) -> Option<Mend> {
    let ([only], []) = (site.call.positional(), site.call.keywords()) else { return None };
    // Only what is written out is known to be a literal; of what comes from elsewhere a person must say that it always is.
    let text = only.as_string_literal_expr()?.value.to_str();
    let literal = ruff_python_parser::parse_expression(text.trim_matches([' ', '\t'])).ok()?;
    if !is_literal(literal.expr()) {
        return None;
    }
    let mut edits = site.import("ast")?;
    edits.push((bytes(site.call.callee), "ast.literal_eval".to_owned()));
    Some(Mend::changing(
        "reads the literal without running it: `ast.literal_eval`",
        "the text is a literal",
        edits,
    ))
}

/// Whether `ast.literal_eval` takes an expression.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_) => true,
        Expr::UnaryOp(unary) => {
            matches!(unary.op, ruff_python_ast::UnaryOp::USub | ruff_python_ast::UnaryOp::UAdd)
                && unary.operand.is_number_literal_expr()
        }
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_literal),
        Expr::List(list) => list.elts.iter().all(is_literal),
        Expr::Set(set) => set.elts.iter().all(is_literal),
        Expr::Dict(dict) => {
            dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_literal) && is_literal(&item.value))
        }
        _ => false,
    }
}

/// An archive is unpacked with the filter for data.
pub(super) fn tar_extract(site: &Site<'_>) -> Option<Mend> {
    let unfiltered = site.call.keyword("filter").is_none();
    // The filter came with 3.12, and with later patches of versions before.
    let edits = site.arguments()?.add(site.node, "filter=\"data\"").filter(|_| unfiltered)?;
    let why = "archives that lead out of the directory are refused then, and old patch levels of Python do not know the argument";
    Some(Mend::changing("unpacks data only: `filter=\"data\"`", why, edits))
}

// === impl Site ===

impl Site<'_> {
    /// Whether an argument is given and known to be true.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.call
            .keyword(name)
            .is_some_and(|keyword| self.scene.fold(&keyword.value) == Some(Constant::Bool(true)))
    }
}
