//! `ship.lying-instances`: a release that lies about its health never costs a user a request, or few where only users can
//! tell.
//!
//! Each case releases one behaviour of the test backend over an honest live release, under 50 requests a second.

use std::time::Duration;

use shield_load::{LoadPlan, LoadReport, RequestMix};
use tokio::time::sleep;

use super::Options;
use crate::harness::{
    ManifestSettings, Programs, Project, Result, Verdict, build_programs, print_load, steady,
    wait_for_traffic,
};

const REQUESTS_PER_SECOND: u32 = 50;
const POSTS_PER_SECOND: u32 = 10;
/// Traffic goes on for so long after the release ended.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// Exit code of a release that failed or was taken back.
const RELEASE_FAILED: i32 = 4;

/// A lie, and what must become of it.
struct Case {
    letter: char,
    what: &'static str,
    flags: &'static str,
    settings: ManifestSettings,
    /// Whether the release must succeed; otherwise it must fail with the reason.
    succeeds: bool,
    /// Most failed requests that users may see.
    failed_max: u64,
    /// Offer GETs only, and POSTs apart, which nobody may retry.
    posts_apart: bool,
}

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let programs = build_programs().await?;
    println!(
        "  {REQUESTS_PER_SECOND} requests a second, half POSTs, over an honest live release; min_healthy 1s"
    );
    let mut verdict = Verdict::default();
    let (mut lies, mut failed) = (0, 0);
    let only = options.only.as_deref().unwrap_or_default();
    for case in cases().iter().filter(|case| case.what.contains(only)) {
        failed += one_case(&programs, case, &mut verdict).await?;
        lies += 1;
    }
    Ok(verdict.with_figure(format!("{lies} lies, {failed} requests of users failed in all")))
}

fn cases() -> [Case; 7] {
    let settings = |start_deadline_s| ManifestSettings {
        min_healthy: Duration::from_secs(1),
        start_deadline: Duration::from_secs(start_deadline_s),
        response_timeout: Duration::from_secs(1),
        watch: Duration::from_secs(20),
        ..ManifestSettings::default()
    };
    let short_watch =
        |start_deadline_s| ManifestSettings { watch: Duration::from_secs(2), ..settings(start_deadline_s) };
    let case = |letter, what, flags, settings| Case {
        letter,
        what,
        flags,
        settings,
        succeeds: false,
        failed_max: 0,
        posts_apart: false,
    };
    [
        case('a', "passes one probe and dies", "--behaviour dies-after-first-probe", settings(10)),
        case('b', "passes one probe and hangs", "--behaviour hangs-after-first-probe", settings(10)),
        case('c', "never binds", "--behaviour never-binds", settings(10)),
        case(
            'd',
            "binds after 20s, start_deadline 10s",
            "--behaviour binds-late --bind-after 20s",
            settings(10),
        ),
        Case {
            succeeds: true,
            ..case(
                'e',
                "binds after 20s, start_deadline 30s",
                "--behaviour binds-late --bind-after 20s",
                short_watch(30),
            )
        },
        Case {
            failed_max: 10,
            ..case(
                'f',
                "200 on the probe, 500 on everything else",
                "--behaviour errors-on-root",
                settings(10),
            )
        },
        Case {
            posts_apart: true,
            ..case(
                'g',
                "hangs 3s after promotion, GETs",
                "--behaviour hangs-after --hang-after 3s",
                settings(10),
            )
        },
    ]
}

/// Releases one lie under load; gives the failed requests of users.
async fn one_case(programs: &Programs, case: &Case, verdict: &mut Verdict) -> Result<u64> {
    let mut project = Project::create(programs, &case.settings)?;
    project.configure(&ManifestSettings { watch: Duration::from_millis(500), ..case.settings.clone() })?;
    project.must_release().await?;
    let before = project.settled().await?.live;
    let load = wait_for_traffic(main_load(case, project.load()?)).await?;
    let posts = match case.posts_apart {
        true => Some(wait_for_traffic(post_load(project.load()?)).await?),
        false => None,
    };

    project.configure(&ManifestSettings { flags: case.flags.to_owned(), ..case.settings.clone() })?;
    project.change()?;
    let released = project.release().await?;
    sleep(AFTERWARDS).await;
    load.stop();
    let report = load.join().await;
    let after = project.settled().await?.live;
    println!(
        "  ({}) {}: exit code {} after {:.1} s: {}",
        case.letter,
        case.what,
        released.code(),
        released.took.as_secs_f64(),
        if released.succeeded() { "released".to_owned() } else { released.reason() }
    );
    print_load("users", &report);
    if let Some(posts) = posts {
        posts.stop();
        print_load("users who POST (never sent twice)", &posts.join().await);
    }
    project.close().await?;
    judge(case, released.code(), &report, verdict);
    verdict.demand((after == before) != case.succeeds, || {
        format!("({}) {} is live; before it was {}", case.letter, name(&after), name(&before))
    });
    verdict.demand(case.succeeds || !released.reason().is_empty(), || {
        format!("({}) failed without a reason", case.letter)
    });
    Ok(report.failed_count())
}

fn judge(case: &Case, code: i32, report: &LoadReport, verdict: &mut Verdict) {
    let Case { letter, failed_max, .. } = case;
    let expected = if case.succeeds { 0 } else { RELEASE_FAILED };
    verdict.demand(code == expected, || format!("({letter}) exit code {code} instead of {expected}"));
    let failed = report.failed_count();
    verdict.demand(failed <= *failed_max, || {
        format!("({letter}) {failed} failed requests, more than {failed_max}")
    });
    verdict.demand(report.accounted(), || format!("({letter}) requests are not accounted for"));
}

fn main_load(case: &Case, base: LoadPlan) -> LoadPlan {
    let mut load = steady(base, REQUESTS_PER_SECOND);
    if case.posts_apart {
        load.workload = RequestMix::gets("/").workload();
    }
    load
}

fn post_load(base: LoadPlan) -> LoadPlan {
    let mut load = steady(base, POSTS_PER_SECOND);
    let id_prefix = "posts".to_owned();
    load.workload = RequestMix { post_share: 1.0, id_prefix, ..RequestMix::default() }.workload();
    load
}

fn name(release: &Option<shield_types::ReleaseId>) -> String {
    release.as_ref().map_or("no release".to_owned(), ToString::to_string)
}
