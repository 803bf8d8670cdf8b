//! One enumeration of everything that can be wrong with a call, and the one `match` that makes a problem document of it
//! (RFC 9457). No status code of a failure is written anywhere else.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use marque_clouds::ProofError;
use marque_core::Refusal;
use marque_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a call cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The body or a parameter is faulty: every fault of it.
    Invalid(Vec<Fault>),
    /// No credential, or an unknown one.
    Unauthorized,
    /// No credential of the publisher's, or an unknown one.
    AdminUnauthorized,
    /// The lease is none, another licence's, has run out, or its server was released.
    LeaseInvalid,
    /// The call must be signed by the machine's key.
    SignatureRequired,
    /// The call's signature is not by the machine's key.
    SignatureInvalid,
    /// Nothing is at this path, or the thing is not there for this caller.
    NotFound,
    /// A thing that the body names is not there: which one.
    Unknown(&'static str),
    /// No such licence.
    LicenseNotFound,
    /// The path takes other methods.
    MethodNotAllowed,
    /// Over 64 KiB.
    BodyTooLarge,
    /// Not plain JSON.
    UnsupportedMediaType,
    /// The licence's state forbids the action.
    StateConflict {
        /// The state it is in.
        from: &'static str,
        /// What was asked for.
        action: &'static str,
        /// Which cure there is.
        detail: String,
    },
    /// The key of this request was used with another body.
    IdempotencyConflict,
    /// Only perpetual licences have files.
    NotPerpetual,
    /// A file is made for the domain that a licence is bound to, and it is bound to none.
    NotActivated,
    /// Only support can release a server that a file was made for.
    FileIssued,
    /// The code cannot be one.
    CodeMistyped,
    /// Understood, but a rule of product or plan forbids it.
    RuleViolated(&'static str),
    /// The challenge was never given, is used, has lapsed, or is another cloud's.
    ChallengeUnknown,
    /// A machine's proof is refused. The reason is for the log alone.
    Proof(ProofError),
    /// The machine was started from no listing of the product.
    ProductNotListed,
    /// The machine's listing brings no licence.
    ByolCodeRequired,
    /// The machine cannot have what it asks for.
    MachineTaken(Taken),
    /// Another machine holds the account's licence in this domain.
    DomainTaken,
    /// Too often: again after so many seconds.
    RateLimited {
        /// Seconds.
        retry_after: u32,
    },
    /// Not now. The cause is for the log alone.
    Unavailable {
        /// For the log.
        cause: String,
    },
}

/// One fault of a body or a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where it is, as a JSON pointer (RFC 6901); a parameter as `?name`.
    pub pointer: String,
    /// What it must be.
    pub detail: String,
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:marque:problem:` and the code in kebab case.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A sentence that names the cure.
    pub detail: String,
    /// Stable, for programs.
    pub code: &'static str,
    /// The same id as in the header and the log.
    pub request_id: String,
    /// Every fault of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// The state that forbids the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// The action that the state forbids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
}

/// Seconds after which a caller may try again when the table did not answer.
pub(crate) const RETRY_SOON: u32 = 5;
/// The same, when a cloud's keys could not be fetched: they are asked for once a minute.
const RETRY_LATER: u32 = 60;

/// Why a machine cannot have what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Another key holds it, and the proof may be a copy of one that was shown before.
    ByKey,
    /// The year's changes of key, machine and domain are used up.
    TooOften,
    /// Support has shut it out.
    ShutOut,
}

impl Taken {
    /// Title and cure.
    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::ByKey => (
                "Another key holds this machine",
                "Stop and start the machine (a reboot is not enough) and register it again, or ask the vendor's support.",
            ),
            Self::TooOften => (
                "The machine has changed too often",
                "The year's changes are used up: register with the key and in the domain that it had last, or ask the vendor's support.",
            ),
            Self::ShutOut => {
                ("The machine is shut out", "The vendor has shut this machine out: ask the vendor's support.")
            }
        }
    }
}

impl Error {
    /// A single fault.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault { pointer: pointer.into(), detail: detail.into() }])
    }

    /// The status, the stable code, its title, and the sentence that names the cure.
    fn describe(&self) -> (StatusCode, &'static str, &'static str, &str) {
        use StatusCode as S;
        match self {
            Self::Invalid(_) => (
                S::BAD_REQUEST,
                "INVALID_REQUEST",
                "The request is faulty",
                "Mend every fault that is listed and send it again.",
            ),
            Self::Unauthorized => (
                S::UNAUTHORIZED,
                "UNAUTHORIZED",
                "A credential is needed",
                "Send `Authorization: License` with the licence's code.",
            ),
            Self::AdminUnauthorized => (
                S::UNAUTHORIZED,
                "UNAUTHORIZED",
                "A credential is needed",
                "Sign the request with AWS credentials (SigV4) that may invoke this function; on one machine send `Authorization: Bearer` with the admin token.",
            ),
            Self::LeaseInvalid => (
                S::UNAUTHORIZED,
                "LEASE_INVALID",
                "The lease does not hold",
                "Send `Authorization: Bearer` with the lease of this licence's last check; if it has run out, check first.",
            ),
            Self::SignatureRequired => (
                S::UNAUTHORIZED,
                "SIGNATURE_REQUIRED",
                "The request must be signed",
                "This machine registered a key: sign the request with it in `Marque-Signature`, or activate again with the code.",
            ),
            Self::SignatureInvalid => (
                S::UNAUTHORIZED,
                "SIGNATURE_INVALID",
                "The signature does not hold",
                "Sign method, path and the body's SHA-256 with the key that this machine registered, or activate again with the code.",
            ),
            Self::NotFound => {
                (S::NOT_FOUND, "NOT_FOUND", "Nothing is here", "Compare path and identifiers with /openapi.json.")
            }
            Self::Unknown(which) => (S::NOT_FOUND, "NOT_FOUND", "Nothing is here", which),
            Self::LicenseNotFound => (
                S::NOT_FOUND,
                "LICENSE_NOT_FOUND",
                "No such licence",
                "Compare the code or licence id with the one you were given, or ask the vendor's support.",
            ),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "The path takes other methods",
                "Use a method that the `Allow` header names.",
            ),
            Self::BodyTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", "The body is too large", "Send at most 65536 bytes.")
            }
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "The body's type is not supported",
                "Send `Content-Type: application/json` without a `Content-Encoding`.",
            ),
            Self::StateConflict { detail, .. } => {
                (S::CONFLICT, "STATE_CONFLICT", "The licence's state forbids it", detail)
            }
            Self::IdempotencyConflict => (
                S::CONFLICT,
                "IDEMPOTENCY_CONFLICT",
                "The key was used with another body",
                "Repeat a request with the very same body, or give a new request a new Idempotency-Key.",
            ),
            Self::NotPerpetual => (
                S::CONFLICT,
                "NOT_PERPETUAL",
                "The licence has no file",
                "Only perpetual licences have files; others check in over the internet.",
            ),
            Self::NotActivated => (
                S::CONFLICT,
                "NOT_ACTIVATED",
                "The licence is bound to no domain",
                "Activate a server with the code first: the file is made for its domain.",
            ),
            Self::FileIssued => (
                S::CONFLICT,
                "FILE_ISSUED",
                "A licence file was issued",
                "A file was issued for this server, so it cannot be released here: ask the vendor's support.",
            ),
            Self::CodeMistyped => (
                S::UNPROCESSABLE_ENTITY,
                "CODE_MISTYPED",
                "The licence code is mistyped",
                "A symbol is wrong, swapped, missing or too many: compare the code with the one you were given.",
            ),
            Self::RuleViolated(rule) => (S::UNPROCESSABLE_ENTITY, "RULE_VIOLATED", "A rule forbids it", rule),
            Self::ChallengeUnknown => (
                S::CONFLICT,
                "CHALLENGE_UNKNOWN",
                "The challenge is not known",
                "Ask for a new challenge for the machine's own cloud, and use it once, within five minutes.",
            ),
            Self::Proof(error) => describe_proof(error),
            Self::ProductNotListed => (
                S::UNPROCESSABLE_ENTITY,
                "PRODUCT_NOT_LISTED",
                "The machine was not started from a listing of this product",
                "Start a machine from the vendor's listing in the cloud's marketplace, or activate this server with a code.",
            ),
            Self::ByolCodeRequired => (
                S::UNPROCESSABLE_ENTITY,
                "BYOL_CODE_REQUIRED",
                "A licence code is needed",
                "This machine's listing brings no licence: send the code of one in `code`.",
            ),
            Self::MachineTaken(taken) => {
                let (title, detail) = taken.describe();
                (S::CONFLICT, "MACHINE_TAKEN", title, detail)
            }
            Self::DomainTaken => (
                S::CONFLICT,
                "DOMAIN_TAKEN",
                "Another machine holds the licence in this domain",
                "Stop the other machine and register this one 24 hours after its last check, or ask the vendor's support.",
            ),
            Self::RateLimited { .. } => (
                S::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "Too many requests",
                "Wait for as long as `Retry-After` says, then try again.",
            ),
            Self::Unavailable { .. } => (
                S::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "The service cannot answer now",
                "Keep running on the lease and try again after `Retry-After`. If it lasts, give the vendor's support the request id.",
            ),
        }
    }

    /// The stable code, for the log.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.describe().1
    }

    /// The status, for answers that are pages.
    pub(crate) fn status(&self) -> StatusCode {
        self.describe().0
    }

    /// What only the log may tell.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause } => Some(cause),
            Self::Proof(error) => Some(error.reason()),
            _ => None,
        }
    }

    /// The problem document under this request's id.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        let (status, code, title, detail) = self.describe();
        let (errors, from, action) = match self {
            Self::Invalid(faults) => (faults.clone(), None, None),
            Self::StateConflict { from, action, .. } => (Vec::new(), Some(*from), Some(*action)),
            _ => (Vec::new(), None, None),
        };
        let kind = format!("urn:marque:problem:{}", code.to_ascii_lowercase().replace('_', "-"));
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.to_owned(),
            code,
            request_id: request_id.to_owned(),
            errors,
            from,
            action,
        }
    }

    /// The whole answer under this request's id.
    pub(crate) fn answer(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.problem(request_id)).unwrap_or_default();
        let mut response =
            (self.describe().0, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let retry_after = match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Unavailable { .. } => Some(RETRY_SOON),
            Self::Proof(ProofError::SourceUnavailable(_)) => Some(RETRY_LATER),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }

    /// Which credentials would be taken: every 401 says so (RFC 9110, section 11.6.1). Two of the schemes are our own.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("License realm=\"marque\""),
            Self::AdminUnauthorized => Some("AWS4-HMAC-SHA256 realm=\"marque\", Bearer realm=\"marque\""),
            Self::LeaseInvalid => Some("Bearer realm=\"marque\", error=\"invalid_token\""),
            Self::SignatureRequired | Self::SignatureInvalid => Some("Marque-Signature realm=\"marque\""),
            _ => None,
        }
    }

    /// What a bare status of the router means.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            status if status.is_client_error() => Self::invalid("", "the request cannot be read"),
            status => Self::Unavailable { cause: format!("a bare {status}") },
        }
    }
}

fn describe_proof(error: &ProofError) -> (StatusCode, &'static str, &'static str, &str) {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    match error {
        ProofError::Invalid(_) => (
            unprocessable,
            "PROOF_INVALID",
            "The proof does not hold",
            "Fetch a new proof from the machine's metadata service and send it unchanged.",
        ),
        ProofError::Untrusted(_) => (
            unprocessable,
            "PROOF_UNTRUSTED",
            "The proof is signed by nobody whom the service trusts",
            "Register from a machine in a commercial region of its cloud; the vendor may have to renew the trust data.",
        ),
        ProofError::Stale(_) => (
            unprocessable,
            "PROOF_STALE",
            "The proof is too old",
            "Fetch a new proof from the machine's metadata service and send it at once.",
        ),
        ProofError::ChallengeMismatch(_) => (
            unprocessable,
            "CHALLENGE_MISMATCH",
            "The proof was made for something else",
            "Have the proof made for the binding of this very challenge and key.",
        ),
        ProofError::SourceUnavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "PROOF_SOURCE_UNAVAILABLE",
            "The cloud's keys cannot be had now",
            "Keep running on the lease and register again after `Retry-After`.",
        ),
    }
}

impl From<ProofError> for Error {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

/// Carries the error to the one place that knows the request's id.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.describe().0.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Unavailable { cause: error.to_string() }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::State { from, action, .. } => {
                Self::StateConflict { from: from.as_str(), action: action.as_str(), detail }
            }
            Refusal::Rule(rule) => Self::RuleViolated(rule),
            Refusal::FileIssued => Self::FileIssued,
        }
    }
}
