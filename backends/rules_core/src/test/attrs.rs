//! The attributes that say how a test runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kiln_diag::Diag;
use kiln_rules::RuleCx;
use kiln_targets::{AttrValue, TargetDef};

use super::timeout::TimeoutClass;
use super::{TestOptions, test_outcome};
use crate::analysis::resolved_attrs;

/// More shards are refused, as Bazel does.
const MAX_SHARDS: i64 = 50;

/// The attributes that say how a test runs.
pub(super) struct Attrs {
    pub(super) size: Arc<str>,
    pub(super) class: TimeoutClass,
    pub(super) flaky: bool,
    /// `shard_count`; 0 for tests without shards.
    pub(super) shards: u32,
    /// Tags and other execution requirements (`local`, `cpu:2`).
    pub(super) requirements: BTreeMap<Arc<str>, Arc<str>>,
}

impl Attrs {
    /// Reads them. `requirements` are those of the rule (`testing.ExecutionInfo`).
    pub(super) async fn read(
        cx: &RuleCx<test_outcome>,
        def: &TargetDef,
        requirements: &BTreeMap<Arc<str>, Arc<str>>,
    ) -> Result<Attrs, Diag> {
        let values = resolved_attrs(cx, def).await?;
        let find = |name: &str| {
            let mut schemas = def.rule.attrs.iter();
            schemas
                .position(|schema| *schema.name == *name)
                .map(|at| &values[at])
        };
        let text = |name: &str| match find(name) {
            Some(AttrValue::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let truth = |name: &str| find(name).and_then(AttrValue::as_bool).unwrap_or(false);
        let at = |error: Diag| error.at(def.span.clone());
        let size = text("size").unwrap_or_else(|| Arc::from("medium"));
        let timeout = text("timeout");
        let class = TimeoutClass::of(timeout.as_deref(), &size)
            .map_err(|expected| at(wrong(def, expected)))?;
        let shards = find("shard_count").and_then(AttrValue::as_int);
        let shards = shards.filter(|shards| *shards != -1).unwrap_or(0);
        let mut all = requirements.clone();
        for tag in find("tags").map_or(&[][..], AttrValue::items) {
            if let Some(tag) = tag.as_str() {
                all.insert(Arc::from(tag), Arc::from(""));
            }
        }
        if truth("local") {
            all.insert(Arc::from("local"), Arc::from(""));
        }
        Ok(Attrs {
            size,
            class,
            flaky: truth("flaky"),
            shards: shard_count(shards).map_err(|expected| at(wrong(def, expected)))?,
            requirements: all,
        })
    }

    /// Whether it has a tag, or an execution requirement of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.requirements.contains_key(name)
    }

    /// How long each attempt may run: by `--test_timeout`, else by its class (Bazel).
    pub(super) fn timeout(&self, options: &TestOptions) -> Duration {
        let given = options.timeouts[self.class as usize];
        Duration::from_secs(given.unwrap_or_else(|| self.class.seconds()))
    }

    /// `cpu:N`: how many slots it takes.
    pub(super) fn slots(&self) -> u32 {
        let cpus = self
            .requirements
            .keys()
            .filter_map(|tag| tag.strip_prefix("cpu:")?.parse().ok());
        cpus.max().unwrap_or(1)
    }
}

fn shard_count(count: i64) -> Result<u32, String> {
    match u32::try_from(count) {
        Ok(shards) if count <= MAX_SHARDS => Ok(shards),
        _ => Err(format!(
            "shard_count = {count}`, which is no number from 0 to {MAX_SHARDS}"
        )),
    }
}

fn wrong(def: &TargetDef, what: String) -> Diag {
    Diag::build(format!("test `{}` has `{what}", def.label))
}
