//! What the rules say of small files.

use super::look;

fn said(text: &str) -> Vec<String> {
    let mut hits = look(text);
    hits.sort_by_key(|hit| hit.range.start);
    hits.iter().map(|hit| format!("{} {}", hit.rule.id, hit.subject)).collect()
}

/// What is said of lines between a good beginning and a good end.
fn within(lines: &str) -> Vec<String> {
    said(&format!("FROM debian:12.1\n{lines}\nUSER app\n"))
}

#[test]
fn users_are_those_of_the_last_stage() {
    assert_eq!(said("FROM a:1\nRUN x\n"), ["dockerfile/root no USER"]);
    assert_eq!(said("FROM a:1\nUSER app\nUSER root:root\n"), ["dockerfile/root USER root:root"]);
    for text in [
        "FROM a:1 AS build\nUSER root\nFROM b:1\nUSER 1000\n",
        "FROM a:1 AS base\nUSER app\nFROM base\nRUN x\n",
        "FROM gcr.io/distroless/static:nonroot@sha256:00\n",
        "FROM a:1\nUSER ${USER_ID}\n",
        "",
    ] {
        assert_eq!(said(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn images_must_be_named_exactly() {
    assert_eq!(said("FROM debian\nUSER a"), ["dockerfile/unpinned-image debian"]);
    assert_eq!(
        said("FROM --platform=linux/amd64 r:5/x:latest AS y\nUSER a"),
        ["dockerfile/unpinned-image r:5/x:latest"]
    );
    assert_eq!(said("FROM a:1 AS Build\nFROM build\nUSER a"), Vec::<String>::new());
    assert_eq!(said("ARG V\nFROM debian:${V}\nUSER a\nFROM scratch\nUSER 1"), Vec::<String>::new());
}

#[test]
fn secrets_in_the_image_are_found_and_never_said() {
    assert_eq!(within("ENV DB_PASSWORD=hunter2 X=1"), ["dockerfile/secret ENV DB_PASSWORD"]);
    assert_eq!(within("ENV API_KEY hunter2"), ["dockerfile/secret ENV API_KEY"]);
    assert_eq!(within("ARG NPM_TOKEN"), ["dockerfile/secret ARG NPM_TOKEN"]);
    assert_eq!(
        within("ENV NODE_TLS_REJECT_UNAUTHORIZED=0"),
        ["dockerfile/verification-off NODE_TLS_REJECT_UNAUTHORIZED"]
    );
    assert!(!format!("{:?}", look("FROM a:1\nENV DB_PASSWORD=hunter2")).contains("hunter2"));
    for line in ["ENV DB_PASSWORD=", "ENV PASSWORD_FILE=/run/x", "ARG VERSION=1", "ENV TOKEN=changeme"] {
        assert_eq!(within(line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn builds_take_only_what_was_looked_at() {
    assert_eq!(within("ADD https://x/y.tar /"), ["dockerfile/remote-add ADD https://x/y.tar"]);
    assert_eq!(within("ADD --checksum=sha256:00 https://x/y.tar /\nADD a b\nCOPY c d"), Vec::<String>::new());
    assert_eq!(within("RUN curl -s https://x | sh"), ["shell/download-run curl | sh"]);
    assert_eq!(within("RUN [\"sh\", \"-c\", \"curl -s https://x | sh\"]"), ["shell/download-run curl | sh"]);
    assert_eq!(within("RUN <<EOF\ncurl -s https://x | sh\nEOF"), ["shell/download-run curl | sh"]);
    assert_eq!(
        within("RUN apt-get update && \\\n # why\n  sudo apt-get install -y x"),
        ["dockerfile/sudo sudo apt-get", "dockerfile/recommended-packages apt-get install"]
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(within("RUN apt-get install --no-install-recommends -y x"), Vec::<String>::new());
}

#[test]
fn settings_without_effect_are_found() {
    assert_eq!(within("CMD a\nCMD b"), ["dockerfile/overridden CMD"]);
    assert_eq!(said("FROM a:1\nCMD a\nFROM b:1\nCMD c\nUSER d"), Vec::<String>::new());
    assert_eq!(within("EXPOSE 22 80\nHEALTHCHECK CMD x"), ["dockerfile/ssh EXPOSE 22"]);
    assert_eq!(within("EXPOSE 80"), ["dockerfile/no-healthcheck HEALTHCHECK"]);
}
