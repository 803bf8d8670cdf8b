//! `POST /v1/registrations`: a machine proves itself and gets its licence.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use marque_clouds::{Expected, Machine, ProofError, RegionRoots};
use marque_core::listing::Mode;
use marque_core::{Check, LicenseId, ProofBinding, Purpose, RegisteredMachine, Timestamp, evaluate};
use marque_store::{CheckIn, Found, KeptRoots, KeyRule, Named, NamedMachine, StoreError, Use};
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
    let mut found = look_up(&app, request, now).await?;
    let mut used = usable(&found, request, &digest)?;
    if !signed_by(&headers, &request.public_key, &Method::POST, PATH, &body.bytes)? {
        return Err(Error::SignatureRequired);
    }
    if let Some(used) = used {
        return again(&app, request, used, found.machine, now).await;
    }
    let machine = prove(&app, request, found.roots.take(), now).await?;
    for attempt in 0..TRIES {
        if attempt > 0 {
            found = look_up(&app, request, now).await?;
            used = usable(&found, request, &digest)?;
        }
        if let Some(used) = used {
            return again(&app, request, used, found.machine, now).await;
        }
        if let Some(response) = judge(&app, request, digest, &machine, std::mem::take(&mut found), now).await? {
            return Ok(response);
        }
    }
    Err(StoreError::Contention { item: "a registration".to_owned() }.into())
}

/// Reads all that the body names in one request: the challenge, what its proof says the machine is, what that is billed
/// for. Nothing of it counts before the proof is verified.
async fn look_up(app: &App, request: &Registration, now: Timestamp) -> Result<Found, Error> {
    let verifier = app.verifier().ok();
    let claimed = verifier.as_ref().and_then(|verifier| verifier.claimed(&request.proof));
    let region = verifier.as_ref().and_then(|verifier| verifier.region_needed(&request.proof));
    let code = match &request.code {
        Code::Given(code) => Some(code.digest()),
        Code::Absent | Code::Mistyped => None,
    };
    let machine = claimed.as_ref().map(|claimed| NamedMachine {
        cloud: request.proof.cloud(),
        account: &claimed.account,
        instance: &claimed.instance,
    });
    let named = Named {
        challenge: &request.challenge,
        product: &request.caller.product,
        domain: &request.caller.fingerprint.value,
        machine,
        code: code.as_ref(),
        region: region.as_deref(),
    };
    Ok(app.store().named(named, now).await?)
}

/// Whether this request may use the challenge: given for its cloud, and used by nobody; or by these very bytes, and what
/// for.
fn usable(found: &Found, request: &Registration, digest: &[u8; 32]) -> Result<Option<Use>, Error> {
    match &found.challenge {
        Some(challenge) if challenge.cloud == request.proof.cloud() => match &challenge.used {
            Some(used) if used.body != *digest => Err(Error::ChallengeUnknown),
            used => Ok(used.clone()),
        },
        _ => Err(Error::ChallengeUnknown),
    }
}

async fn prove(app: &App, request: &Registration, kept: Option<KeptRoots>, now: Timestamp) -> Result<Machine, Error> {
    let verifier = app.verifier()?;
    let binding = ProofBinding::of(&request.challenge, &request.public_key_text);
    let prefix = audience_prefix(app);
    let expected = Expected { binding: &binding, audience_prefix: &prefix };
    let kept = kept.map(roots);
    let verified = verifier.verify(&request.proof, expected, kept.as_ref(), now).await?;
    if let Some(RegionRoots { region, certificates, refresh_at }) = verified.learned {
        app.store().keep_roots(&KeptRoots { region, certificates, refresh_at }).await?;
    }
    let Machine { account, instance, .. } = &verified.machine;
    // Both readings are of the same bytes; said again, so that it does not hang on that.
    match verifier.claimed(&request.proof) {
        Some(claimed) if claimed.account == *account && claimed.instance == *instance => Ok(verified.machine),
        _ => Err(ProofError::Invalid("the machine changed").into()),
    }
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
    found: Found,
    now: Timestamp,
) -> Result<Option<Response>, Error> {
    let product = found.product.ok_or(Error::ProductNotListed)?;
    let (listing, unproven) = listing_of(&product, machine, !matches!(request.code, Code::Absent))?;
    if request.caller.fingerprint.kind != product.fingerprint_kind {
        let wanted = product.fingerprint_kind.as_str();
        return Err(Error::invalid("/fingerprint/kind", format!("must be `{wanted}`: the product asks for it")));
    }
    let (known, by_code) = (found.machine, found.license);
    let judged = Judged { request, digest, machine, known, by_code, listing, unproven, now };
    match listing.mode {
        Mode::Billed => billed::register(app, &judged, found.billed).await,
        Mode::Byol => byol::register(app, &judged).await,
        Mode::Saas => Err(Error::ProductNotListed),
    }
}

/// The same bytes again: the answer was lost, the registration was not. What has changed since is not undone.
async fn again(
    app: &App,
    request: &Registration,
    used: Use,
    machine: Option<RegisteredMachine>,
    now: Timestamp,
) -> Result<Response, Error> {
    let machine = machine.filter(|machine| machine.instance == used.instance).ok_or(Error::ChallengeUnknown)?;
    if machine.revoked {
        return Err(Error::MachineTaken(Taken::ShutOut));
    }
    // It may have registered for something else since.
    let machine = RegisteredMachine { mode: used.mode, claim: used.claim, confirmed: used.confirmed, ..machine };
    for _ in 0..TRIES {
        if let Some(response) = sign_again(app, request, used.license, &machine, now).await? {
            return Ok(response);
        }
    }
    Err(StoreError::Contention { item: used.license.to_string() }.into())
}

/// One try: `None` when the licence has changed meanwhile.
async fn sign_again(
    app: &App,
    request: &Registration,
    license: LicenseId,
    machine: &RegisteredMachine,
    now: Timestamp,
) -> Result<Option<Response>, Error> {
    let license = app.store().license(license).await?.ok_or(Error::LicenseNotFound)?;
    let plans = app.plans(&license).await?;
    let caller = &request.caller;
    let held = license.activations.get(&caller.fingerprint.value);
    let (key, purpose) = match (machine.mode, held) {
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
            return Ok(None);
        }
    }
    let activation = held.map(|activation| activation.id);
    let context = Context { caller, jti, prev: None, activation, machine: Some(machine) };
    answer(app, StatusCode::OK, &verdict, context).await.map(Some)
}
