//! Outputs that are gone from the store when they are to be put into the output folder.

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules_core::build::{Built, BuiltTarget};
use kiln_rules_core::keys::RepoOptions;
use kiln_rules_core::restore::{RestoreKey, Restored};
use kiln_scheduler::Session;

use crate::command::context::Context;
use crate::configuration::configuration;
use crate::output::PutError;

/// So often a target's outputs are made again: between two times somebody took them away anew.
const ATTEMPTS: u32 = 3;

/// Asks an engine for outputs that are gone.
pub(crate) struct Restorer<'a> {
    pub(crate) context: &'a Context,
    pub(crate) session: &'a Session,
    pub(crate) repos: &'a RepoOptions,
}

impl Restorer<'_> {
    /// Hands a target to `put`, made again if its outputs are gone; returns it as it was put.
    pub(crate) async fn put(
        &self,
        label: &Label,
        built: &Arc<Built>,
        mut put: impl FnMut(&BuiltTarget) -> Result<(), PutError>,
    ) -> Result<Arc<Built>, Diag> {
        let mut built = built.clone();
        for attempt in 0..ATTEMPTS {
            let Built::Ready(target) = &*built else { break };
            match put(target) {
                Err(PutError::Gone(_)) if attempt + 1 < ATTEMPTS => {
                    built = self.restored(label, attempt).await?;
                }
                done => {
                    done?;
                    break;
                }
            }
        }
        Ok(built)
    }

    async fn restored(&self, label: &Label, attempt: u32) -> Result<Arc<Built>, Diag> {
        let Restorer {
            context,
            session,
            repos,
        } = self;
        let (environments, caller) = (context.environments(), &context.environment);
        let configuration =
            configuration(&context.options, session, repos, &environments, caller).await?;
        let key = RestoreKey {
            label: label.clone(),
            attempt,
        };
        let repos = (*repos).clone();
        let restored = session.query::<Restored, _>((key, configuration, environments, repos));
        Ok(restored.await?.0.clone())
    }
}
