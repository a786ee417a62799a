//! Reads the attribute's arguments and the function.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, ItemFn, Pat, PathArguments, Result, ReturnType, Token,
    Type, parenthesized,
};

use crate::gets::{Get, find_gets};

/// A rule, taken apart.
pub(crate) struct Rule {
    pub(crate) function: ItemFn,
    pub(crate) context: Ident,
    /// The type of the context as written, without its `&` and the rule's name.
    pub(crate) context_type: Type,
    /// Names, types inside the `Arc`, and types as written of the inputs.
    pub(crate) inputs: Vec<(Pat, Type, Type)>,
    /// The product; `shared` if the function returns it in an `Arc`.
    pub(crate) output: Type,
    pub(crate) gets: Vec<Get>,
    pub(crate) uses: Vec<Type>,
    pub(crate) body: TokenStream,
}

pub(crate) fn parse(arguments: TokenStream, function: TokenStream) -> Result<Rule> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(function)?;
    if function.sig.asyncness.is_none() {
        return Err(Error::new(
            function.sig.fn_token.span(),
            "a rule is an `async fn`",
        ));
    }
    if !function.sig.generics.params.is_empty() {
        return Err(Error::new(
            function.sig.generics.span(),
            "a rule has no generic parameters",
        ));
    }
    let mut args = function.sig.inputs.iter();
    let (context, context_type) = context_name(args.next(), &function)?;
    let inputs = args.map(input).collect::<Result<Vec<_>>>()?;
    let output = output(&function.sig.output)?;
    let mut gets = arguments.gets;
    let body = find_gets(function.block.to_token_stream(), &context, &mut gets)?;
    Ok(Rule {
        context,
        context_type,
        inputs,
        output,
        gets,
        uses: arguments.uses,
        body,
        function,
    })
}

fn context_name(arg: Option<&FnArg>, function: &ItemFn) -> Result<(Ident, Type)> {
    let expected = "the first parameter of a rule is `cx: &RuleCx`";
    let Some(arg) = arg else {
        return Err(Error::new(function.sig.ident.span(), expected));
    };
    if let FnArg::Typed(typed) = arg
        && let Type::Reference(reference) = &*typed.ty
        && let Pat::Ident(pat) = &*typed.pat
    {
        return Ok((pat.ident.clone(), (*reference.elem).clone()));
    }
    Err(Error::new(arg.span(), expected))
}

fn input(arg: &FnArg) -> Result<(Pat, Type, Type)> {
    let FnArg::Typed(arg) = arg else {
        return Err(Error::new(arg.span(), "a rule has no `self`"));
    };
    match inside(&arg.ty, "Arc") {
        Some(inner) => Ok(((*arg.pat).clone(), inner, (*arg.ty).clone())),
        None => Err(Error::new(
            arg.ty.span(),
            "inputs are shared: write `Arc<Type>`",
        )),
    }
}

fn output(output: &ReturnType) -> Result<Type> {
    let expected = "a rule returns `Result<Product, Diag>`";
    let ReturnType::Type(_, ty) = output else {
        return Err(Error::new(output.span(), expected));
    };
    let inner = inside(ty, "Result").ok_or_else(|| Error::new(ty.span(), expected))?;
    Ok(inside(&inner, "Arc").unwrap_or(inner))
}

/// The first type argument of `wrapper<...>`.
fn inside(ty: &Type, wrapper: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != wrapper {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}

#[derive(Default)]
struct Arguments {
    gets: Vec<Get>,
    uses: Vec<Type>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Arguments::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            let content;
            parenthesized!(content in input);
            match name.to_string().as_str() {
                "uses" => {
                    let types = Punctuated::<Type, Token![,]>::parse_terminated(&content)?;
                    arguments.uses.extend(types);
                }
                "gets" => {
                    let gets = Punctuated::<Declared, Token![,]>::parse_terminated(&content)?;
                    arguments
                        .gets
                        .extend(gets.into_iter().map(|declared| declared.0));
                }
                _ => {
                    return Err(Error::new(
                        name.span(),
                        "expected `uses(...)` or `gets(...)`",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

/// `Input -> Output` or `(A, B) -> Output`.
struct Declared(Get);

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let from: Type = input.parse()?;
        input.parse::<Token![->]>()?;
        let output: Type = input.parse()?;
        let span = from.span();
        let inputs = match from {
            Type::Tuple(tuple) => tuple.elems.into_iter().collect(),
            other => vec![other],
        };
        Ok(Declared(Get {
            output,
            inputs,
            via: None,
            span,
        }))
    }
}
