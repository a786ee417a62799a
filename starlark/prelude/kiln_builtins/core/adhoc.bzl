"""`shell_command` and `adhoc_tool`: any program, run for the files that it makes.

Both run in a folder laid out like the repository: in a sandbox one with the files of
`execution_dependencies` and nothing else, in a workspace environment the repository itself.
"""

_PACKAGE = "."

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _place(path):
    """Where a file is in the folder: as in its repository."""
    return "external/" + path.removeprefix("../") if path.startswith("../") else path

def _workdir(ctx):
    """The working directory relative to the root of the repository."""
    given = ctx.attr.workdir.removesuffix("/") if ctx.attr.workdir != "/" else "/"
    package = ctx.label.package
    if given in ("", _PACKAGE):
        below = package
    elif given.startswith("./"):
        below = (package + "/" + given[2:]).removeprefix("/")
    elif given.startswith("/"):
        below = given.removeprefix("//").removeprefix("/")
    else:
        below = given
    if ".." in below.split("/"):
        fail("`%s` leads out of the repository\nat: workdir\nhint: a path is relative to the root of the repository; `.` is the folder of the BUILD file" % ctx.attr.workdir)
    return below

def _check_output(attribute, path):
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "." in parts or "" in parts:
        fail("`%s` is no path below the working directory\nat: %s %s\nhint: write it as `folder/file`" % (path, attribute, path))

def _outputs(ctx):
    """Pairs of a path below the working directory and the file or folder declared for it."""
    files = []
    for path in ctx.attr.output_files:
        _check_output("output_files", path)
        files.append((path, ctx.actions.declare_file(path)))
    for attribute in ("stdout", "stderr"):
        path = getattr(ctx.attr, attribute)
        if path:
            _check_output(attribute, path)
            files.append((path, ctx.actions.declare_file(path)))
    folders = []
    for path in ctx.attr.output_directories:
        path = path.removesuffix("/")
        _check_output("output_directories", path)
        folders.append((path, ctx.actions.declare_directory(path)))
    if not files and not folders:
        fail("the target makes nothing: there is neither `output_files` nor `output_directories`\nhint: name what it makes; `stdout = \"FILE\"` takes what it prints")
    return files, folders

def _variables(ctx):
    lines = []
    for setting in ctx.attr.extra_env_vars:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            fail("`%s` is no `NAME=value`\nat: extra_env_vars %s\nhint: %s" % (
                setting,
                setting,
                "write `%s=…`; with `--action_env=%s` the caller's own value is passed on" % (setting.strip("=") or "NAME", setting.strip("=") or "NAME"),
            ))
        lines.append("%s=$(kiln_chroot %s); export %s" % (name, _quote(value), name))
    return lines

# `kiln_chroot` puts the folder where a text says `{chroot}`.
_PRELUDE = """\
kiln_root=$PWD
case $KILN_EXEC_ROOT in "{chroot}") KILN_EXEC_ROOT=$PWD;; esac
kiln_exec=$KILN_EXEC_ROOT
unset KILN_EXEC_ROOT
CHROOT=$kiln_exec/%s
export CHROOT
kiln_chroot() {
  kiln_rest=$1 kiln_text=
  while :; do
    case $kiln_rest in
    *"{chroot}"*)
      kiln_text=$kiln_text${kiln_rest%%%%"{chroot}"*}$CHROOT
      kiln_rest=${kiln_rest#*"{chroot}"}
      ;;
    *) break ;;
    esac
  done
  printf '%%s' "$kiln_text$kiln_rest"
}
kiln_put() {
  case $2 in */*) mkdir -p "$CHROOT/${2%%/*}" || exit 1 ;; esac
  cp -pR "$kiln_exec/$1" "$CHROOT/$2" || exit 1
}
kiln_take() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    if [ -d "$1" ]; then cp -pR "$1/." "$kiln_exec/$2"; else cp -pR "$1" "$kiln_exec/$2"; fi || exit 1
  else
    echo "it did not make \\`$1\\` in \\`$kiln_workdir\\`, which \\`$3\\` names" >&2
    kiln_missing=1
  fi
}
mkdir -p "$CHROOT" || exit 1
"""

def _layout(ctx):
    lines = []
    for file in depset(transitive = [target[DefaultInfo].files for target in ctx.attr.execution_dependencies]).to_list():
        lines.append("kiln_put %s %s" % (_quote(file.path), _quote(_place(file.short_path))))
    lines.append("chmod -R u+w \"$CHROOT\"")
    return lines

def _tools(ctx):
    """Lines that make a folder of the programs of `tools`, and one that leaves only these."""
    if not ctx.attr.tools:
        return [], []
    lines = ["kiln_bin=$kiln_exec/%s.bin" % _work(ctx), "mkdir -p \"$kiln_bin\""]
    for tool in ctx.attr.tools:
        if not tool or "/" in tool or "'" in tool or " " in tool:
            fail("`%s` is no name of a program\nat: tools %s\nhint: give names that are looked up: `\"tar\"`" % (tool, tool))
        lines.append("kiln_tool=$(command -v '%s') || { echo 'there is no program `%s`, which `tools` names, in PATH='\"$PATH\" >&2; exit 127; }" % (tool, tool))
        lines.append("ln -sf \"$kiln_tool\" \"$kiln_bin\"/'%s'" % tool)
    return lines, ["PATH=$kiln_bin", "export PATH"]

def _work(ctx):
    return "/".join([part for part in [ctx.bin_dir.path, ctx.label.workspace_root, ctx.label.package, ctx.label.name] if part]) + ".work"

def _redirections(ctx):
    texts = []
    for attribute, number in (("stdout", 1), ("stderr", 2)):
        path = getattr(ctx.attr, attribute)
        if path:
            texts.append("%d>%s" % (number, _quote(path)))
        elif not ctx.attr.log_output:
            texts.append("%d>>\"$kiln_log\"" % number)
    return " ".join(texts)

def _script(ctx, command, files, folders):
    workdir = _workdir(ctx)
    programs, path = _tools(ctx)

    # In the workspace itself it runs where it is, elsewhere in the folder made for it.
    lines = [_PRELUDE % _work(ctx)] + programs + _layout(ctx) + [
        "kiln_base=$CHROOT",
        "[ \"$kiln_exec\" = \"$kiln_root\" ] || kiln_base=$kiln_root",
        "kiln_workdir=%s" % _quote(workdir or "."),
        "kiln_log=$CHROOT.log",
        "mkdir -p \"$kiln_base/$kiln_workdir\"",
        "cd \"$kiln_base/$kiln_workdir\" || exit 1",
        "(",
    ] + _variables(ctx) + path + [
        command,
        ") " + _redirections(ctx),
        "kiln_status=$?",
        "if [ $kiln_status != 0 ]; then cat \"$kiln_log\" >&2 2>/dev/null; exit $kiln_status; fi",
        "kiln_missing=",
    ]
    for path, file in files:
        lines.append("kiln_take %s %s output_files" % (_quote(path), _quote(file.path)))
    for path, folder in folders:
        lines.append("kiln_take %s %s output_directories" % (_quote(path), _quote(folder.path)))
    lines.append("if [ -n \"$kiln_missing\" ]; then cat \"$kiln_log\" >&2 2>/dev/null; exit 1; fi")
    return "\n".join(lines) + "\n"

def _requirements(ctx):
    requirements = {}
    if ctx.attr.timeout > 0:
        requirements["timeout"] = str(ctx.attr.timeout)
    if ctx.attr.cache_scope == "session":
        requirements["no-cache"] = ""
    return requirements

def _run(ctx, command, mnemonic, tools):
    files, folders = _outputs(ctx)
    script = ctx.actions.declare_file(ctx.label.name + ".kiln_script.sh")
    ctx.actions.write(script, _script(ctx, command, files, folders))
    outputs = [file for _, file in files + folders]
    ctx.actions.run_shell(
        outputs = outputs,
        inputs = depset([script], transitive = [
            target[DefaultInfo].files
            for target in ctx.attr.execution_dependencies
        ]),
        tools = tools,
        command = ". \"$1\"",
        arguments = [script.path],
        mnemonic = mnemonic,
        progress_message = ctx.attr.description or "Running %{label}",
        use_default_shell_env = True,
        env = {"KILN_EXEC_ROOT": "{chroot}"},
        execution_requirements = _requirements(ctx),
        _workspace_sources = ctx.attr.workspace_invalidation_sources,
    )
    made = depset(outputs)
    return [DefaultInfo(files = made, runfiles = ctx.runfiles(transitive_files = made))]

_COMMON = {
    "cache_scope": attr.string(
        default = "from_environment",
        values = ["from_environment", "session"],
        doc = "How long a result holds: as the environment says, or `session`, for one command.",
    ),
    "description": attr.string(doc = "What to show while it runs."),
    "execution_dependencies": attr.label_list(
        allow_files = True,
        doc = "The files it reads.",
    ),
    "extra_env_vars": attr.string_list(doc = "Variables it sees, each `NAME=value`."),
    "log_output": attr.bool(doc = "Whether what it prints is shown although it succeeds."),
    "output_directories": attr.string_list(
        doc = "The folders it makes, relative to the working directory.",
    ),
    "output_files": attr.string_list(
        doc = "The files it makes, relative to the working directory.",
    ),
    "stderr": attr.string(doc = "A file that takes its standard error; one of the outputs."),
    "stdout": attr.string(doc = "A file that takes its standard output; one of the outputs."),
    "timeout": attr.int(doc = "Seconds until it is stopped; 0 is never."),
    "workdir": attr.string(
        default = _PACKAGE,
        doc = "The working directory, relative to the root of the repository; `.` is the " +
              "folder of the BUILD file, `./x` is relative to that.",
    ),
    "workspace_invalidation_sources": attr.string_list(
        doc = "Patterns of files that decide the result in a workspace environment, where it " +
              "holds for one command without any. Relative to the BUILD file, or to the root " +
              "with `//` before them; `!` before one takes files away.",
    ),
}

def _shell_command_impl(ctx):
    if not ctx.attr.command.strip():
        fail("`command` is empty\nat: command\nhint: give the command to run")
    command = "eval \"$(kiln_chroot %s)\"" % _quote(ctx.attr.command)
    return _run(ctx, command, "ShellCommand", [])

shell_command = rule(
    implementation = _shell_command_impl,
    doc = "Makes files by a shell command.",
    attrs = _COMMON | {
        "command": attr.string(
            mandatory = True,
            doc = "The command. `{chroot}` stands for the folder of its files, as does `$CHROOT`.",
        ),
        "tools": attr.string_list(
            doc = "The programs on its search path; without any, all of the environment.",
        ),
    },
)

def _adhoc_tool_impl(ctx):
    runnable = ctx.attr.runnable[DefaultInfo].files_to_run
    if not runnable or not runnable.executable:
        fail("`%s` is nothing that can be run\nat: runnable\nhint: name a binary, or a script" % ctx.attr.runnable.label)
    words = ["\"$kiln_exec\"/" + _quote(runnable.executable.path)]
    words += ["\"$(kiln_chroot %s)\"" % _quote(argument) for argument in ctx.attr.args]
    return _run(ctx, "exec " + " ".join(words), "AdhocTool", [runnable])

adhoc_tool = rule(
    implementation = _adhoc_tool_impl,
    doc = "Makes files by running a target.",
    attrs = _COMMON | {
        "args": attr.string_list(
            doc = "Its arguments. `{chroot}` stands for the folder of its files.",
        ),
        "runnable": attr.label(
            mandatory = True,
            allow_files = True,
            executable = True,
            cfg = "exec",
            doc = "The program.",
        ),
        "tools": attr.string_list(
            doc = "The programs on its search path; without any, all of the environment.",
        ),
    },
)
