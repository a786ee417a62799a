//! How to show things, decided from flags and from facts about the terminal.

use std::time::Duration;

/// How to show things.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Live, plain or nothing.
    pub mode: Mode,
    /// Whether to use colors.
    pub color: bool,
    /// `--test_output`
    pub test_output: TestOutput,
    /// `--test_summary`
    pub test_summary: TestSummary,
    /// `--verbose_failures`
    pub verbose_failures: bool,
    /// `-s`
    pub commands: bool,
    /// `-q`: errors and results only.
    pub quiet: bool,
    /// `-v`: every action that is done, in plain mode.
    pub verbose: bool,
    /// `--format=json`: results are one JSON object.
    pub json: bool,
    /// `--show_result`: for how many targets outputs are listed at most.
    pub show_result: usize,
    /// How many actions run at a time: as many live lines there are at most (UI-050).
    pub jobs: usize,
    /// The time of day when the command began, since midnight.
    pub time_of_day: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            mode: Mode::Plain,
            color: false,
            test_output: TestOutput::Errors,
            test_summary: TestSummary::Short,
            verbose_failures: true,
            commands: false,
            quiet: false,
            verbose: false,
            json: false,
            show_result: 1,
            jobs: 8,
            time_of_day: Duration::ZERO,
        }
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As lines that change, on a terminal of this size.
    Live {
        /// Columns.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// As lines that stay.
    Plain,
    /// Not at all.
    None,
}

/// `--color`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// If the terminal can.
    Auto,
    /// `always`
    Always,
    /// `never`
    Never,
}

/// `--ui`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiChoice {
    /// Live on a terminal.
    Auto,
    /// `full`
    Full,
    /// `plain`
    Plain,
    /// `none`
    None,
}

/// `--test_output`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestOutput {
    /// None.
    Summary,
    /// That of tests that failed.
    Errors,
    /// That of all tests.
    All,
    /// That of all tests, as it comes.
    Streamed,
}

/// `--test_summary`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSummary {
    /// A line for each test.
    Short,
    /// A line for each test that did not pass.
    Terse,
    /// A line for each attempt as well.
    Detailed,
    /// None.
    None,
}

/// Facts about standard error. Environment variables are given as values.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Whether it is a terminal.
    pub is_terminal: bool,
    /// Its columns and lines, if known.
    pub size: Option<(usize, usize)>,
    /// `NO_COLOR`
    pub no_color: Option<String>,
    /// `CLICOLOR_FORCE`
    pub clicolor_force: Option<String>,
    /// `FORCE_COLOR`
    pub force_color: Option<String>,
    /// `TERM`
    pub term: Option<String>,
    /// `CI`
    pub ci: Option<String>,
}

/// Whether to use colors (cli.md 1.3). A flag decides; else `NO_COLOR`, if not empty, says no;
/// `CLICOLOR_FORCE` or `FORCE_COLOR`, if neither empty nor `0`, says yes; else a terminal that is
/// not dumb has them.
pub fn color_wanted(choice: Color, terminal: &Terminal) -> bool {
    let is_set = |var: &Option<String>| var.as_deref().is_some_and(|value| !value.is_empty());
    let forces = |var: &Option<String>| is_set(var) && var.as_deref() != Some("0");
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set(&terminal.no_color) => false,
        Color::Auto if forces(&terminal.clicolor_force) || forces(&terminal.force_color) => true,
        Color::Auto => terminal.is_terminal && !is_dumb(terminal),
    }
}

/// How to show progress: live on a terminal that can move its cursor, but not in CI (UI-051).
pub fn mode_wanted(choice: UiChoice, terminal: &Terminal) -> Mode {
    let (width, height) = terminal.size.unwrap_or((80, 24));
    let live = Mode::Live {
        width: width.max(20),
        height: height.max(4),
    };
    let in_ci = terminal
        .ci
        .as_deref()
        .is_some_and(|ci| !matches!(ci, "" | "0" | "false"));
    match choice {
        UiChoice::Full => live,
        UiChoice::Plain => Mode::Plain,
        UiChoice::None => Mode::None,
        UiChoice::Auto if terminal.is_terminal && !is_dumb(terminal) && !in_ci => live,
        UiChoice::Auto => Mode::Plain,
    }
}

fn is_dumb(terminal: &Terminal) -> bool {
    terminal.term.as_deref() == Some("dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(is_terminal: bool, vars: &[(&str, &str)]) -> Terminal {
        let var = |name: &str| {
            let found = vars.iter().find(|(var, _)| *var == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Terminal {
            is_terminal,
            size: None,
            no_color: var("NO_COLOR"),
            clicolor_force: var("CLICOLOR_FORCE"),
            force_color: var("FORCE_COLOR"),
            term: var("TERM"),
            ci: var("CI"),
        }
    }

    #[test]
    fn colors() {
        let auto = |is_terminal, vars: &[(&str, &str)]| {
            color_wanted(Color::Auto, &terminal(is_terminal, vars))
        };
        assert!(auto(true, &[]));
        assert!(!auto(false, &[]));
        assert!(!auto(true, &[("NO_COLOR", "1")]));
        assert!(auto(true, &[("NO_COLOR", "")]));
        assert!(auto(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!auto(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(auto(false, &[("FORCE_COLOR", "3")]));
        assert!(!auto(true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        assert!(!auto(true, &[("TERM", "dumb")]));
        let dumb = terminal(false, &[("NO_COLOR", "1")]);
        assert!(color_wanted(Color::Always, &dumb));
        assert!(!color_wanted(Color::Never, &terminal(true, &[])));
    }

    #[test]
    fn modes() {
        let auto = |is_terminal, vars: &[(&str, &str)]| {
            mode_wanted(UiChoice::Auto, &terminal(is_terminal, vars))
        };
        let live = Mode::Live {
            width: 80,
            height: 24,
        };
        assert_eq!(auto(true, &[]), live);
        assert_eq!(auto(true, &[("CI", "false")]), live);
        assert_eq!(auto(true, &[("CI", "true")]), Mode::Plain);
        assert_eq!(auto(true, &[("TERM", "dumb")]), Mode::Plain);
        assert_eq!(auto(false, &[]), Mode::Plain);
        assert_eq!(mode_wanted(UiChoice::Full, &terminal(false, &[])), live);
        assert_eq!(
            mode_wanted(UiChoice::None, &terminal(true, &[])),
            Mode::None
        );
    }
}
