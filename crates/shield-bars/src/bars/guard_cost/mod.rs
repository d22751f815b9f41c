//! `guard.cost`: what each security component costs, in process, on one thread.
//!
//! A component and the primitive under it (of `ring`) take turns, batch by batch, so that both meet the same machine. The
//! ratio is that of their fastest batches: what is slower was disturbed. Medians stand beside it. Inputs are chosen before
//! each batch and lie in the processor's cache, as those of a request do that was just read from its socket.
//!
//! Instructions are counted in a child run of this program under callgrind, with small tables. Its machine has no SHA
//! extensions, so `ring` hashes in software there: compare instructions with those of the primitive beside them, not with
//! the times.
//!
//! What goes through Redis is measured in the same way, beside a plain GET ([`redis`]).

mod api_keys;
mod callgrind;
mod case;
mod csrf;
mod limits;
mod redis;
mod sessions;
mod timing;
mod tokens;

use std::collections::BTreeMap;

use self::{
    callgrind::Instructions,
    case::{Case, Measured, Sizes},
    timing::{Times, alternate},
};
use super::{Options, Part};
use crate::harness::{Result, Trouble, Verdict};

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let only = options.only.clone().unwrap_or_default();
    let counting = options.part == Some(Part::Instructions);
    let work = tokio::task::spawn_blocking(move || match counting {
        true => Ok(callgrind::count(cases(&Sizes::SMALL, &only))),
        false => measure_all(&only),
    });
    let mut measured = work.await.map_err(|error| Trouble::caused("measure components", error))??;
    if counting {
        return Ok(Verdict::default().with_figure("counted, for callgrind to tell".to_owned()));
    }
    let mut verdict = Verdict::default();
    match callgrind::run(options.only.as_deref()).await {
        Ok(instructions) => note(&mut measured, &instructions),
        Err(error) => {
            verdict
                .demand(false, || format!("instructions: not measured: {}", crate::harness::chain(&error)));
        }
    }
    for case in &measured {
        println!("{case}");
    }
    for broken in measured.iter().flat_map(Measured::broken) {
        verdict.demand(false, || broken);
    }
    let ratios = measured.iter().filter_map(|case| Some(format!("{} {:.2}", case.name, case.ratio()?)));
    let figure = format!("as ratio to the primitive: {}", ratios.collect::<Vec<_>>().join(", "));
    Ok(verdict.with_figure(figure))
}

/// Every case whose name contains `only`, made when its turn comes: tables of a million keys do not stand side by side.
fn cases(sizes: &Sizes, only: &str) -> impl Iterator<Item = Case> {
    let makers: [fn(&Sizes) -> Vec<Case>; 5] =
        [tokens::cases, limits::cases, csrf::cases, sessions::cases, api_keys::cases];
    let (sizes, only) = (*sizes, only.to_owned());
    let cases = makers.into_iter().flat_map(move |make| make(&sizes));
    cases.filter(move |case| case.name.contains(&only))
}

fn measure_all(only: &str) -> Result<Vec<Measured>> {
    let mut measured = measure(cases(&Sizes::FULL, only));
    if redis::NAME.contains(only) {
        measured.extend(measure(redis::cases()?.into_iter()));
    }
    Ok(measured)
}

fn measure(cases: impl Iterator<Item = Case>) -> Vec<Measured> {
    let one = |mut case: Case| {
        let (times, primitive_times) = match &mut case.primitive {
            Some(primitive) => {
                let [component, primitive] = alternate([&mut *case.component, &mut *primitive.operation]);
                (component, Some(primitive))
            }
            None => {
                let [component] = alternate([&mut *case.component]);
                (component, None)
            }
        };
        Measured::new(&case, times, primitive_times)
    };
    cases.map(one).collect()
}

/// Writes the counts beside the times.
fn note(measured: &mut [Measured], instructions: &BTreeMap<String, Instructions>) {
    for case in measured {
        case.instructions = instructions.get(case.name).copied();
    }
}
