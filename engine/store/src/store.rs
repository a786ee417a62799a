//! The store as the rest of kiln sees it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_base::Digest;
use kiln_diag::Diag;
use parking_lot::Mutex;

use crate::cas::{Cas, Hash, PutMode, STAMP, Variant};
use crate::client::Client;
use crate::config::StoreConfig;
use crate::front::{Actions, Uses};
use crate::lockfile::State;
use crate::owner::Home;
use crate::report::{GcReport, StoreStats, VerifyReport};
use crate::row::{ActionBody, ActionRow, Held};
use crate::seat::Election;
use crate::service::{Item, Reply, Service};
use crate::stat::StatTable;
use crate::users::{CollectorLock, UserSlot};
use crate::warnings::Warnings;
use crate::writer::{Sink, Writer};
use crate::{clock, message};

/// The store of a user, open. Cheap to clone; the last clone to go closes it, after all that was
/// put is written. Every call blocks, none for long but [`Store::gc`] and [`Store::verify`].
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    root: PathBuf,
    cap: u64,
    cas: Arc<Cas>,
    uses: Arc<Uses>,
    actions: Actions,
    warnings: Arc<Warnings>,
    election: Arc<Election>,
    /// Held while pins are changed, here and with the owner: both must be in one order.
    pinning: Mutex<()>,
    writer: Writer,
    /// Held as long as the store is open.
    _slot: UserSlot,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writer.stop();
        self.election.close();
    }
}

/// Blobs that stay in the store as long as this lives.
pub struct Pin {
    store: Store,
    digests: Vec<Digest>,
}

impl Store {
    /// Opens the store, making it when it is not there. The index is opened when it is first
    /// needed; whatever state it is in, that does not fail: see [`Store::warnings`].
    ///
    /// Errors: the folder is not absolute, cannot be made or cannot be written to.
    pub fn open(config: StoreConfig) -> Result<Store, Diag> {
        if !config.root.is_absolute() {
            return Err(message::relative_root(&config.root));
        }
        let cas = Arc::new(Cas::open(&config.root)?);
        let slot = UserSlot::take(&config.root)?;
        if let Some(state) = State::read(&config.root) {
            cas.set_power_cut(state.power_cut_now());
        }
        let (uses, warnings) = (Arc::new(Uses::default()), Arc::new(Warnings::default()));
        if std::fs::metadata(&config.root).is_ok_and(|meta| meta.mode() & 0o022 != 0) {
            warnings.add(message::open_to_others(&config.root));
        }
        let home = Home {
            root: config.root.clone(),
            cap: config.cap(),
            index_cache: config.index_cache,
            user: slot.user,
            cas: Arc::clone(&cas),
            uses: Arc::clone(&uses),
            warnings: Arc::clone(&warnings),
        };
        let cap = home.cap;
        let election = Election::new(home, config.owner_timeout, config.socket_dir);
        let election = Arc::new(election);
        if CollectorLock::is_held(&config.root) {
            // Whoever collects must know of this process before it uses anything.
            election.take_seat();
            if !election.is_registered() {
                CollectorLock::wait_for_end(&config.root);
            }
        }
        let sink: Arc<dyn Sink> = Arc::<Election>::clone(&election);
        Ok(Store(Arc::new(Inner {
            root: config.root,
            cap,
            cas,
            uses,
            actions: Actions::default(),
            warnings,
            election,
            pinning: Mutex::new(()),
            writer: Writer::start(sink)?,
            _slot: slot,
        })))
    }

    /// Warnings that came up since the last call: a damaged index was begun anew, the owner of
    /// the index does not answer, and so on.
    pub fn warnings(&self) -> Vec<Diag> {
        self.0.warnings.take()
    }

    /// Stores bytes. A blob that is there already is not written again.
    ///
    /// Errors: the file cannot be written (space, permissions).
    pub fn put_bytes(&self, content: &[u8]) -> Result<Digest, Diag> {
        let digest = Digest::of(content);
        self.put_bytes_known(digest, content)?;
        Ok(digest)
    }

    /// Stores bytes whose digest the caller has computed, or checked, itself.
    ///
    /// Errors: as [`Store::put_bytes`]; the size is not the digest's.
    pub fn put_bytes_known(&self, digest: Digest, content: &[u8]) -> Result<(), Diag> {
        if digest.size() != content.len() as u64 {
            return Err(message::wrong_size(&digest, content.len()));
        }
        debug_assert_eq!(digest, Digest::of(content), "the caller vouches for it");
        let first = self.use_first(&[digest]);
        let found = self.0.cas.find(&digest, Variant::Plain);
        if found.is_none() {
            self.0.cas.put(&digest, content)?;
        }
        if found.is_none() || first {
            self.seen(&digest, found.unwrap_or(Variant::Plain));
        }
        Ok(())
    }

    /// Stores the content of a regular file (a symbolic link is refused) and returns its digest.
    /// `executable` is how it is likely to be asked for; either kind can be had of any blob.
    ///
    /// Errors: the source is not a regular file or cannot be read, the store cannot be written.
    pub fn put_file(&self, source: &Path, mode: PutMode, executable: bool) -> Result<Digest, Diag> {
        let variant = Variant::of(executable);
        let admit = |digest: &Digest| {
            self.use_first(&[*digest]);
        };
        let digest = self.0.cas.put_file(source, mode, variant, &admit)?;
        self.use_first(&[digest]);
        let found = self.0.cas.find(&digest, variant).unwrap_or(variant);
        self.seen(&digest, found);
        Ok(digest)
    }

    /// Whether the blob is there and bears the marks of an untouched file. From then on it stays.
    pub fn contains(&self, digest: &Digest) -> bool {
        let first = self.use_first(&[*digest]);
        self.exists(digest, first)
    }

    /// Those of `digests` that are not there. The others stay from then on.
    pub fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        let first = self.use_first(digests);
        let absent = |digest: &&Digest| !self.exists(digest, first);
        digests.iter().filter(absent).copied().collect()
    }

    fn exists(&self, digest: &Digest, first: bool) -> bool {
        if digest.size() == 0 {
            return *digest == Digest::EMPTY;
        }
        let found = self.0.cas.find(digest, Variant::Plain);
        if let (Some(variant), true) = (found, first) {
            self.seen(digest, variant);
        }
        found.is_some()
    }

    /// The absolute path of a read-only file with the blob's content, mode 0444 or 0555, owned by
    /// this user: fit for a read-only bind mount. `None` when the blob is not there.
    ///
    /// A file of the other kind is made on demand by copying: one inode has one mode.
    pub fn blob_path(&self, digest: &Digest, executable: bool) -> Option<PathBuf> {
        let wanted = Variant::of(executable);
        let first = self.use_first(&[*digest]);
        match self.0.cas.find(digest, wanted) {
            Some(found) if found == wanted => {
                if first {
                    self.seen(digest, wanted);
                }
            }
            found => {
                let made = match found {
                    Some(_) => self.0.cas.make_variant(digest, wanted),
                    None if *digest == Digest::EMPTY => self.0.cas.put_empty(wanted),
                    None => return None,
                };
                if let Err(error) = made {
                    self.0.warnings.add(error.into_warning());
                    return None;
                }
                self.seen(digest, wanted);
            }
        }
        Some(self.0.cas.path_of(digest, wanted))
    }

    /// Whether a file that is, or was, the blob's has not been written to since the store made it.
    /// For links to [`Store::blob_path`] that somebody keeps.
    pub fn is_untouched(digest: &Digest, file: &std::fs::Metadata) -> bool {
        let mode = file.mode() & 0o7777;
        (Variant::BOTH.iter().any(|variant| variant.mode() == mode))
            && (file.mtime(), file.mtime_nsec()) == (STAMP, 0)
            && file.len() == digest.size()
    }

    /// The content of a blob, its digest checked; `None` when it is not there. A damaged one is
    /// removed and is not there.
    ///
    /// Errors: none today; reserved for stores that can fail to answer.
    pub fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Diag> {
        if *digest == Digest::EMPTY {
            return Ok(Some(Vec::new()));
        }
        let first = self.use_first(&[*digest]);
        let content = self.0.cas.read(digest);
        if content.is_some() && first {
            self.exists(digest, true);
        }
        Ok(content)
    }

    /// The encoded result of an action, if it is known and every blob that it names is there.
    pub fn get_action(&self, action: &Digest) -> Option<Vec<u8>> {
        let key = action.hash();
        let body = match self.0.actions.get(key) {
            Some(body) => body,
            None => Arc::new(self.look_up(key)?),
        };
        if !self.missing(&body.refs).is_empty() {
            self.0.actions.remove(key);
            self.0.writer.write(Item::ForgetAction { key: *key });
            return None;
        }
        self.0.actions.insert(*key, Arc::clone(&body));
        Some(body.encoded.clone())
    }

    fn look_up(&self, key: &Hash) -> Option<ActionBody> {
        // A failure of the index is a miss; its owner has reported it.
        let row = self.0.election.ask(|service| service.action(key))?.ok()??;
        let body = ActionRow::decode(key, &row).and_then(|row| match row.held {
            Held::Here(body) => Some(body),
            Held::InBlob(digest) => {
                self.use_first(&[digest]);
                ActionBody::decode(&self.0.cas.read(&digest)?)
            }
        });
        if body.is_none() {
            self.0.writer.write(Item::ForgetAction { key: *key });
        }
        body
    }

    /// Records the encoded result of an action. `refs` are all blobs that it names, which must be
    /// in the store already. Returns at once; [`Store::flush`] makes it durable.
    ///
    /// Errors: a result too long for the index is a blob of its own, which cannot be written.
    pub fn put_action(&self, action: &Digest, encoded: &[u8], refs: &[Digest]) -> Result<(), Diag> {
        let (key, hour) = (*action.hash(), clock::hours());
        let body = ActionBody::encode(refs, encoded);
        let row = match ActionRow::is_long(&body) {
            false => ActionRow::encode(&key, hour, &body),
            true => ActionRow::encode_in_blob(&key, hour, &self.put_bytes(&body)?),
        };
        let body = ActionBody {
            refs: refs.to_vec(),
            encoded: encoded.to_vec(),
        };
        self.0.actions.insert(key, Arc::new(body));
        self.0.writer.write(Item::Action { key, row });
        Ok(())
    }

    /// Loads the stat rows of a workspace (or of any other scope): one read of one file. Keep the
    /// table; each call loads it again.
    pub fn stat_table(&self, scope: &str) -> StatTable {
        StatTable::load(&self.0.root, scope)
    }

    /// Keeps blobs from being collected as long as the guard lives, also beyond
    /// [`Store::forget_uses`].
    pub fn pin(&self, digests: impl Into<Vec<Digest>>) -> Pin {
        let digests = digests.into();
        let _one = self.0.pinning.lock();
        self.0.uses.pin(&digests);
        let hashes: Vec<Hash> = digests.iter().map(|digest| *digest.hash()).collect();
        self.0.election.tell(|owner| owner.pin(&hashes, true));
        drop(_one);
        Pin {
            store: self.clone(),
            digests,
        }
    }

    /// Forgets which blobs this process has used so far, so that they may be collected. For a
    /// daemon, when no build runs: without it a process keeps what it used as long as it lives.
    pub fn forget_uses(&self) {
        self.0.uses.forget();
        self.0.election.tell(Client::forget_uses);
    }

    /// Removes least recently used blobs until at most `target` bytes are left (the cap if
    /// `None`). What a running kiln needs stays.
    ///
    /// Errors: the index fails, or nobody answers for it.
    pub fn gc(&self, target: Option<u64>) -> Result<GcReport, Diag> {
        self.flush()?;
        let target = target.unwrap_or(self.0.cap);
        self.ask_or_fail(|service| service.gc(target))
    }

    /// Hashes every blob and looks at every action result; what is damaged is removed.
    ///
    /// Errors: the index fails, or nobody answers for it.
    pub fn verify(&self) -> Result<VerifyReport, Diag> {
        self.flush()?;
        self.ask_or_fail(|service| service.verify())
    }

    /// How large the store is, counted.
    ///
    /// Errors: the index fails, or nobody answers for it.
    pub fn stats(&self) -> Result<StoreStats, Diag> {
        self.flush()?;
        self.ask_or_fail(|service| service.stats())
    }

    /// Waits until all that was put before survives the death of any process.
    ///
    /// Errors: something put before could not be written; it will be a miss.
    pub fn flush(&self) -> Result<(), Diag> {
        self.0.writer.flush()
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    fn ask_or_fail<T>(&self, request: impl Fn(&dyn Service) -> Reply<T>) -> Result<T, Diag> {
        self.0
            .election
            .ask(request)
            .unwrap_or_else(|| Err(message::nobody_answers()))
    }

    /// Records that blobs are needed, before their files are looked at; true if that is news.
    fn use_first(&self, digests: &[Digest]) -> bool {
        let hour = clock::hours();
        let hashes = digests.iter().map(|digest| *digest.hash());
        let news: Vec<Hash> = hashes
            .filter(|hash| self.0.uses.record(hash, hour))
            .collect();
        self.0.election.use_blobs(&news);
        !news.is_empty()
    }

    /// Has the blob's row brought up to date.
    fn seen(&self, digest: &Digest, variant: Variant) {
        self.0.writer.write(Item::Seen {
            hash: *digest.hash(),
            size: digest.size(),
            flags: variant.flag(),
        });
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let inner = &self.store.0;
        let _one = inner.pinning.lock();
        let free = inner.uses.unpin(&self.digests);
        inner.election.tell(|owner| owner.pin(&free, false));
    }
}
