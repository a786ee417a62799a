//! `struct`, `provider`, `json`.

use expect_test::expect;

use super::prints;

#[test]
fn structs() {
    prints(
        r#"
s = struct(b = 1, a = "x", c = [1, 2])
print(s)
print(s.a, s.b, s.c[1])
print(type(s), dir(s))
print(hasattr(s, "a"), hasattr(s, "z"), getattr(s, "z", "none"))
print(s == struct(a = "x", b = 1, c = [1, 2]), s == struct(a = "x", b = 1))
print({struct(a = 1, b = 2): "v"}[struct(b = 2, a = 1)])
print(struct(a = struct(b = None)).to_json())
print(struct())
"#,
        expect![[r#"
            struct(a = "x", b = 1, c = [1, 2])
            x 1 2
            struct ["a", "b", "c"]
            True False none
            True False
            v
            {"a":{"b":null}}
            struct()
        "#]],
    );
}

#[test]
fn struct_mistakes() {
    prints(
        "struct(1)",
        expect![[r#"
        error: `struct` takes named arguments only
          --> d.bzl:1:1
           |
         1 | struct(1)
           | ^^^^^^^^^
    "#]],
    );
    prints(
        "struct(alpha = 1).alpah",
        expect![[r#"
            error: object of type `struct` has no attribute `alpah`
              --> d.bzl:1:1
               |
             1 | struct(alpha = 1).alpah
               | ^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `alpha`?
        "#]],
    );
    prints(
        "struct(a = 1) + struct(b = 2)",
        expect![[r#"
        error: operation `+` not supported for types `struct` and `struct`
          --> d.bzl:1:1
           |
         1 | struct(a = 1) + struct(b = 2)
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "{struct(a = []): 1}",
        expect![[r#"
        error: value of type `list` is not hashable
          --> d.bzl:1:2
           |
         1 | {struct(a = []): 1}
           |  ^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "struct(a = 1)[0]",
        expect![[r#"
        error: `struct` cannot be indexed
          --> d.bzl:1:1
           |
         1 | struct(a = 1)[0]
           | ^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "[x for x in struct(a = 1)]",
        expect![[r#"
        error: `struct` cannot be iterated over
          --> d.bzl:1:13
           |
         1 | [x for x in struct(a = 1)]
           |             ^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "'a' in struct(a = 1)",
        expect![[r#"
        error: `in` does not work on `struct`
          --> d.bzl:1:1
           |
         1 | 'a' in struct(a = 1)
           | ^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn providers() {
    prints(
        r#"
Any = provider()
Some = provider(doc = "d", fields = ["a", "b"])
Docs = provider(fields = {"a": "the a"})
print(Any, Any(x = 1, y = 2))
print(Some(a = 1), hasattr(Some(a = 1), "b"), dir(Some(b = 1)))
print(type(Some), type(Some(a = 1)))
print(Some(a = 1) == Some(a = 1), Some(a = 1) == Any(a = 1), Some(a = 1) == struct(a = 1))
print(Docs(a = 2).a)
Alias = Some
print(Alias(a = 1), Alias == Some)
"#,
        expect![[r#"
            <provider Any> Any(x = 1, y = 2)
            Some(a = 1) False ["b"]
            Provider struct
            True False False
            2
            Some(a = 1) True
        "#]],
    );
}

#[test]
fn providers_with_init() {
    prints(
        r#"
def _init(name, *, size = 3):
    return {"name": name.upper(), "size": size}

Thing, _new_thing = provider(fields = ["name", "size"], init = _init)
print(Thing("a"), Thing(name = "b", size = 5))
print(_new_thing(name = "raw", size = 0))
print(Thing, _new_thing)
"#,
        expect![[r#"
            Thing(name = "A", size = 3) Thing(name = "B", size = 5)
            Thing(name = "raw", size = 0)
            <provider Thing> <raw constructor for Thing>
        "#]],
    );
}

#[test]
fn provider_mistakes() {
    let some = "Some = provider(fields = ['sources', 'flags'])\n";
    prints(
        &format!("{some}Some(source = 1)"),
        expect![[r#"
        error: provider `Some` has no field `source`
          --> d.bzl:2:1
           |
         2 | Some(source = 1)
           | ^^^^^^^^^^^^^^^^
           = its fields are `flags`, `sources`
        hint: did you mean `sources`?
    "#]],
    );
    prints(
        &format!("{some}Some(1)"),
        expect![[r#"
        error: provider `Some` takes its fields by name only
          --> d.bzl:2:1
           |
         2 | Some(1)
           | ^^^^^^^
    "#]],
    );
    prints(
        "None_ = provider(fields = [])\nNone_(a = 1)",
        expect![[r#"
        error: provider `None_` has no field `a`
          --> d.bzl:2:1
           |
         2 | None_(a = 1)
           | ^^^^^^^^^^^^
           = it has no fields at all
    "#]],
    );
    prints(
        "provider(fields = 3)",
        expect![[r#"
        error: `fields` takes a list or dict of names, and got `int`
          --> d.bzl:1:1
           |
         1 | provider(fields = 3)
           | ^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "provider(fields = [3])",
        expect![[r#"
        error: the name of a field is a string, and not `3`
          --> d.bzl:1:1
           |
         1 | provider(fields = [3])
           | ^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "P, _r = provider(fields = ['a'], init = lambda: 3)\nP()",
        expect![[r#"
            error: the `init` of provider `P` must return a dict of fields, and returned `int`
              --> d.bzl:2:1
               |
             2 | P()
               | ^^^
        "#]],
    );
    prints(
        "P, _r = provider(fields = ['a'], init = lambda: {'b': 3})\nP()",
        expect![[r#"
            error: provider `P` has no field `b`
              --> d.bzl:2:1
               |
             2 | P()
               | ^^^
               = its fields are `a`
            hint: did you mean `a`?
        "#]],
    );
    prints(
        "DefaultInfo(file = None)",
        expect![[r#"
            error: `DefaultInfo` takes no `file`
              --> d.bzl:1:1
               |
             1 | DefaultInfo(file = None)
               | ^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `files`?
        "#]],
    );
    prints(
        "DefaultInfo(files = [])",
        expect![[r#"
        error: `files` of `DefaultInfo` takes a depset, and got `list`
          --> d.bzl:1:1
           |
         1 | DefaultInfo(files = [])
           | ^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `files = depset([...])`
    "#]],
    );
    prints(
        "DefaultInfo(files = depset(['a']))",
        expect![[r#"
        error: `files` takes files, and got a depset of `string`
          --> d.bzl:1:1
           |
         1 | DefaultInfo(files = depset(['a']))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "DefaultInfo(runfiles = [])",
        expect![[r#"
        error: `runfiles` takes `runfiles` (made by `ctx.runfiles`), and got `list`
          --> d.bzl:1:1
           |
         1 | DefaultInfo(runfiles = [])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "DefaultInfo(executable = 'a')",
        expect![[r#"
        error: `executable` takes a `File`, and got `string`
          --> d.bzl:1:1
           |
         1 | DefaultInfo(executable = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "OutputGroupInfo(a = 3)",
        expect![[r#"
        error: `a` takes a list or depset of files, and got `int`
          --> d.bzl:1:1
           |
         1 | OutputGroupInfo(a = 3)
           | ^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "platform_common.TemplateVariableInfo()",
        expect![[r#"
        error: `TemplateVariableInfo` needs a dict of variables
          --> d.bzl:1:1
           |
         1 | platform_common.TemplateVariableInfo()
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "platform_common.ConstraintValueInfo()",
        expect![[r#"
        error: `ConstraintValueInfo` cannot be made by rules
          --> d.bzl:1:1
           |
         1 | platform_common.ConstraintValueInfo()
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn json() {
    prints(
        r#"
print(json.encode(struct(b = [1, -2, 3.5], a = {"y": None, "x": True}, t = ("q\"\\\n", "\u00e9"))))
print(json.decode('{"a": [1, 2.5, null, false], "b": "\\u00e9"}'))
print(json.decode("nonsense", default = "dflt"))
print(json.encode_indent({"a": [1, {}], "b": []}, prefix = "> ", indent = "  "))
print(json.indent('{"a" : "x : y", "b":[ ]}'))
"#,
        expect![[r#"
            {"a":{"x":true,"y":null},"b":[1,-2,3.5],"t":["q\"\\\n","é"]}
            {"a": [1, 2.5, None, False], "b": "\xe9"}
            dflt
            {
            >   "a": [
            >     1,
            >     {}
            >   ],
            >   "b": []
            > }
            {
            	"a": "x : y",
            	"b": []
            }
        "#]],
    );
    prints(
        "json.encode(depset())",
        expect![[r#"
        error: `json.encode` cannot encode a `depset`
          --> d.bzl:1:1
           |
         1 | json.encode(depset())
           | ^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "json.encode({1: 2})",
        expect![[r#"
        error: `json.encode` takes dicts with strings as keys, and met the key `1`
          --> d.bzl:1:1
           |
         1 | json.encode({1: 2})
           | ^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "json.decode('{')",
        expect![[r#"
        error: `json.decode` cannot read its text: EOF while parsing an object at line 1 column 1
          --> d.bzl:1:1
           |
         1 | json.decode('{')
           | ^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "json.indent('{')",
        expect![[r#"
        error: `json.indent` cannot read its text: EOF while parsing an object at line 1 column 1
          --> d.bzl:1:1
           |
         1 | json.indent('{')
           | ^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn names_that_files_expect() {
    prints(
        r#"
print([type(x) for x in [
    DefaultInfo, OutputGroupInfo, RunEnvironmentInfo, AnalysisTestResultInfo, InstrumentedFilesInfo,
    testing.ExecutionInfo, testing.TestEnvironment, platform_common.ToolchainInfo,
    platform_common.TemplateVariableInfo, config_common.FeatureFlagInfo,
]])
print(testing.ExecutionInfo({"a": "b"}))
print(testing.TestEnvironment({"a": "b"}, ["PATH"]))
print(platform_common.ToolchainInfo(a = 1))
print(config_common.FeatureFlagInfo(value = "x"))
print(config_common.toolchain_type("//:t", mandatory = False).toolchain_type)
print(config.bool(flag = True), config.string_list(repeatable = True, flag = True))
"#,
        expect![[r#"
            ["Provider", "Provider", "Provider", "Provider", "Provider", "Provider", "Provider", "Provider", "Provider", "Provider"]
            ExecutionInfo(exec_group = "test", requirements = {"a": "b"})
            RunEnvironmentInfo(environment = {"a": "b"}, inherited_environment = ["PATH"])
            ToolchainInfo(a = 1)
            FeatureFlagInfo(value = "x")
            @@//:t
            <build setting> <build setting>
        "#]],
    );
}
