//! Measures loading: `cargo run --release -p kiln-build --example load_packages [PACKAGES [THREADS]]`
//! parses and evaluates that many generated BUILD files of five targets each, and prints the time.

#![allow(clippy::print_stdout, clippy::unwrap_used, unused_qualifications)]

#[path = "../tests/build/rules.rs"]
mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_build::{Loader, LoaderOptions};
use kiln_diag::Diag;
use kiln_host::Interpreter;
use kiln_targets::{BuildRequest, Bzl, BzlRequest, Dialect, Globbed, PackageIo, SourceText};

const NATIVES: &str = r#"
cc_library = test_rule("cc_library", srcs = "label_list", hdrs = "label_list", deps = "label_list",
    copts = "string_list", defines = "string_list", linkopts = "string_list", tags = "string_list")
cc_test = test_rule("cc_test", srcs = "label_list", deps = "label_list", size = "string")
"#;

const MACROS: &str = r#"
def library(name, **kwargs):
    native.cc_library(name = name, srcs = [name + ".cc"], hdrs = [name + ".h"], **kwargs)
"#;

struct NoFiles;

impl PackageIo for NoFiles {
    fn glob(&self, _: &[String], _: &[String], _: bool) -> Result<Globbed, Diag> {
        Ok(Globbed {
            paths: ["a.cc", "b.cc", "c.cc"].map(str::to_owned).into(),
            unmatched: Vec::new(),
        })
    }

    fn subpackages(&self, _: &[String], _: &[String]) -> Result<Globbed, Diag> {
        Ok(Globbed::default())
    }
}

fn build_file(n: usize) -> String {
    let before = n.checked_sub(1).unwrap_or(1_000_000);
    format!(
        r#"load("//:macros.bzl", "library")

package(default_visibility = ["//visibility:public"])

COPTS = ["-Wall"] + select({{"//:opt": ["-O2"], "//conditions:default": []}})

library(name = "one", copts = COPTS)

library(name = "two", deps = [":one", "//p{before}:one", "@dep//x:y"], tags = ["t{n}"])

cc_library(
    name = "three",
    srcs = glob(["*.cc"], exclude = ["b.cc"]),
    hdrs = ["c.h", "d.h"],
    defines = ["A=1", "B"],
    deps = [":one", ":two", "//p{before}:three"],
    visibility = ["//:__subpackages__"],
)

[cc_test(name = t + "_test", size = "small", srcs = [t + ".cc"], deps = [":three"]) for t in ["x", "y"]]
"#
    )
}

struct World {
    loader: Loader,
    mapping: Arc<RepoMapping>,
    natives: Arc<Bzl>,
    loads: Vec<(Arc<str>, Arc<Bzl>)>,
}

impl World {
    fn new() -> World {
        let loader = Loader::new(
            Interpreter::default(),
            LoaderOptions::default(),
            rules::rules,
            rules::class_of,
        );
        let mapping = Arc::new(RepoMapping::new(Repo::root()));
        let natives = Arc::new(bzl(&loader, &mapping, "natives", NATIVES, None));
        let macros = Arc::new(bzl(&loader, &mapping, "macros", MACROS, Some(&natives)));
        World {
            loads: vec![("//:macros.bzl".into(), macros)],
            loader,
            mapping,
            natives,
        }
    }

    fn load(&self, n: usize) -> usize {
        let path = RelPath::new(format!("p{n}")).unwrap();
        let build_file_path = path.join("BUILD").unwrap();
        let text = build_file(n);
        let parsed = self.loader.parse(SourceText {
            path: build_file_path.to_string().into(),
            text: text.into(),
            dialect: Dialect::Build,
        });
        let request = BuildRequest {
            parsed: &parsed.unwrap(),
            package: &PackageId::new(Repo::root(), path),
            build_file: &build_file_path,
            mapping: &self.mapping,
            loads: &self.loads,
            natives: &self.natives,
            inherited: &Arc::default(),
            module: ("bench", ""),
            io: &NoFiles,
        };
        self.loader.build(request).unwrap().targets.len()
    }
}

fn bzl(
    loader: &Loader,
    mapping: &Arc<RepoMapping>,
    name: &str,
    text: &str,
    natives: Option<&Arc<Bzl>>,
) -> Bzl {
    let root = PackageId::new(Repo::root(), RelPath::root());
    let label: Label = root.target(&format!("{name}.bzl")).unwrap();
    let parsed = loader.parse(SourceText {
        path: format!("{name}.bzl").into(),
        text: text.into(),
        dialect: Dialect::Bzl,
    });
    let request = BzlRequest {
        parsed: &parsed.unwrap(),
        label: &label,
        mapping,
        loads: &[],
        natives,
    };
    loader.bzl(request).unwrap()
}

fn main() {
    let argument = |n: usize| {
        std::env::args()
            .nth(n)
            .map(|text| text.parse::<usize>().unwrap())
    };
    let packages = argument(1).unwrap_or(2_000);
    let threads = argument(2).unwrap_or(1);
    let world = World::new();
    let (next, targets) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= packages {
                        return;
                    }
                    targets.fetch_add(world.load(n), Ordering::Relaxed);
                }
            });
        }
    });
    let took = start.elapsed();
    println!(
        "{packages} packages, {} targets, {threads} threads: {:.0} ms",
        targets.into_inner(),
        took.as_secs_f64() * 1e3
    );
}
