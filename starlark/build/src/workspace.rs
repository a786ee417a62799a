//! WORKSPACE files, read for the names of repositories only.
//!
//! They are not evaluated: what they load are the very repositories that they declare. Every
//! top-level call with a `name` that is written out counts as a repository; all else is passed
//! over.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::starlark::codemap::FileSpan;
use kiln_host::starlark::syntax::AstModule;
use kiln_host::starlark::syntax::ast::{
    ArgumentP, AssignTargetP, AstExpr, AstLiteral, AstStmt, BinOp, CallArgsP, ExprP, StmtP,
};
use kiln_host::{Interpreter, UNION, to_span};
use kiln_targets::{ModuleDefs, Parsed, WorkspaceRepo};

/// Reads a WORKSPACE file. Fails only if it cannot be parsed.
pub(crate) fn workspace(interpreter: &Interpreter, parsed: &Parsed) -> Result<ModuleDefs, Diag> {
    interpreter.inspect(parsed, |ast| {
        let mut reader = Reader {
            ast,
            defs: ModuleDefs::default(),
            texts: BTreeMap::new(),
        };
        reader.statement(ast.statement());
        reader.defs
    })
}

struct Reader<'a> {
    ast: &'a AstModule,
    defs: ModuleDefs,
    /// Top-level variables that hold texts.
    texts: BTreeMap<String, String>,
}

/// Calls with a `name` that make no repository.
const NOT_REPOSITORIES: &[&str] = &["bind", "workspace"];

impl Reader<'_> {
    fn statement(&mut self, statement: &AstStmt) {
        match &statement.node {
            StmtP::Statements(statements) => {
                statements
                    .iter()
                    .for_each(|statement| self.statement(statement));
            }
            StmtP::Assign(assign) => {
                if let (AssignTargetP::Identifier(name), Some(text)) =
                    (&assign.lhs.node, self.text(&assign.rhs))
                {
                    self.texts.insert(name.node.ident.clone(), text);
                }
            }
            StmtP::Expression(call) => {
                if let ExprP::Call(function, args) = &call.node {
                    let span = self.ast.file_span(call.span);
                    self.call(function, args, &span);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, function: &AstExpr, args: &CallArgs, span: &FileSpan) {
        let Some(mut rule) = dotted(function) else {
            return;
        };
        match rule.as_str() {
            "register_toolchains" => return self.defs.toolchains.extend(self.positional(args)),
            "register_execution_platforms" => {
                return self.defs.platforms.extend(self.positional(args));
            }
            _ => {}
        }
        let Some(name) = self.argument(args, "name") else {
            return;
        };
        if rule == "workspace" {
            self.defs.name = Arc::from(name);
            return;
        }
        if rule == "maybe" {
            // `maybe(http_archive, name = …)`
            let first = args.args.first().map(|arg| &arg.node);
            if let Some(ArgumentP::Positional(inner)) = first {
                rule = dotted(inner).unwrap_or(rule);
            }
        }
        if NOT_REPOSITORIES.contains(&rule.as_str()) {
            return;
        }
        let local = rule.ends_with("local_repository");
        let path = local.then(|| self.argument(args, "path")).flatten();
        self.defs.workspace_repos.push(WorkspaceRepo {
            name: Arc::from(name),
            rule: Arc::from(rule),
            path: path.map(Arc::from),
            span: to_span(span),
        });
    }

    /// The positional arguments that are texts.
    fn positional(&self, args: &CallArgs) -> Vec<Arc<str>> {
        let texts = args.args.iter().filter_map(|arg| match &arg.node {
            ArgumentP::Positional(value) => self.text(value).map(Arc::from),
            _ => None,
        });
        texts.collect()
    }

    fn argument(&self, args: &CallArgs, wanted: &str) -> Option<String> {
        let value = args.args.iter().find_map(|arg| match &arg.node {
            ArgumentP::Named(name, value) if name.node == wanted => Some(value),
            _ => None,
        });
        self.text(value?)
    }

    /// The text that an expression is, as far as it can be seen without evaluating.
    fn text(&self, value: &AstExpr) -> Option<String> {
        match &value.node {
            ExprP::Literal(AstLiteral::String(text)) => Some(text.node.clone()),
            ExprP::Identifier(name) => self.texts.get(&name.node.ident).cloned(),
            ExprP::Op(left, BinOp::Add, right) => Some(self.text(left)? + &self.text(right)?),
            _ => None,
        }
    }
}

type CallArgs = CallArgsP<kiln_host::starlark::syntax::ast::AstNoPayload>;

/// `f` or `a.b`.
fn dotted(function: &AstExpr) -> Option<String> {
    match &function.node {
        ExprP::Identifier(name) if name.node.ident != UNION => Some(name.node.ident.clone()),
        ExprP::Dot(object, name) => Some(format!("{}.{}", dotted(object)?, name.node)),
        _ => None,
    }
}
