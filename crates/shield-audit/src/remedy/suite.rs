//! The project's tests: run before and after, and compared.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;

use super::Stop;

/// How often a running test command is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Whoever can run the project's tests.
pub trait Tests {
    /// Runs all of them, as the files are now.
    ///
    /// # Errors
    /// When nothing can be said about them: they did not start, or did not end in time.
    fn run(&mut self) -> Result<TestRun, TestError>;
}

/// What tests said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestRun {
    /// Whether the command says that all is well.
    pub succeeded: bool,
    /// Whether each single test passed, if the command names them.
    pub cases: BTreeMap<String, bool>,
}

/// Why nothing can be said about tests.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// They did not start, or could not be waited for.
    #[error("run the tests with `{program}`")]
    Start {
        /// What should run them.
        program: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// They did not end in time.
    #[error("run the tests with `{program}`: not done after {seconds} s")]
    TooLong {
        /// What ran them.
        program: String,
        /// How long it was waited.
        seconds: u64,
    },
    /// Somebody wants no more: they were ended, with all that they started.
    #[error("run the tests with `{program}`: interrupted")]
    Stopped {
        /// What ran them.
        program: String,
    },
    /// Their report cannot be read.
    #[error("read the report of the tests `{}`: {why}", path.display())]
    Report {
        /// The report.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// A command that runs the tests, as a process group of its own with a time limit.
#[derive(Clone, Debug)]
pub struct TestCommand {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables it gets besides those of this process.
    pub environment: Vec<(String, String)>,
    /// How long it may take; then the whole group is killed.
    pub limit: Duration,
    /// The JUnit report that it writes, if it does (`pytest --junitxml`); removed before each run.
    pub report: Option<PathBuf>,
    /// Where its output goes; nowhere if not said.
    pub output: Option<PathBuf>,
    /// What ends them early.
    pub stop: Stop,
}

// === impl TestRun ===

impl TestRun {
    /// Whether tests are as green as they were: what succeeded succeeds, and every test that passed passes. Where they failed before and the
    /// command does not name them, nobody can say.
    ///
    /// # Errors
    /// What is less green, in words.
    pub fn as_green_as(&self, before: &Self) -> Result<(), String> {
        if before.succeeded && !self.succeeded {
            return Err(match self.cases.iter().find(|(name, passed)| !**passed && before.passed(name)) {
                Some((name, _)) => format!("the test `{name}` fails then"),
                None => "the tests fail then".to_owned(),
            });
        }
        if !before.succeeded && before.cases.is_empty() {
            return Err("the tests fail already, and the command does not say which".to_owned());
        }
        let mut lost = before.cases.iter().filter(|(name, passed)| **passed && !self.passed(name));
        match lost.next() {
            None => Ok(()),
            Some((name, _)) => Err(format!("the test `{name}` no longer passes then")),
        }
    }

    fn passed(&self, name: &str) -> bool {
        self.cases.get(name).copied().unwrap_or(false)
    }

    /// How many tests passed, of those that are named.
    #[must_use]
    pub fn passed_count(&self) -> usize {
        self.cases.values().filter(|passed| **passed).count()
    }
}

// === impl TestCommand ===

impl Tests for TestCommand {
    fn run(&mut self) -> Result<TestRun, TestError> {
        if let Some(report) = &self.report {
            // What an earlier run wrote says nothing about this one.
            match fs::remove_file(report) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(TestError::Report { path: report.clone(), why: error.to_string() });
                }
                _ => {}
            }
        }
        let succeeded = self.wait()?.success();
        let cases = match &self.report {
            None => BTreeMap::new(),
            Some(path) => match fs::read_to_string(path) {
                Ok(text) => cases(&text).map_err(|why| TestError::Report { path: path.clone(), why })?,
                // A run that dies early writes none: then no test passed.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !succeeded => BTreeMap::new(),
                Err(error) => {
                    return Err(TestError::Report { path: path.clone(), why: error.to_string() });
                }
            },
        };
        Ok(TestRun { succeeded, cases })
    }
}

impl TestCommand {
    fn wait(&self) -> Result<ExitStatus, TestError> {
        let refused = |source: io::Error| TestError::Start { program: self.program.clone(), source };
        let output = || match &self.output {
            None => Ok(Stdio::null()),
            Some(path) => File::options().create(true).append(true).open(path).map(Stdio::from),
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output().map_err(refused)?)
            .stderr(output().map_err(refused)?)
            .process_group(0);
        let mut child = command.spawn().map_err(refused)?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let started = Instant::now();
        loop {
            let ended = child.try_wait().map_err(refused)?;
            let (late, stopped) = (started.elapsed() >= self.limit, self.stop.is_wanted());
            if ended.is_some() || late || stopped {
                // Whatever the tests started goes with them, or it would still write to the files.
                if let Some(group) = group {
                    // It is gone already if nothing was left over.
                    let _ = kill_process_group(group, Signal::KILL);
                }
            }
            match ended {
                // A run that ended by itself at that moment may have heard the same signal: it says nothing.
                _ if stopped => {
                    child.wait().map_err(refused)?;
                    return Err(TestError::Stopped { program: self.program.clone() });
                }
                Some(status) => return Ok(status),
                None if late => {
                    child.wait().map_err(refused)?;
                    let seconds = self.limit.as_secs();
                    return Err(TestError::TooLong { program: self.program.clone(), seconds });
                }
                None => thread::sleep(LOOK),
            }
        }
    }
}

/// The tests of a JUnit report: passed unless a failure, an error, or that it was skipped is said.
fn cases(text: &str) -> Result<BTreeMap<String, bool>, String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    let mut cases = BTreeMap::new();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let part = |name| case.attribute(name).unwrap_or_default();
        let name = format!("{}::{}", part("classname"), part("name"));
        let passed =
            !case.children().any(|child| matches!(child.tag_name().name(), "failure" | "error" | "skipped"));
        // One that failed once, in the test or around it, failed.
        cases.entry(name).and_modify(|all: &mut bool| *all &= passed).or_insert(passed);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(succeeded: bool, cases: &[(&str, bool)]) -> TestRun {
        TestRun {
            succeeded,
            cases: cases.iter().map(|(name, passed)| ((*name).to_owned(), *passed)).collect(),
        }
    }

    fn shell(script: &str, limit: Duration, folder: &tempfile::TempDir) -> TestCommand {
        TestCommand {
            program: "/bin/sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            directory: folder.path().to_owned(),
            environment: vec![("NAME".to_owned(), "a".to_owned())],
            limit,
            report: Some(folder.path().join("report.xml")),
            output: Some(folder.path().join("output")),
            stop: Stop::default(),
        }
    }

    #[test]
    fn less_green_is_told() {
        let before = run(true, &[("a", true), ("b", true)]);
        assert_eq!(before.as_green_as(&before), Ok(()));
        assert!(run(false, &[("a", false), ("b", true)]).as_green_as(&before).unwrap_err().contains("`a`"));
        assert!(run(true, &[("a", true)]).as_green_as(&before).unwrap_err().contains("`b`"));
        let red = run(false, &[("a", true), ("b", false)]);
        assert_eq!(red.as_green_as(&red), Ok(()));
        assert!(run(false, &[("a", false), ("b", true)]).as_green_as(&red).is_err());
        assert!(run(false, &[]).as_green_as(&run(false, &[])).unwrap_err().contains("already"));
        assert_eq!(run(true, &[]).as_green_as(&run(true, &[])), Ok(()));
    }

    #[test]
    fn report_names_the_tests() {
        let folder = tempfile::tempdir().unwrap();
        let report = "<testsuites><testsuite><testcase classname='m' name='x'/><testcase classname='m' name='y'><failure/></testcase>\
                      <testcase classname='m' name='z'><skipped/></testcase></testsuite></testsuites>";
        let script = format!("echo $NAME; echo \"{report}\" > report.xml; exit 1");
        let run = shell(&script, Duration::from_secs(60), &folder).run().unwrap();
        assert!(!run.succeeded);
        assert_eq!(
            run.cases.into_iter().collect::<Vec<_>>(),
            [("m::x".to_owned(), true), ("m::y".to_owned(), false), ("m::z".to_owned(), false)]
        );
        assert_eq!(fs::read_to_string(folder.path().join("output")).unwrap(), "a\n");
        // The old report is no answer to a run that writes none.
        let none = shell("exit 1", Duration::from_secs(60), &folder).run().unwrap();
        assert!(none.cases.is_empty());
        assert!(shell("exit 0", Duration::from_secs(60), &folder).run().is_err());
    }

    #[test]
    fn endless_tests_are_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut endless = shell("sleep 600 & echo $! > child; wait", Duration::from_millis(500), &folder);
        assert!(matches!(endless.run(), Err(TestError::TooLong { .. })));
        assert_dead(&folder);
    }

    #[test]
    fn stopped_tests_are_killed() {
        let folder = tempfile::tempdir().unwrap();
        let child = folder.path().join("child");
        let mut tests =
            shell("sleep 600 & echo $! > new; mv new child; wait", Duration::from_secs(600), &folder);
        let stop = tests.stop.clone();
        let run = thread::spawn(move || tests.run());
        while !child.exists() {
            thread::yield_now();
        }
        assert!(!stop.want(), "tests alone have nothing to put in order");
        assert!(matches!(run.join().unwrap(), Err(TestError::Stopped { .. })));
        assert_dead(&folder);
        assert!(stop.begin().is_none());
    }

    /// The child of the tests is gone.
    fn assert_dead(folder: &tempfile::TempDir) {
        let child = fs::read_to_string(folder.path().join("child")).unwrap();
        let stat = format!("/proc/{}/stat", child.trim());
        let deadline = Instant::now() + Duration::from_secs(30);
        let alive = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z"));
        while alive() {
            assert!(Instant::now() < deadline, "the child of the tests lives");
            thread::yield_now();
        }
    }
}
