//! A program to run, put together from the keywords of `run` and `run_shell`.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{ActionKind, Arg, ArgList, Artifact, ArtifactSet, Dep, Order, Runfiles, Tool};

use crate::actions::{mnemonic_of, register};
use crate::analysis::state::Analysis;
use crate::interp::*;
use crate::values::args::Args;
use crate::values::depset::{self, Depset};
use crate::values::file::FileValue;
use crate::values::runfiles::FilesToRun;

type Texts = BTreeMap<Arc<str>, Arc<str>>;

/// What becomes an [`ActionKind::Spawn`].
pub(super) struct Spawn<'a, 'e> {
    analysis: &'a Analysis<'e>,
    pub(super) arguments: Vec<ArgList>,
    /// Single files that are read.
    direct: Vec<Artifact>,
    /// Sets of files that are read.
    sets: Vec<ArtifactSet>,
    tools: Vec<Tool>,
    env: Texts,
    pub(super) default_shell_env: bool,
    requirements: Texts,
    pub(super) dependency_file: Option<Artifact>,
    workspace_sources: Vec<Arc<str>>,
}

impl<'a, 'e> Spawn<'a, 'e> {
    pub(super) fn new(analysis: &'a Analysis<'e>) -> Spawn<'a, 'e> {
        Spawn {
            analysis,
            arguments: Vec::with_capacity(2),
            direct: Vec::new(),
            sets: Vec::new(),
            tools: Vec::new(),
            env: Texts::new(),
            default_shell_env: false,
            requirements: of_tags(analysis),
            dependency_file: None,
            workspace_sources: Vec::new(),
        }
    }

    /// The program of `run` as the first argument.
    pub(super) fn executable(&mut self, value: Value<'_>) -> starlark::Result<Arg> {
        if let Some(file) = FileValue::artifact_of(value) {
            self.tool_file(file);
            return Ok(Arg::Path(file.clone(), None));
        }
        if let Some(program) = FilesToRun::from_value(value) {
            return match &program.executable {
                Some(file) => {
                    self.tool(file, &program.runfiles);
                    Ok(Arg::Path(file.clone(), None))
                }
                None => fail("`executable` got the files of a target that is not executable"),
            };
        }
        match value.unpack_str() {
            Some(path) => Ok(Arg::Text(Arc::from(path))),
            None => fail(format!(
                "`executable` takes a file, a string or `FilesToRunProvider`, and got `{}`",
                value.get_type()
            )),
        }
    }

    fn tool(&mut self, executable: &Artifact, runfiles: &Arc<Runfiles>) {
        if runfiles.is_empty() {
            self.direct.push(executable.clone());
        } else if self.tools.iter().all(|tool| &tool.executable != executable) {
            self.tools.push(Tool {
                executable: executable.clone(),
                runfiles: runfiles.clone(),
            });
        }
    }

    /// A tool given as a file has the runfiles of the dependency that it is the executable of.
    fn tool_file(&mut self, file: &Artifact) {
        let request = self.analysis.request;
        let schemas = request.target.rule.attrs.iter().zip(request.deps);
        let executables = schemas.filter(|(schema, _)| schema.executable);
        let mut targets = executables
            .flat_map(|(_, deps)| deps)
            .filter_map(|(_, dep)| match dep {
                Dep::Target(target) => Some(target),
                _ => None,
            });
        let found = targets.find(|target| target.executable.as_ref() == Some(file));
        match found {
            Some(target) => self.tool(file, &target.runfiles),
            None => self.direct.push(file.clone()),
        }
    }

    pub(super) fn add_tools(&mut self, value: Option<Value<'_>>) -> starlark::Result<()> {
        let Some(value) = value else { return Ok(()) };
        let Some(items) = sequence(value) else {
            self.sets.push(depset::artifacts(value, "tools")?);
            return Ok(());
        };
        for item in items {
            if let Some(file) = FileValue::artifact_of(*item) {
                self.tool_file(file);
            } else if let Some(program) = FilesToRun::from_value(*item) {
                match &program.executable {
                    Some(file) => self.tool(file, &program.runfiles),
                    None => self.sets.push(program.files.clone()),
                }
            } else if Depset::from_value(*item).is_some() {
                self.sets.push(depset::artifacts(*item, "tools")?);
            } else {
                return fail(format!(
                    "`tools` takes files, depsets of files and `FilesToRunProvider`, and got `{}`",
                    item.get_type()
                ));
            }
        }
        Ok(())
    }

    pub(super) fn add_inputs(&mut self, value: Option<Value<'_>>) -> starlark::Result<()> {
        match value {
            None => {}
            Some(value) if Depset::from_value(value).is_some() => {
                self.sets.push(depset::artifacts(value, "inputs")?);
            }
            Some(value) => self.direct.extend(depset::file_list(value, "inputs")?),
        }
        Ok(())
    }

    pub(super) fn add_arguments(&mut self, value: Option<Value<'_>>) -> starlark::Result<()> {
        let Some(value) = value else { return Ok(()) };
        let Some(items) = sequence(value) else {
            return fail(format!(
                "`arguments` takes a list, and got `{}`",
                value.get_type()
            ));
        };
        let mut plain = Vec::new();
        for item in items {
            if let Some(args) = Args::from_value(*item) {
                self.push_plain(&mut plain);
                self.arguments.push(args.list());
            } else if let Some(text) = item.unpack_str() {
                plain.push(Arg::Text(Arc::from(text)));
            } else if let Some(file) = FileValue::artifact_of(*item) {
                plain.push(Arg::Path(file.clone(), None));
            } else {
                return fail(format!(
                    "`arguments` takes strings, files and `Args`, and got `{}`",
                    item.get_type()
                ));
            }
        }
        self.push_plain(&mut plain);
        Ok(())
    }

    fn push_plain(&mut self, plain: &mut Vec<Arg>) {
        if !plain.is_empty() {
            self.arguments.push(ArgList {
                items: std::mem::take(plain),
                param_file: None,
            });
        }
    }

    pub(super) fn add_env(&mut self, value: Option<Value<'_>>) -> starlark::Result<()> {
        add_texts(&mut self.env, value, "env")
    }

    pub(super) fn add_requirements(&mut self, value: Option<Value<'_>>) -> starlark::Result<()> {
        add_texts(&mut self.requirements, value, "execution_requirements")
    }

    pub(super) fn add_workspace_sources(&mut self, patterns: Option<Value<'_>>) {
        // The attribute that they come from has seen to their types.
        let patterns = patterns.and_then(sequence).unwrap_or_default();
        let patterns = patterns.iter().filter_map(|pattern| pattern.unpack_str());
        self.workspace_sources.extend(patterns.map(Arc::from));
    }

    /// Ends it: the action exists from here on.
    pub(super) fn register(
        self,
        outputs: Vec<Artifact>,
        mnemonic: Option<&str>,
        progress: Option<&str>,
        eval: &Evaluator<'_, '_, 'e>,
    ) -> starlark::Result<()> {
        if let Some(file) = &self.dependency_file
            && !outputs.contains(file)
        {
            return fail("the dependency file must be one of the outputs");
        }
        let mnemonic = mnemonic_of(mnemonic, "Action")?;
        let kind = ActionKind::Spawn {
            arguments: self.arguments.into(),
            inputs: ArtifactSet::new(Order::Default, self.direct, self.sets),
            tools: self.tools.into(),
            env: Arc::new(self.env),
            default_shell_env: self.default_shell_env,
            requirements: Arc::new(self.requirements),
            dependency_file: self.dependency_file,
            workspace_sources: self.workspace_sources.into(),
        };
        register(kind, outputs, mnemonic, progress, eval)
    }
}

/// The outputs of an action: at least one.
pub(super) fn outputs(value: Value<'_>) -> starlark::Result<Vec<Artifact>> {
    let outputs = depset::file_list(value, "outputs")?;
    match outputs.is_empty() {
        false => Ok(outputs),
        true => Err(stop(
            Diag::build("`outputs` is empty: an action must make something")
                .hint("`ctx.actions.do_nothing` is for actions that make nothing"),
        )),
    }
}

fn add_texts(into: &mut Texts, value: Option<Value<'_>>, what: &str) -> starlark::Result<()> {
    let Some(value) = value else { return Ok(()) };
    let Some(dict) = DictRef::from_value(value) else {
        return fail(format!(
            "`{what}` takes a dict of strings, and got `{}`",
            value.get_type()
        ));
    };
    for (name, value) in dict.iter() {
        match (name.unpack_str(), value.unpack_str()) {
            (Some(name), Some(value)) => into.insert(Arc::from(name), Arc::from(value)),
            _ => {
                return fail(format!(
                    "`{what}` takes a dict of strings, and has `{}: {}`",
                    name.to_repr(),
                    value.to_repr()
                ));
            }
        };
    }
    Ok(())
}

/// The tags that are requirements of actions (Bazel: tags, "execution requirements").
fn of_tags(analysis: &Analysis<'_>) -> Texts {
    const PREFIXES: [&str; 8] = [
        "block-",
        "cpu:",
        "disable-",
        "no-",
        "requires-",
        "resources:",
        "supports-",
        "mem:",
    ];
    let target = analysis.request.target;
    let tags = target.tags();
    let tags =
        tags.filter(|tag| *tag == "local" || PREFIXES.iter().any(|prefix| tag.starts_with(prefix)));
    let mut texts: Texts = tags.map(|tag| (Arc::from(tag), Arc::from(""))).collect();
    if target
        .attr("local")
        .and_then(kiln_targets::AttrValue::as_bool)
        == Some(true)
    {
        texts.insert(Arc::from("local"), Arc::from(""));
    }
    texts
}
