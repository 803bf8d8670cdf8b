//! `ResolveCustomer`.

use marque_core::Duration;
use serde_json::json;

use crate::marketplace::{Marketplace, State};
use crate::reply::{Answer, Exception};
use crate::request::Request;

/// How long a token can be resolved, as often as one likes.
const TOKEN_LIFE: Duration = Duration::hours(4);

pub(crate) fn resolve(marketplace: &Marketplace, state: &State, request: &Request) -> Result<Answer, Exception> {
    let invalid = || Exception::new("InvalidTokenException", "Registration token is invalid.");
    let token = request.document["RegistrationToken"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Exception::new("ValidationException", "RegistrationToken must not be empty."))?;
    let (agreement, made) = state.world.tokens.get(token).ok_or_else(invalid)?;
    let purchase = state.world.purchases.get(agreement).ok_or_else(invalid)?;
    if made.after(TOKEN_LIFE) <= marketplace.now() {
        return Err(Exception::new("ExpiredTokenException", "The submitted registration token has expired."));
    }
    // Listings with concurrent agreements have no CustomerIdentifier.
    Ok(Answer::json(&json!({
        "CustomerAWSAccountId": purchase.account,
        "ProductCode": purchase.product_code,
        "LicenseArn": purchase.license_arn(),
        "Metadata": {"AgreementId": purchase.agreement},
    })))
}
