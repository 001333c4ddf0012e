//! `POST /drills`: what is asked for on the page, handed to the owner.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::{
    sync::{mpsc::error::TrySendError, oneshot},
    time::timeout,
};

use super::{
    Shared,
    answers::{self, Response, problem},
};
use crate::command::{Answer, Asked, Command};

/// The most bytes of a command. The longest has 47.
const BODY_BYTES: usize = 1024;
/// How long they may take.
const BODY: Duration = Duration::from_secs(5);
/// How long the owner may think about it.
const ANSWER: Duration = Duration::from_secs(10);

impl Shared {
    pub(super) async fn drill(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        if let Err((status, what)) = self.guard.change(request.headers()) {
            return problem(status, &what);
        }
        let command = match self.command(request).await {
            Ok(command) => command,
            Err(refused) => return *refused,
        };
        let (answer, answered) = oneshot::channel();
        match self.commands.try_send(Asked { command, by: peer.ip().to_string(), answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "Too much is being asked for at once. Try again.");
                return answers::later(busy, "1");
            }
            Err(TrySendError::Closed(_)) => {
                return problem(StatusCode::SERVICE_UNAVAILABLE, "The run is over: nothing can be asked for any more.");
            }
        }
        match timeout(ANSWER, answered).await {
            Ok(Ok(Answer::Accepted(id))) => accepted(id),
            Ok(Ok(Answer::Refused(reason))) => problem(StatusCode::CONFLICT, &reason),
            Ok(Err(_dropped)) => problem(StatusCode::SERVICE_UNAVAILABLE, "The run is ending: it was not taken."),
            Err(_late) => {
                problem(StatusCode::GATEWAY_TIMEOUT, "Nobody answered in time: the log will show whether it is done.")
            }
        }
    }

    async fn command(&self, request: Request<Incoming>) -> Result<Command, Box<Response>> {
        let refused = |status, what: &str| Err(Box::new(problem(status, what)));
        let body = match timeout(BODY, Limited::new(request.into_body(), BODY_BYTES).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return refused(StatusCode::PAYLOAD_TOO_LARGE, "A drill is told in less than 1,024 bytes.");
            }
            Ok(Err(_broken)) => return refused(StatusCode::BAD_REQUEST, "The body broke off."),
            Err(_late) => return refused(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
        };
        let command: Command = match serde_json::from_slice(&body) {
            Ok(command) => command,
            Err(error) => {
                let what = format!("This is no drill: {error}. One is {{\"drill\": \"kill\", \"replica\": 2}}.");
                return refused(StatusCode::UNPROCESSABLE_ENTITY, &what);
            }
        };
        match command.wrong(self.max_replicas) {
            Some(what) => refused(StatusCode::UNPROCESSABLE_ENTITY, &what),
            None => Ok(command),
        }
    }
}

fn accepted(id: u64) -> Response {
    let mut response = answers::whole("application/json", Bytes::from(format!("{{\"id\":{id}}}")));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
