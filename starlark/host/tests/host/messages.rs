//! One snapshot for each message.

use expect_test::{Expect, expect};
use kiln_host::{Interpreter, Limits};

use crate::{check, check_with, load};

#[test]
fn syntax() {
    check(
        "x = (1,\n",
        expect![[r#"
            error: unexpected new line, expected symbol ')'
              --> p/a.bzl:2:1
               |
             2 | 
               | ^
            hint: close the bracket that was opened further up"#]],
    );
    check(
        "x = 'abc\n",
        expect![[r#"
            error: unfinished string literal
              --> p/a.bzl:1:5
               |
             1 | x = 'abc
               |     ^^^^
            hint: close it with the quotation mark it begins with; `"""` begins a text of several lines"#]],
    );
    check(
        "for x in []:\n  pass\n",
        expect![[r#"
        error: `for` outside of functions is not allowed in .bzl files
          --> p/a.bzl:1:1
           |
         1 | for x in []:
           | ^^^^^^^^^^^^
        hint: put it into a function"#]],
    );
    check(
        "if True:\n  pass\n",
        expect![[r#"
        error: `if` outside of functions is not allowed in .bzl files
          --> p/a.bzl:1:1
           |
         1 | if True:
           | ^^^^^^^^
        hint: put it into a function"#]],
    );
    check(
        "def f(x: int): pass",
        expect![[r#"
        error: a type annotation is not allowed in .bzl files
          --> p/a.bzl:1:10
           |
         1 | def f(x: int): pass
           |          ^^^"#]],
    );
    check(
        "x = f'{y}'",
        expect![[r#"
            error: an f-string is not allowed in .bzl files
              --> p/a.bzl:1:5
               |
             1 | x = f'{y}'
               |     ^^^^^^"#]],
    );
    check(
        "def f(a, /, b): pass",
        expect![[r#"
        error: `/` among parameters is not allowed in .bzl files
          --> p/a.bzl:1:10
           |
         1 | def f(a, /, b): pass
           |          ^"#]],
    );
    check(
        "class A: pass",
        expect![[r#"
            error: cannot use reserved keyword `class`
              --> p/a.bzl:1:1
               |
             1 | class A: pass
               | ^^^^^
            hint: choose another name"#]],
    );
    check(
        "import os",
        expect![[r#"
            error: `import` is not allowed in .bzl files
              --> p/a.bzl:1:1
               |
             1 | import os
               | ^^^^^^
            hint: `load("//pkg:file.bzl", "name")` brings in names"#]],
    );
    check(
        "x = 1 +",
        expect![[r#"
            error: unexpected new line, expected expression
              --> p/a.bzl:1:8
               |
             1 | x = 1 +
               |        ^
            hint: complete the line, or close the bracket that was opened further up"#]],
    );
    check(
        "def f():\n  return 1\n x = 2",
        expect![[r#"
            error: incorrect indentation
              --> p/a.bzl:2:11
               |
             2 |   return 1
               |           ^
            hint: remove the blanks at the beginning of the line"#]],
    );
    check("x = \"\\q\"", expect![[r#""#]]);
    let build = |text, expect| check_with(Limits::default(), "BUILD", text, expect);
    build(
        "def f(): pass",
        expect![[r#"
        error: `def` is not allowed in BUILD files
          --> p/BUILD:1:1
           |
         1 | def f(): pass
           | ^^^^^^^^^^^^^
        hint: define a function in a .bzl file and `load` it"#]],
    );
    build(
        "x = lambda: 1",
        expect![[r#"
        error: `lambda` is not allowed in BUILD files
          --> p/BUILD:1:5
           |
         1 | x = lambda: 1
           |     ^^^^^^^^^
        hint: define a function in a .bzl file and `load` it"#]],
    );
    build(
        "[x for x in range(3)]\nfor x in range(3): pass",
        expect![[r#"
            error: `for` outside of functions is not allowed in BUILD files
              --> p/BUILD:2:1
               |
             2 | for x in range(3): pass
               | ^^^^^^^^^^^^^^^^^^^^^^^
            hint: define a function in a .bzl file and `load` it"#]],
    );
}

#[test]
fn evaluation_errors() {
    check(
        "fail('no', 'way')",
        expect![[r#"
        error: no way
          --> p/a.bzl:1:1
           |
         1 | fail('no', 'way')
           | ^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "def f(x):\n  g(x)\ndef g(x):\n  fail('bad ' + x)\nf('y')",
        expect![[r#"
            error: bad y
              --> p/a.bzl:4:3
               |
             4 |   fail('bad ' + x)
               |   ^^^^^^^^^^^^^^^^
               = `g` was called from p/a.bzl:2:3
               = `f` was called from p/a.bzl:5:1"#]],
    );
    check(
        "fail('bad\\nhint: do this\\nhint: or that')",
        expect![[r#"
        error: bad
          --> p/a.bzl:1:1
           |
         1 | fail('bad\nhint: do this\nhint: or that')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: do this
        hint: or that"#]],
    );
    check(
        "x = reverse([])",
        expect![[r#"
        error: `reverse` is not defined
          --> p/a.bzl:1:5
           |
         1 | x = reverse([])
           |     ^^^^^^^
        hint: did you mean `reversed`?"#]],
    );
    check(
        "x = quite_unknown",
        expect![[r#"
        error: `quite_unknown` is not defined
          --> p/a.bzl:1:5
           |
         1 | x = quite_unknown
           |     ^^^^^^^^^^^^^
        hint: names defined here: False, None, True, abs, all, any, bool, bytes, chr, complain, dict, dir, enumerate, fail, float, getattr, hasattr, hash, here, int, json, len, list, max, min, ord, print, range, repr, reversed, set, sorted, str, tuple, type, x, zip"#]],
    );
    check(
        "x = 1 + 'a'",
        expect![[r#"
            error: operation `+` not supported for types `int` and `string`
              --> p/a.bzl:1:5
               |
             1 | x = 1 + 'a'
               |     ^^^^^^^
            hint: make it a text: `str(…)`"#]],
    );
    check(
        "x = [1][3]",
        expect![[r#"
            error: index `3` is out of bound
              --> p/a.bzl:1:5
               |
             1 | x = [1][3]
               |     ^^^^^^
            hint: compare it with `len(…)` first"#]],
    );
    check(
        "x = {}['a']",
        expect![[r#"
            error: key `"a"` was not found
              --> p/a.bzl:1:5
               |
             1 | x = {}['a']
               |     ^^^^^^^
            hint: `.get(key)` gives `None` for a key that is not there"#]],
    );
    check(
        "x = 'a'.uper()",
        expect![[r#"
            error: object of type `string` has no attribute `uper`
              --> p/a.bzl:1:5
               |
             1 | x = 'a'.uper()
               |     ^^^^^^^^^^
            hint: did you mean `upper`?"#]],
    );
    check(
        "def f(a): pass\nf()",
        expect![[r#"
            error: `f` needs the argument `a`
              --> p/a.bzl:2:1
               |
             2 | f()
               | ^^^
            hint: add `a = …`"#]],
    );
    check(
        "def f(a): pass\nf(1, 2, b = 3)",
        expect![[r#"
            error: `f` is given one positional argument too many
              --> p/a.bzl:2:1
               |
             2 | f(1, 2, b = 3)
               | ^^^^^^^^^^^^^^
            hint: give arguments by name: `name = value`"#]],
    );
    check(
        "complain()",
        expect![[r#"
        error: no such thing
          --> p/a.bzl:1:1
           |
         1 | complain()
           | ^^^^^^^^^^
        hint: try another"#]],
    );
    check(
        "def f(): return complain()\nf()",
        expect![[r#"
        error: no such thing
          --> p/a.bzl:1:17
           |
         1 | def f(): return complain()
           |                 ^^^^^^^^^^
           = `f` was called from p/a.bzl:2:1
        hint: try another"#]],
    );
    check("def f():\n  x.append(1)\nx = []\n", expect![""]);
}

#[test]
fn loading_errors() {
    let interpreter = Interpreter::default();
    let text = "def public(): pass\n_private = 1\nother = 2";
    let (a, _) = load(&interpreter, "a.bzl", text, &[]).unwrap();
    let (empty, _) = load(&interpreter, "e.bzl", "", &[]).unwrap();
    let (passes, _) = load(
        &interpreter,
        "p.bzl",
        "load(':a.bzl', 'other')",
        &[(":a.bzl", &a)],
    )
    .unwrap();
    let loads = [(":a.bzl", &a), (":e.bzl", &empty), (":p.bzl", &passes)];
    let check = |text: &str, expect: Expect| {
        let error = load(&interpreter, "b.bzl", text, &loads).unwrap_err();
        expect.assert_eq(&error.render());
    };
    check(
        "load(':a.bzl', 'publik')",
        expect![[r#"
        error: `:a.bzl` has no symbol `publik`
          --> p/b.bzl:1:16
           |
         1 | load(':a.bzl', 'publik')
           |                ^^^^^^^^
           = it exports other, public
        hint: did you mean `public`?"#]],
    );
    check(
        "load(':a.bzl', 'other', p = '_private')",
        expect![[r#"
            error: `_private` is private to `:a.bzl`: names that begin with `_` cannot be loaded
              --> p/b.bzl:1:29
               |
             1 | load(':a.bzl', 'other', p = '_private')
               |                             ^^^^^^^^^^
            hint: give it a public name there: `private = _private`"#]],
    );
    check(
        "load(':e.bzl', 'x')",
        expect![[r#"
            error: `:e.bzl` has no symbol `x`
              --> p/b.bzl:1:16
               |
             1 | load(':e.bzl', 'x')
               |                ^^^
               = it exports nothing
            hint: define `x` there, or load it from where it is"#]],
    );
    check(
        "load(':p.bzl', 'other')",
        expect![[r#"
            error: `:p.bzl` has no symbol `other`
              --> p/b.bzl:1:16
               |
             1 | load(':p.bzl', 'other')
               |                ^^^^^^^
               = it exports nothing
            hint: define `other` there, or load it from where it is"#]],
    );
    check(
        "load(':a.bzl', 'other')\nother.append(1)",
        expect![[r#"
        error: object of type `int` has no attribute `append`
          --> p/b.bzl:2:1
           |
         2 | other.append(1)
           | ^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn limits() {
    check(
        "def f(n): return f(n + 1)\nf(0)",
        expect![[r#"
            error: more than 200 functions are active at once
              --> p/a.bzl:1:18
               |
             1 | def f(n): return f(n + 1)
               |                  ^^^^^^^^
               = `f` was called from p/a.bzl:2:1
            hint: a function seems to call itself; Bazel's Starlark has no recursion"#]],
    );
    let small = Limits {
        ticks: 100_000,
        heap_bytes: 1 << 20,
        ..Limits::default()
    };
    let check = |text, expect| check_with(small.clone(), "a.bzl", text, expect);
    check(
        "def f():\n  for x in range(1000000000):\n    pass\nf()",
        expect![[r#"
            error: evaluating `p/a.bzl` takes more than 100000 function calls and loop turns
              --> p/a.bzl:2:3
               |
             2 |   for x in range(1000000000):
               |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `f` was called from p/a.bzl:4:1
            hint: shorten the loop if it is far longer than meant, or allow more: `--max_computation_steps=…`"#]],
    );
    check(
        "x = [[i] * 100 for i in range(99000)]",
        expect![[r#"
            error: evaluating `p/a.bzl` takes more than 1 MiB of memory
            hint: a list, dict or text seems to be far larger than meant"#]],
    );
    check(
        "x = [i for i in range(1000000000)]",
        expect![[r#"
            error: evaluating `p/a.bzl` takes more than 1 MiB of memory
            hint: a list, dict or text seems to be far larger than meant"#]],
    );
    check(
        &format!("x = {}1{}", "(".repeat(900), ")".repeat(900)),
        expect![[r#"
            error: code is nested more than 400 levels deep here
              --> p/a.bzl:1:403
               |
             1 | x = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
               |                                                                                                                                                                                                                                                                                                                                                                                                                   ^
            hint: split the expression by assigning parts of it to variables"#]],
    );
}
