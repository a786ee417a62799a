//! A report of made-up figures, as tables and as JSON.

use super::*;
use crate::machine::Machine;
use crate::scenario::SCENARIOS;
use crate::stats::tests::sample;
use expect_test::expect;
use std::path::PathBuf;

/// Three runs each of two scenarios.
pub(crate) fn report() -> Report {
    let scenario = |name| SCENARIOS.iter().find(|s| s.name == name).unwrap();
    let runs = |wall: u64, cpu: u64, mib| {
        [10, 9, 12]
            .map(|tenths| sample(wall * tenths / 10, cpu * tenths / 10, mib))
            .to_vec()
    };
    let row = |name, kiln, ninja, bazel, accounts| Row {
        scenario: scenario(name),
        samples: [
            (Peer::Kiln, kiln),
            (Peer::Ninja, ninja),
            (Peer::Bazel, bazel),
        ]
        .into(),
        accounts,
    };
    let group = |group, targets, row| Measured {
        group,
        targets,
        rows: vec![row],
    };
    let said = |line: &str| [(Peer::Kiln, line.to_owned())].into();
    Report {
        machine: Machine {
            processors: 2,
            model: "A processor".to_owned(),
            memory_mib: 4096,
            kernel: "6.1".to_owned(),
            file_system: "tmpfs".to_owned(),
        },
        load: ["0.10 0.20 0.30".to_owned(), "1.00 0.50 0.40".to_owned()],
        tools: Peer::ALL
            .map(|peer| {
                (
                    peer,
                    PathBuf::from("/bin").join(peer.name()),
                    "1.0".to_owned(),
                )
            })
            .to_vec(),
        runs: 3,
        seed: 1,
        accounting: Ok("cgroup v1 cpuacct"),
        groups: vec![
            group(
                Group::Version,
                1,
                row(
                    "version",
                    runs(4, 3, 9),
                    runs(3, 3, 3),
                    runs(10, 8, 4),
                    [].into(),
                ),
            ),
            group(
                Group::Genrule,
                1000,
                row(
                    "genrule-cold",
                    runs(1500, 2000, 60),
                    runs(1000, 1500, 5),
                    runs(20_000, 30_000, 300),
                    said("built 1000 targets; 1000 actions: 1000 run"),
                ),
            ),
        ],
    }
}

#[test]
fn tables() {
    expect![[r#"
        - Machine: 2 x A processor, 4096 MiB, Linux 6.1, trees and caches on tmpfs.
        - Load average before: 0.10 0.20 0.30; after: 1.00 0.50 0.40.
        - Tools, in turn: kiln (`kiln`: 1.0), ninja (`ninja`: 1.0), bazel (`bazel`: 1.0).
        - CPU time: cgroup v1 cpuacct, one for each tool.
        - Figures: median (least-most) of 3 runs; ratios are taken run by run. Seed 1.
        - Compared with what it should be: exit codes; list: every label; genrule: every output after every build; cc: what two programs print after every build.

        ### Starting

        | scenario | tool | wall s | CPU s | peak MiB | kiln / it: wall | CPU | memory |
        | --- | --- | --: | --: | --: | --: | --: | --: |
        | print the version | kiln | 0.004 (0.003-0.004) | 0.003 (0.002-0.003) | 9 (9-9) |  |  |  |
        | print the version | ninja | 0.003 (0.002-0.003) | 0.003 (0.002-0.003) | 3 (3-3) | 1.33 (1.33-1.50) | 1.00 (1.00-1.00) | 3.00 (3.00-3.00) |
        | print the version | bazel | 0.010 (0.009-0.012) | 0.008 (0.007-0.009) | 4 (4-4) | 0.33 (0.33-0.40) | 0.33 (0.29-0.38) | 2.25 (2.25-2.25) |

        ### Building 1,000 genrules

        | scenario | tool | wall s | CPU s | peak MiB | kiln / it: wall | CPU | memory |
        | --- | --- | --: | --: | --: | --: | --: | --: |
        | cold build | kiln | 1.500 (1.350-1.800) | 2.000 (1.800-2.400) | 60 (60-60) |  |  |  |
        | cold build | ninja | 1.000 (0.900-1.200) | 1.500 (1.350-1.800) | 5 (5-5) | 1.50 (1.50-1.50) | 1.33 (1.33-1.33) | 12.00 (12.00-12.00) |
        | cold build | bazel | 20.000 (18.000-24.000) | 30.000 (27.000-36.000) | 300 (300-300) | 0.07 (0.07-0.08) | 0.07 (0.07-0.07) | 0.20 (0.20-0.20) |

        What the tools said of their last run:

        - cold build: kiln `built 1000 targets; 1000 actions: 1000 run`

        ### Aims

        | aim | kiln / it | met |
        | --- | --- | --- |
        | 1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time | 1.500 | yes |
        | 10,000 targets listed cold: at most a tenth of Bazel's CPU time |  | open: list-cold was not measured |
        | 10,000 targets listed again: at most a tenth of Bazel's CPU time |  | open: list-warm was not measured |
        | peak memory: at most a third of Bazel's, wherever its server runs | 0.200 | yes |
        | wall time: less than Bazel's in every scenario | 0.333 at most, in version; 2 scenarios | yes |
        | CPU time: less than Bazel's in every scenario | 0.333 at most, in version; 2 scenarios | yes |
    "#]].assert_eq(&markdown(&report()));
}

#[test]
fn where_nothing_is_counted_it_says_so() {
    let mut report = report();
    report.accounting = Err(vec![
        "cannot make the control group `/x`: permission denied".to_owned(),
    ]);
    for row in report.groups.iter_mut().flat_map(|group| &mut group.rows) {
        for sample in row.samples.values_mut().flatten() {
            (sample.cpu, sample.peak_kib) = (None, None);
        }
    }
    report.groups.truncate(1);
    expect![[r#"
        - Machine: 2 x A processor, 4096 MiB, Linux 6.1, trees and caches on tmpfs.
        - Load average before: 0.10 0.20 0.30; after: 1.00 0.50 0.40.
        - Tools, in turn: kiln (`kiln`: 1.0), ninja (`ninja`: 1.0), bazel (`bazel`: 1.0).
        - CPU time and memory cannot be measured here: cannot make the control group `/x`: permission denied.
        - Figures: median (least-most) of 3 runs; ratios are taken run by run. Seed 1.
        - Compared with what it should be: exit codes; list: every label; genrule: every output after every build; cc: what two programs print after every build.

        ### Starting

        | scenario | tool | wall s | CPU s | peak MiB | kiln / it: wall | CPU | memory |
        | --- | --- | --: | --: | --: | --: | --: | --: |
        | print the version | kiln | 0.004 (0.003-0.004) | not measured | not measured |  |  |  |
        | print the version | ninja | 0.003 (0.002-0.003) | not measured | not measured | 1.33 (1.33-1.50) |  |  |
        | print the version | bazel | 0.010 (0.009-0.012) | not measured | not measured | 0.33 (0.33-0.40) |  |  |

        ### Aims

        | aim | kiln / it | met |
        | --- | --- | --- |
        | 1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time |  | open: genrule-cold was not measured |
        | 10,000 targets listed cold: at most a tenth of Bazel's CPU time |  | open: cannot be measured here |
        | 10,000 targets listed again: at most a tenth of Bazel's CPU time |  | open: cannot be measured here |
        | peak memory: at most a third of Bazel's, wherever its server runs |  | open: cannot be measured here |
        | wall time: less than Bazel's in every scenario | 0.333 | yes |
        | CPU time: less than Bazel's in every scenario |  | open: cannot be measured here |
    "#]].assert_eq(&markdown(&report));
}

#[test]
fn json_has_every_run() {
    let mut report = report();
    report.groups.truncate(1);
    let text = serde_json::to_string_pretty(&as_json(&report)).unwrap();
    expect![[r#"
        {
          "machine": {
            "processors": 2,
            "model": "A processor",
            "memoryMib": 4096,
            "kernel": "6.1",
            "fileSystem": "tmpfs"
          },
          "loadBefore": "0.10 0.20 0.30",
          "loadAfter": "1.00 0.50 0.40",
          "tools": [
            {
              "tool": "kiln",
              "program": "/bin/kiln",
              "version": "1.0"
            },
            {
              "tool": "ninja",
              "program": "/bin/ninja",
              "version": "1.0"
            },
            {
              "tool": "bazel",
              "program": "/bin/bazel",
              "version": "1.0"
            }
          ],
          "runs": 3,
          "seed": 1,
          "accounting": "cgroup v1 cpuacct",
          "notMeasured": null,
          "groups": [
            {
              "group": "version",
              "targets": 1,
              "rows": [
                {
                  "scenario": "version",
                  "tool": "kiln",
                  "runs": [
                    {
                      "wall": 0.004,
                      "cpu": 0.003,
                      "peakKib": 9216
                    },
                    {
                      "wall": 0.003,
                      "cpu": 0.002,
                      "peakKib": 9216
                    },
                    {
                      "wall": 0.004,
                      "cpu": 0.003,
                      "peakKib": 9216
                    }
                  ],
                  "account": null
                },
                {
                  "scenario": "version",
                  "tool": "ninja",
                  "runs": [
                    {
                      "wall": 0.003,
                      "cpu": 0.003,
                      "peakKib": 3072
                    },
                    {
                      "wall": 0.002,
                      "cpu": 0.002,
                      "peakKib": 3072
                    },
                    {
                      "wall": 0.003,
                      "cpu": 0.003,
                      "peakKib": 3072
                    }
                  ],
                  "account": null
                },
                {
                  "scenario": "version",
                  "tool": "bazel",
                  "runs": [
                    {
                      "wall": 0.01,
                      "cpu": 0.008,
                      "peakKib": 4096
                    },
                    {
                      "wall": 0.009,
                      "cpu": 0.007,
                      "peakKib": 4096
                    },
                    {
                      "wall": 0.012,
                      "cpu": 0.009,
                      "peakKib": 4096
                    }
                  ],
                  "account": null
                }
              ]
            }
          ],
          "aims": [
            {
              "aim": "1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time",
              "met": null,
              "why": "genrule-cold was not measured"
            },
            {
              "aim": "10,000 targets listed cold: at most a tenth of Bazel's CPU time",
              "met": null,
              "why": "list-cold was not measured"
            },
            {
              "aim": "10,000 targets listed again: at most a tenth of Bazel's CPU time",
              "met": null,
              "why": "list-warm was not measured"
            },
            {
              "aim": "peak memory: at most a third of Bazel's, wherever its server runs",
              "met": null,
              "why": "no scenario of this run has both tools"
            },
            {
              "aim": "wall time: less than Bazel's in every scenario",
              "ratio": 0.33333333333333337,
              "scenario": "version",
              "scenarios": 1,
              "met": true
            },
            {
              "aim": "CPU time: less than Bazel's in every scenario",
              "ratio": 0.33333333333333337,
              "scenario": "version",
              "scenarios": 1,
              "met": true
            }
          ]
        }"#]]
    .assert_eq(&text);
}
