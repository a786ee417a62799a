//! Outputs that stay at the server until somebody here needs them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use kiln_base::Digest;
use kiln_process::{Contents, ProcessResult, Request};
use kiln_store::Store;
use kiln_tree::{Node, Tree};
use parking_lot::Mutex;
use tonic::Code;

use crate::upload::blocking;
use crate::{About, CallError, Client, Down};

/// Which outputs are fetched at once although others are left.
pub type AtOnce = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Blobs that are being fetched, and in the end those of them that cannot be had.
type Fetching = Shared<BoxFuture<'static, Arc<HashSet<Digest>>>>;

/// The contents of outputs, here and at the server (R23). One for each command.
///
/// * What a server only *says* it has is asked for before it is relied on; what it has just made
///   is taken to be there. Both are remembered for some minutes and no longer.
/// * A blob is fetched once, however many ask for it, small ones in batches, several at a time.
/// * What could not be fetched, for whatever reason, is *lost*: whoever made it runs again. Then
///   nothing that the server had is believed any more without another question.
pub struct RemoteContents {
    pub(crate) client: Client,
    pub(crate) store: Store,
    /// Whether anything is left at the server.
    leaving: bool,
    at_once: Option<AtOnce>,
    known: Arc<Mutex<Known>>,
    renewing: AtomicBool,
    under_way: Mutex<HashMap<Digest, Fetching>>,
}

#[derive(Default)]
struct Known {
    /// Not in the store when last looked at; the server has them.
    left: HashSet<Digest>,
    /// Could not be fetched.
    refused: HashSet<Digest>,
    /// Folders of inputs of which nothing is left at the server.
    here: HashSet<Digest>,
}

impl RemoteContents {
    /// All outputs are fetched at once (`--remote_download_outputs=all`), to `store`.
    pub fn new(client: Client, store: Store) -> RemoteContents {
        RemoteContents {
            client,
            store,
            leaving: false,
            at_once: None,
            known: Arc::default(),
            renewing: AtomicBool::new(false),
            under_way: Mutex::default(),
        }
    }

    /// Outputs stay at the server until they are needed, but for those that `at_once` names by
    /// their paths (`--remote_download_regex`), and those that whoever asks will read.
    pub fn leaving(mut self, at_once: Option<AtOnce>) -> RemoteContents {
        self.leaving = true;
        self.at_once = at_once;
        self
    }

    /// Of a result, brings here what must be, and leaves the rest; `blobs` are all that it names.
    /// `ran`: the server has just made them.
    ///
    /// Errors: [`Code::NotFound`] for one that is gone; those of calls.
    pub(crate) async fn admit(
        &self,
        about: &About,
        request: &Request<'_>,
        result: &mut ProcessResult,
        blobs: Vec<Digest>,
        ran: bool,
    ) -> Result<(), CallError> {
        if !self.leaving {
            return self.download(about, blobs).await;
        }
        let mut wanted = HashSet::from([result.stdout, result.stderr]);
        wanted.extend(result.read(&request.reads, ran));
        if let Some(at_once) = &self.at_once {
            result.outputs.walk(false, &mut |path, node| {
                if let Node::File { digest, .. } = node
                    && at_once(path)
                {
                    wanted.insert(*digest);
                }
            });
        }
        wanted.extend(self.known.lock().refused.iter());
        let (here, rest) = blobs.into_iter().partition(|blob| wanted.contains(blob));
        let rest = self.absent(rest).await?;
        match ran {
            true => self.client.remember(&rest),
            false => {
                let missing = self.client.find_missing_together(&rest).await?;
                if let Some(gone) = missing.first() {
                    let text = format!("{gone}: the server does not have it any more");
                    return Err(CallError::new("FindMissingBlobs", Code::NotFound, text));
                }
            }
        }
        self.download(about, here).await?;
        self.leave(&rest);
        result.left = rest;
        Ok(())
    }

    /// Brings blobs here; the first failure ends it.
    pub(crate) async fn download(
        &self,
        about: &About,
        blobs: Vec<Digest>,
    ) -> Result<(), CallError> {
        let limits = self.client.limits().await?;
        self.client
            .download(about, &self.store, &limits, blobs)
            .await
    }

    /// Those files of a tree that were left at the server. What trees have in common is walked
    /// once (R12); `folders` gets those that were walked now.
    pub(crate) fn left_in(&self, tree: &Tree, folders: &mut HashSet<Digest>) -> Vec<Digest> {
        let known = self.known.lock();
        let mut left = HashSet::new();
        if !known.left.is_empty() {
            collect(tree, &known, folders, &mut left);
        }
        left.into_iter().collect()
    }

    /// Nothing of these folders is left at the server any more.
    pub(crate) fn are_here(&self, folders: HashSet<Digest>) {
        self.known.lock().here.extend(folders);
    }

    /// Blobs stay at the server. It is reminded of them from time to time (R29): REAPI has servers
    /// keep what was asked for.
    fn leave(&self, blobs: &[Digest]) {
        self.known.lock().left.extend(blobs);
        if blobs.is_empty() || self.renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (client, known) = (self.client.clone(), Arc::downgrade(&self.known));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(client.0.config.lease).await;
                let Some(known) = known.upgrade() else {
                    return;
                };
                let left: Vec<Digest> = known.lock().left.iter().copied().collect();
                client.renew(&left).await;
            }
        });
    }

    /// Those that are not in the store, each once.
    async fn absent(&self, digests: Vec<Digest>) -> Result<Vec<Digest>, CallError> {
        let store = self.store.clone();
        blocking(move || {
            let mut missing = store.missing(&digests);
            missing.sort();
            missing.dedup();
            Ok(missing)
        })
        .await
    }

    /// What to wait for: fetches that others have begun, and one of the rest.
    fn begin(&self, missing: &[Digest]) -> Vec<Fetching> {
        let mut under_way = self.under_way.lock();
        let (mut waits, mut fresh): (Vec<Fetching>, Vec<Digest>) = (Vec::new(), Vec::new());
        for digest in missing {
            match under_way.get(digest) {
                Some(other) if waits.iter().any(|wait| wait.ptr_eq(other)) => {}
                Some(other) => waits.push(other.clone()),
                None => fresh.push(*digest),
            }
        }
        if !fresh.is_empty() {
            let (client, store, wanted) = (self.client.clone(), self.store.clone(), fresh.clone());
            let fetch = async move {
                let failed = client.download_each(&store, wanted).await;
                Arc::new(failed.into_iter().collect())
            };
            let fetch: Fetching = fetch.boxed().shared();
            under_way.extend(fresh.into_iter().map(|digest| (digest, fetch.clone())));
            waits.push(fetch);
        }
        waits
    }

    async fn fetch_all(&self, digests: &[Digest]) -> Vec<Digest> {
        let Ok(missing) = self.absent(digests.to_vec()).await else {
            return digests.to_vec();
        };
        let failed = join_all(self.begin(&missing)).await;
        let failed = |digest: &&Digest| failed.iter().any(|failed| failed.contains(digest));
        let lost: Vec<Digest> = missing.iter().filter(failed).copied().collect();
        {
            let mut under_way = self.under_way.lock();
            missing.iter().for_each(|digest| {
                under_way.remove(digest);
            });
        }
        let mut known = self.known.lock();
        missing.iter().for_each(|digest| {
            known.left.remove(digest);
        });
        known.refused.extend(&lost);
        drop(known);
        if !lost.is_empty() {
            self.client.forget_all();
        }
        lost
    }

    async fn lost_now(&self, digests: &[Digest]) -> Vec<Digest> {
        let Ok(missing) = self.absent(digests.to_vec()).await else {
            return digests.to_vec();
        };
        let refused = |digest: &Digest| self.known.lock().refused.contains(digest);
        let (mut lost, asked): (Vec<Digest>, Vec<Digest>) = missing.into_iter().partition(refused);
        asked.iter().for_each(|digest| self.client.forget(digest));
        let gone = self.client.find_missing_together(&asked).await;
        // Where nobody can say: as good as lost.
        let gone = gone.unwrap_or_else(|_| asked.clone());
        let mut known = self.known.lock();
        // What the store has lost and the server has is fetched from there.
        known.left.extend(&asked);
        known.here.clear();
        lost.extend(gone);
        lost.iter().for_each(|digest| {
            known.left.remove(digest);
        });
        drop(known);
        if !lost.is_empty() {
            self.client.forget_all();
        }
        lost
    }

    async fn secure_now(&self, digests: &[Digest]) -> Option<Vec<Digest>> {
        let is_refused = |digest: &Digest| self.known.lock().refused.contains(digest);
        if digests.iter().any(is_refused) {
            return None;
        }
        if !self.leaving {
            return self.fetch_all(digests).await.is_empty().then(Vec::new);
        }
        let asking = self.client.find_missing_together(digests);
        let config = &self.client.0.config;
        // As long as a look-up may take (PX-072): the action runs rather than wait.
        let gone = match config.down == Down::Wait || config.head_start == Duration::ZERO {
            true => asking.await,
            false => tokio::time::timeout(config.head_start, asking).await.ok()?,
        };
        if !gone.ok()?.is_empty() {
            return None;
        }
        self.leave(digests);
        Some(digests.to_vec())
    }
}

impl Contents for RemoteContents {
    fn fetch<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>> {
        self.fetch_all(digests).boxed()
    }

    fn lost<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>> {
        self.lost_now(digests).boxed()
    }

    fn secure<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Option<Vec<Digest>>> {
        self.secure_now(digests).boxed()
    }
}

/// The files of a tree that were left; folders of which nothing is are passed over.
fn collect(tree: &Tree, known: &Known, folders: &mut HashSet<Digest>, left: &mut HashSet<Digest>) {
    if known.here.contains(&tree.digest()) || !folders.insert(tree.digest()) {
        return;
    }
    for (_, node) in tree.entries() {
        match node {
            Node::Dir(below) => collect(below, known, folders, left),
            Node::File { digest, .. } if known.left.contains(digest) => {
                left.insert(*digest);
            }
            Node::File { .. } | Node::Symlink(_) => {}
        }
    }
}
