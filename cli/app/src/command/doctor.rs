//! `remote doctor`: checks a server against what kiln needs of it.

use std::io::Write;

use kiln_diag::Diag;
use kiln_exec_remote::{Check, Cost, Mark, RemoteConfig, Sheet, examine};
use serde_json::{Value, json};

use crate::command::context::Context;
use crate::command::{interrupt, remote, runtime};
use crate::show::written;

/// The exit code of trouble outside of this machine.
const REMOTE: u8 = 32;

/// Examines the server that is named, or those that builds use.
pub(crate) fn remote(context: &Context) -> Result<u8, Diag> {
    let servers = servers(context)?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut worst = 0;
        for (config, workers) in servers {
            let (address, instance) = (config.address.to_string(), config.instance.clone());
            let sheet = tokio::select! {
                sheet = examine(config, workers) => sheet?,
                error = interrupt::interrupted() => return Err(error),
            };
            let usable = sheet.is_cache() && (!workers || sheet.has_workers());
            if !usable {
                worst = REMOTE;
            }
            let text = match context.options.format() {
                "json" => format!("{:#}\n", object(&address, &instance, &sheet)),
                _ => show(&address, &sheet),
            };
            written(std::io::stdout().write_all(text.as_bytes()))?;
        }
        Ok(worst)
    });
    runtime.shutdown_background();
    result
}

/// Each server, and whether it must have workers.
fn servers(context: &Context) -> Result<Vec<(RemoteConfig, bool)>, Diag> {
    let options = &context.options;
    let words: Vec<&str> = options.patterns().iter().map(|word| &**word).collect();
    let address = match words.split_first() {
        Some((&"doctor", rest)) if rest.len() < 2 => rest.first(),
        Some((&"doctor", [_, more, ..])) => {
            let diag = Diag::usage(format!("`kiln remote doctor` takes one address: `{more}`"));
            return Err(diag.hint("write `kiln remote doctor grpc://HOST:PORT`"));
        }
        other => {
            let diag = match other {
                Some((word, _)) => Diag::usage(format!("`kiln remote` cannot `{word}`"))
                    .did_you_mean(word, ["doctor"]),
                None => Diag::usage("`kiln remote` needs to know what to do"),
            };
            return Err(diag.hint("write `kiln remote doctor [ADDRESS]`"));
        }
    };
    let executor = options.remote_executor().filter(|text| !text.is_empty());
    let cache = options.remote_cache().filter(|text| !text.is_empty());
    let mut wanted: Vec<(&str, bool)> = match address {
        Some(address) => vec![(address, false)],
        None => {
            let both = [
                cache.map(|cache| (cache, false)),
                executor.map(|own| (own, true)),
            ];
            both.into_iter().flatten().collect()
        }
    };
    if let [(cache, _), (executor, _)] = wanted[..]
        && cache == executor
    {
        wanted.remove(0);
    }
    let mut servers = Vec::new();
    for (address, workers) in wanted {
        let config = remote::server(options, &context.environment, address)?;
        servers.extend(config.map(|config| (config, workers)));
    }
    match servers.is_empty() {
        true => Err(Diag::usage("there is no server to examine")
            .hint("write `kiln remote doctor grpc://HOST:PORT`, or set `--remote_cache` or `--remote_executor`")),
        false => Ok(servers),
    }
}

fn show(address: &str, sheet: &Sheet) -> String {
    let mut text = format!("{address}\n");
    let names = sheet.checks.iter().map(|check| check.name.len());
    let width = names.max().unwrap_or(0);
    for check in &sheet.checks {
        let Check { name, found, .. } = check;
        let mark = check.mark.word();
        text.push_str(&format!("  {name:width$}  {mark:4}  {found}"));
        match check.calls {
            0 => {}
            1 => text.push_str(&format!(" (1 call, {})", time(check.time.as_secs_f64()))),
            calls => text.push_str(&format!(
                " ({calls} calls, {})",
                time(check.time.as_secs_f64())
            )),
        }
        if !check.conduct.is_empty() {
            text.push_str(&format!("\n  {:width$}        {}", "", check.conduct));
        }
        text.push('\n');
    }
    let costs = [
        ("an action on a worker", sheet.run),
        ("one whose result is known", sheet.cached),
    ];
    for (what, cost) in costs {
        if let Some(Cost { calls, time: took }) = cost {
            let took = time(took.as_secs_f64());
            text.push_str(&format!(
                "{what}: {calls} calls one after the other, {took}\n"
            ));
        }
    }
    text + &verdict(sheet)
}

fn verdict(sheet: &Sheet) -> String {
    let usable = match (sheet.is_cache(), sheet.has_workers()) {
        (true, true) => "kiln can use it as a cache and run actions there",
        (true, false) => "kiln can use it as a cache, and not run actions there",
        (false, _) => "kiln cannot use it",
    };
    format!(
        "{usable}: {} ok, {} warn, {} fail\n",
        sheet.count(Mark::Ok),
        sheet.count(Mark::Warn),
        sheet.count(Mark::Fail)
    )
}

fn time(seconds: f64) -> String {
    match seconds < 1.0 {
        true => format!("{:.1} ms", seconds * 1_000.0),
        false => format!("{seconds:.1} s"),
    }
}

fn object(address: &str, instance: &str, sheet: &Sheet) -> Value {
    let cost = |cost: Option<Cost>| {
        cost.map(|cost| json!({ "calls": cost.calls, "seconds": cost.time.as_secs_f64() }))
    };
    let checks = sheet.checks.iter().map(|check| {
        json!({
            "name": check.name,
            "result": check.mark.word(),
            "found": check.found,
            "conduct": check.conduct,
            "calls": check.calls,
            "seconds": check.time.as_secs_f64(),
        })
    });
    json!({
        "address": address,
        "instance": instance,
        "cache": sheet.is_cache(),
        "workers": sheet.has_workers(),
        "action": cost(sheet.run),
        "known_action": cost(sheet.cached),
        "checks": checks.collect::<Vec<_>>(),
    })
}
