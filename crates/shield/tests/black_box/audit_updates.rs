//! `shield audit --update` and `--accept`: what is known of vulnerabilities, and what may stay for a while.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Cursor, Read, Write},
    net::TcpListener,
    path::PathBuf,
    sync::Arc,
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use shield_testkit::TestAuthority;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{Project, Run};

const ECOSYSTEMS: [&str; 4] = ["crates.io", "Go", "npm", "PyPI"];

/// A critical advisory about `shop-lib` before 2.0.
fn record(ecosystem: &str, number: u32) -> String {
    format!(
        r#"{{"id": "T-{ecosystem}-{number}", "modified": "2026-10-10T00:00:00Z", "summary": "it leaks",
        "severity": [{{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],
        "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "shop-lib"}},
        "ranges": [{{"type": "{}", "events": [{{"introduced": "0"}}, {{"fixed": "2.0.0"}}]}}]}}]}}"#,
        if ecosystem == "PyPI" { "ECOSYSTEM" } else { "SEMVER" }
    )
}

fn archive(ecosystem: &str, count: u32) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..count {
        writer.start_file(format!("T-{number}.json"), SimpleFileOptions::default()).unwrap();
        writer.write_all(record(ecosystem, number).as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What a server does with npm's archive, the third; the others always come.
#[derive(Clone, Copy)]
enum Npm {
    Whole(u32),
    Missing,
    Cut,
    Garbage,
    Elsewhere,
}

/// A server of dumps; it ends with the test.
fn serve(npm: Npm, tls: Option<Arc<ServerConfig>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (connection, tls) = (connection.unwrap(), tls.clone());
            // A client that goes away ends its thread.
            thread::spawn(move || match tls {
                Some(tls) => {
                    drop(answer(StreamOwned::new(ServerConnection::new(tls).unwrap(), connection), npm));
                }
                None => drop(answer(connection, npm)),
            });
        }
    });
    url
}

fn answer(connection: impl Read + Write, npm: Npm) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    let (mut line, mut request) = (String::new(), String::new());
    while connection.read_line(&mut line)? > 2 {
        request.push_str(&line);
        line.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let ecosystem = path.split('/').nth(1).unwrap_or_default();
    assert_eq!(path, format!("/{ecosystem}/all.zip"));
    let (status, body, cut) = match npm {
        _ if ecosystem != "npm" => ("200 OK", archive(ecosystem, 3), 0),
        Npm::Whole(count) => ("200 OK", archive(ecosystem, count), 0),
        Npm::Missing => ("404 Not Found", Vec::new(), 0),
        Npm::Cut => ("200 OK", archive(ecosystem, 3), 40),
        Npm::Garbage => ("200 OK", b"<html>".to_vec(), 0),
        Npm::Elsewhere => ("302 Found\r\nlocation: http://127.0.0.1:9/npm/all.zip", Vec::new(), 0),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let connection = connection.get_mut();
    connection.write_all(head.as_bytes())?;
    connection.write_all(&body[..body.len() - cut])?;
    connection.flush()
}

fn index(project: &Project) -> PathBuf {
    project.path().join("known/advisories")
}

/// Runs `shield audit` with an index of its own and no proxy.
fn audit(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let index = index(project);
    let own = [("SHIELD_ADVISORIES", index.to_str().unwrap()), ("NO_PROXY", "*")];
    project.shield_with(&[&["audit"], arguments].concat(), &[&own, variables].concat())
}

fn project() -> Project {
    let project = Project::of_files(&[("code/requirements.txt", "shop-lib==1.0\n")]);
    for ecosystem in ECOSYSTEMS {
        project.write(&format!("database/{ecosystem}/T-1.json"), &record(ecosystem, 1));
    }
    project
}

/// The fingerprints of what counts.
fn found(project: &Project, code: i32) -> Vec<String> {
    let events = audit(project, &["code", "--output-format", "json"], &[]).expect(code).events();
    let found = events[0]["report"]["found"].as_array().unwrap();
    found.iter().map(|one| one["fingerprint"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn index_is_made_of_a_directory() {
    let project = project();
    project.write("database/broken.json", "{");
    audit(&project, &["--update", "database"], &[])
        .expect(0)
        .says("advisories: 4 records, in `[DIR]/shop/known/advisories`")
        .says("PyPI: 1 advisories of 1 packages, the newest of 2026-10-10")
        .says("not understood, and left out: 1\n  broken.json: ");
    fs::remove_file(project.path().join("database/broken.json")).unwrap();
    let event =
        &audit(&project, &["--update", "database", "--output-format", "json"], &[]).expect(0).events()[0];
    assert_eq!((&event["event"], &event["summary"]["records"]), (&"updated".into(), &4.into()));
    assert_eq!(event["bytes"], fs::metadata(index(&project)).unwrap().len());
    audit(&project, &["code"], &[]).expect(10).says("`shop-lib 1.0`: it leaks");
}

#[test]
fn broken_records_matter_to_their_users() {
    let project = project();
    project.write("code/requirements.txt", "shop-lib==2.0.0\n");
    let broken =
        |name: &str| record("PyPI", 2).replace("shop-lib", name).replace(r#"{"introduced": "0"}"#, "{}");
    let audited = |code| {
        audit(&project, &["--update", "database"], &[]).expect(0).says("not understood, and left out: 2");
        audit(&project, &["code"], &[]).expect(code)
    };
    project.write("database/T-2.json", &broken("other"));
    audited(0).says("1 records of it were not understood");
    project.write("database/T-2.json", &broken("shop-lib"));
    audited(14).says("advisories T-2.json: it is about pkg:pypi/shop-lib, which is in use");
    audit(&project, &["code", "--gaps", "advisories"], &[]).expect(0);
    // It does not even say what it is about.
    project.write("database/T-2.json", "{");
    audit(&project, &["--update", "database"], &[]).expect(0);
    audit(&project, &["code"], &[]).expect(14).says("so it may be about any");
}

#[test]
fn sources_without_advisories_change_nothing() {
    let project = project();
    audit(&project, &["--update", "code"], &[])
        .expect(2)
        .says("find advisories in `code`: 0 records")
        .says("there is no index still");
    audit(&project, &["--update", "database"], &[]).expect(0);
    let before = fs::read(index(&project)).unwrap();
    audit(&project, &["--update", "nowhere"], &[]).expect(2).says("stays in use");
    audit(&project, &["--update", "code/requirements.txt"], &[]).expect(2).says("read archive of advisories");
    assert_eq!(fs::read(index(&project)).unwrap(), before);
}

#[test]
fn index_that_cannot_be_written_is_told() {
    let project = project();
    project.write("known/advisories/taken", "");
    audit(&project, &["--update", "database"], &[]).expect(8).says("write `[DIR]/shop/known/advisories`");
    assert!(index(&project).join("taken").exists());
}

#[test]
fn dumps_are_fetched() {
    let project = project();
    let url = serve(Npm::Whole(3), None);
    audit(&project, &["--update"], &[("SHIELD_OSV_URL", &format!("{url}/"))])
        .expect(0)
        .says("advisories: 12 records")
        .says("npm: 3 advisories");
    audit(&project, &["code"], &[]).expect(10);
}

#[test]
fn whatever_is_not_whole_keeps_the_index() {
    let project = project();
    audit(&project, &["--update"], &[("SHIELD_OSV_URL", &serve(Npm::Whole(4), None))]).expect(0);
    let before = fs::read(index(&project)).unwrap();
    for (npm, said) in [
        (Npm::Missing, "get the archive: the server answered with status 404"),
        (Npm::Cut, "get the whole archive"),
        (Npm::Garbage, "npm/all.zip` answered"),
        (Npm::Elsewhere, "Connection refused"),
        (Npm::Whole(2), "it has 2 advisories of npm, of 4 in the index before"),
        (Npm::Whole(0), "it has 0 advisories of npm"),
    ] {
        audit(&project, &["--update"], &[("SHIELD_OSV_URL", &serve(npm, None))])
            .expect(11)
            .says(said)
            .says("the index that is there stays in use");
        assert_eq!(fs::read(index(&project)).unwrap(), before, "{said}");
    }
    assert_eq!(fs::read_dir(project.path().join("known")).unwrap().count(), 1, "nothing else stays");
    audit(&project, &["--update"], &[("SHIELD_OSV_URL", "ftp://here")])
        .expect(2)
        .says("begins with `https://`");
}

#[test]
fn certificates_are_verified() {
    let project = project();
    let [ours, other] = [(); 2].map(|()| TestAuthority::new().unwrap());
    let tls = || ours.issue(&["127.0.0.1"]).unwrap().server_config(&[b"http/1.1"]).unwrap();
    project.write("ours.pem", ours.certificate_pem());
    project.write("other.pem", other.certificate_pem());
    let run = |trusted: &str, npm| {
        let url = serve(npm, Some(tls()));
        audit(&project, &["--update"], &[("SHIELD_OSV_URL", &url), ("SSL_CERT_FILE", trusted)])
    };
    run("other.pem", Npm::Whole(3)).expect(11).says("invalid peer certificate");
    run("ours.pem", Npm::Elsewhere).expect(11).says("http");
    assert!(!index(&project).exists());
    run("ours.pem", Npm::Whole(3)).expect(0).says("advisories: 12 records");
}

#[test]
fn accepted_finding_is_clean_until_it_expires() {
    let project = project();
    audit(&project, &["--update", "database"], &[]).expect(0);
    let [fingerprint] = &found(&project, 10)[..] else { panic!("one finding") };
    let accept = ["code", "--accept", &fingerprint[..8], "--reason", "not reached", "--until"];
    audit(&project, &[&accept[..], &["2999-12-31", "--owner", "@ops"]].concat(), &[])
        .expect(0)
        .says("accepted 1 in `code/audit-baseline.txt`")
        .says("until 2999-12-31 because not reached");
    assert!(found(&project, 0).is_empty());
    audit(&project, &[&accept[..], &["2998-12-31"]].concat(), &[]).expect(0);
    let file = project.path().join("code/audit-baseline.txt");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().skip(2).count(), 1, "new terms take the place of the old ones: {text}");
    fs::write(&file, text.replace("2998-12-31", "2026-01-31")).unwrap();
    assert_eq!(found(&project, 10).len(), 2, "the finding, and the acceptance that has expired");
    project.write("code/requirements.txt", "shop-lib==2.0.0\n");
    audit(&project, &["code"], &[])
        .expect(0)
        .says(&format!("remove from audit-baseline.txt, since what they accept is gone: 1 lines\n  line 3, which begins with {fingerprint}"));
}

#[test]
fn nothing_is_accepted_by_mistake() {
    let project = project();
    audit(&project, &["--update", "database"], &[]).expect(0);
    let fingerprint = found(&project, 10).remove(0);
    let refused = |arguments: &[&str], said: &str| {
        audit(&project, &[&["code"], arguments].concat(), &[]).expect(2).says(said);
        assert!(!project.path().join("code/audit-baseline.txt").exists(), "{said}");
    };
    let known = fingerprint.as_str();
    let until = ["--until", "2999-12-31"];
    refused(&[&["--accept", known], &until[..]].concat(), "--reason <TEXT>");
    refused(&["--accept", known, "--reason", "x"], "--until <DATE>");
    refused(&[&["--accept", known, "--reason", " "], &until[..]].concat(), "a reason is missing");
    refused(&["--accept", known, "--reason", "x", "--until", "2026-01-31"], "that day is over");
    refused(&[&["--accept", "1234567", "--reason", "x"], &until[..]].concat(), "expected 8 to 24");
    let unknown = ["--accept", known, "000000000000", "--reason", "x"];
    refused(&[&unknown[..], &until].concat(), "find `000000000000`: no finding of this audit");
    refused(&["--reason", "x", "--until", "2999-12-31"], "--accept <FINGERPRINT>");
}

#[test]
fn findings_of_a_rule_are_accepted_below_a_path() {
    let weak = "import hashlib\n\ndef of(name):\n    return hashlib.md5(name).hexdigest()\n";
    let project = project();
    for file in ["code/tests/a.py", "code/tests/b.py", "code/own.py"] {
        project.write(file, weak);
    }
    project.write("code/requirements.txt", "");
    let all = audit(&project, &["code", "--fail-on", "low", "--output-format", "json"], &[]).events();
    let finding =
        all[0]["report"]["found"].as_array().unwrap().iter().find(|one| one["place"]["file"] == "own.py");
    let rule = finding.unwrap()["rule"].as_str().or_else(|| finding.unwrap()["rule"]["id"].as_str()).unwrap();
    let terms = ["--reason", "names of test data", "--until", "2999-12-31", "--output-format", "json"];
    let accept =
        [&["code", "--baseline", "accepted.txt", "--accept-rule", rule, "--in", "tests"], &terms[..]];
    let event = &audit(&project, &accept.concat(), &[]).expect(0).events()[0];
    assert_eq!(event["accepted"].as_array().unwrap().len(), 2);
    let text = fs::read_to_string(project.path().join("accepted.txt")).unwrap();
    assert!(text.contains("in \"tests/a.py\"") && !text.contains("own.py"), "{text}");
}
