//! Fields of a `docker_environment` in place of options: what they mean is what it means in the image.

use expect_test::expect;
use kiln_testkit::Docker;

use crate::{no_containers, shown, workspace};

/// A bare name takes the image's value and never the caller's, and `<PATH>` is the image's
/// (ENV-077, ENV-080, ENV-081, ENV-084).
#[test]
fn values_are_those_of_the_image() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(
    name = "show",
    outs = ["show.txt"],
    cmd = "echo $$PATH $$FLAVOR $${CALLER:-none} > $@",
    environment = "docker",
)
py_binary(name = "p", srcs = ["p.py"], environment = "docker")
"#;
    let workspace = workspace(&docker, &docker.variables(), build).env("CALLER", "me");
    workspace.write("p.py", "");
    let environment = format!(
        r#"
local_environment(name = "local")
experimental_workspace_environment(name = "workspace")
docker_environment(
    name = "docker",
    image = "{}",
    python_bootstrap_search_path = ["<PATH>"],
    subprocess_environment_env_vars = ["FLAVOR", "CALLER"],
    system_binaries_system_binary_paths = ["/bin", "/sbin"],
)
"#,
        docker.variables()
    );
    workspace.write("environments/BUILD", &environment);
    let output = workspace.kiln("build //:show //:p");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let bin = "kiln-out/fastbuild-docker/bin";
    let seen = workspace.read(&format!("{bin}/show.txt"));
    expect![[r#"
        /bin:/sbin vanilla none
    "#]]
    .assert_eq(&seen.unwrap_or_default());
    let launcher = workspace.read(&format!("{bin}/p")).unwrap_or_default();
    assert!(launcher.contains("/opt/tools/python3"), "{launcher}");

    // Where the folder is not searched, there is no such program.
    let environment = environment.replace("\"<PATH>\"", "\"/bin\"");
    workspace.write("environments/BUILD", &environment);
    let output = workspace.kiln("build //:p");
    expect![[r#"
        exit: 1
        --- stderr
        error: //:p needs Python 3, and there is no `python3` where it is looked for
          --> BUILD:8:1
           |
         8 | py_binary(name = "p", srcs = ["p.py"], environment = "docker")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:p` (py_binary, declared at BUILD:8:1)
        hint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&shown(&output));
    no_containers(&docker, &workspace);
}

/// The engine is asked for the image, and the image for tools; a container that does not have them is
/// told with the target that needs them.
#[test]
fn a_check_asks_the_engine_and_the_image() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(name = "fits", outs = ["o"], cmd = "touch $@", environment = "docker")
py_binary(name = "p", srcs = ["p.py"])
genrule(name = "needs", outs = ["n"], tools = [":p"], cmd = "touch $@", environment = "docker")
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write("p.py", "");
    let output = workspace.kiln("env check //:fits");
    expect![[r#"
        exit: 0
        --- stdout
        checked 1 target and what it needs: all fit
          docker: 1 target; asked just now: Docker answers; image `kiln-test/busybox:1` is there
    "#]]
    .assert_eq(&shown(&output));
    let output = workspace.kiln("env check //:needs");
    expect![[r#"
        exit: 1
        --- stdout
        checked 1 target and what it needs: 1 mistake
          docker: 2 targets; asked just now: Docker answers; image `kiln-test/busybox:1` is there
        --- stderr
        error: `//:p` is built in `docker` (docker_environment), where there is no Python interpreter
          --> BUILD:3:1
           |
         3 | py_binary(name = "p", srcs = ["p.py"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:3:1
           |
         3 | docker_environment(name = "docker", image = "kiln-test/busybox:1")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = the way to it: `//:needs` -> `//:p` -> environment `docker`
        hint: have one there, or say in which folder it is: `python_bootstrap_search_path` of `//environments:docker`, or `--python_bootstrap_search_path`
    "#]].assert_eq(&shown(&output));
    no_containers(&docker, &workspace);
}
