//! What a bar found.

/// The figure of a bar, and which of its demands are not met.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What was measured, in a few words.
    pub(crate) figure: String,
    /// Empty when the bar holds.
    pub(crate) broken: Vec<String>,
}

// === impl Verdict ===

impl Verdict {
    /// Notes that a demand is not met unless `met`.
    pub(crate) fn demand(&mut self, met: bool, otherwise: impl FnOnce() -> String) -> bool {
        if !met {
            let text = otherwise();
            println!("  !! {text}");
            self.broken.push(text);
        }
        met
    }

    /// The same verdict with its figure.
    pub(crate) fn with_figure(mut self, figure: String) -> Self {
        self.figure = figure;
        self
    }
}
