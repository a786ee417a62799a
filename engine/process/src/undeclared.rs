//! What an action's own messages tell of files that it should have declared.
//!
//! The sandbox makes an undeclared file look absent and refuses an undeclared write, so the
//! action's program complains in words that do not help: "no such file" of a file that is there.
//! The complaint is searched for paths. It is a guess, and only ever used to say more.

use std::path::Path;

use crate::Process;
use kiln_base::RelPath;

/// The path of the exec root in the local sandbox, which messages may begin with.
const EXEC_ROOT: &str = "/kiln";

/// A file that an action used without having declared it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Undeclared {
    /// Relative to the exec root, which for sources is relative to the workspace; absolute if it
    /// is in neither.
    pub path: String,
    /// What the action wanted to do.
    pub kind: AccessKind,
}

/// What an action wanted to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// Read it: it exists in the workspace, but is no input.
    Read,
    /// Write to it: it is no output, nor beside one.
    Write,
}

/// More than so many findings tell nobody more.
const MAX_FOUND: usize = 20;
/// Longer lines are no messages about files.
const MAX_LINE: usize = 4096;

/// Searches what a failed action wrote to its standard error for files of the workspace that it
/// lacked and for writes that were refused.
pub fn undeclared(process: &Process, stderr: &str, workspace: &Path) -> Vec<Undeclared> {
    find(process, stderr, &|path| path.under(workspace).exists())
}

/// As [`undeclared`], for a workspace of which only `exists` is known.
fn find(process: &Process, stderr: &str, exists: &dyn Fn(&RelPath) -> bool) -> Vec<Undeclared> {
    let mut found: Vec<Undeclared> = Vec::new();
    for line in stderr.lines().filter(|line| line.len() <= MAX_LINE) {
        let Some((kind, before, after)) = complaint(line) else {
            continue;
        };
        let path = match kind {
            AccessKind::Read => candidates(before, after)
                .into_iter()
                .flat_map(|text| places(process, line, text))
                .find(|path| process.inputs.get(path).is_none() && exists(path))
                .map(|path| path.to_string()),
            AccessKind::Write => candidates(before, after)
                .into_iter()
                .find(|text| looks_like_path(text))
                .map(|text| shown(process, text)),
        };
        let finding = path.map(|path| Undeclared { path, kind });
        found.extend(finding.filter(|finding| !found.contains(finding)));
        if found.len() == MAX_FOUND {
            break;
        }
    }
    found
}

/// The part of a line before and after the words that say what was refused.
fn complaint(line: &str) -> Option<(AccessKind, &str, &str)> {
    const PHRASES: [(&str, AccessKind); 8] = [
        ("Read-only file system", AccessKind::Write),
        ("No such file or directory", AccessKind::Read),
        ("no such file or directory", AccessKind::Read),
        ("file not found", AccessKind::Read),
        ("Directory nonexistent", AccessKind::Write),
        ("No such file", AccessKind::Read),
        (": not found", AccessKind::Read),
        ("does not exist", AccessKind::Read),
    ];
    PHRASES.into_iter().find_map(|(phrase, kind)| {
        let (before, after) = line.split_once(phrase)?;
        Some((kind, before, after))
    })
}

/// Texts that may be the path a complaint is about, the likeliest first.
fn candidates<'a>(before: &'a str, after: &'a str) -> Vec<&'a str> {
    let mut texts = quoted(after);
    let mut earlier = quoted(before);
    earlier.reverse();
    texts.append(&mut earlier);
    let parts: Vec<&str> = before
        .split(": ")
        .chain(after.split(": ").take(2))
        .collect();
    for part in parts.into_iter().rev() {
        let part = part.trim().trim_end_matches(':');
        // "tar: the/path: Cannot open": no path in this part.
        if !part.starts_with("Cannot ") {
            texts.push(part);
            texts.extend(part.rsplit(' ').next());
        }
    }
    let trim = |text: &'a str| text.trim_matches([',', '.', ';', '(', ')', '\'', '"'].as_slice());
    // A leading dot belongs to the path.
    let keep = |text: &'a str| {
        if text.starts_with('.') {
            text
        } else {
            trim(text)
        }
    };
    texts
        .into_iter()
        .map(keep)
        .filter(|text| !text.is_empty())
        .collect()
}

/// What stands in quotes, of whatever kind.
fn quoted(text: &str) -> Vec<&str> {
    const QUOTES: [(char, char); 4] = [('\'', '\''), ('‘', '’'), ('`', '\''), ('"', '"')];
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((at, open)) = rest
        .char_indices()
        .find(|(_, c)| QUOTES.iter().any(|q| q.0 == *c))
    {
        let inner = &rest[at + open.len_utf8()..];
        let close = QUOTES.iter().filter(|q| q.0 == open);
        let end = close.filter_map(|q| inner.find(q.1)).min();
        match end {
            Some(end) => {
                found.push(&inner[..end]);
                let close = inner[end..].chars().next().map_or(0, char::len_utf8);
                rest = &inner[end + close..];
            }
            None => rest = inner,
        }
    }
    found
}

/// Where a path that a message names may be: relative to the exec root, to the working directory,
/// to the file that includes it, or to a folder of headers.
fn places(process: &Process, line: &str, text: &str) -> Vec<RelPath> {
    if let Some(inside) = text.strip_prefix(EXEC_ROOT) {
        let inside = inside.strip_prefix('/').unwrap_or(inside);
        return RelPath::normalize(inside).into_iter().collect();
    }
    let join = |folder: &str| {
        let path = format!("{}/{folder}/{text}", process.workdir);
        RelPath::normalize(path.trim_start_matches('/')).ok()
    };
    let includer = line
        .split(':')
        .next()
        .and_then(|file| file.rsplit_once('/'));
    let folders = ["."].into_iter().chain(includer.map(|(folder, _)| folder));
    folders
        .chain(header_folders(&process.argv))
        .filter(|_| !text.starts_with('/'))
        .filter_map(join)
        .filter(|path| !path.is_root())
        .collect()
}

/// The folders that a compiler's arguments name for headers.
fn header_folders(argv: &[String]) -> impl Iterator<Item = &str> {
    const OPTIONS: [&str; 4] = ["-I", "-iquote", "-isystem", "-idirafter"];
    argv.iter()
        .zip(argv.iter().skip(1).map(Some).chain([None]))
        .filter_map(|(argument, next)| {
            let option = OPTIONS
                .iter()
                .find(|option| argument.starts_with(**option))?;
            match &argument[option.len()..] {
                "" => next.map(String::as_str),
                folder => Some(folder),
            }
        })
}

fn looks_like_path(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.contains(|c: char| c.is_alphanumeric())
        && (text.contains(['/', '.', '_']) || !text.contains(|c: char| c.is_ascii_punctuation()))
}

/// How a refused path is shown.
fn shown(process: &Process, text: &str) -> String {
    if let Some(inside) = text.strip_prefix(EXEC_ROOT) {
        return inside.trim_start_matches('/').to_owned();
    }
    if text.starts_with('/') {
        return text.to_owned();
    }
    let path = format!("{}/{text}", process.workdir);
    match RelPath::normalize(path.trim_start_matches('/')) {
        Ok(path) => path.to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use kiln_base::Digest;
    use kiln_tree::{Node, Tree};

    use super::*;
    use crate::CacheScope;

    fn process(argv: &[&str]) -> Process {
        Process {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::new(),
            workdir: RelPath::root(),
            inputs: Tree::empty(),
            outputs: Vec::new(),
            timeout: None,
            network: false,
            platform: BTreeMap::new(),
            environment: Arc::from(&b""[..]),
            cache: CacheScope::Successful,
        }
    }

    /// In the workspace: `a/b.h`, `a/data.txt`, `lib/include/x/y.h`, `w/local.txt`, `tools/gen`
    /// and `in.txt`; the last is declared.
    fn check(argv: &[&str], stderr: &str, expected: Expect) {
        let mut process = process(argv);
        let declared = RelPath::new("in.txt").unwrap();
        let digest = Digest::EMPTY;
        let executable = false;
        process.inputs = Tree::single(&declared, Node::File { digest, executable });
        let workspace = [
            "a/b.h",
            "a/data.txt",
            "a",
            "lib/include/x/y.h",
            "w/local.txt",
            "tools/gen",
            "in.txt",
            "odd name.txt",
        ];
        let found = find(&process, stderr, &|path| workspace.contains(&path.as_str()));
        let lines = found.iter().map(|u| format!("{:?} {}", u.kind, u.path));
        expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn compilers() {
        check(
            &["gcc", "-c", "a/x.c", "-Ilib/include"],
            "a/x.c:1:10: fatal error: a/b.h: No such file or directory\n    1 | #include \"a/b.h\"\n\
             compilation terminated.\n\
             a/x.c:2:10: fatal error: b.h: No such file or directory\n\
             a/x.c:3:10: fatal error: x/y.h: No such file or directory\n\
             a/x.c:3:10: fatal error: none.h: No such file or directory\n\
             cc1: fatal error: a/data.txt: No such file or directory\n\
             gcc: error: tools/gen: No such file or directory\n",
            expect![[r#"
                Read a/b.h
                Read lib/include/x/y.h
                Read a/data.txt
                Read tools/gen"#]],
        );
        check(
            &["clang", "-isystem", "lib/include"],
            "./a/x.c:1:10: fatal error: 'b.h' file not found\n\
             clang: error: no such file or directory: 'a/data.txt'\n\
             /kiln/a/x.c:3:10: fatal error: 'x/y.h' file not found\n",
            expect![[r#"
                Read a/b.h
                Read a/data.txt
                Read lib/include/x/y.h"#]],
        );
        check(
            &["gcc"],
            "Assembler messages:\nFatal error: can't create src/x.o: Read-only file system\n\
             /usr/bin/ld: cannot open output file bin/prog: Read-only file system\n\
             collect2: error: ld returned 1 exit status\n\
             /usr/bin/ld: cannot find a/data.txt: No such file or directory\n",
            expect![[r#"
                Write src/x.o
                Write bin/prog
                Read a/data.txt"#]],
        );
    }

    #[test]
    fn shells_and_small_tools() {
        check(
            &["sh"],
            "cat: a/data.txt: No such file or directory\n\
             cat: 'odd name.txt': No such file or directory\n\
             cat: elsewhere.txt: No such file or directory\n\
             cat: in.txt: No such file or directory\n\
             cp: cannot stat 'a/b.h': No such file or directory\n\
             cp: cannot stat ‘w/local.txt’: No such file or directory\n\
             bash: line 1: tools/gen: No such file or directory\n\
             /bin/sh: 1: cannot open lib/include/x/y.h: No such file\n",
            expect![[r#"
                Read a/data.txt
                Read odd name.txt
                Read a/b.h
                Read w/local.txt
                Read tools/gen
                Read lib/include/x/y.h"#]],
        );
        check(
            &["sh"],
            "/bin/sh: 1: ./tools/gen: not found\n",
            expect!["Read tools/gen"],
        );
        check(
            &["sh"],
            "/bin/sh: 1: cannot create src/x: Read-only file system\n\
             bash: line 1: src/y: Read-only file system\n\
             bash: src/y: Read-only file system\n\
             cp: cannot create regular file 'src/z': Read-only file system\n\
             mkdir: cannot create directory ‘d’: Read-only file system\n\
             touch: cannot touch '/kiln/e/f': Read-only file system\n\
             rm: cannot remove 'src/a': Read-only file system\n\
             tar: t/u: Cannot open: Read-only file system\n\
             sed: couldn't open temporary file ./sedAbC: Read-only file system\n\
             touch: cannot touch '/usr/lib/x': Read-only file system\n\
             /bin/sh: 1: cannot create no/dir/x: Directory nonexistent\n",
            expect![[r#"
                Write src/x
                Write src/y
                Write src/z
                Write d
                Write e/f
                Write src/a
                Write t/u
                Write sedAbC
                Write /usr/lib/x
                Write no/dir/x"#]],
        );
    }

    #[test]
    fn python() {
        check(
            &["python3", "x.py"],
            "Traceback (most recent call last):\n  File \"/kiln/x.py\", line 1, in <module>\n    \
             open('a/data.txt')\n\
             FileNotFoundError: [Errno 2] No such file or directory: 'a/data.txt'\n\
             OSError: [Errno 30] Read-only file system: 'gen/out.txt'\n\
             python3: can't open file '/kiln/tools/gen': [Errno 2] No such file or directory\n",
            expect![[r#"
                Read a/data.txt
                Write gen/out.txt
                Read tools/gen"#]],
        );
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        check(&["x"], "", expect![[r#""#]]);
        check(
            &["x"],
            "error: expected ';' before '}' token\n",
            expect![[r#""#]],
        );
        check(
            &["x"],
            ": No such file or directory\n'''‘: Read-only file system",
            expect![[r#""#]],
        );
        check(&["x"], "'ä: Read-only file system: '’", expect!["Write ä"]);
        check(
            &["x"],
            "cat: ../../etc/passwd: No such file or directory\n",
            expect![[r#""#]],
        );
        let many: String = (0..100)
            .map(|i| format!("sh: f{i}: Read-only file system\n"))
            .collect();
        let found = find(&process(&["x"]), &many, &|_| false);
        assert_eq!(found.len(), MAX_FOUND);
    }

    #[test]
    fn paths_are_relative_to_the_working_directory() {
        let mut process = process(&["sh"]);
        process.workdir = RelPath::new("w").unwrap();
        let stderr = "cat: local.txt: No such file or directory\n\
                      cat: ../a/b.h: No such file or directory\n\
                      sh: x/y: Read-only file system\n";
        let workspace = ["w/local.txt", "a/b.h"];
        let found = find(&process, stderr, &|path| workspace.contains(&path.as_str()));
        let paths: Vec<&str> = found.iter().map(|u| u.path.as_str()).collect();
        assert_eq!(paths, ["w/local.txt", "a/b.h", "w/x/y"]);
    }
}
