//! Following names to what they mean.

use ruff_python_ast::{self as ast, Expr, StringFlags};
use ruff_python_stdlib::builtins::is_python_builtin;
use ruff_text_size::{Ranged, TextLen};

use super::{At, Binding, Bound, Lookup, Names, ScopeId};
use crate::python::fold;

/// How many aliases, calls and folded values are followed for one name.
const STEPS_MAX: u8 = 16;

/// The version of Python whose own names are meant: 3.x.
const PYTHON_MINOR: u8 = 14;

/// The module of the interpreter's own names.
const BUILTINS: &str = "builtins";

// === impl Names ===

impl<'a> Names<'a> {
    /// The dotted name of what an expression is, as one would import it: `hashlib.md5` of `h.new_md5` after
    /// `import hashlib as h; h.new_md5 = …` has none; of `m` after `from hashlib import md5 as m` it is that. Names of the
    /// interpreter's own are in `builtins`; a relative import keeps its dots. `None` if it cannot be followed, or leads to
    /// something this file defines.
    #[must_use]
    pub fn resolve(&self, expr: &Expr, at: At) -> Option<String> {
        let mut name = String::new();
        self.resolve_into(expr, at, &mut name).then_some(name)
    }

    /// [`Self::resolve`] into a buffer that is used again: left empty if there is no name.
    pub fn resolve_into(&self, expr: &Expr, at: At, name: &mut String) -> bool {
        name.clear();
        let found = self.follow(expr, at, name, STEPS_MAX).is_some();
        if !found {
            name.clear();
        }
        found
    }

    /// The dotted name of what made the object that an expression is: `flask.Flask` of `app` after `app = Flask(__name__)`,
    /// also by `with` and on `self`. `None` if that cannot be followed.
    #[must_use]
    pub fn made_by(&self, expr: &Expr, at: At) -> Option<String> {
        let (value, at) = self.value_of(expr, at)?;
        match value {
            Expr::Call(call) => self.resolve(&call.func, at),
            _ => None,
        }
    }

    /// What an expression was set to, itself unless it is a name or an attribute of `self`, and where that is said.
    #[must_use]
    pub fn value_of<'e>(&'e self, expr: &'e Expr, at: At) -> Option<(&'e Expr, At)> {
        let (mut expr, mut at) = (expr, at);
        for _ in 0..STEPS_MAX {
            let binding = match expr {
                Expr::Name(name) => self.lookup(name.id.as_str(), at).binding()?,
                Expr::Attribute(attribute) => self.own_attribute(attribute, at)?,
                Expr::Named(named) => {
                    expr = &named.value;
                    continue;
                }
                Expr::Await(awaited) => {
                    expr = &awaited.value;
                    continue;
                }
                _ => return Some((expr, at)),
            };
            match binding.bound {
                Bound::Value(value) | Bound::Context(value) => {
                    (expr, at) = (value, At { position: value.start(), ..binding.at })
                }
                _ => return None,
            }
        }
        None
    }

    /// What an attribute of `self` is set to in the class, by itself or in its methods, if only once.
    #[must_use]
    pub fn own_attribute(&self, attribute: &ast::ExprAttribute, at: At) -> Option<&Binding<'a>> {
        let Expr::Name(object) = attribute.value.as_ref() else { return None };
        let (class, receiver) = self.method(at.scope)?;
        if object.id.as_str() != receiver {
            return None;
        }
        let key = (class, attribute.attr.as_str());
        let set_by_methods = self.last_attribute.get(&key).copied();
        let last = set_by_methods.or_else(|| self.last.get(&key).copied());
        let mut bindings = self.chain(last);
        let binding = bindings.next()?;
        bindings.next().is_none().then_some(binding)
    }

    /// What the methods of a class set an attribute of `self` to last, other than `None`.
    #[must_use]
    pub fn set_by_methods(&self, class: ScopeId, attribute: &str) -> Option<&Binding<'a>> {
        let last = self.last_attribute.get(&(class, attribute)).copied();
        self.chain(last).find(|binding| !matches!(binding.bound, Bound::Value(Expr::NoneLiteral(_))))
    }

    fn follow(&self, expr: &Expr, at: At, into: &mut String, steps: u8) -> Option<()> {
        let steps = steps.checked_sub(1)?;
        match expr {
            Expr::Name(name) => self.follow_name(name.id.as_str(), at, into, steps),
            Expr::Attribute(attribute) => self.follow_attribute(attribute, at, into, steps),
            Expr::Call(call) => self.follow_call(call, at, into, steps),
            Expr::Named(named) => self.follow(&named.value, at, into, steps),
            _ => None,
        }
    }

    fn follow_name(&self, name: &str, at: At, into: &mut String, steps: u8) -> Option<()> {
        match self.lookup(name, at) {
            Lookup::Bound(binding) => self.follow_binding(binding, into, steps),
            Lookup::Unbound => None,
            // The interpreter's own, or something that came with a star; a name of nobody's is an error when it is met.
            Lookup::Free => {
                let own = is_python_builtin(name, PYTHON_MINOR, false);
                into.push_str(if own { BUILTINS } else { self.star_module()? });
                into.push('.');
                into.push_str(name);
                Some(())
            }
        }
    }

    fn follow_binding(&self, binding: &Binding<'a>, into: &mut String, steps: u8) -> Option<()> {
        match binding.bound {
            Bound::Module(module) => into.push_str(module),
            Bound::Member { module, level, member } => {
                (0..level).for_each(|_| into.push('.'));
                into.push_str(module);
                if !module.is_empty() {
                    into.push('.');
                }
                into.push_str(member);
            }
            Bound::Value(value) => {
                return self.follow(value, At { position: value.start(), ..binding.at }, into, steps);
            }
            _ => return None,
        }
        Some(())
    }

    fn follow_attribute(
        &self,
        node: &ast::ExprAttribute,
        at: At,
        into: &mut String,
        steps: u8,
    ) -> Option<()> {
        // A chain is walked, not recursed into: it may be long.
        let mut chain = vec![node.attr.as_str()];
        let mut object = node.value.as_ref();
        let mut last = node;
        while let Expr::Attribute(inner) = object {
            chain.push(inner.attr.as_str());
            last = inner;
            object = inner.value.as_ref();
        }
        if let Some(own) = self.own_attribute(last, at) {
            chain.pop();
            self.follow_binding(own, into, steps)?;
        } else {
            self.follow(object, at, into, steps)?;
        }
        for attribute in chain.into_iter().rev() {
            into.push('.');
            into.push_str(attribute);
        }
        Some(())
    }

    /// `getattr(object, "name")`, `importlib.import_module("module")`, `__import__("module")`.
    fn follow_call(&self, call: &ast::ExprCall, at: At, into: &mut String, steps: u8) -> Option<()> {
        let (Expr::Name(_) | Expr::Attribute(_)) = call.func.as_ref() else { return None };
        let mut callee = String::new();
        self.follow(&call.func, at, &mut callee, steps)?;
        let text = |position| {
            let argument = call.arguments.find_positional(position)?;
            fold::text_within(self, argument, at, steps)
        };
        match callee.as_str() {
            "builtins.getattr" => {
                let attribute = self.written(call.arguments.find_positional(1)?, at)?;
                self.follow(call.arguments.find_positional(0)?, at, into, steps)?;
                into.push('.');
                into.push_str(attribute);
            }
            "importlib.import_module" => into.push_str(&text(0)?),
            "builtins.__import__" | "importlib.__import__" => {
                let module = text(0)?;
                into.push_str(module.split('.').next().unwrap_or(&module));
            }
            _ => return None,
        }
        Some(())
    }

    /// A text that stands in the file as it is: not put together, without escapes. A name made of other texts would defeat the
    /// promise that a file without a word has no name with it.
    fn written<'e>(&'e self, expr: &'e Expr, at: At) -> Option<&'e str> {
        let Expr::StringLiteral(literal) = self.value_of(expr, at)?.0 else { return None };
        let part = literal.as_single_part_string()?;
        let quotes = part.flags.opener_len() + part.flags.closer_len();
        (part.range.len() == quotes + part.value.text_len()).then(|| part.as_str())
    }

    /// The module whose names were imported with a star, if it is one.
    fn star_module(&self) -> Option<&'a str> {
        match self.star.as_slice() {
            [module] if !module.is_empty() => Some(module),
            _ => None,
        }
    }
}
