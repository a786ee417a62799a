//! `parametrize`: groups, and files that targets name.

use expect_test::{Expect, expect};

use crate::world::{World, show};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&show(World::default().build(text, &[])));
}

#[test]
fn groups_set_attributes_together_bld_073() {
    check(
        r#"thing(name = "x", **parametrize("A", text = "t", number = 1))"#,
        expect![[r#"
            x: members x@parametrize=A
            x@parametrize=A: thing(number = 1, text = "t")"#]],
    );
    check(
        r#"
thing(
    name = "x",
    texts = parametrize(x1 = ["1"], x2 = []),
    **parametrize("A", text = "a") | parametrize("B", text = "b")
)"#,
        expect![[r#"
            x: members x@parametrize=A,texts=x1 x@parametrize=A,texts=x2 x@parametrize=B,texts=x1 x@parametrize=B,texts=x2
            x@parametrize=A,texts=x1: thing(text = "a", texts = ["1"])
            x@parametrize=A,texts=x2: thing(text = "a", texts = [])
            x@parametrize=B,texts=x1: thing(text = "b", texts = ["1"])
            x@parametrize=B,texts=x2: thing(text = "b", texts = [])"#]],
    );
    // A group by way of a macro.
    check(
        r#"wrapped(name = "x", **parametrize("A", text = "t"))"#,
        expect![[r#"
            x_inner: members x_inner@parametrize=A
            x_inner@parametrize=A: thing(text = "t") by wrapped at p/BUILD:1:1"#]],
    );
}

#[test]
fn a_group_wins_over_the_attribute_itself_bld_074() {
    check(
        r#"thing(name = "x", text = "own", **parametrize("A", text = "t"))"#,
        expect![[r#"
            x: members x@parametrize=A
            x@parametrize=A: thing(text = "t")"#]],
    );
    check(
        r#"
thing(
    name = "x",
    text = parametrize("a", "b"),
    number = parametrize(one = 1),
    **parametrize("A", text = "t", number = 2)
)"#,
        expect![[r#"
            error: `//p:x`: conflicting parametrizations: the group `A` sets what is parametrized by itself: `text`, `number`
              --> p/BUILD:2:1
               |
             2 | thing(
               | ^^^^^^
            hint: take it out of the group, or give it one value in each group"#]],
    );
}

#[test]
fn groups_in_groups_bld_075() {
    check(
        r#"
thing(
    name = "x",
    **parametrize(
        "root",
        text = "outer",
        number = 1,
        **parametrize("sub1", text = "inner")
            | parametrize("sub2", texts = parametrize(c1 = ["1"], sub_c3 = ["3"]))
    )
)"#,
        expect![[r#"
            x: members x@parametrize=root-sub1 x@parametrize=root-sub2,texts=c1 x@parametrize=root-sub2,texts=sub_c3
            x@parametrize=root-sub1: thing(number = 1, text = "inner")
            x@parametrize=root-sub2,texts=c1: thing(number = 1, text = "outer", texts = ["1"])
            x@parametrize=root-sub2,texts=sub_c3: thing(number = 1, text = "outer", texts = ["3"])"#]],
    );
}

#[test]
fn mistakes_bld_076() {
    let mistake = |group: &str, expect| check(&format!("thing(name = \"x\", {group})"), expect);
    mistake(
        r#"**parametrize("a=b", text = "t")"#,
        expect![[r#"
        error: `a=b` cannot be part of a target's name
          --> p/BUILD:1:21
           |
         1 | thing(name = "x", **parametrize("a=b", text = "t"))
           |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: give it an alias: `parametrize(some_name = …)`"#]],
    );
    mistake(
        r#"**parametrize("A", text = "t") | parametrize("A", text = "u")"#,
        expect![[r#"
            error: `//p:x`: two groups of `parametrize` are called `A`
              --> p/BUILD:1:1
               |
             1 | thing(name = "x", **parametrize("A", text = "t") | parametrize("A", text = "u"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: give one of them another name"#]],
    );
    mistake(
        r#"**parametrize(text = "t")"#,
        expect![[r#"
            error: the argument provided for **kwargs is not a dictionary
              --> p/BUILD:1:1
               |
             1 | thing(name = "x", **parametrize(text = "t"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `**{"name": value}`; a group of `parametrize` needs a name: `**parametrize("A", …)`"#]],
    );
    mistake(
        r#"text = parametrize("a", a = "b")"#,
        expect![[r#"
        error: `//p:x`: `parametrize` has `a` twice
          --> p/BUILD:1:1
           |
         1 | thing(name = "x", text = parametrize("a", a = "b"))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove one of them, or give it another alias"#]],
    );
    mistake(
        r#"text = parametrize("a", b = "c")"#,
        expect![[r#"
        x: members x@text=a x@text=b
        x@text=a: thing(text = "a")
        x@text=b: thing(text = "c")"#]],
    );
    mistake(
        r#"**parametrize("A", name = "y")"#,
        expect![[r#"
        error: `//p:x`: `name` cannot be parametrized
          --> p/BUILD:1:1
           |
         1 | thing(name = "x", **parametrize("A", name = "y"))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: parametrize another attribute; names of its targets follow from it"#]],
    );
    mistake(
        r#"**parametrize("A", txt = "y")"#,
        expect![[r#"
        error: `thing` has no attribute `txt` (target `//p:x@parametrize=A`)
          --> p/BUILD:1:1
           |
         1 | thing(name = "x", **parametrize("A", txt = "y"))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has deps, flag, labels, lists, name, number, numbers, one, srcs, testonly, text, texts, tools, words
        hint: did you mean `text`?"#]],
    );
}

/// Each target has a folder for the files that all of them name.
#[test]
fn outputs_do_not_collide() {
    check(
        r#"
gen(name = "g", outs = ["a.txt", "sub/b.txt"], testonly = parametrize(yes = True, no = False))
gen(name = "h", out = "a.txt")"#,
        expect![[r#"
            error: output `a.txt` has the name of an earlier parametrized target
              --> p/BUILD:3:1
               |
             3 | gen(name = "h", out = "a.txt")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:2:1
               |
             2 | gen(name = "g", outs = ["a.txt", "sub/b.txt"], testonly = parametrize(yes = True, no = False))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        r#"gen(name = "g", outs = ["a.txt", "b.txt"], out = "c", testonly = parametrize(yes = True, no = False))"#,
        expect![[r#"
            a.txt: members g@testonly=yes/a.txt g@testonly=no/a.txt
            b.txt: members g@testonly=yes/b.txt g@testonly=no/b.txt
            c: members g@testonly=yes/c g@testonly=no/c
            g: members g@testonly=yes g@testonly=no
            g@testonly=no: gen(out = //p:g@testonly=no/c, outs = [//p:g@testonly=no/a.txt, //p:g@testonly=no/b.txt], testonly = false)
            g@testonly=no/a.txt: output of g@testonly=no
            g@testonly=no/b.txt: output of g@testonly=no
            g@testonly=no/c: output of g@testonly=no
            g@testonly=yes: gen(out = //p:g@testonly=yes/c, outs = [//p:g@testonly=yes/a.txt, //p:g@testonly=yes/b.txt], testonly = true)
            g@testonly=yes/a.txt: output of g@testonly=yes
            g@testonly=yes/b.txt: output of g@testonly=yes
            g@testonly=yes/c: output of g@testonly=yes"#]],
    );
    check(
        r#"
thing(name = "x", text = parametrize("a"))
thing(name = "x")"#,
        expect![[r#"
            error: target `x` has the name of an earlier parametrized target
              --> p/BUILD:3:1
               |
             3 | thing(name = "x")
               | ^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:2:1
               |
             2 | thing(name = "x", text = parametrize("a"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
}
