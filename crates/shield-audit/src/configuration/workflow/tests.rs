//! What the rules say of small workflows.

use super::look;
use crate::configuration::yaml;

fn said(text: &str) -> Vec<String> {
    let parsed = yaml::parse(text);
    assert_eq!(parsed.error, None, "{text}");
    let mut hits = look(&parsed.documents[0], text);
    hits.sort_by_key(|hit| (hit.range.start, hit.rule.id));
    hits.iter().map(|hit| format!("{} {}", &hit.rule.id["workflow/".len()..], hit.subject)).collect()
}

/// What is said of lines of a job, beside what its frame would be told for.
fn of_job(events: &str, lines: &str) -> Vec<String> {
    let lines = lines.replace('\n', "\n    ");
    let text = format!("on: {events}\npermissions: {{}}\njobs:\n  a:\n    {lines}\n");
    said(&text).into_iter().filter(|one| !one.starts_with("privileged-trigger")).collect()
}

#[test]
fn texts_of_strangers_in_scripts_are_found() {
    let run = "steps:\n- run: |\n    echo a\n    echo ${{ github.event.issue.title }}\n- run: echo \"$TITLE\"\n  env: {TITLE: '${{ github.event.issue.title }}'}";
    assert_eq!(of_job("issues", run), ["script-injection github.event.issue.title"]);
    let script = "steps:\n- uses: actions/github-script@0123456789012345678901234567890123456789\n  with:\n    script: x('${{ github.head_ref }}')";
    assert_eq!(of_job("push", script), ["script-injection github.head_ref"]);
}

#[test]
fn texts_of_strangers_are_known_by_names_of_env() {
    let of_step = "steps:\n- run: echo ${{ env.TITLE }} $OTHER\n  env: {title: '${{ github.event.issue.title }}', OTHER: '${{ github.head_ref }}'}";
    assert_eq!(of_job("issues", of_step), ["script-injection env.TITLE"]);
    let of_job_all = "env: {A: '${{ github.head_ref }}', B: 'x ${{ env.W }}'}\nsteps:\n- run: echo ${{ env.A }} ${{ env.B }}\n- run: echo ${{ env.A }}\n  env: {A: b}\n- uses: ./x\n  with: {a: '${{ env.A }}'}";
    assert_eq!(of_job("push", of_job_all), ["script-injection env.A"]);
    let workflow = "on: push\npermissions: {}\nenv: {W: '${{ github.event.head_commit.message }}'}\njobs:\n  a:\n    env: {B: '${{ env.W }}'}\n    steps:\n    - run: echo ${{ env.B }} ${{ contains(env.W, 'x') }}\n";
    assert_eq!(said(workflow), ["script-injection env.B"]);
}

#[test]
fn texts_of_whoever_starts_it_are_inputs() {
    let inputs = "workflow_dispatch: {inputs: {name: {type: string}, dry: {type: boolean}, other: {}}}";
    let run = "steps:\n- run: a ${{ inputs.name }} ${{ inputs.dry }} ${{ github.event.inputs.other }} ${{ inputs.unsaid }}";
    let found = ["script-injection inputs.name", "script-injection github.event.inputs.other"];
    assert_eq!(of_job(&format!("{{{inputs}}}"), run), found);
    let action = "inputs: {name: {}}\nruns:\n  using: composite\n  steps:\n  - run: echo ${{ inputs.name }}\n    shell: bash\n";
    assert_eq!(said(action), ["script-injection inputs.name"]);
}

#[test]
fn places_are_those_of_expressions() {
    let text = "on: push\njobs:\n  a:\n    steps:\n    - run: |\n        echo a\n        echo ${{ github.head_ref }}\n";
    let parsed = yaml::parse(text);
    let hits = look(&parsed.documents[0], text);
    let hit = hits.iter().find(|hit| hit.rule.id == "workflow/script-injection").unwrap();
    assert_eq!(&text[hit.range.clone()], "${{ github.head_ref }}");
    assert_eq!(hit.context, "a");
}

#[test]
fn code_of_strangers_next_to_secrets_is_found() {
    let pinned = "actions/checkout@0123456789012345678901234567890123456789";
    let checkout = format!(
        "steps:\n- uses: {pinned}\n  with:\n    persist-credentials: false\n    ref: ${{{{ github.event.pull_request.head.sha }}}}"
    );
    let found = ["untrusted-checkout ${{ github.event.pull_request.head.sha }}"];
    assert_eq!(of_job("pull_request_target", &checkout), found);
    assert_eq!(of_job("[push, workflow_run]", &checkout), found);
    assert_eq!(of_job("{pull_request: {}}", &checkout), Vec::<String>::new());
    assert_eq!(
        of_job("pull_request_target", "steps:\n- run: gh pr checkout 1"),
        ["untrusted-checkout gh pr checkout"]
    );
}

#[test]
fn actions_must_be_named_exactly() {
    let steps = "steps:\n- uses: a/b@v1\n- uses: ./c\n- uses: d/e@0123456789012345678901234567890123456789\n- uses: docker://f:1\n- uses: g/h";
    assert_eq!(
        of_job("push", steps),
        ["unpinned-action a/b", "unpinned-action docker://f:1", "unpinned-action g/h"]
    );
    assert_eq!(
        of_job("push", "uses: a/b/.github/workflows/c.yml@main"),
        ["unpinned-action a/b/.github/workflows/c.yml"]
    );
    assert_eq!(
        of_job("push", "container: node\nservices:\n  db: {image: 'postgres:16'}"),
        ["unpinned-image node"]
    );
}

#[test]
fn rights_must_be_few() {
    assert_eq!(said("on: push\njobs: {a: {steps: []}}"), ["default-permissions permissions"]);
    assert_eq!(said("on: push\njobs: {a: {permissions: {}}}"), Vec::<String>::new());
    assert_eq!(said("on: push\npermissions: write-all\njobs: {a: {}}"), ["wide-permissions write-all"]);
    assert_eq!(said("on: push\npermissions: {contents: write}\njobs: {a: {}}"), Vec::<String>::new());
    assert_eq!(
        said("on: push\npermissions: {contents: write}\njobs: {a: {}, b: {}}"),
        ["wide-permissions contents: write"]
    );
    assert_eq!(of_job("push", "uses: ./x.yml\nsecrets: inherit"), ["inherited-secrets ./x.yml"]);
    assert_eq!(of_job("pull_request", "runs-on: [self-hosted, linux]"), ["self-hosted-runner self-hosted"]);
    assert_eq!(of_job("push", "runs-on: [self-hosted, linux]"), Vec::<String>::new());
}

#[test]
fn secrets_are_not_spread() {
    assert_eq!(
        of_job(
            "push",
            "steps:\n- run: echo ${{ secrets.A }}\n- run: echo ${{ secrets.A }} | docker login --password-stdin\n- run: echo ${{ secrets.A }} > x"
        ),
        ["printed-secret secrets.A"]
    );
    assert_eq!(
        of_job("push", "env: {A: '${{ toJSON(secrets) }}', B: '${{ secrets.B }}'}"),
        ["all-secrets secrets"]
    );
    let upload = "steps:\n- uses: actions/checkout@0123456789012345678901234567890123456789";
    assert_eq!(of_job("push", upload), ["persisted-credentials actions/checkout"]);
    assert_eq!(
        of_job("push", "container:\n  image: a:1\n  credentials: {username: a, password: hunter2}"),
        ["container-password credentials.password"]
    );
}

#[test]
fn conditions_mean_what_they_say() {
    assert_eq!(
        of_job("push", "if: |\n  ${{ github.ref == 'x' }}"),
        ["condition-always-true ${{ github.ref == 'x' }}"]
    );
    assert_eq!(of_job("push", "if: ${{ a }} && b"), ["condition-always-true ${{ a }} && b"]);
    for condition in ["if: github.ref == 'x'", "if: ${{ a && b }}", "if: |\n  a", "if: true"] {
        assert_eq!(of_job("push", condition), Vec::<String>::new(), "{condition}");
    }
    let bot = "if: github.actor == 'dependabot[bot]'";
    assert_eq!(of_job("pull_request_target", bot), ["spoofable-actor github.actor"]);
    assert_eq!(of_job("pull_request", bot), Vec::<String>::new());
}

#[test]
fn releases_are_built_from_nothing() {
    let steps = "steps:\n- uses: actions/cache@0123456789012345678901234567890123456789";
    assert_eq!(of_job("{push: {tags: ['*']}}", steps), ["cache-poisoning actions/cache"]);
    assert_eq!(of_job("push", steps), Vec::<String>::new());
    assert_eq!(
        of_job("push", "env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}"),
        ["insecure-commands ACTIONS_ALLOW_UNSECURE_COMMANDS"]
    );
}
