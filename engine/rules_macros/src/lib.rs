//! The attribute `#[rule]`.
//!
//! It parses, checks and names; the generated code is a unit type with the function's name, its
//! definition as a constant, one `impl Declares` for each Get and one `impl Uses` for each
//! service. The body stays as it was, but for `get!` and `get_all!`, which become calls of the
//! context's methods of these names.

mod gets;
mod parse;
mod write;

use proc_macro::TokenStream;

/// Makes a rule of an async function. See the crate `kiln_rules` for an example.
///
/// Arguments: `uses(Service, ...)` lists services, `gets(Input -> Output, ...)` lists Gets that
/// helpers perform.
#[proc_macro_attribute]
pub fn rule(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let result = parse::parse(arguments.into(), function.into()).and_then(write::write);
    result
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
