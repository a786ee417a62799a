//! Writes the generated code.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Expr, Lit, Meta, Result};

use crate::gets::Get;
use crate::parse::Rule;

pub(crate) fn write(rule: Rule) -> Result<TokenStream> {
    let Rule {
        function,
        context,
        context_type,
        inputs,
        output,
        gets,
        uses,
        body,
    } = &rule;
    let attrs = &function.attrs;
    let visibility = &function.vis;
    let name = &function.sig.ident;
    let returns = &function.sig.output;
    let line = name.span().unwrap().line() as u32;
    let doc = doc_text(attrs);
    let text = name.to_string();
    let patterns = inputs.iter().map(|(pattern, _, _)| pattern);
    let types: Vec<_> = inputs.iter().map(|(_, ty, _)| ty).collect();
    let written = inputs.iter().map(|(_, _, written)| written);
    let indexes = 0..inputs.len();
    let get_defs = gets.iter().map(get_def);
    let declares = gets.iter().enumerate().map(|(index, get)| {
        let Get {
            output,
            inputs,
            span,
            ..
        } = get;
        quote_spanned! {*span=>
            impl ::kiln_rules::Declares<#output, (#(#inputs,)*)> for #name {
                const INDEX: usize = #index;
            }
        }
    });
    Ok(quote! {
        #(#attrs)*
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        impl ::kiln_rules::Rule for #name {
            const DEF: &'static ::kiln_rules::RuleDef = &::kiln_rules::private::RuleDef {
                name: #text,
                doc: #doc,
                file: ::std::file!(),
                line: #line,
                output: ::kiln_rules::private::TypeRef::of::<#output>(),
                inputs: &[#(::kiln_rules::private::TypeRef::of::<#types>()),*],
                gets: &[#(#get_defs),*],
                uses: &[#(::kiln_rules::private::TypeRef::of::<#uses>()),*],
                run: #name::__run,
            };
        }

        #(#declares)*

        #(impl ::kiln_rules::Uses<#uses> for #name {})*

        impl #name {
            fn __run(
                context: ::kiln_rules::private::Context,
                arguments: ::kiln_rules::private::Arguments,
            ) -> ::kiln_rules::private::BoxFuture<
                'static,
                ::std::result::Result<::kiln_rules::private::ProductValue, ::kiln_rules::Diag>,
            > {
                ::kiln_rules::private::Box::pin(async move {
                    let context = ::kiln_rules::RuleCx::<#name>::new(context);
                    let result =
                        #name::__body(&context #(, arguments.take::<#types>(#indexes)?)*).await?;
                    ::std::result::Result::Ok(
                        ::kiln_rules::private::ProductValue::new::<#output>(result),
                    )
                })
            }

            async fn __body(
                #context: &#context_type<#name>
                #(, #patterns: #written)*
            ) #returns #body
        }
    })
}

fn get_def(get: &Get) -> TokenStream {
    let Get {
        output,
        inputs,
        via,
        span,
    } = get;
    let line = span.unwrap().line() as u32;
    let call = match via {
        Some(rule) => quote!(::std::option::Option::Some(
            || <#rule as ::kiln_rules::Rule>::DEF.name
        )),
        None => quote!(::std::option::Option::None),
    };
    quote! {
        ::kiln_rules::private::GetDef {
            output: ::kiln_rules::private::TypeRef::of::<#output>(),
            provides: <(#(#inputs,)*) as ::kiln_rules::Inputs>::types,
            call: #call,
            line: #line,
        }
    }
}

fn doc_text(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(expr) => match &expr.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<String>>().join("\n")
}
