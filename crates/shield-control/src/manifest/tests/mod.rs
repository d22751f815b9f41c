//! Files with mistakes and what people are told about them; files without, and what they resolve to.

mod accepts;
mod documents;
mod refuses;

/// The smallest file that is accepted.
const MINIMAL: &str = r#"format = 1
name = "shop"

[service]
start = "{artifact} --port {port}"

[service.ready]
path = "/health"

[stage.build]
artifact = "target/release/shop"
"#;

/// Every key there is, each with its default where it has one.
const FULL: &str = r#"format = 1
name = "shop"

[service]
start = "{artifact} serve --address {address} --port {port} --data {data}"
instances = 2
env = { RUST_LOG = "info" }

[service.ready]
path = "/api/v1/health/ready"
status = "200-299"
interval = "250ms"
timeout = "1s"

[stage.build]
command = "cargo build --release"
artifact = "./target/release/shop"
exclude = [".git", "*.log"]
deadline = "30m"

[stage.test]
command = "cargo test"
deadline = "30m"

[audit]
fail_on = "medium"
gaps = ["advisories"]
exclude = ["vendor"]
secrets = "repository"
site_packages = ["/usr/lib/python3/dist-packages"]
python = "3.12"
baseline = "accepted.txt"
scanners = ["bandit", "ruff"]
rules = ["audit-rules.toml"]

[stage.audit]
fail_on = "critical"
allow = ["network"]

[stage.bench]
budget = "10s"

[stage.staging]
env = { RUST_LOG = "debug" }

[stage.smoke]
[[stage.smoke.request]]
name = "verdict"
method = "POST"
path = "/check"
headers = { Content-Type = "application/json" }
body = '{"url":"https://example.com/"}'
status = "200"
contains = ["safe"]
timeout = "5s"

[stage.load]
file = "load.toml"

[stage.drill]
drills = ["instance-kill", "edge-kill"]

[release]
strategy = "blue-green"
min_healthy = "10s"
start_deadline = "60s"
drain = "30s"
watch = "60s"
stop_grace = "10s"
error_ratio_max = "0.1%"

[edge]
https = "127.0.0.1:8443"
http = "127.0.0.1:8080"
hostnames = ["localhost"]
request_body_bytes_max = "10MiB"
response_timeout = "30s"

[drill]
environments = ["production"]
load = "drills.toml"
rate = 20
disk = "/srv/shop"
before = "5s"
lasts = "10s"
after = "10s"

[bench]
load = "bench.toml"
prepare = "./accounts"
metrics = "/metrics"
budget = "20s"

[[bench.component]]
name = "jwt"
target = "10ms"
margin = 100
with = "token"
without = "stranger"
metric = "shield_component_duration_seconds"
labels = { component = "jwt" }
longest = "shield_component_duration_max_seconds"
primitive = { kind = "sha-256", bytes = 480 }
"#;
