//! What processes of an environment find there besides their inputs: variables, and where programs
//! are looked for. Options say it, and environments may have values of their own (ENV-070).

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules::{Product, RuleCx, rule};
use kiln_store::Store;

use super::{Machine, MachineKey, elsewhere};
use crate::environments::{Aware, AwareValues, Chosen, EnvironmentKey, EnvironmentOptions, PATH};
use crate::services::{CallerEnv, Execution};
use crate::spawn::DEFAULT_PATH;

/// What is to be found in an environment.
#[derive(Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// `PATH` of actions that take the default environment, and of tests.
    pub path: String,
    /// Variables of the same, `PATH` not among them.
    pub variables: BTreeMap<String, String>,
    /// Further variables of tests.
    pub test_variables: BTreeMap<String, String>,
    /// Where compilers are looked for.
    pub cc: SearchPath,
    /// Where the Python interpreter is looked for.
    pub python: SearchPath,
    /// Where the shell is looked for.
    pub shell: SearchPath,
}
impl Product for Surroundings {}

/// Where a tool is looked for: folders in order. With none it is found nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// The folders of the tool itself.
    pub folders: Vec<String>,
    /// Those of what belongs to it: the same, and those of all programs.
    pub companions: Vec<String>,
}

/// Puts options and fields together.
#[rule(uses(CallerEnv, Execution, Store), gets(EnvironmentKey -> Chosen))]
pub async fn surroundings(
    cx: &RuleCx,
    key: Arc<MachineKey>,
    options: Arc<EnvironmentOptions>,
) -> Result<Surroundings, Diag> {
    let mut values = options.aware.clone();
    if !key.0.is_empty() {
        let chosen = get!(Chosen, EnvironmentKey(key.0.clone())).await?;
        let own = chosen.target.iter().flat_map(|target| &target.aware);
        values.extend(own.map(|(aware, value)| (*aware, value.clone())));
    }
    let own = match asks(&values) {
        false => BTreeMap::new(),
        true => {
            let machine = get!(Machine, (*key).clone() => MachineKey).await?;
            match machine.is_here() {
                true => cx.service::<CallerEnv>()?.0.clone(),
                false => {
                    let known = cx.service::<Execution>()?.identify.clone();
                    match known.variables(&machine.environment).await? {
                        Some(variables) => variables,
                        None => elsewhere::variables(cx, &machine).await?,
                    }
                }
            }
        }
    };
    Ok(together(&values, &own))
}

/// Whether anything depends on the variables that the environment has itself.
fn asks(values: &AwareValues) -> bool {
    values.iter().any(|(aware, texts)| match aware {
        Aware::Variables | Aware::TestVariables => texts.iter().any(|text| !text.contains('=')),
        _ => texts.iter().any(|text| **text == *PATH),
    })
}

fn together(values: &AwareValues, own: &BTreeMap<String, String>) -> Surroundings {
    let folders = |aware| -> Option<Vec<String>> {
        let texts: &Arc<[Arc<str>]> = values.get(&aware)?;
        let folders = texts.iter().flat_map(|text| match &**text {
            PATH => absolute(own.get("PATH").map_or("", String::as_str)),
            folder => vec![folder.to_owned()],
        });
        Some(folders.collect())
    };
    let variables = |aware| -> BTreeMap<String, String> {
        let texts = values.get(&aware).map_or(&[][..], |texts| texts);
        let pairs = texts.iter().filter_map(|text| match text.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => Some((text.to_string(), own.get(&**text)?.clone())),
        });
        pairs.collect()
    };
    let system = folders(Aware::SystemBinaries).unwrap_or_else(|| absolute(DEFAULT_PATH));
    let search = |aware| {
        let folders = folders(aware).unwrap_or_else(|| system.clone());
        let mut companions = folders.clone();
        companions.extend(system.iter().filter(|one| !folders.contains(one)).cloned());
        SearchPath {
            folders,
            companions,
        }
    };
    let mut found = variables(Aware::Variables);
    Surroundings {
        path: found.remove("PATH").unwrap_or_else(|| system.join(":")),
        variables: found,
        test_variables: variables(Aware::TestVariables),
        cc: search(Aware::Cc),
        python: search(Aware::Python),
        shell: search(Aware::Shell),
    }
}

/// The folders of a `PATH`. One that is not absolute depends on where one is.
fn absolute(path: &str) -> Vec<String> {
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    folders.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(given: &[(Aware, &[&str])], expect: Expect) {
        let own = [("PATH", "/own:rel:/own/b"), ("LANG", "C"), ("EMPTY", "")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let values = given.iter().map(|(aware, texts)| {
            let texts = texts.iter().map(|text| Arc::from(*text));
            (*aware, texts.collect())
        });
        let values: AwareValues = values.collect();
        let found = together(&values, &own.into());
        let line = |name: &str, path: &SearchPath| {
            format!(
                "{name}: {} / {}\n",
                path.folders.join(":"),
                path.companions.join(":")
            )
        };
        let text = format!(
            "asks: {}\nPATH: {}\nvariables: {:?}\ntests: {:?}\n{}{}{}",
            asks(&values),
            found.path,
            found.variables,
            found.test_variables,
            line("cc", &found.cc),
            line("python", &found.python),
            line("shell", &found.shell),
        );
        expect.assert_eq(&text);
    }

    /// ENV-072, ENV-077, ENV-084
    #[test]
    fn options_and_fields_come_together() {
        check(
            &[(Aware::SystemBinaries, &["/s"])],
            expect![[r#"
                asks: false
                PATH: /s
                variables: {}
                tests: {}
                cc: /s / /s
                python: /s / /s
                shell: /s / /s
            "#]],
        );
        check(
            &[
                (Aware::SystemBinaries, &["/s"]),
                (Aware::Cc, &["/cc", "<PATH>"]),
                (Aware::Python, &[]),
                (Aware::Variables, &["LANG", "A=b=c", "ABSENT", "EMPTY"]),
                (Aware::TestVariables, &["A=t"]),
            ],
            expect![[r#"
                asks: true
                PATH: /s
                variables: {"A": "b=c", "EMPTY": "", "LANG": "C"}
                tests: {"A": "t"}
                cc: /cc:/own:/own/b / /cc:/own:/own/b:/s
                python:  / /s
                shell: /s / /s
            "#]],
        );
        check(
            &[(Aware::Variables, &["PATH=/p"])],
            expect![[r#"
            asks: false
            PATH: /p
            variables: {}
            tests: {}
            cc: /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin / /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
            python: /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin / /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
            shell: /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin / /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
        "#]],
        );
    }
}
