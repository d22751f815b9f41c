//! What the rules say of small files.

use crate::configuration::{hits::Hit, yaml};

fn said(mut hits: Vec<Hit>) -> Vec<String> {
    hits.sort_by_key(|hit| (hit.range.start, hit.rule.id));
    hits.iter().map(|hit| format!("{} {}", &hit.rule.id["container/".len()..], hit.subject)).collect()
}

fn of_service(lines: &str) -> Vec<String> {
    let text = format!("services:\n  a:\n    {}\n", lines.replace('\n', "\n    "));
    let hits = super::compose(&yaml::parse(&text).documents[0]);
    assert!(hits.iter().all(|hit| hit.context == "a"));
    said(hits)
}

#[test]
fn services_that_own_their_host_are_found() {
    for (lines, expected) in [
        ("privileged: true", "privileged privileged"),
        ("network_mode: host", "host-namespace network_mode: host"),
        ("pid: \"host\"", "host-namespace pid: host"),
        ("cap_add: [NET_BIND_SERVICE, SYS_ADMIN]", "capability SYS_ADMIN"),
        ("security_opt: ['seccomp:unconfined', 'no-new-privileges:true']", "unconfined seccomp:unconfined"),
        ("volumes: ['/var/run/docker.sock:/x:ro']", "engine-socket /var/run/docker.sock"),
        ("volumes: [{type: bind, source: /, target: /x}]", "host-directory /"),
        ("user: '0:0'", "root user: root"),
        ("image: postgres", "unpinned-image postgres"),
    ] {
        assert_eq!(of_service(lines), [expected], "{lines}");
    }
    for lines in [
        "privileged: false",
        "network_mode: bridge",
        "volumes: [data:/var/lib, ./x:/etc/x, /etc/localtime:/etc/localtime]",
        "image: postgres:16\nuser: '1000'",
        "image: mine\nbuild: .",
        "image: ${IMAGE}",
    ] {
        assert_eq!(of_service(lines), Vec::<String>::new(), "{lines}");
    }
}

#[test]
fn stores_open_to_networks_are_found() {
    assert_eq!(of_service("ports: ['5432:5432', '8080:80']"), ["exposed-port 5432"]);
    assert_eq!(of_service("ports: ['0.0.0.0:16379:6379/tcp']"), ["exposed-port 6379"]);
    assert_eq!(of_service("ports: [{target: 27017, published: 1}]"), ["exposed-port 27017"]);
    let kept =
        "ports: ['127.0.0.1:5432:5432', '80:80', '[::1]:6379:6379', {target: 5432}, '443', '${P}:${P}']";
    assert_eq!(of_service(kept), Vec::<String>::new());
}

#[test]
fn secrets_in_settings_are_found_and_never_said() {
    assert_eq!(of_service("environment: {DB_PASSWORD: hunter2, B: c}"), ["secret DB_PASSWORD"]);
    assert_eq!(of_service("environment: [DB_PASSWORD=hunter2, B=c]"), ["secret DB_PASSWORD"]);
    assert_eq!(of_service("environment: ['DB_PASSWORD=${X}', API_KEY]"), Vec::<String>::new());
    let parsed = yaml::parse("services: {a: {environment: {DB_PASSWORD: hunter2}}}");
    assert!(!format!("{:?}", super::compose(&parsed.documents[0])).contains("hunter2"));
}

#[test]
fn pods_are_found_wherever_they_are_made() {
    let pod = "hostPID: true, volumes: [{hostPath: {path: /var/run/docker.sock}}], containers: [{image: 'a:latest', \
        securityContext: {privileged: true, allowPrivilegeEscalation: true, runAsUser: 0, capabilities: {add: [ALL]}}}]";
    let expected = [
        "host-namespace hostPID",
        "engine-socket /var/run/docker.sock",
        "unpinned-image a:latest",
        "privileged privileged",
        "escalation allowPrivilegeEscalation",
        "root runAsUser: 0",
        "capability ALL",
    ];
    for text in [
        format!("{{apiVersion: v1, kind: Pod, spec: {{{pod}}}}}"),
        format!("{{apiVersion: v1, kind: Deployment, spec: {{template: {{spec: {{{pod}}}}}}}}}"),
        format!(
            "{{apiVersion: v1, kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {{{pod}}}}}}}}}}}}}"
        ),
    ] {
        assert_eq!(said(super::kubernetes(&yaml::parse(&text).documents[0])), expected, "{text}");
    }
    let other = format!("{{kind: Pod, spec: {{{pod}}}}}");
    assert_eq!(super::kubernetes(&yaml::parse(&other).documents[0]).len(), 0);
}

#[test]
fn clusters_are_checked_and_processes_confined() {
    let said = |text: &str| said(super::kubernetes(&yaml::parse(text).documents[0]));
    let settings = "{apiVersion: v1, kind: Config, clusters: [{cluster: {insecure-skip-tls-verify: true}}, {cluster: {insecure-skip-tls-verify: false}}]}";
    assert_eq!(said(settings), ["no-certificate-check insecure-skip-tls-verify"]);
    let service = "{apiVersion: v1, kind: APIService, spec: {insecureSkipTLSVerify: true}}";
    assert_eq!(said(service), ["no-certificate-check insecureSkipTLSVerify"]);
    let pod =
        |context: &str| format!("{{apiVersion: v1, kind: Pod, spec: {{securityContext: {{{context}}}}}}}");
    assert_eq!(said(&pod("seccompProfile: {type: Unconfined}")), ["unconfined seccompProfile: Unconfined"]);
    assert_eq!(said(&pod("runAsNonRoot: false")), ["root runAsNonRoot: false"]);
    assert_eq!(
        said(&pod("seccompProfile: {type: RuntimeDefault}, runAsNonRoot: true")),
        Vec::<String>::new()
    );
}
