//! `json.encode`, `json.decode`, `json.indent`, `json.encode_indent` (Bazel: json module).

use std::fmt::{self, Write};

use serde_json::Value as Json;

use kiln_diag::Diag;

use crate::interp::*;
use crate::values::structs::Struct;

/// How deep values may be nested.
const DEPTH_LIMIT: u32 = 200;

#[starlark_module]
pub(crate) fn module(builder: &mut GlobalsBuilder) {
    /// Numbers, texts, lists, tuples, dicts with texts as keys, structs.
    fn encode(#[starlark(require = pos)] x: Value<'_>) -> starlark::Result<String> {
        encode_value(x)
    }

    /// With `default`, a text that is no JSON gives that value instead of an error.
    fn decode<'v>(
        #[starlark(require = pos)] x: &str,
        default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        match (serde_json::from_str::<Json>(x), default) {
            (Ok(json), _) => to_value(&json, heap),
            (Err(_), Some(default)) => Ok(default),
            (Err(error), None) => fail(format!("`json.decode` cannot read its text: {error}")),
        }
    }

    /// Spreads JSON text over lines.
    fn indent(
        #[starlark(require = pos)] s: &str,
        #[starlark(require = named, default = "")] prefix: &str,
        #[starlark(require = named, default = "\t")] indent: &str,
    ) -> starlark::Result<String> {
        indent_text(s, prefix, indent)
    }

    /// `encode` and `indent` in one.
    fn encode_indent(
        #[starlark(require = pos)] x: Value<'_>,
        #[starlark(require = named, default = "")] prefix: &str,
        #[starlark(require = named, default = "\t")] indent: &str,
    ) -> starlark::Result<String> {
        indent_text(&encode_value(x)?, prefix, indent)
    }
}

/// The JSON text of a value. Keys of dicts and names of fields come sorted.
pub(crate) fn encode_value(value: Value<'_>) -> starlark::Result<String> {
    let mut out = String::new();
    encode_into(value, &mut out, 0)?;
    Ok(out)
}

fn encode_into(value: Value<'_>, out: &mut String, depth: u32) -> starlark::Result<()> {
    if depth > DEPTH_LIMIT {
        return fail("`json.encode` met a value nested too deeply");
    }
    if value.is_none() {
        out.push_str("null");
    } else if let Some(truth) = value.unpack_bool() {
        out.push_str(if truth { "true" } else { "false" });
    } else if let Some(text) = value.unpack_str() {
        quote(text, out);
    } else if matches!(value.get_type(), "int" | "float") {
        out.push_str(&value.to_str());
    } else if let Some(items) = sequence(value) {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            encode_into(*item, out, depth + 1)?;
        }
        out.push(']');
    } else if let Some(dict) = DictRef::from_value(value) {
        let mut entries = Vec::with_capacity(dict.len());
        for (key, value) in dict.iter() {
            let Some(key) = key.unpack_str() else {
                return fail(format!(
                    "`json.encode` takes dicts with strings as keys, and met the key `{key}`"
                ));
            };
            entries.push((key, value));
        }
        entries.sort_by_key(|(key, _)| *key);
        encode_fields(entries, out, depth)?;
    } else if let Some(of) = Struct::from_value(value) {
        encode_fields(of.sorted(), out, depth)?;
    } else {
        return Err(stop(Diag::build(format!(
            "`json.encode` cannot encode a `{}`",
            value.get_type()
        ))));
    }
    Ok(())
}

fn encode_fields(
    fields: Vec<(&str, Value<'_>)>,
    out: &mut String,
    depth: u32,
) -> starlark::Result<()> {
    out.push('{');
    for (at, (name, value)) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        encode_into(value, out, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn to_value<'v>(json: &Json, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
    Ok(match json {
        Json::Null => Value::new_none(),
        Json::Bool(truth) => Value::new_bool(*truth),
        Json::Number(number) => heap.alloc(number),
        Json::String(text) => heap.alloc(text.as_str()),
        Json::Array(items) => {
            let items: starlark::Result<Vec<_>> =
                items.iter().map(|item| to_value(item, heap)).collect();
            heap.alloc(AllocList(items?))
        }
        Json::Object(entries) => {
            let mut dict = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                dict.push((name.as_str(), to_value(value, heap)?));
            }
            heap.alloc(AllocDict(dict))
        }
    })
}

/// Works on the text alone, so that numbers and escapes stay as they are.
fn indent_text(text: &str, prefix: &str, indent: &str) -> starlark::Result<String> {
    if let Err(error) = serde_json::from_str::<Json>(text) {
        return fail(format!("`json.indent` cannot read its text: {error}"));
    }
    let mut indented = Indented {
        out: String::with_capacity(text.len() * 2),
        depth: 0,
        prefix,
        indent,
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = indented.token(c, rest);
    }
    Ok(indented.out)
}

/// JSON text that is spread over lines.
struct Indented<'a> {
    out: String,
    depth: usize,
    prefix: &'a str,
    indent: &'a str,
}

impl Indented<'_> {
    /// Copies the token that `rest` begins with; gives what is behind it.
    fn token<'t>(&mut self, first: char, rest: &'t str) -> &'t str {
        let behind = &rest[first.len_utf8()..];
        match first {
            '"' => {
                let (string, behind) = rest.split_at(end_of_string(rest, 0));
                self.out.push_str(string);
                return behind;
            }
            '{' | '[' => {
                self.out.push(first);
                let close = if first == '{' { '}' } else { ']' };
                if let Some(behind) = behind.trim_ascii_start().strip_prefix(close) {
                    self.out.push(close);
                    return behind;
                }
                self.depth += 1;
                self.line();
            }
            '}' | ']' => {
                self.depth -= 1;
                self.line();
                self.out.push(first);
            }
            ',' => {
                self.out.push(',');
                self.line();
            }
            ':' => self.out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => self.out.push(c),
        }
        behind
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.push_str(self.prefix);
        (0..self.depth).for_each(|_| self.out.push_str(self.indent));
    }
}

/// The index behind the closing quote of the text that begins at `start`.
fn end_of_string(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `struct.to_json`, bound to its struct.
#[derive(Debug, Trace, Freeze, Coerce, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct ToJsonGen<V: ValueLifetimeless> {
    pub(crate) of: V,
}

starlark_complex_value!(pub(crate) ToJson);

impl<V: ValueLifetimeless> fmt::Display for ToJsonGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<built-in method to_json>")
    }
}

#[starlark_value(type = "function")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for ToJsonGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    type Canonical = FrozenToJson;

    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let [] = args.positional(eval.heap())?;
        args.no_named_args()?;
        let text = encode_value(self.of.to_value())?;
        Ok(eval.heap().alloc(text))
    }
}
