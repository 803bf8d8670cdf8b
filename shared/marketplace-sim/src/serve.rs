//! From a request to its reply: faults on order, rates, then the call.

use http::HeaderMap;

use crate::fault::Fault;
use crate::marketplace::{Marketplace, State};
use crate::operation::{Operation, Service};
use crate::reply::{Answer, Exception, Reply};
use crate::request::Request;
use crate::truth::{Refused, RefusedRecord};
use crate::world::Change;
use crate::{agreement, entitlement, metering, resolve};

impl Marketplace {
    /// Serves one HTTP request: its path, headers and body.
    pub fn serve(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let Some(operation) = Operation::of_wire(target, path) else {
            let unknown = Exception::with_status(404, "UnknownOperationException", "");
            return Reply::Answer(Answer::exception(target.is_some(), &unknown));
        };
        let mut state = self.lock();
        let fault = state.faults.next(operation);
        match fault {
            Some(Fault::Timeout) => return Reply::Timeout,
            Some(Fault::Throttle) => return refused(operation, &throttled()),
            Some(Fault::Internal) => return refused(operation, &internal(operation)),
            Some(Fault::LostResponse | Fault::Unprocessed) | None => {}
        }
        let answer = self.answer(&mut state, operation, headers, body, fault == Some(Fault::Unprocessed));
        match (fault, answer) {
            (Some(Fault::LostResponse), _) => Reply::Lost,
            (_, Ok(answer)) => Reply::Answer(answer),
            (_, Err(exception)) => refused(operation, &exception),
        }
    }

    fn answer(
        &self,
        state: &mut State,
        operation: Operation,
        headers: &HeaderMap,
        body: &[u8],
        unprocessed: bool,
    ) -> Result<Answer, Exception> {
        self.count(state, operation)?;
        self.lapse(state).map_err(|_| internal(operation))?;
        let answer = Request::read(operation, headers, body).and_then(|request| match operation {
            Operation::ResolveCustomer => resolve::resolve(self, state, &request),
            Operation::BatchMeterUsage => metering::batch_meter_usage(self, state, &request, unprocessed),
            Operation::GetEntitlements => entitlement::get_entitlements(self, state, &request),
            Operation::DescribeAgreement => agreement::describe(self, state, &request),
            Operation::GetAgreementTerms => agreement::terms(state, &request),
            Operation::GetAgreementEntitlements => agreement::entitlements(self, state, &request),
            Operation::SearchAgreements => agreement::search(self, state, &request),
        });
        if let Err(exception) = &answer {
            let records = serde_json::from_slice(body).map(|document| metering::as_refused(&document));
            let records = records.unwrap_or_default();
            note_refusal(state, operation, exception.class, records).map_err(|_| internal(operation))?;
        }
        answer
    }

    /// Counts the call, and throttles those beyond the rate.
    fn count(&self, state: &mut State, operation: Operation) -> Result<(), Exception> {
        let now = self.now();
        let calls = state.calls.entry(operation).or_default();
        calls.all += 1;
        calls.in_second = if calls.second == Some(now) { calls.in_second + 1 } else { 1 };
        calls.second = Some(now);
        let over = state.knobs.limits_rates && calls.in_second > operation.rate();
        if over { Err(throttled()) } else { Ok(()) }
    }
}

/// What was refused is part of the truth.
pub(crate) fn note_refusal(
    state: &mut State,
    operation: Operation,
    error: &str,
    records: Vec<RefusedRecord>,
) -> std::io::Result<()> {
    let refused = Refused { operation: operation.name().to_owned(), error: error.to_owned(), records };
    state.world.commit(vec![Change::Refused(refused)])
}

fn refused(operation: Operation, exception: &Exception) -> Reply {
    Reply::Answer(Answer::exception(operation.service().is_json(), exception))
}

fn throttled() -> Exception {
    Exception::new("ThrottlingException", "Rate exceeded")
}

fn internal(operation: Operation) -> Exception {
    let class = match operation.service() {
        Service::Agreement => "InternalServerException",
        Service::Metering | Service::Entitlement => "InternalServiceErrorException",
    };
    Exception::with_status(500, class, "Internal error")
}
