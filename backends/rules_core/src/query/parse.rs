//! The query language.
//!
//! ```text
//! expression := term (("+" | "union" | "-" | "except" | "^" | "intersect") term)*
//! term       := "let" NAME "=" expression "in" expression | "(" expression ")"
//!             | "set" "(" WORD* ")" | NAME "(" argument ("," argument)* ")" | "$" NAME | WORD
//! ```
//!
//! The operators have one precedence and associate to the left (Bazel).

use kiln_diag::{Diag, Span};

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    /// A target pattern.
    Pattern(String),
    /// `set(a b c)`
    Words(Vec<String>),
    /// `$name`
    Variable(String),
    /// `let name = value in body`
    Let(String, Box<Expr>, Box<Expr>),
    /// Two sets put together.
    Combine(Set, Box<Expr>, Box<Expr>),
    /// A function with its arguments.
    Call(String, Vec<Expr>),
}

/// How two sets are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    Union,
    Except,
    Intersect,
}

/// Functions with their least and greatest numbers of arguments.
const FUNCTIONS: [(&str, usize, usize); 12] = [
    ("allpaths", 2, 2),
    ("allrdeps", 1, 2),
    ("attr", 3, 3),
    ("buildfiles", 1, 1),
    ("deps", 1, 2),
    ("filter", 2, 2),
    ("kind", 2, 2),
    ("labels", 2, 2),
    ("rdeps", 2, 3),
    ("siblings", 1, 1),
    ("somepath", 2, 2),
    ("tests", 1, 1),
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A word in quotes, which is never a keyword.
    Quoted(String),
    Sign(char),
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize, usize)>,
    at: usize,
    depth: usize,
}

/// Nesting beyond this is refused.
const MAX_DEPTH: usize = 200;

/// Parses a query.
pub(crate) fn parse(text: &str) -> Result<Expr, Diag> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
    };
    let expression = parser.expression()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(_) => Err(parser.error("expected an operator or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize, usize)>, Diag> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' | ')' | ',' | '=' | '+' | '^' => tokens.push((Token::Sign(c), start, start + 1)),
            '"' | '\'' => {
                let rest = &text[start + 1..];
                let Some(length) = rest.find(c) else {
                    return Err(place(text, start, text.len(), "this quote is not closed"));
                };
                let end = start + length + 2;
                tokens.push((Token::Quoted(rest[..length].to_owned()), start, end));
                while chars.peek().is_some_and(|(at, _)| *at < end) {
                    chars.next();
                }
            }
            '-' if chars
                .peek()
                .is_none_or(|(_, next)| next.is_whitespace() || *next == '(') =>
            {
                tokens.push((Token::Sign('-'), start, start + 1));
            }
            _ => {
                let mut end = start + c.len_utf8();
                while let Some((at, next)) = chars.peek() {
                    if next.is_whitespace()
                        || "(),=+^\"'".contains(*next) && !in_word(text, start, *at)
                    {
                        break;
                    }
                    end = at + next.len_utf8();
                    chars.next();
                }
                tokens.push((Token::Word(text[start..end].to_owned()), start, end));
            }
        }
    }
    Ok(tokens)
}

/// Signs inside of a label (`//a:b+c`, `//a:b=c`) belong to it.
fn in_word(text: &str, start: usize, at: usize) -> bool {
    let word = &text[start..at];
    let sign = text[at..].chars().next();
    let follows = text[at..].chars().nth(1);
    word.contains("//")
        && matches!(sign, Some('=' | '+'))
        && follows.is_some_and(|c| !c.is_whitespace())
}

fn place(text: &str, start: usize, end: usize, message: &str) -> Diag {
    Diag::usage(format!("invalid query: {message}")).at(Span::of_bytes("query", text, start, end))
}

impl Parser<'_> {
    fn error(&self, message: &str) -> Diag {
        match self.tokens.get(self.at) {
            Some((_, start, end)) => place(self.text, *start, *end, message),
            None => place(self.text, self.text.len(), self.text.len(), message),
        }
    }

    fn sign(&mut self, sign: char) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Sign(c), ..)) if *c == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), Diag> {
        match self.sign(sign) {
            true => Ok(()),
            false => Err(self.error(&format!("expected `{sign}`"))),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Word(w), ..)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn expression(&mut self) -> Result<Expr, Diag> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("it is nested too deep"));
        }
        let mut left = self.term()?;
        while let Some(set) = self.operator() {
            let right = self.term()?;
            left = Expr::Combine(set, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&mut self) -> Option<Set> {
        if self.sign('+') || self.word("union") {
            Some(Set::Union)
        } else if self.sign('-') || self.word("except") {
            Some(Set::Except)
        } else if self.sign('^') || self.word("intersect") {
            Some(Set::Intersect)
        } else {
            None
        }
    }

    fn term(&mut self) -> Result<Expr, Diag> {
        if self.sign('(') {
            let inner = self.expression()?;
            self.expect(')')?;
            return Ok(inner);
        }
        let start = self.at;
        match self.tokens.get(self.at).map(|(token, ..)| token.clone()) {
            Some(Token::Quoted(text)) => {
                self.at += 1;
                Ok(Expr::Pattern(text))
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                if word == "let" {
                    return self.binding();
                }
                if self.sign('(') {
                    return self.call(word, start);
                }
                Ok(match word.strip_prefix('$') {
                    Some(name) => Expr::Variable(name.to_owned()),
                    None => Expr::Pattern(word),
                })
            }
            _ => Err(self.error("expected a target pattern, a function or `(`")),
        }
    }

    fn name(&mut self) -> Result<String, Diag> {
        match self.tokens.get(self.at).map(|(token, ..)| token.clone()) {
            Some(Token::Word(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.error("expected a name")),
        }
    }

    fn binding(&mut self) -> Result<Expr, Diag> {
        let name = self.name()?;
        self.expect('=')?;
        let value = self.expression()?;
        if !self.word("in") {
            return Err(self.error("expected `in`"));
        }
        let body = self.expression()?;
        Ok(Expr::Let(name, Box::new(value), Box::new(body)))
    }

    fn call(&mut self, name: String, start: usize) -> Result<Expr, Diag> {
        if name == "set" {
            let mut words = Vec::new();
            while !self.sign(')') {
                match self.tokens.get(self.at).map(|(token, ..)| token.clone()) {
                    Some(Token::Word(word) | Token::Quoted(word)) => words.push(word),
                    _ => return Err(self.error("expected a target pattern or `)`")),
                }
                self.at += 1;
            }
            return Ok(Expr::Words(words));
        }
        let Some((_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            self.at = start;
            let names = FUNCTIONS.iter().map(|(name, ..)| *name);
            let error = self.error(&format!("there is no function `{name}`"));
            return Err(error.did_you_mean(&name, names));
        };
        let mut arguments = vec![self.expression()?];
        while self.sign(',') {
            arguments.push(self.expression()?);
        }
        self.expect(')')?;
        if !(*least..=*most).contains(&arguments.len()) {
            self.at = start;
            let wanted = match least == most {
                true => format!("{least}"),
                false => format!("{least} to {most}"),
            };
            return Err(self.error(&format!("`{name}` takes {wanted} arguments")));
        }
        Ok(Expr::Call(name, arguments))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn show(expr: &Expr) -> String {
        match expr {
            Expr::Pattern(text) => text.clone(),
            Expr::Words(words) => format!("set[{}]", words.join(" ")),
            Expr::Variable(name) => format!("${name}"),
            Expr::Let(name, value, body) => {
                format!("let {name} = {} in {}", show(value), show(body))
            }
            Expr::Combine(set, a, b) => format!("({} {set:?} {})", show(a), show(b)),
            Expr::Call(name, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(show).collect();
                format!("{name}({})", arguments.join(", "))
            }
        }
    }

    fn check(text: &str, expect: Expect) {
        expect.assert_eq(&match parse(text) {
            Ok(expr) => show(&expr),
            Err(error) => error.render(),
        });
    }

    #[test]
    fn expressions() {
        check("//...", expect!["//..."]);
        check(
            "deps(//a:b, 2) - //c/...",
            expect!["(deps(//a:b, 2) Except //c/...)"],
        );
        check(
            "//a + //b ^ //c",
            expect!["((//a Union //b) Intersect //c)"],
        );
        check(
            "//a union (//b except //c)",
            expect!["(//a Union (//b Except //c))"],
        );
        check(
            "kind('cc_.* rule', //...)",
            expect!["kind(cc_.* rule, //...)"],
        );
        check(
            "let x = //a in $x + //b",
            expect!["let x = //a in ($x Union //b)"],
        );
        check("set(//a //b)", expect!["set[//a //b]"]);
        check("//a:b-c", expect!["//a:b-c"]);
        check("//a:b+c", expect!["//a:b+c"]);
        check("attr(\"name\", 'x', //a)", expect!["attr(name, x, //a)"]);
    }

    #[test]
    fn mistakes() {
        check(
            "",
            expect![[r#"
            error: invalid query: expected a target pattern, a function or `(`
              --> query:1:1
               |
             1 | 
               | ^"#]],
        );
        check(
            "dep(//a)",
            expect![[r#"
            error: invalid query: there is no function `dep`
              --> query:1:1
               |
             1 | dep(//a)
               | ^^^
            hint: did you mean `deps`?"#]],
        );
        check(
            "kind(//a)",
            expect![[r#"
            error: invalid query: `kind` takes 2 arguments
              --> query:1:1
               |
             1 | kind(//a)
               | ^^^^"#]],
        );
        check(
            "//a //b",
            expect![[r#"
            error: invalid query: expected an operator or the end
              --> query:1:5
               |
             1 | //a //b
               |     ^^^"#]],
        );
        check(
            "attr('x",
            expect![[r#"
            error: invalid query: this quote is not closed
              --> query:1:6
               |
             1 | attr('x
               |      ^^"#]],
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let text = "(".repeat(100_000);
        assert!(parse(&text).is_err());
    }
}
