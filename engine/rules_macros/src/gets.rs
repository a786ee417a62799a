//! Finds `get!` and `get_all!` in a body, inside other macros too, and rewrites them.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprPath, Path, Result, Token, Type, TypePath, parenthesized, token};

/// A Get that a rule declares.
pub(crate) struct Get {
    pub(crate) output: Type,
    pub(crate) inputs: Vec<Type>,
    pub(crate) via: Option<Path>,
    pub(crate) span: Span,
}

impl Get {
    /// Text that is equal for equal Gets, as far as their spelling tells.
    pub(crate) fn key(&self) -> String {
        let inputs: Vec<String> = self
            .inputs
            .iter()
            .map(|input| input.to_token_stream().to_string())
            .collect();
        format!("{} <- {}", self.output.to_token_stream(), inputs.join(", "))
    }
}

/// Rewrites the tokens of a body, adding each Get that is new to `gets`.
pub(crate) fn find_gets(
    tokens: TokenStream,
    context: &Ident,
    gets: &mut Vec<Get>,
) -> Result<TokenStream> {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let name = match &token {
            TokenTree::Ident(name) if *name == "get" || *name == "get_all" => name.clone(),
            TokenTree::Group(group) => {
                let inner = find_gets(group.stream(), context, gets)?;
                let mut rewritten = Group::new(group.delimiter(), inner);
                rewritten.set_span(group.span());
                out.extend([TokenTree::Group(rewritten)]);
                continue;
            }
            _ => {
                out.extend([token]);
                continue;
            }
        };
        let bang = matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '!');
        if !bang {
            out.extend([token]);
            continue;
        }
        let bang = tokens.next();
        match tokens.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
                out.extend(call(&name, group.stream(), context, gets)?);
            }
            other => {
                out.extend([token]);
                out.extend(bang);
                out.extend(other);
            }
        }
    }
    Ok(out)
}

fn call(
    name: &Ident,
    arguments: TokenStream,
    context: &Ident,
    gets: &mut Vec<Get>,
) -> Result<TokenStream> {
    let many = name == "get_all";
    // Values may perform Gets of their own.
    let arguments = find_gets(arguments, context, gets)?;
    let parsed: Arguments = syn::parse2(arguments)?;
    let span = name.span();
    let types = parsed.values.iter().map(|value| value.input(many, span));
    let mut inputs = types.collect::<Result<Vec<Type>>>()?;
    // `get_all!(Output, pairs => (A, B))`: the values are tuples already.
    let mut many_of_tuples = false;
    if many && let [Type::Tuple(tuple)] = &inputs[..] {
        many_of_tuples = true;
        inputs = tuple.elems.iter().cloned().collect();
    }
    let get = Get {
        output: parsed.output,
        inputs,
        via: parsed.via,
        span,
    };
    let (output, inputs) = (&get.output, &get.inputs);
    let values: Vec<&Expr> = parsed.values.iter().map(|value| &value.expr).collect();
    let code = match many {
        false => quote_spanned! {span=>
            #context.get::<#output, (#(#inputs,)*)>((#(#values,)*))
        },
        true if values.len() != 1 => {
            return Err(Error::new(
                span,
                "write `get_all!(Output, values => Input)`",
            ));
        }
        true if many_of_tuples => quote_spanned! {span=>
            #context.get_all::<#output, (#(#inputs,)*), _>(#(#values)*)
        },
        true => quote_spanned! {span=>
            #context.get_all::<#output, (#(#inputs,)*), _>(
                ::std::iter::Iterator::map(
                    ::std::iter::IntoIterator::into_iter(#(#values)*),
                    |input| (input,),
                )
            )
        },
    };
    if !gets.iter().any(|known| known.key() == get.key()) {
        gets.push(get);
    }
    Ok(code)
}

/// `Output, value, value => Type, (a, b), via rule`
struct Arguments {
    output: Type,
    values: Vec<Value>,
    via: Option<Path>,
}

struct Value {
    expr: Expr,
    ty: Option<Type>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let output = input.parse()?;
        let mut arguments = Arguments {
            output,
            values: Vec::new(),
            via: None,
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            if input.peek(syn::Ident) && input.fork().parse::<Ident>()? == "via" {
                let fork = input.fork();
                fork.parse::<Ident>()?;
                if fork.peek(syn::Ident) {
                    input.parse::<Ident>()?;
                    arguments.via = Some(input.parse()?);
                    continue;
                }
            }
            if input.peek(token::Paren) && is_tuple(input) {
                let content;
                parenthesized!(content in input);
                let values = Punctuated::<Value, Token![,]>::parse_terminated(&content)?;
                arguments.values.extend(values);
            } else {
                arguments.values.push(input.parse()?);
            }
        }
        Ok(arguments)
    }
}

/// Whether the parenthesis that comes next holds values, and nothing follows it but `,`.
fn is_tuple(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    match fork.parse::<Group>() {
        Ok(_) => fork.is_empty() || fork.peek(Token![,]),
        Err(_) => false,
    }
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expr = input.parse()?;
        let ty = match input.peek(Token![=>]) {
            true => {
                input.parse::<Token![=>]>()?;
                Some(input.parse()?)
            }
            false => None,
        };
        Ok(Value { expr, ty })
    }
}

impl Value {
    fn input(&self, many: bool, span: Span) -> Result<Type> {
        if let Some(ty) = &self.ty {
            return Ok(ty.clone());
        }
        let seen = if many { None } else { visible_type(&self.expr) };
        seen.ok_or_else(|| match many {
            true => Error::new(span, "write `get_all!(Output, values => Input)`"),
            false => Error::new(
                span,
                "the type of the input is not visible here: write `get!(Output, value => Input)`",
            ),
        })
    }
}

/// The type of `Type { .. }`, `Type(..)`, `Type::new(..)` and `Type`.
fn visible_type(expr: &Expr) -> Option<Type> {
    match expr {
        Expr::Struct(expr) => Some(path_type(expr.path.clone())),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => constructor_type(path),
            _ => None,
        },
        Expr::Path(path) => constructor_type(path).filter(|_| is_type_name(path)),
        _ => None,
    }
}

fn is_type_name(path: &ExprPath) -> bool {
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident.to_string().starts_with(char::is_uppercase))
}

fn constructor_type(path: &ExprPath) -> Option<Type> {
    let mut segments = path.path.segments.clone();
    if !is_type_name(path) {
        // `Type::function`
        segments.pop()?;
        segments.pop_punct();
        let last = segments.last()?.ident.to_string();
        if !last.starts_with(char::is_uppercase) {
            return None;
        }
    }
    Some(path_type(Path {
        leading_colon: path.path.leading_colon,
        segments,
    }))
}

fn path_type(path: Path) -> Type {
    Type::Path(TypePath { qself: None, path })
}
