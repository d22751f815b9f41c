//! The rules, by class. Ids of bandit and of ruff's flake8-bandit are kept as aliases; where the two differ on what is worth a
//! finding, the weaker case is a rule of its own that carries only the id of the tool that reports it.

mod certificates;
mod check;
mod composed;
mod cookies;
mod cryptography;
mod deserialisation;
mod execution;
mod files;
mod habits;
mod keys;
mod logins;
mod markup;
mod places;
mod secrets;
mod settings;
mod sharing;
mod shell;
mod sql;
mod strings;
mod tokens;
mod transport;
mod xml;

#[cfg(test)]
mod examples;

pub use check::{Call, Case, Check, Class, Hit, Scene, Shape, Stands, Test, Words};

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [
        execution::CHECKS,
        shell::CHECKS,
        cryptography::CHECKS,
        deserialisation::CHECKS,
        xml::CHECKS,
        transport::CHECKS,
        certificates::CHECKS,
        sharing::CHECKS,
        tokens::CHECKS,
        keys::CHECKS,
        logins::CHECKS,
        cookies::CHECKS,
        sql::CHECKS,
        markup::CHECKS,
        files::CHECKS,
        secrets::CHECKS,
        habits::CHECKS,
        settings::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The rules of some classes.
pub fn of(classes: &[Class]) -> impl Iterator<Item = &'static Check> {
    all().filter(|check| classes.contains(&check.class))
}
