//! The credentials of the contract, as OpenAPI names them.

use std::iter;

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi, PathItem};
use utoipa_axum::router::OpenApiRouter;

/// A licence's code, of whoever holds it.
const CODE: &str = "code";
/// The key of a machine that has registered one.
const MACHINE: &str = "machine";
/// The token of a service on one machine.
const TOKEN: &str = "token";
/// Credentials of AWS.
const AWS: &str = "aws";

/// Credentials that a function's calls name in `security`.
pub(crate) struct Credentials;

impl utoipa::Modify for Credentials {
    fn modify(&self, contract: &mut OpenApi) {
        let code = "`Authorization: License`, and the licence's code. The scheme is this service's own.";
        let machine = "Ed25519 in base64url, by the key that the machine has registered, over \
                       `marque/request/v1`, method, path and the hex SHA-256 of the body, a line each.";
        add(contract, CODE, header("Authorization", code));
        add(contract, MACHINE, header("Marque-Signature", machine));
    }
}

/// Lets every call of some routes name the publisher's credentials.
pub(crate) fn for_the_publisher<S: Clone + Send + Sync + 'static>(mut calls: OpenApiRouter<S>) -> OpenApiRouter<S> {
    let contract = calls.get_openapi_mut();
    let signed = "Deployed: Signature Version 4 of AWS for the service `lambda`.";
    let local = "`marque serve` alone: the `admin_token` of its `local.json`.";
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(local)).build();
    add(contract, AWS, header("Authorization", signed));
    add(contract, TOKEN, SecurityScheme::Http(token));
    let either = [AWS, TOKEN].map(|name| SecurityRequirement::new(name, iter::empty::<String>()));
    let calls_of = |path: &mut PathItem| {
        let PathItem { get, put, post, delete, patch, .. } = path;
        [get, put, post, delete, patch].into_iter().flatten().for_each(|call| call.security = Some(either.to_vec()));
    };
    contract.paths.paths.values_mut().for_each(calls_of);
    calls
}

fn add(contract: &mut OpenApi, name: &str, scheme: SecurityScheme) {
    contract.components.get_or_insert_default().add_security_scheme(name, scheme);
}

fn header(name: &str, description: &str) -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, description)))
}
