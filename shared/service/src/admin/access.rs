//! Who may call `admin`: a principal of IAM, or on one machine whoever holds the local token.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header;
use http::request::Parts;
use marque_core::Actor;
use sha2::{Digest, Sha256};

use crate::http::Signer;
use crate::problem::Error;

/// How callers are known.
#[derive(Debug, Clone)]
pub enum Access {
    /// By `Authorization: Bearer <admin_token>`, on one machine.
    Token(LocalToken),
    /// By the identity that IAM has checked, in the function URL's request context. Without one a call is refused, even
    /// if the URL was opened by mistake.
    Iam,
}

/// The digest of the token of `marque serve`: comparing digests tells nothing of the token by its time.
#[derive(Debug, Clone)]
pub struct LocalToken([u8; 32]);

impl LocalToken {
    /// Takes the token's digest.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// What the history calls whoever holds the local token.
const LOCAL: &str = "local";

/// Whoever called, known and let in. A handler that takes one cannot be reached without a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: String,
    scope: String,
}

impl Caller {
    /// What they are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the history names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Principal(self.name.clone())
    }

    /// Whose idempotency keys theirs are: account and role without the session's name, so that the next session of the
    /// same role gets its answer again.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// A principal by its ARN.
    fn principal(arn: &str) -> Self {
        let scope = match arn.split_once(":assumed-role/") {
            Some((account, role)) => {
                let role = role.split_once('/').map_or(role, |(role, _)| role);
                format!("{account}:assumed-role/{role}")
            }
            None => arn.to_owned(),
        };
        Self { name: arn.to_owned(), scope }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        // Routes that nobody stands in front of let nobody in.
        parts.extensions.get::<Self>().cloned().ok_or(Error::AdminUnauthorized)
    }
}

/// Stands in front of every route of `admin`.
pub(crate) async fn authenticate(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    match access.caller(&request) {
        Some(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        None => Error::AdminUnauthorized.into_response(),
    }
}

impl Access {
    fn caller(&self, request: &Request) -> Option<Caller> {
        match self {
            Self::Token(token) => {
                let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
                let (scheme, given) = header.trim().split_once(' ')?;
                let known = scheme.eq_ignore_ascii_case("bearer") && LocalToken::new(given.trim()).0 == token.0;
                known.then(|| Caller { name: LOCAL.to_owned(), scope: LOCAL.to_owned() })
            }
            Self::Iam => request.extensions().get::<Signer>().map(|signer| Caller::principal(signer.arn())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_a_role_share_their_keys() {
        let role = "arn:aws:sts::123456789012:assumed-role/Store";
        let one = Caller::principal(&format!("{role}/one"));
        assert_eq!(one.scope(), role);
        assert_eq!(one.scope(), Caller::principal(&format!("{role}/two")).scope());
        assert_ne!(one.actor(), Caller::principal(&format!("{role}/two")).actor());
        let user = "arn:aws:iam::123456789012:user/ann";
        assert_eq!(Caller::principal(user).scope(), user);
    }
}
