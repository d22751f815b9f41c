//! `[[scenario]]`: kinds of users, each with its steps.

use shield_types::settings::{Refusal, Table};

use crate::scenario::model::Scenario;
use crate::scenario::read::auth;
use crate::scenario::read::limits::{NAME_BYTES_MAX, SCENARIOS_MAX, STEPS_MAX};
use crate::scenario::read::names::{Scope, World};
use crate::scenario::read::request::{Base, Headers};
use crate::scenario::read::step::{StepReader, WholeFile};

/// Scenarios, and the variables that they name by index.
pub(crate) struct Scenarios {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) variables: Vec<String>,
}

pub(crate) fn read(
    root: &Table<'_>,
    world: World<'_>,
    headers: &Headers,
    file: &mut WholeFile,
) -> Option<Scenarios> {
    let tables = root.tables("scenario");
    if tables.is_empty() {
        root.missing("scenario", "one [[scenario]] for each kind of user");
    }
    if let Some(extra) = tables.get(SCENARIOS_MAX) {
        extra.mistaken(Refusal::new("one scenario too many", format!("at most {SCENARIOS_MAX}")));
    }
    let mut variables = Vec::new();
    let mut names = Vec::new();
    let mut scenarios = Vec::new();
    for table in &tables {
        let name =
            table.string("name", NAME_BYTES_MAX, "a short name, each one once").and_then(|name| match names
                .contains(&name)
            {
                true => Err(Refusal::new("the name of another scenario", "a name of its own")),
                false => Ok(name),
            });
        let name = name.required().take();
        names.extend(name.clone());
        let scope = Scope::new(world, name.as_deref().unwrap_or_default(), variables);
        let mut reader = StepReader { scope, file: &mut *file };
        scenarios.push(scenario(table, name, headers, &mut reader));
        variables = reader.scope.into_variables();
    }
    let scenarios: Vec<Scenario> = scenarios.into_iter().collect::<Option<_>>()?;
    check_steps(&scenarios, &tables);
    Some(Scenarios { scenarios, variables })
}

fn scenario(
    table: &Table<'_>,
    name: Option<String>,
    headers: &Headers,
    reader: &mut StepReader<'_, '_>,
) -> Option<Scenario> {
    let weight = table.integer("weight", 1..=1_000_000).or(1);
    let auth = table.table("auth");
    let csrf = auth::csrf(&auth.table("csrf"));
    let mut base = Base { always: headers.clone(), ..Base::default() };
    if let Some(Some(csrf)) = &csrf {
        csrf.show_cookie(&mut base);
    }
    let setup: Vec<_> = table.tables("setup").iter().map(|table| reader.required(table, &base)).collect();
    // After a mistake in the credentials, the steps are still read for theirs.
    let credentials = auth::read(&auth, csrf.flatten(), base, reader);
    if credentials.is_none() {
        reader.scope.doubt();
    }
    let base = credentials.as_ref().map(|credentials| credentials.base.clone()).unwrap_or_default();
    let steps = table.tables("step");
    if steps.is_empty() {
        table.missing("step", "one [[scenario.step]] for each request");
    }
    let steps: Vec<_> = steps.iter().map(|table| reader.required(table, &base)).collect();
    let mut setup = setup.into_iter().collect::<Option<Vec<_>>>()?;
    let credentials = credentials?;
    setup.extend(credentials.login);
    Some(Scenario {
        name: name?,
        weight: u32::try_from(weight.take()?).ok()?,
        setup,
        refresh: credentials.refresh,
        steps: steps.into_iter().collect::<Option<_>>()?,
    })
}

/// Each step has counters of its own: their number is bounded over all scenarios.
fn check_steps(scenarios: &[Scenario], tables: &[Table<'_>]) {
    let mut count = 0;
    for (scenario, table) in scenarios.iter().zip(tables) {
        let refresh = scenario.refresh.as_ref().map_or(0, |refresh| refresh.steps.len());
        count += scenario.setup.len() + refresh + scenario.steps.len();
        if count > STEPS_MAX {
            let problem = format!("step {count} of the file");
            table.mistaken(Refusal::new(problem, format!("at most {STEPS_MAX} steps in all scenarios")));
            return;
        }
    }
}
