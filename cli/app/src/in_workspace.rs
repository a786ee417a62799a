//! Runs processes in the workspace itself (ENV-130 … ENV-136).

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_diag::Diag;
use kiln_exec_local::{Keep, LocalConfig, LocalExecutor, WorkspaceRoot, ZygoteServer};
use kiln_process::{ExecError, Executor, ProcessResult, Request};
use kiln_store::Store;
use tokio::sync::OnceCell;

use crate::output::{self, OUT};

/// Where exec roots have what comes from other repositories (Bazel).
const EXTERNAL: &str = "external";

/// Made ready when it is first needed: few commands do.
pub(crate) struct InWorkspace {
    config: LocalConfig,
    root: PathBuf,
    /// What `kiln-out` points to.
    out: PathBuf,
    store: Store,
    zygotes: Arc<ZygoteServer>,
    ready: OnceCell<Arc<LocalExecutor>>,
}

impl InWorkspace {
    /// `settings`: those of sandboxes, as far as they apply; the workspace; what `kiln-out` in it
    /// points to.
    pub(crate) fn new(
        settings: (LocalConfig, PathBuf, PathBuf),
        store: Store,
        zygotes: Arc<ZygoteServer>,
    ) -> InWorkspace {
        let (config, root, out) = settings;
        InWorkspace {
            config,
            root,
            out,
            store,
            zygotes,
            ready: OnceCell::new(),
        }
    }

    /// What runs processes there.
    ///
    /// Errors: the machine does not permit mounts, which keep outputs out of the workspace.
    pub(crate) async fn ready(&self) -> Result<Arc<LocalExecutor>, Diag> {
        let ready = self.ready.get_or_try_init(|| async {
            output::prepare(&self.root, &self.out)?;
            let external = self.root.join(EXTERNAL);
            let mut config = self.config.clone();
            // What there is to see is in the workspace (ENV-135).
            config.keep = Keep::Never;
            config.workspace = Some(WorkspaceRoot {
                root: self.root.clone(),
                shown: vec![
                    (OUT.to_owned(), self.out.clone()),
                    (EXTERNAL.to_owned(), external),
                ],
            });
            let (store, zygotes) = (self.store.clone(), self.zygotes.clone());
            let made =
                tokio::task::spawn_blocking(move || LocalExecutor::new(config, store, zygotes));
            let panicked = |_| Diag::internal("setting up for the workspace panicked");
            Ok::<_, Diag>(Arc::new(made.await.map_err(panicked)??))
        });
        ready.await.cloned()
    }
}

impl Executor for InWorkspace {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let ready = self.ready().await.map_err(ExecError::Failed)?;
            ready.execute(request).await
        }
        .boxed()
    }
}
