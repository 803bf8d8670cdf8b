//! `POST /v1/registrations`: a machine proves itself and gets its licence.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use marque_clouds::{Expected, Machine, RegionRoots};
use marque_core::listing::Mode;
use marque_core::{Check, Product, ProofBinding, Purpose, RegisteredMachine, Timestamp, evaluate};
use marque_store::{Challenge, CheckIn, KeptRoots, KeyRule, StoreError};
use sha2::{Digest, Sha256};

use super::body::{Code, Registration, RegistrationSchema};
use super::challenges::audience_prefix;
use super::judged::{Judged, listing_of};
use super::{billed, byol};
use crate::App;
use crate::http::{Body, signed_by};
use crate::problem::{Error, Problem, Taken};
use crate::validate::{CheckAnswer, Context, TRIES, answer, new_token_id, stamp};

const PATH: &str = "/v1/registrations";

/// Registers a machine, or confirms that it is registered: the way to a licence, and the daily proof of machines that
/// their cloud bills.
#[utoipa::path(
    post,
    path = PATH,
    tag = "machines",
    request_body = RegistrationSchema,
    params(("Marque-Signature" = String, Header, description = "Ed25519 by the machine's key")),
    security(("machine" = [])),
    responses(
        (status = 200, body = CheckAnswer, description = "The machine was known, or the verdict is a refusal."),
        (status = 201, body = CheckAnswer, description = "This call made or bound a licence."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body<Registration>,
) -> Result<Response, Error> {
    let now = app.clock().now();
    let request = &body.value;
    let digest: [u8; 32] = Sha256::digest(&body.bytes).into();
    let challenge = usable(&app, request, &digest, now).await?;
    if !signed_by(&headers, &request.public_key, &Method::POST, PATH, &body.bytes)? {
        return Err(Error::SignatureRequired);
    }
    if challenge.used.is_some() {
        return again(&app, request, &digest, now).await;
    }
    let machine = prove(&app, request, now).await?;
    let product = app.store().product(&request.caller.product).await?.ok_or(Error::ProductNotListed)?;
    for attempt in 0..TRIES {
        if attempt > 0 && usable(&app, request, &digest, now).await?.used.is_some() {
            return again(&app, request, &digest, now).await;
        }
        if let Some(response) = judge(&app, request, digest, &machine, &product, now).await? {
            return Ok(response);
        }
    }
    Err(StoreError::Contention { item: "a registration".to_owned() }.into())
}

/// The challenge, if this request may use it: given for its cloud, and used by nobody or by these very bytes.
async fn usable(app: &App, request: &Registration, digest: &[u8; 32], now: Timestamp) -> Result<Challenge, Error> {
    let found = app.store().challenge(&request.challenge, now).await?;
    let mine = |challenge: &Challenge| {
        let free = challenge.used.as_ref().is_none_or(|used| used.body == *digest);
        challenge.cloud == request.proof.cloud() && free
    };
    found.filter(mine).ok_or(Error::ChallengeUnknown)
}

async fn prove(app: &App, request: &Registration, now: Timestamp) -> Result<Machine, Error> {
    let verifier = app.verifier()?;
    let binding = ProofBinding::of(&request.challenge, &request.public_key_text);
    let prefix = audience_prefix(app);
    let kept = match verifier.region_needed(&request.proof) {
        Some(region) => app.store().kept_roots(&region).await?.map(roots),
        None => None,
    };
    let expected = Expected { binding: &binding, audience_prefix: &prefix };
    let verified = verifier.verify(&request.proof, expected, kept.as_ref(), now).await?;
    if let Some(RegionRoots { region, certificates, refresh_at }) = verified.learned {
        app.store().keep_roots(&KeptRoots { region, certificates, refresh_at }).await?;
    }
    Ok(verified.machine)
}

fn roots(kept: KeptRoots) -> RegionRoots {
    let KeptRoots { region, certificates, refresh_at } = kept;
    RegionRoots { region, certificates, refresh_at }
}

/// One try: `None` when somebody else changed the same things meanwhile.
async fn judge(
    app: &App,
    request: &Registration,
    digest: [u8; 32],
    machine: &Machine,
    product: &Product,
    now: Timestamp,
) -> Result<Option<Response>, Error> {
    let (listing, unproven) = listing_of(product, machine, !matches!(request.code, Code::Absent))?;
    if request.caller.fingerprint.kind != product.fingerprint_kind {
        let wanted = product.fingerprint_kind.as_str();
        return Err(Error::invalid("/fingerprint/kind", format!("must be `{wanted}`: the product asks for it")));
    }
    let known = app.store().machine(machine.cloud, &machine.instance).await?;
    let judged = Judged { request, digest, machine, known, listing, unproven, now };
    match listing.mode {
        Mode::Billed => billed::register(app, &judged).await,
        Mode::Byol => byol::register(app, &judged).await,
        Mode::Saas => Err(Error::ProductNotListed),
    }
}

/// The same bytes again: the answer was lost, the registration was not. What has changed since is not undone.
async fn again(app: &App, request: &Registration, digest: &[u8; 32], now: Timestamp) -> Result<Response, Error> {
    let used = usable(app, request, digest, now).await?.used.ok_or(Error::ChallengeUnknown)?;
    let machine = app.store().machine(request.proof.cloud(), &used.instance).await?.ok_or(Error::ChallengeUnknown)?;
    if machine.revoked {
        return Err(Error::MachineTaken(Taken::ShutOut));
    }
    // It may have registered for something else since.
    let machine = RegisteredMachine { mode: used.mode, claim: used.claim, confirmed: used.confirmed, ..machine };
    let license = app.store().license(used.license).await?.ok_or(Error::LicenseNotFound)?;
    let plans = app.plans(&license).await?;
    let caller = &request.caller;
    let held = license.activations.get(&caller.fingerprint.value);
    let (key, purpose) = match (used.mode, held) {
        (Mode::Byol | Mode::Saas, Some(held)) if held.public_key.is_none() => {
            (KeyRule::Unsigned, Purpose::Activate { trial_used: false })
        }
        (Mode::Billed, Some(held)) if held.replaced_keys.contains(&request.public_key) => {
            (KeyRule::Signed(request.public_key), Purpose::ValidateReplaced)
        }
        (Mode::Billed, Some(held)) if held.public_key == Some(request.public_key) => {
            (KeyRule::Signed(request.public_key), Purpose::Activate { trial_used: false })
        }
        // It was given back, or has another key since: only a new proof, or the code, tells who it is.
        _ => return Err(Error::ChallengeUnknown),
    };
    let check = Check { product: &caller.product, domain: &caller.fingerprint.value, purpose };
    let verdict = evaluate(&license, plans.as_ref(), check, now);
    let jti = new_token_id(now);
    if verdict.is_valid() {
        // The lease that is about to be signed is to be known, so that its holder is no stranger.
        let stamped = app.store().check_in(stamp(caller, license.id, jti, key, now)).await?;
        if !matches!(stamped, Some(CheckIn::Stamped(_))) {
            return Err(StoreError::Contention { item: license.id.to_string() }.into());
        }
    }
    let activation = held.map(|activation| activation.id);
    let context = Context { caller, jti, prev: None, activation, machine: Some(&machine) };
    answer(app, StatusCode::OK, &verdict, context).await
}
