//! `ActionCache`: results that are known.

use std::sync::Arc;

use kiln_base::Digest;
use kiln_proto::action_cache_server::ActionCache;
use kiln_proto::{ActionResult, GetActionResultRequest, Message, UpdateActionResultRequest};
use kiln_store::Store;
use tonic::{Request, Response, Status};

use crate::names::digest;
use crate::outcome::{self, Outcome, Wanted};
use crate::request::Asked;
use crate::shared::{Reply, Shared, blocking};
use crate::status::grpc;

/// The service.
pub(crate) struct Service(pub(crate) Arc<Shared>);

/// The result of an action that went well, if all that it names is there (PX-062). It blocks.
pub(crate) fn known(store: &Store, action: &Digest) -> Option<ActionResult> {
    let encoded = store.get_action(action)?;
    let message = ActionResult::decode(&encoded[..]).ok()?;
    // The store knows failures too, for kiln itself; a cache of actions serves none (R19).
    (message.exit_code == 0).then_some(message)
}

/// Records a result whose blobs are there. It blocks.
pub(crate) fn record(shared: &Shared, action: &Digest, outcome: &Outcome) -> Result<(), Status> {
    let encoded = outcome.message.encode_to_vec();
    let stored = shared.store.put_action(action, &encoded, &outcome.refs);
    stored.map_err(|error| shared.trouble(error))
}

#[tonic::async_trait]
impl ActionCache for Service {
    async fn get_action_result(
        &self,
        request: Request<GetActionResultRequest>,
    ) -> Reply<ActionResult> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        let action = digest(request.action_digest.as_ref())?;
        let wanted = Wanted {
            stdout: request.inline_stdout,
            stderr: request.inline_stderr,
            files: request.inline_output_files,
        };
        let store = self.0.store.clone();
        let found = blocking(move || {
            let mut found = known(&store, &action)?;
            outcome::inline(&store, &mut found, &wanted);
            Some(found)
        })
        .await?;
        let found = found
            .ok_or_else(|| Status::not_found(format!("no result of action {action} is known")))?;
        Ok(Response::new(found))
    }

    async fn update_action_result(
        &self,
        request: Request<UpdateActionResultRequest>,
    ) -> Reply<ActionResult> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        if self.0.read_only {
            let text = "this server keeps results of actions that it ran itself, and no others";
            return Err(Status::permission_denied(text));
        }
        let action = digest(request.action_digest.as_ref())?;
        let result = request
            .action_result
            .ok_or_else(|| Status::invalid_argument("there is no result"))?;
        let shared = self.0.clone();
        let message = blocking(move || {
            let asked = Asked::read(&shared.store, &action).map_err(grpc)?;
            if asked.action.do_not_cache {
                let text = "the action says that its result is not to be kept";
                return Err(Status::invalid_argument(text));
            }
            let outcome = outcome::check(&shared.store, &asked, result).map_err(grpc)?;
            record(&shared, &action, &outcome)?;
            Ok(outcome.message)
        })
        .await??;
        Ok(Response::new(message))
    }
}
