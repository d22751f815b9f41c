//! `audit.secrets`: what `shield-audit` finds in the original project, in gitleaks' own examples, and at what cost.
//!
//! The folder of `SHIELD_BAR_DATA` holds `original/` (freelancing-solutions/linkshield_backend at f2061f6c) and `gitleaks/` (a
//! checkout of gitleaks/gitleaks at b58d3f10); a virtual environment with detect-secrets 1.5.0 is named by
//! `SHIELD_BAR_DETECT_SECRETS`, the path of its program.

mod cost;
mod gitleaks;
mod original;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use shield_audit::secrets::Scanner;

use self::gitleaks::{Example, Expected};
use super::Options;
use crate::harness::{Result, Trouble, Verdict};

const DATA: &str = "SHIELD_BAR_DATA";
/// gitleaks' files of rules for those kinds that have a rule here too, each by the form of its tokens.
const COVERED: [&str; 60] = [
    "1password",
    "adobe",
    "age",
    "airtable",
    "alibaba",
    "anthropic",
    "artifactory",
    "atlassian",
    "authress",
    "aws",
    "azure",
    "clickhouse",
    "clojars",
    "cloudflare",
    "databricks",
    "digitalocean",
    "doppler",
    "duffel",
    "dynatrace",
    "easypost",
    "facebook",
    "flutterwave",
    "flyio",
    "frameio",
    "gcp",
    "generic",
    "github",
    "gitlab",
    "grafana",
    "harness",
    "hashicorp",
    "hashicorp_vault",
    "heroku",
    "huggingface",
    "infracost",
    "intra42",
    "jwt",
    "linear",
    "mailchimp",
    "maxmind",
    "notion",
    "npm",
    "octopusdeploy",
    "openai",
    "openshift",
    "perplexity",
    "planetscale",
    "postman",
    "prefect",
    "privatekey",
    "pulumi",
    "pypi",
    "readme",
    "rubygems",
    "sendgrid",
    "sentry",
    "slack",
    "sourcegraph",
    "square",
    "stripe",
];
const FOUND_MIN_PERCENT: usize = 95;
const FALSE_MAX_PERCENT: usize = 2;

/// How many examples there are, and for how many the scanner says what it should not.
#[derive(Default)]
struct Count {
    examples: usize,
    wrong: usize,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let original = data("original", "freelancing-solutions/linkshield_backend at f2061f6c")?;
    let gitleaks = data("gitleaks", "gitleaks/gitleaks at b58d3f10")?;
    let scanner = Scanner::new();
    let mut verdict = Verdict::default();
    let findings = original::check(&scanner, &original, &mut verdict)?;
    let (missed, wrong) = examples(&scanner, &gitleaks.join("cmd/generate/config/rules"))?;
    let found = missed.examples - missed.wrong;
    verdict.demand(missed.examples >= 150, || format!("only {} examples to find were read", missed.examples));
    verdict.demand(wrong.examples >= 250, || format!("only {} harmless examples were read", wrong.examples));
    verdict.demand(found * 100 >= missed.examples * FOUND_MIN_PERCENT, || {
        format!("only {found} of {} found", missed.examples)
    });
    verdict.demand(wrong.wrong * 100 <= wrong.examples * FALSE_MAX_PERCENT, || {
        format!("{} of {} harmless examples reported", wrong.wrong, wrong.examples)
    });
    let ratio = cost::check(&scanner, &original, &mut verdict)?;
    Ok(verdict.with_figure(format!(
        "{findings} findings on the original; {found} of {} examples of gitleaks found, {} of {} harmless ones reported; 1/{ratio:.0} of \
         detect-secrets' CPU",
        missed.examples, wrong.wrong, wrong.examples
    )))
}

/// A folder of the data.
fn data(name: &str, what: &str) -> Result<PathBuf> {
    let folder = env::var_os(DATA).map(PathBuf::from).map(|folder| folder.join(name));
    folder.filter(|folder| folder.is_dir()).ok_or_else(|| {
        Trouble::new(format!("find `{name}/` in the folder named by {DATA}: put {what} there"))
    })
}

/// Those that must be found, of the covered kinds; those that must not, of all.
fn examples(scanner: &Scanner, rules: &Path) -> Result<(Count, Count)> {
    let (mut missed, mut wrong) = (Count::default(), Count::default());
    let entries =
        fs::read_dir(rules).map_err(|error| Trouble::caused(format!("read `{}`", rules.display()), error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "go")) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let source = fs::read_to_string(file)
            .map_err(|error| Trouble::caused(format!("read `{}`", file.display()), error))?;
        for example in gitleaks::examples(&source) {
            let count = match example.expected {
                Expected::Secret if !COVERED.contains(&&*name) => continue,
                Expected::Secret => &mut missed,
                Expected::Nothing => &mut wrong,
            };
            count.examples += 1;
            if !as_expected(scanner, &example) {
                count.wrong += 1;
                println!("  {name}: {:?}: {:.120}", example.expected, example.texts[0].replace('\n', " "));
            }
        }
    }
    Ok((missed, wrong))
}

/// An example to find must be found in each of its spellings, a harmless one in none.
fn as_expected(scanner: &Scanner, example: &Example) -> bool {
    let mut found = example.texts.iter().map(|text| !scanner.scan(&example.path, text.as_bytes()).is_empty());
    match example.expected {
        Expected::Secret => found.all(|found| found),
        Expected::Nothing => !found.any(|found| found),
    }
}
