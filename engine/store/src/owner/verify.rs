//! Verification: every blob is hashed, every action row is looked at.

use kiln_base::Digest;
use kiln_diag::Diag;

use super::Owner;
use crate::cas::{Entry, Hash, PowerCut, Variant};
use crate::index::Table;
use crate::report::VerifyReport;
use crate::row::{ActionBody, ActionRow, Held};

impl Owner {
    /// Removes whatever is damaged, and reports it.
    pub(super) fn verify_all(&self) -> Result<VerifyReport, Diag> {
        let mut report = VerifyReport::default();
        let mut entries = Vec::new();
        report.unfinished_removed = self.home.cas.walk(&mut |entry| entries.push(entry))?;
        for entry in &entries {
            self.verify_file(entry, &mut report);
        }
        self.verify_actions(&mut report)?;
        // All that a power cut may have torn has been hashed.
        self.home.cas.set_power_cut(PowerCut::default());
        self.save_state(|state| state.power_cut = PowerCut::default());
        Ok(report)
    }

    fn verify_file(&self, entry: &Entry, report: &mut VerifyReport) {
        let cas = &self.home.cas;
        let marked = cas.has_marks(&entry.stat, entry.variant);
        report.files += 1;
        report.bytes += entry.stat.st_size as u64;
        let name = entry.name();
        match cas.examine(&name, &entry.hash, entry.variant) {
            Some(_) => report.restored += u64::from(!marked),
            None => report.damaged.push(name.as_str().to_owned()),
        }
    }

    fn verify_actions(&self, report: &mut VerifyReport) -> Result<(), Diag> {
        let index = self.index();
        let mut useless = Vec::new();
        index.scan(Table::Action, &mut |key, row| {
            report.actions += 1;
            let key_hash = Hash::try_from(key);
            if !key_hash.is_ok_and(|hash| self.is_whole(&hash, row)) {
                useless.push(key.to_vec());
            }
            true
        })?;
        for key in &useless {
            index.remove(Table::Action, key)?;
        }
        report.actions_removed = useless.len() as u64;
        index.flush()
    }

    /// Whether the row is undamaged and all of its blobs are there.
    pub(super) fn is_whole(&self, key: &Hash, row: &[u8]) -> bool {
        let Some(row) = ActionRow::decode(key, row) else {
            return false;
        };
        let exists = |digest: &Digest| {
            digest.size() == 0 || self.home.cas.find(digest, Variant::Plain).is_some()
        };
        match &row.held {
            Held::Here(body) => body.refs.iter().all(exists),
            Held::InBlob(body) => self
                .home
                .cas
                .read(body)
                .and_then(|body| ActionBody::decode(&body))
                .is_some_and(|body| body.refs.iter().all(exists)),
        }
    }
}
