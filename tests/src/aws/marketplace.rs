//! AWS Marketplace: requests are handed to the simulated one as they came, once it is clear whose they are.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use marque_marketplace_sim::Reply;

use super::{Call, Cloud, Refusal, SESSION_TOKEN, Service, key_id, lock, sts};

/// Whether a request is for one of its services.
pub(super) fn is_asked(path: &str, target: &str) -> bool {
    target.starts_with("AWSMP") || path.starts_with("/service/AWSMP")
}

impl Cloud {
    pub(super) async fn ask_marketplace(&self, request: &Parts, body: &[u8]) -> Result<Response, Refusal> {
        let (path, headers) = (request.uri.path(), &request.headers);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let action = header("x-amz-target").rsplit('.').next().filter(|action| !action.is_empty());
        let action = action.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default());
        let (assumed, caller) = (self.roles.are_there(), key_id(request));
        let (known, token) = if assumed {
            (caller == sts::ASSUMED_KEY_ID, sts::ASSUMED_TOKEN)
        } else {
            (lock(&self.callers).contains(caller), SESSION_TOKEN)
        };
        if !known || header("x-amz-security-token") != token {
            let message = "asked by another account than the seller's";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "AccessDeniedException", message));
        }
        // What a role in the seller's account does is no business of the function's own policy.
        if !assumed {
            self.note(caller, vec![Call::of_service(Service::Marketplace, action)]);
        }
        let Some(market) = self.market.get() else { return Err(Refusal::malformed("there is no AWS Marketplace")) };
        match market.serve(path, headers, body) {
            Reply::Answer(answer) => {
                let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = (status, answer.body).into_response();
                for (name, value) in answer.headers {
                    if let Ok(value) = value.parse() {
                        response.headers_mut().insert(name, value);
                    }
                }
                Ok(response)
            }
            // Whoever waits in vain gives up by a time limit of its own.
            Reply::Timeout => std::future::pending().await,
            Reply::Lost => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        }
    }
}
