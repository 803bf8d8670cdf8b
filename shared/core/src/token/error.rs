//! Why a token is refused.

use super::keyset::KeySetError;
use super::strict::StrictJsonError;
use super::typ::Typ;

/// Why a token is refused. Nothing of the token is in it but names that the contract knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over the limit of its kind.
    #[error("the token is too large")]
    TooLarge,
    /// Not `header.payload.signature`.
    #[error("the token must be three parts with a dot between them: it was cut off or run together with other text")]
    NotThreeParts,
    /// Not the one spelling that base64url without padding has for some bytes.
    #[error(
        "the token's {0} is not canonical base64url without padding: copy the token again, without spaces or line breaks"
    )]
    Encoding(Part),
    /// Not a JSON object.
    #[error("the token's {0} is not a JSON object")]
    NotAnObject(Part),
    /// Not JSON that can be read in one way only.
    #[error("the token's {0} is faulty JSON")]
    Json(Part),
    /// A member of an object is there twice.
    #[error("the token's {0} names a member twice")]
    DuplicateMember(Part),
    /// `alg`, `typ` or `kid` is missing or not a text.
    #[error("the token's header has no `{0}` that is a text")]
    HeaderMember(&'static str),
    /// A header that asks for more than the contract knows: `crit`, or a key of the token's own choosing.
    #[error("the token's header has members besides `alg`, `kid` and `typ`, as no token of Marque has")]
    HeaderExtra,
    /// Another algorithm than the key's.
    #[error("the token's `alg` must be EdDSA or Ed25519")]
    Algorithm,
    /// None of Marque's kinds of tokens.
    #[error("the token's `typ` is not known here: it is not Marque's, or of a newer service; update this program")]
    UnknownTyp,
    /// Another kind of token than is wanted here.
    #[error("a token of the kind {expected} is needed here, this is {found}")]
    WrongTyp {
        /// What is wanted.
        expected: Typ,
        /// What its header says.
        found: Typ,
    },
    /// The key is not in the key set, or is not the root.
    #[error("the token's key is not known: fetch the key set anew, or check that it is this publisher's")]
    UnknownKey,
    /// The key is listed for other kinds of tokens.
    #[error("the token's key may not sign {0}")]
    NotItsDuty(Typ),
    /// Changed after it was signed, or never signed by that key.
    #[error("the token's signature is wrong: it was damaged or changed; get it again")]
    Signature,
    /// A claim that every token of the kind has is not there.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim has the wrong type or format, or another value than every token of the kind has.
    #[error("the token's claim `{0}` is not what a token of this kind has")]
    IllTypedClaim(&'static str),
    /// A claim is there that tokens of the kind never have.
    #[error("the token has a claim `{0}`, which no token of this kind has")]
    UnexpectedClaim(&'static str),
    /// Issued before the key was in use.
    #[error("the token was issued before its key was in use: get a new one")]
    BeforeItsKey,
    /// Issued when the key was out of use.
    #[error("the token was issued after its key was taken out of use: get a new one")]
    AfterItsKey,
    /// Another issuer than expected.
    #[error("the token is of another issuer than expected")]
    Issuer,
    /// For another product than expected.
    #[error("the token is for another product: get one for this product")]
    Audience,
    /// An older key set than the one at hand: somebody may want an old key back.
    #[error("the key set is older (seq {found}) than the one at hand (seq {at_hand}): fetch it anew")]
    OldKeySet {
        /// Its `seq`.
        found: u64,
        /// The `seq` that is the least to accept.
        at_hand: u64,
    },
    /// The keys in a key set are faulty.
    #[error("the key set is faulty: {0}")]
    KeySet(#[from] KeySetError),
    /// A key set can only be proven by the root.
    #[error("a key set is proven by the root key, which was not given")]
    NoRoot,
}

impl TokenError {
    pub(super) fn json(part: Part, error: &StrictJsonError) -> Self {
        match error {
            StrictJsonError::Duplicate { .. } => Self::DuplicateMember(part),
            _ => Self::Json(part),
        }
    }
}

/// One of a token's three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What says how it is signed.
    Header,
    /// The claims.
    Payload,
    /// The signature.
    Signature,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}
