//! Signed tokens: compact JWS (RFC 7515) with Ed25519 (RFC 8037), an explicit `typ` and the refusals of RFC 8725, keys
//! as JWKs (RFC 7517) named by their thumbprints (RFC 7638).
//!
//! Text becomes an [`UnverifiedToken`], which has the right form and proves nothing. Only
//! [`UnverifiedToken::verify`] makes a [`Verified`] of it, with the algorithm from the key and never from the token.
//! Whether proven claims still hold at a given time and place is asked last: [`Verified::runs_at`],
//! [`AnyVerified::judge`].
//!
//! ```
//! use marque_core::token::{Expected, KeySet, Lease, TokenError, UnverifiedToken};
//!
//! # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw",
//! #     "kid":"--6IM5l0OosLj9yWskISYhUA3n_3CURQkmrYMSha_ck","use":"sig","typs":["lease+jwt","denial+jwt"],
//! #     "sign_from":"2027-01-01T00:00:00Z","sign_until":null}]}"#;
//! # let text = concat!(
//! #     "eyJhbGciOiJFZERTQSIsImtpZCI6Ii0tNklNNWwwT29zTGo5eVdza0lTWWhVQTNuXzNDVVJRa21yWU1TaGFfY2siLCJ0eXAiOiJs",
//! #     "ZWFzZStqd3QifQ.eyJpc3MiOiJodHRwczovL2xpY2VuY2VzLmV4YW1wbGUuY29tIiwiYXVkIjoia29waWNsb3VkLWFkLWFwaSIsI",
//! #     "nN1YiI6ImxpY18wMUFSWjNOREVLVFNWNFJSRkZRNjlHNUZBViIsImp0aSI6IjAxQVJaM05ERUtUU1Y0UlJGRlE2OUc1RkFWIiwia",
//! #     "WF0IjoxODAwMDAwMDAwLCJleHAiOjE4MDEyMDk2MDAsIm5vbmNlIjoiMDEyMzQ1Njc4OWFiY2RlZiIsInZhbGlkIjp0cnVlLCJjb",
//! #     "2RlIjoiVkFMSUQiLCJzdGF0ZSI6ImFjdGl2ZSIsInBsYW4iOiJ5ZWFybHkiLCJraW5kIjoic3Vic2NyaXB0aW9uIiwiZmVhdHVyZ",
//! #     "XMiOnt9LCJmaW5nZXJwcmludCI6eyJraW5kIjoiYWQtZG9tYWluIiwidmFsdWUiOiJjMzgwOWIwYTg2M2Y4OTg4ZWY3ZjhlZjIwN",
//! #     "WI2ZjE3YTk3YWIwOGM5MzRhMDljN2Q5OGM5MzgwMDk3ODY1YWU5In0sImluc3RhbmNlX2lkIjoiMmYxZTRmYzAtODFmZC00MWRhL",
//! #     "TkxNTYtMDAwMzZhY2QxMjM0IiwicHJldiI6bnVsbCwicGFpZF90aHJvdWdoIjoiMjAyNy0xMi0zMVQyMzo1OTo1OVoiLCJncmFjZ",
//! #     "V91bnRpbCI6IjIwMjgtMDEtMTRUMjM6NTk6NTlaIiwibmV4dF9jaGVjayI6IjIwMjctMDEtMTZUMDg6MDA6MDBaIn0.1aRn9gEtk",
//! #     "dfuDPVVQGZJjcN6AfZOlxWiJKtQAMF6-erpZKPg7QKFJxFPBcXs0R2YdydrTpGnflvOVM5ejPplCg",
//! # );
//! let keys = KeySet::parse(jwks.as_bytes())?;
//! let product = "kopicloud-ad-api".parse()?;
//! let expected = Expected { issuer: Some("https://licences.example.com"), audience: Some(&product) };
//!
//! let lease = UnverifiedToken::parse(text)?.verify::<Lease>(&keys, expected)?;
//! assert_eq!(lease.plan.as_str(), "yearly");
//! assert!(lease.runs_at("2027-01-20T00:00:00Z".parse()?));
//!
//! // Three years more by one letter: nobody signed that.
//! let forged = text.replace("LCJleHAiOjE4", "LCJleHAiOjE5");
//! let refused = UnverifiedToken::parse(&forged)?.verify::<Lease>(&keys, expected);
//! assert_eq!(refused, Err(TokenError::Signature));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod any;
mod claims;
mod error;
mod jws;
mod key;
mod keyset;
mod lic;
mod offline;
mod signing;
pub mod strict;
mod text;
mod typ;
mod verified;

pub use any::AnyVerified;
pub use claims::{Claims, Denial, KeySetClaims, Lease, LicenseFile, Licensee, Revocations, Revoked, Subject};
pub use error::{Part, TokenError};
pub use jws::{Expected, MAX_LIST, MAX_TOKEN, UnverifiedToken};
pub use key::{BadSignature, KeyError, KeyId, KeyIdError, PublicKey};
pub use keyset::{KeySet, KeySetError, ListedKey};
pub use lic::{LicError, LicFile};
pub use offline::{Judgement, Refused, Site, Warning};
pub use signing::{RootKey, SigningInput, SigningKey};
pub use typ::Typ;
pub use verified::Verified;
