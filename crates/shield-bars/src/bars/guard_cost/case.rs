//! What is measured, what it may cost, and what it did.

use std::{fmt, hint::black_box};

use super::{Instructions, Times};

/// How large the tables are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) tokens: usize,
    pub(super) limit_keys: u32,
    pub(super) sessions: u32,
    pub(super) api_keys: u32,
}

/// Something that is done many times.
pub(super) trait Operation {
    /// Chooses the inputs of the next `count` times. Not measured.
    fn prepare(&mut self, count: usize);

    /// Does it once with each input.
    fn run(&mut self);
}

/// A component in one situation.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) component: Box<dyn Operation>,
    pub(super) primitive: Option<Primitive>,
    pub(super) ratio_max: Option<f64>,
    pub(super) nanoseconds_max: Option<f64>,
    /// What must hold beside its time, and does not.
    pub(super) broken: Vec<String>,
}

/// What a component cannot do without.
pub(super) struct Primitive {
    pub(super) name: &'static str,
    pub(super) operation: Box<dyn Operation>,
}

/// A case with its figures.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) name: &'static str,
    times: Times,
    primitive: Option<(&'static str, Times)>,
    ratio_max: Option<f64>,
    nanoseconds_max: Option<f64>,
    broken: Vec<String>,
    pub(super) instructions: Option<Instructions>,
}

/// An operation out of two closures: one chooses an input, one works on it.
struct Prepared<I, C, W> {
    inputs: Vec<I>,
    choose: C,
    work: W,
}

// === impl Sizes ===

impl Sizes {
    /// As the bar has it.
    pub(super) const FULL: Self =
        Self { tokens: 100_000, limit_keys: 1_000_000, sessions: 200_000, api_keys: 1_000_000 };
    /// Enough for the same instructions, under an instrument that makes everything fifty times slower.
    pub(super) const SMALL: Self =
        Self { tokens: 2_000, limit_keys: 20_000, sessions: 2_000, api_keys: 2_000 };
}

/// Does `work` with inputs that `choose` makes beforehand.
pub(super) fn prepared<I: 'static, T>(
    choose: impl FnMut() -> I + 'static,
    mut work: impl FnMut(&I) -> T + 'static,
) -> Box<dyn Operation> {
    let work = move |input: &I| {
        black_box(work(black_box(input)));
    };
    Box::new(Prepared { inputs: Vec::new(), choose, work })
}

impl<I, C: FnMut() -> I, W: FnMut(&I)> Operation for Prepared<I, C, W> {
    fn prepare(&mut self, count: usize) {
        self.inputs.clear();
        self.inputs.extend((0..count).map(|_| (self.choose)()));
    }

    fn run(&mut self) {
        self.inputs.iter().for_each(&mut self.work);
    }
}

// === impl Case ===

impl Case {
    /// A case that may cost so many times its primitive.
    pub(super) fn ratio(
        name: &'static str,
        ratio_max: f64,
        component: Box<dyn Operation>,
        primitive: Primitive,
    ) -> Self {
        let ratio_max = Some(ratio_max);
        Self { ratio_max, primitive: Some(primitive), ..Self::absolute(name, component) }
    }

    /// A case without a primitive.
    pub(super) fn absolute(name: &'static str, component: Box<dyn Operation>) -> Self {
        Self { name, component, primitive: None, ratio_max: None, nanoseconds_max: None, broken: Vec::new() }
    }

    /// The same with a time that its fastest batch may take, per operation.
    pub(super) fn within(self, nanoseconds_max: f64) -> Self {
        Self { nanoseconds_max: Some(nanoseconds_max), ..self }
    }
}

// === impl Measured ===

impl Measured {
    pub(super) fn new(case: &Case, times: Times, primitive_times: Option<Times>) -> Self {
        Self {
            name: case.name,
            times,
            primitive: case.primitive.as_ref().map(|primitive| primitive.name).zip(primitive_times),
            ratio_max: case.ratio_max,
            nanoseconds_max: case.nanoseconds_max,
            broken: case.broken.clone(),
            instructions: None,
        }
    }

    /// Fastest batch to fastest batch.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.ratio_max?;
        self.primitive.map(|(_, primitive)| self.times.minimum_ns / primitive.minimum_ns)
    }

    /// The demands that it does not meet.
    pub(super) fn broken(&self) -> Vec<String> {
        let over = |what: &str, figure: Option<f64>, most: Option<f64>| {
            let (figure, most) = figure.zip(most)?;
            (figure > most).then(|| format!("{}: {figure:.2} {what}, more than {most}", self.name))
        };
        let ratio = over("of its primitive", self.ratio(), self.ratio_max);
        let time = over("ns", Some(self.times.minimum_ns), self.nanoseconds_max);
        self.broken.iter().cloned().chain(ratio).chain(time).collect()
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "  {:34} {}", self.name, self.times)?;
        if let Some(most) = self.nanoseconds_max {
            write!(formatter, " (<= {most} ns)")?;
        }
        if let Some(instructions) = &self.instructions {
            write!(formatter, ", {:.0} instructions", instructions.component)?;
        }
        let Some((name, primitive)) = &self.primitive else { return Ok(()) };
        write!(formatter, "\n  {:34} {primitive}", format!("  {name}"))?;
        if let Some(count) = self.instructions.and_then(|instructions| instructions.primitive) {
            write!(formatter, ", {count:.0} instructions")?;
        }
        if let (Some(ratio), Some(most)) = (self.ratio(), self.ratio_max) {
            let medians = self.times.median_ns / primitive.median_ns;
            write!(formatter, "; ratio {ratio:.2}, of medians {medians:.2} (<= {most})")?;
        }
        Ok(())
    }
}
