//! Every case of `cases/*.txt` has the outcome that is written below it.
//!
//! `UPDATE_EXPECT=1 cargo test -p kiln-rule-graph --test cases` writes the outcomes anew.

mod support;

use expect_test::{ExpectFile, expect_file};

fn check(text: &str, file: ExpectFile) {
    let cases: Vec<String> = support::read(text)
        .iter()
        .map(support::with_outcome)
        .collect();
    file.assert_eq(&cases.join("\n"));
}

macro_rules! case_files {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                let file = concat!("cases/", stringify!($name), ".txt");
                check(include_str!(concat!("cases/", stringify!($name), ".txt")), expect_file![file]);
            }
        )*
    };
}

case_files!(
    inputs, gets, scopes, choice, errors, ambient, generated, hostile
);
