//! What `stats`, `gc` and `verify` report.

/// How large the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Blobs (one with an executable and a plain file counts once).
    pub blobs: u64,
    /// Bytes that their files take on disk, in whole blocks of 4 KiB.
    pub blob_bytes: u64,
    /// The cap of `blob_bytes`.
    pub max_bytes: u64,
    /// Action results.
    pub actions: u64,
    /// Bytes of the index on disk.
    pub index_bytes: u64,
    /// Bytes of the tables of stat rows.
    pub stat_bytes: u64,
    /// The process that owns the index; 0 when no process answers for it.
    pub owner_pid: u32,
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Bytes of blobs before, in whole blocks.
    pub bytes_before: u64,
    /// Bytes of blobs after.
    pub bytes_after: u64,
    /// Blobs removed.
    pub blobs_removed: u64,
    /// Action results removed, because they name a blob that is gone or are very old.
    pub actions_removed: u64,
    /// Blobs that were next to go and are in use by a running kiln.
    pub in_use: u64,
    /// Files removed that writers had left unfinished.
    pub unfinished_removed: u64,
    /// Why nothing was collected: another kiln process that uses the store cannot be asked what
    /// it needs. Its process id.
    pub held_by: Option<u32>,
}

/// What a verification found. Whatever was damaged has been removed: it is a miss from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Blob files hashed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files removed because their content is not what their name says, as `ab/cdef…`.
    pub damaged: Vec<String>,
    /// Files with the right content whose mode or time had been changed; put right.
    pub restored: u64,
    /// Action results looked at.
    pub actions: u64,
    /// Action results removed because the row is damaged or a blob of theirs is missing.
    pub actions_removed: u64,
    /// Files removed that writers had left unfinished.
    pub unfinished_removed: u64,
}
