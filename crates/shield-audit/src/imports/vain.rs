//! Names that an import asks of a module that has them not, and what can be done all the same.
//!
//! Nothing is invented: a module is never given a name. But a name that nothing in the file uses need not be asked for; and where the module has exactly
//! one class of a kindred name with all that the file takes from it, that one is meant.

use std::collections::{BTreeSet, HashSet};

use ruff_python_ast::{Expr, Stmt};

use super::{
    broken::{Broken, Cause},
    facts::{Guard, Import, ImportedName, Origin, What, When},
    inventory::{Home, ModuleId},
    reading::Reading,
    resolve::Found,
    survey::Surveyor,
    syntax,
};

/// Members that the file must take from a class of another name: one alone says little.
const MEMBERS_MIN: usize = 2;
/// Modules through which a class is followed to where it is defined.
const HOPS_MAX: u32 = 8;
/// Kindred names that are looked at: among more of them none is sure.
const KINDRED_MAX: usize = 8;

/// What becomes of a name that its module has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Vain {
    /// Nothing uses it.
    Unused,
    /// It is a class of another name in the same module.
    Meant {
        /// That name.
        name: String,
        /// How many members the file takes from it: the class has them all.
        members: usize,
    },
}

/// What the modules of a project ask of each other.
#[derive(Debug, Default)]
pub(super) struct Asked {
    names: HashSet<(ModuleId, String)>,
    starred: HashSet<ModuleId>,
}

// === impl Surveyor ===

impl Surveyor<'_> {
    /// What becomes of a name that [`Cause::NameAbsent`] is about; `reading` is of the importer's text. `None` if only a person can say.
    pub(crate) fn in_vain(&self, broken: &Broken, reading: &Reading<'_>) -> Option<Vain> {
        let import = self.library.facts(broken.importer)?.imports.get(broken.import)?;
        let What::From { names, .. } = &import.what else { return None };
        self.vain(broken.importer, import, names.get(broken.name?)?, reading)
    }

    pub(super) fn vain(
        &self,
        importer: ModuleId,
        import: &Import,
        name: &ImportedName,
        reading: &Reading<'_>,
    ) -> Option<Vain> {
        let (_, Found::Module(module)) = self.meant(importer, &import.what)? else { return None };
        let known = self.library.inventory.module(module).home == Home::Project;
        // A failure that is caught has something that stands in for the name.
        if !known || import.guard != Guard::None || import.when > When::Deferred {
            return None;
        }
        let Cause::NameAbsent { homes, .. } = self.name_in(importer, module, &name.name, import.when)? else {
            return None;
        };
        if !homes.is_empty() || self.homes.shares(&name.name) {
            return None;
        }
        let bound = name.renamed.as_deref().unwrap_or(&name.name);
        if !self.is_asked(importer, bound) && !reading.occurs(bound, &import.range) {
            return Some(Vain::Unused);
        }
        let members = reading.members_taken(bound).filter(|members| members.len() >= MEMBERS_MIN)?;
        let meant = self.kindred(module, &name.name, members)?;
        Some(Vain::Meant { name: meant, members: members.len() })
    }

    /// Whether some module asks a name of another one.
    pub(super) fn is_asked(&self, module: ModuleId, name: &str) -> bool {
        let asked = self.asked.get_or_init(|| self.all_asked());
        asked.starred.contains(&module) || asked.names.contains(&(module, name.to_owned()))
    }

    fn all_asked(&self) -> Asked {
        let mut asked = Asked::default();
        let ours = self.library.inventory.modules().filter(|(_, module)| module.home == Home::Project);
        for (importer, _) in ours {
            for import in self.library.facts(importer).into_iter().flat_map(|facts| &facts.imports) {
                let What::From { names, .. } = &import.what else { continue };
                let Some((_, Found::Module(module))) = self.meant(importer, &import.what) else { continue };
                for name in names {
                    if name.name == "*" {
                        asked.starred.insert(module);
                    } else {
                        asked.names.insert((module, name.name.clone()));
                    }
                }
            }
        }
        asked
    }

    /// The one name of a module that is like a missing one and is a class with all of these members.
    fn kindred(&self, module: ModuleId, missing: &str, members: &BTreeSet<String>) -> Option<String> {
        let bound = &self.library.facts(module)?.bound;
        let names: BTreeSet<&str> =
            bound.iter().filter(|bound| bound.when == When::Load).map(|bound| bound.name.as_str()).collect();
        let kindred: Vec<&str> = names.into_iter().filter(|name| are_kindred(name, missing)).collect();
        let mut meant = kindred.iter().filter(|name| {
            kindred.len() <= KINDRED_MAX
                && self.class_members(module, name, HOPS_MAX).is_some_and(|has| members.is_subset(&has))
        });
        let one = meant.next()?;
        meant.next().is_none().then(|| (*one).to_owned())
    }

    /// The members that the body of a class binds, wherever it is defined.
    fn class_members(&self, module: ModuleId, name: &str, hops: u32) -> Option<BTreeSet<String>> {
        let facts = self.library.facts(module)?;
        let origins: BTreeSet<Origin> =
            facts.bound.iter().filter(|bound| bound.name == name).map(|bound| bound.origin).collect();
        if origins == BTreeSet::from([Origin::Definition]) {
            let (text, _) =
                self.library.text(self.library.inventory.module(module).source.as_deref()?).ok()?;
            return syntax::with_module(&text, |tree, _| members_of(&tree.body, name));
        }
        let here = |import: &&Import| import.when == When::Load;
        let mut from = facts.imports.iter().filter(here).filter_map(|import| {
            let What::From { names, .. } = &import.what else { return None };
            let listed = names.iter().find(|one| one.renamed.as_ref().unwrap_or(&one.name) == name)?;
            match self.meant(module, &import.what) {
                Some((_, Found::Module(origin))) => Some((origin, listed.name.as_str())),
                _ => None,
            }
        });
        let (origin, name) = from.next().filter(|_| origins == BTreeSet::from([Origin::Import]))?;
        self.class_members(origin, name, hops.checked_sub(1)?).filter(|_| from.next().is_none())
    }
}

/// The words of a name: `PlatformType` has two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut small = false;
    for character in name.chars() {
        if character == '_' || words.is_empty() || character.is_uppercase() && small {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character != '_') {
            word.extend(character.to_lowercase());
        }
        small = character.is_lowercase() || character.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether one name is the other with words before or behind it.
fn are_kindred(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    !short.is_empty() && short.len() < long.len() && (long.starts_with(&short) || long.ends_with(&short))
}

/// The members that the one class of a name binds in its body.
fn members_of(body: &[Stmt], name: &str) -> Option<BTreeSet<String>> {
    let mut classes = body.iter().filter_map(Stmt::as_class_def_stmt).filter(|class| class.name == *name);
    let class = classes.next()?;
    if classes.next().is_some() {
        return None;
    }
    let mut members = BTreeSet::new();
    for statement in &class.body {
        match statement {
            Stmt::Assign(assign) => {
                members.extend(
                    assign.targets.iter().filter_map(Expr::as_name_expr).map(|name| name.id.to_string()),
                );
            }
            Stmt::AnnAssign(assign) if assign.value.is_some() => {
                members.extend(assign.target.as_name_expr().map(|name| name.id.to_string()));
            }
            Stmt::FunctionDef(function) => {
                members.insert(function.name.to_string());
            }
            _ => {}
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kindred_names_share_an_end() {
        for (one, other) in
            [("Platform", "PlatformType"), ("BotUser", "User"), ("user_model", "UserModelBase")]
        {
            assert!(are_kindred(one, other) && are_kindred(other, one), "{one} {other}");
        }
        for (one, other) in
            [("Platform", "Platform"), ("Form", "Platform"), ("AxB", "B_x"), ("", "A"), ("A", "B")]
        {
            assert!(!are_kindred(one, other), "{one} {other}");
        }
    }
}
