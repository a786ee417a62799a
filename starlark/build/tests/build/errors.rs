//! One snapshot for each message: targets and their attributes.

use expect_test::{Expect, expect};

use crate::world::{World, show};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&show(World::default().build(text, &[])));
}

#[test]
fn names() {
    check(
        "thing()",
        expect![[r#"
            error: a `thing` needs a `name`
              --> p/BUILD:1:1
               |
             1 | thing()
               | ^^^^^^^
            hint: add `name = "…"`"#]],
    );
    check(
        "thing(name = 1)",
        expect![[r#"
            error: the `name` of a `thing` must be a string, got `1` of type int
              --> p/BUILD:1:1
               |
             1 | thing(name = 1)
               | ^^^^^^^^^^^^^^^
            hint: write a text that is written out: `name = "…"`"#]],
    );
    check(
        "thing(name = '')",
        expect![[r#"
        error: invalid target name ``: the target name is empty
          --> p/BUILD:1:1
           |
         1 | thing(name = '')
           | ^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "thing(name = 'a:b')",
        expect![[r#"
        error: invalid target name `a:b`: the target name contains `:`
          --> p/BUILD:1:1
           |
         1 | thing(name = 'a:b')
           | ^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "thing(name = '../b')",
        expect![[r#"
        error: invalid target name `../b`: the target name has a `..` component
          --> p/BUILD:1:1
           |
         1 | thing(name = '../b')
           | ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "thing('a')",
        expect![[r#"
        error: `thing` takes named arguments only
          --> p/BUILD:1:1
           |
         1 | thing('a')
           | ^^^^^^^^^^
        hint: write `name = "…"`"#]],
    );
    check(
        "thing(name = 'a')\n\nthing(name = 'a')",
        expect![[r#"
        error: target `a` is declared twice
          --> p/BUILD:3:1
           |
         3 | thing(name = 'a')
           | ^^^^^^^^^^^^^^^^^
           = first declared here
          --> p/BUILD:1:1
           |
         1 | thing(name = 'a')
           | ^^^^^^^^^^^^^^^^^
        hint: give one of them another `name`"#]],
    );
    check(
        "gen(name = 'a', out = 'x')\nthing(name = 'x')",
        expect![[r#"
            error: target `x` has the name of an earlier output
              --> p/BUILD:2:1
               |
             2 | thing(name = 'x')
               | ^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | gen(name = 'a', out = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "gen(name = 'a', out = 'x')\ngen(name = 'b', out = 'x')",
        expect![[r#"
            error: output `x` is declared twice
              --> p/BUILD:2:1
               |
             2 | gen(name = 'b', out = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | gen(name = 'a', out = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "gen(name = 'a', outs = ['x', 'x/y'])",
        expect![[r#"
            error: output `x/y` overlaps with output `x`: one is a folder of the other
              --> p/BUILD:1:1
               |
             1 | gen(name = 'a', outs = ['x', 'x/y'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: rename one of the two"#]],
    );
    check(
        "gen(name = 'a', outs = ['x/y/z', 'x/y'])",
        expect![[r#"
            error: output `x/y` overlaps with output `x/y/z`: one is a folder of the other
              --> p/BUILD:1:1
               |
             1 | gen(name = 'a', outs = ['x/y/z', 'x/y'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: rename one of the two"#]],
    );
    check(
        "package_group(name = 'a')\nthing(name = 'a')",
        expect![[r#"
            error: target `a` has the name of an earlier package group
              --> p/BUILD:2:1
               |
             2 | thing(name = 'a')
               | ^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | package_group(name = 'a')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "wrapped(name = 'a')\nthing(name = 'a_inner')",
        expect![[r#"
            error: target `a_inner` is declared twice
              --> p/BUILD:2:1
               |
             2 | thing(name = 'a_inner')
               | ^^^^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | wrapped(name = 'a')
               | ^^^^^^^^^^^^^^^^^^^
            hint: give one of them another `name`"#]],
    );
}

#[test]
fn attributes() {
    check(
        "thing(name = 'a', sorces = [])",
        expect![[r#"
        error: `thing` has no attribute `sorces` (target `//p:a`)
          --> p/BUILD:1:19
           |
         1 | thing(name = 'a', sorces = [])
           |                   ^^^^^^^^^^^
           = it has deps, flag, labels, lists, name, number, numbers, one, srcs, testonly, text, texts, tools, words
        hint: did you mean `srcs`?"#]],
    );
    check(
        "thing(name = 'a', zzz = [])",
        expect![[r#"
            error: `thing` has no attribute `zzz` (target `//p:a`)
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', zzz = [])
               |                   ^^^^^^^^
               = it has deps, flag, labels, lists, name, number, numbers, one, srcs, testonly, text, texts, tools, words
            hint: remove `zzz`, or give it to another rule"#]],
    );
    check(
        "thing(name = 'a', _private = ':x')",
        expect![[r#"
        error: attribute `_private` of `thing` is private; only the rule's definition sets it
          --> p/BUILD:1:19
           |
         1 | thing(name = 'a', _private = ':x')
           |                   ^^^^^^^^^^^^^^^"#]],
    );
    check(
        "thing(\n    name = 'a',\n    srcs = 'b.cc',\n)",
        expect![[r#"
            error: attribute `srcs` of thing `//p:a`: expected a list of labels, got `"b.cc"` of type string
              --> p/BUILD:3:5
               |
             3 |     srcs = 'b.cc',
               |     ^^^^^^^^^^^^^
            hint: write `["b.cc"]`"#]],
    );
    check(
        "thing(name = 'a', srcs = [1])",
        expect![[r#"
            error: attribute `srcs` of thing `//p:a`: expected a label, got `1` of type int
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', srcs = [1])
               |                   ^^^^^^^^^^
               = in a list
            hint: write one label: `"//package:name"`"#]],
    );
    check(
        "thing(name = 'a', srcs = ['b', ':c:d'])",
        expect![[r#"
            error: attribute `srcs` of thing `//p:a`: invalid label `:c:d`: the target name contains `:`
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', srcs = ['b', ':c:d'])
               |                   ^^^^^^^^^^^^^^^^^^^^
               = item 2 of a list
            hint: labels look like `//package:name`, `:name` or `file.txt`"#]],
    );
    check(
        "thing(name = 'a', srcs = ['b', 'c', ':b'])",
        expect![[r#"
            error: attribute `srcs` of thing `//p:a`: `//p:b` is listed twice
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', srcs = ['b', 'c', ':b'])
               |                   ^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of the two"#]],
    );
    check(
        "thing(name = 'a', text = 1)",
        expect![[r#"
            error: attribute `text` of thing `//p:a`: expected a string, got `1` of type int
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', text = 1)
               |                   ^^^^^^^^
            hint: write `"1"`"#]],
    );
    check(
        "thing(name = 'a', number = 'x')",
        expect![[r#"
            error: attribute `number` of thing `//p:a`: expected an int, got `"x"` of type string
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', number = 'x')
               |                   ^^^^^^^^^^^^
            hint: write a number without quotation marks"#]],
    );
    check(
        "thing(name = 'a', number = True)",
        expect![[r#"
        error: attribute `number` of thing `//p:a`: expected an int, got `True` of type bool
          --> p/BUILD:1:19
           |
         1 | thing(name = 'a', number = True)
           |                   ^^^^^^^^^^^^^"#]],
    );
    check(
        "thing(name = 'a', number = 1 << 40)",
        expect![[r#"
        error: attribute `number` of thing `//p:a`: expected an int of 32 bits, got `1099511627776` of type int
          --> p/BUILD:1:19
           |
         1 | thing(name = 'a', number = 1 << 40)
           |                   ^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "thing(name = 'a', flag = 2)",
        expect![[r#"
            error: attribute `flag` of thing `//p:a`: expected a bool, got `2` of type int
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', flag = 2)
               |                   ^^^^^^^^
            hint: write `True` or `False`"#]],
    );
    check(
        "thing(name = 'a', words = ['x'])",
        expect![[r#"
            error: attribute `words` of thing `//p:a`: expected a dict of strings, got `["x"]` of type list
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', words = ['x'])
               |                   ^^^^^^^^^^^^^
            hint: write a dict: `{"key": "value"}`"#]],
    );
    check(
        "thing(name = 'a', words = {'k': 1})",
        expect![[r#"
            error: attribute `words` of thing `//p:a`: expected a string, got `1` of type int
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', words = {'k': 1})
               |                   ^^^^^^^^^^^^^^^^
               = at the key "k" of a dict
            hint: write `"1"`"#]],
    );
    check(
        "thing(name = 'a', labels = {':k': 'v', '//p:k': 'v'})",
        expect![[r#"
            error: attribute `labels` of thing `//p:a`: two keys of a dict mean the same, "//p:k"
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', labels = {':k': 'v', '//p:k': 'v'})
               |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "gen(name = 'a', out = '//q:x')",
        expect![[r#"
            error: attribute `out` of gen `//p:a`: output `//q:x` is not in the package `//p`
              --> p/BUILD:1:17
               |
             1 | gen(name = 'a', out = '//q:x')
               |                 ^^^^^^^^^^^^^
            hint: outputs are files in the folder of `//p`: `out.txt`, `sub/out.txt`"#]],
    );
    check(
        "strict(name = 'a')",
        expect![[r#"
            error: strict `//p:a` lacks `srcs` (list of labels)
              --> p/BUILD:1:1
               |
             1 | strict(name = 'a')
               | ^^^^^^^^^^^^^^^^^^
            hint: add `srcs = ["…"]`"#]],
    );
    check(
        "strict(name = 'a', srcs = None)",
        expect![[r#"
            error: strict `//p:a` lacks `srcs` (list of labels)
              --> p/BUILD:1:1
               |
             1 | strict(name = 'a', srcs = None)
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add `srcs = ["…"]`"#]],
    );
    check(
        "strict(name = 'a', srcs = [])",
        expect![[r#"
            error: attribute `srcs` of strict `//p:a`: it must not be empty
              --> p/BUILD:1:20
               |
             1 | strict(name = 'a', srcs = [])
               |                    ^^^^^^^^^
            hint: give it a value, or leave it out"#]],
    );
    check(
        "strict(name = 'a', srcs = ['b'], size = 'smal')",
        expect![[r#"
            error: attribute `size` of strict `//p:a`: `smal` is not one of `small`, `large`
              --> p/BUILD:1:34
               |
             1 | strict(name = 'a', srcs = ['b'], size = 'smal')
               |                                  ^^^^^^^^^^^^^
            hint: did you mean `small`?"#]],
    );
    check(
        "strict(name = 'a', srcs = ['b'], size = select({':x': 'huge'})",
        expect![[r#"
            error: unexpected new line, expected symbol ')'
              --> p/BUILD:1:63
               |
             1 | strict(name = 'a', srcs = ['b'], size = select({':x': 'huge'})
               |                                                               ^
            hint: close the bracket that was opened further up"#]],
    );
    check(
        "strict(name = 'a', srcs = ['b'], size = select({':x': 'huge'}))",
        expect![[r#"
            error: attribute `size` of strict `//p:a`: `huge` is not one of `small`, `large`
              --> p/BUILD:1:34
               |
             1 | strict(name = 'a', srcs = ['b'], size = select({':x': 'huge'}))
               |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "strict(name = 'a', srcs = ['b'], fixed = select({':x': 'y'}))",
        expect![[r#"
            error: attribute `fixed` of strict `//p:a`: it cannot depend on the configuration
              --> p/BUILD:1:34
               |
             1 | strict(name = 'a', srcs = ['b'], fixed = select({':x': 'y'}))
               |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: `select` is not allowed here"#]],
    );
    check(
        "thing(name = 'a', visibility = ['//visibility:publik'])",
        expect![[r#"
            error: attribute `visibility` of thing `//p:a`: there is no visibility `publik`
              --> p/BUILD:1:19
               |
             1 | thing(name = 'a', visibility = ['//visibility:publik'])
               |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `public`?"#]],
    );
    check(
        "thing(name = 'a', visibility = 'public')",
        expect![[r#"
        error: attribute `visibility` of thing `//p:a`: expected a list of labels, got `"public"` of type string
          --> p/BUILD:1:19
           |
         1 | thing(name = 'a', visibility = 'public')
           |                   ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "templated(name = 'a')",
        expect![[r#"
        error: output `copy` of rule `templated`: the value of `src` is no single text in the template `%{dirname}copies/%{basename}_%{src}`
          --> p/BUILD:1:1
           |
         1 | templated(name = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
}
