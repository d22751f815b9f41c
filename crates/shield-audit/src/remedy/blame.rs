//! Who wrote a line last, as the commits of a project say.
//!
//! Only commits are asked, never the working tree: `git` would put its files through filters, and the settings of a repository say
//! which programs these are. So a line of a file is looked up in the file as it was committed, and asked about there.

use std::{path::PathBuf, process::Command};

use super::Blame;
use crate::{
    finding::Place,
    git::git,
    tree::{REGULAR_BYTES_MAX, read_regular},
};

/// Asks `git` about the commit that is checked out.
#[derive(Clone, Debug)]
pub struct GitBlame {
    /// The directory that places are relative to.
    pub root: PathBuf,
}

// === impl GitBlame ===

impl Blame for GitBlame {
    fn author(&self, place: &Place) -> Result<String, String> {
        let file = &place.file;
        let said = match place.span {
            Some(span) => {
                let line = self.committed_line(file, span.line)?.ok_or("the line is not committed")?;
                let range = format!("{line},{line}");
                let options = ["--porcelain", "--no-textconv", "--no-ext-diff", "-L", &range];
                self.ask("blame", |git| git.args(options).args(["HEAD", "--", file]))?
            }
            // Of a whole file: who changed it last.
            None => {
                self.ask("rev-list", |git| git.args(["-1", "--format=author %an", "HEAD", "--", file]))?
            }
        };
        let said = String::from_utf8_lossy(&said).into_owned();
        let author = said.lines().find_map(|line| line.strip_prefix("author "));
        author.map(str::to_owned).ok_or_else(|| "the file is not committed".to_owned())
    }
}

impl GitBlame {
    /// What a command says.
    fn ask(&self, command: &str, with: impl FnOnce(&mut Command) -> &mut Command) -> Result<Vec<u8>, String> {
        let answer = with(git(&self.root).arg(command)).output();
        let answer = answer.map_err(|error| format!("`git` does not start: {error}"))?;
        match answer.status.success() {
            true => Ok(answer.stdout),
            false => Err(format!("`git {command}` fails ({})", answer.status)),
        }
    }

    /// The number that a line of a file has in the file as it is committed; none if it is not there.
    fn committed_line(&self, file: &str, line: u32) -> Result<Option<usize>, String> {
        let object = format!("HEAD:./{file}");
        let committed = self.ask("cat-file", |git| git.args(["blob", &object]))?;
        let now = read_regular(&self.root.join(file), REGULAR_BYTES_MAX);
        let now = now.map_err(|error| format!("the file cannot be read: {error}"))?;
        let number = usize::try_from(line).map_err(|error| error.to_string())?;
        Ok(same_line(&lines(&now), &lines(&committed), number))
    }
}

/// The lines of a file, whatever ends them: `git` may have turned one end into the other.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

/// The number of line `number` of `now` in `before`: by what is the same above it or below it, else by its text, if that is there
/// only once.
fn same_line(now: &[&[u8]], before: &[&[u8]], number: usize) -> Option<usize> {
    let index = number.checked_sub(1)?;
    let text = now.get(index)?;
    if now[..=index] == *before.get(..=index).unwrap_or_default() {
        return Some(number);
    }
    let below = now.len() - index;
    if let Some(first) = before.len().checked_sub(below)
        && before[first..] == now[index..]
    {
        return Some(first + 1);
    }
    let mut same = before.iter().zip(1..).filter(|(line, _)| *line == text).map(|(_, number)| number);
    let found = same.next()?;
    let once = same.next().is_none() && now.iter().filter(|line| *line == text).count() == 1;
    once.then_some(found)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::finding::Span;

    fn place(file: &str, line: Option<u32>) -> Place {
        let span = line.map(|line| Span { line, column: 1, end_line: line, end_column: 2 });
        Place { file: file.to_owned(), span }
    }

    fn commit(root: &Path, author: &str) {
        let (name, email) = (format!("user.name={author}"), "user.email=a@b.c");
        for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "a"]] {
            let done = git(root).args(["-c", &name, "-c", email]).args(arguments).status();
            assert!(done.unwrap().success());
        }
    }

    #[test]
    fn commits_name_the_author() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let write = |text: &str| fs::write(folder.join("a.py"), text).unwrap();
        write("x = 1\nz = 3\n");
        commit(root.path(), "Ann");
        write("x = 1\ny = 2\nz = 3\n");
        commit(root.path(), "Bob");
        write("new = 0\nx = 1\ny = 2\nchanged = 1\nz = 3\n");
        // Whatever the directory of the repository is, places are relative to the audited one.
        for (root, file) in [(root.path(), "folder/a.py"), (folder.as_path(), "a.py")] {
            let blame = GitBlame { root: root.to_owned() };
            let line = |line| blame.author(&place(file, Some(line)));
            assert_eq!((line(2), line(3), line(5)), (Ok("Ann".to_owned()), Ok("Bob".to_owned()), line(2)));
            assert_eq!(line(1), Err("the line is not committed".to_owned()));
            assert_eq!(line(4), line(1));
            assert_eq!(blame.author(&place(file, None)), Ok("Bob".to_owned()));
            blame.author(&place("b.py", Some(1))).unwrap_err();
            blame.author(&place("b.py", None)).unwrap_err();
        }
    }

    #[test]
    fn lines_are_found_again() {
        let same = |now: &str, before: &str, number| {
            same_line(&lines(now.as_bytes()), &lines(before.as_bytes()), number)
        };
        assert_eq!(same("a\r\na\r\n", "a\na\n", 2), Some(2));
        assert_eq!(same("x\na\na", "a\na", 2), Some(1), "the same to the end");
        assert_eq!(same("x\na\nb\ny", "z\nb\na\nz", 2), Some(3), "by its text");
        assert_eq!(same("x\na\na\ny", "z\na\na\nz", 2), None, "which of the two is not known");
        assert_eq!((same("a", "", 1), same("a", "a", 0), same("a", "a", 2)), (None, None, None));
    }
}
