//! The `shield.toml` of the test backend.

use std::time::Duration;

use shield_types::format_duration;

/// What a bar sets in its `shield.toml`; the rest is fixed.
#[derive(Clone, Debug)]
pub(crate) struct ManifestSettings {
    pub(crate) min_healthy: Duration,
    pub(crate) watch: Duration,
    pub(crate) start_deadline: Duration,
    pub(crate) response_timeout: Duration,
    /// Flags of the test backend, besides where to listen and where its ledger is.
    pub(crate) flags: String,
    /// The directory of its ledger; a placeholder or a path.
    pub(crate) data: String,
}

impl Default for ManifestSettings {
    /// The settings of `ship.zero-failed`: an honest backend that takes a few milliseconds.
    fn default() -> Self {
        Self {
            min_healthy: Duration::from_millis(500),
            watch: Duration::from_millis(500),
            start_deadline: Duration::from_secs(30),
            response_timeout: Duration::from_secs(30),
            flags: "--delay 3ms".to_owned(),
            data: "{data}".to_owned(),
        }
    }
}

// === impl ManifestSettings ===

impl ManifestSettings {
    /// Short waits, for bars that make many releases to look at something else.
    pub(crate) fn quick() -> Self {
        Self { min_healthy: Duration::from_millis(200), watch: Duration::from_millis(300), ..Self::default() }
    }

    /// The file, for an edge on `port` of the loopback.
    pub(crate) fn render(&self, port: u16) -> String {
        let [min_healthy, watch, start_deadline, response_timeout] =
            [self.min_healthy, self.watch, self.start_deadline, self.response_timeout].map(format_duration);
        let Self { flags, data, .. } = self;
        format!(
            r#"format = 1
name = "bar"

[service]
start = "{{artifact}}/testkit-backend --address {{address}} --port {{port}} --data {data} {flags}"
ready = {{ path = "/ready", interval = "100ms" }}

[stage.build]
artifact = "artifact"

[release]
min_healthy = "{min_healthy}"
watch = "{watch}"
start_deadline = "{start_deadline}"
drain = "30s"

[edge]
https = "127.0.0.1:{port}"
response_timeout = "{response_timeout}"
"#
        )
    }
}
