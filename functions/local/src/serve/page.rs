//! The page at `/`: what runs, the demo codes, calls that work when pasted.

use std::cell::Cell;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header;
use marque_core::fingerprint::ad_domain;
use marque_service::demo::DemoLicense;
use maud::{DOCTYPE, Markup, html};

use super::Local;

const STYLE: &str = include_str!("page.css");
/// No scripts, nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The domain that the calls on the page are made from.
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330";
const GUID: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";

pub(super) fn routes() -> Router<Local> {
    Router::new().route("/", get(show)).route("/local/style.css", get(style))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], STYLE).into_response()
}

async fn show(State(local): State<Local>) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page(&local).into_string())).into_response()
}

fn page(local: &Local) -> Markup {
    let info = &local.info;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Marque on this machine" }
                link rel="stylesheet" href="/local/style.css";
            }
            body {
                header {
                    p.brand { span.seal aria-hidden="true" { "M" } "Marque" }
                    h1 { "Your licensing service is running." }
                    p.lead {
                        "Everything is on this machine: a DynamoDB, a key ring, and the demo product "
                        code { (info.demo.product) } ". Nothing leaves it."
                    }
                    dl.facts {
                        div { dt { "Address" } dd { code { (info.url) } } }
                        div { dt { "Service time" } dd { time { (local.app.clock().now()) } } }
                        div { dt { "Issuer" } dd { code { (info.issuer) } } }
                        div { dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) } }
                    }
                }
                main {
                    section aria-labelledby="codes" {
                        h2 id="codes" { "Demo licences" }
                        p { "One of each plan on sale. They are renewed when the service starts." }
                        (codes(&info.demo.licenses))
                    }
                    section aria-labelledby="try" {
                        h2 id="try" { "Try it" }
                        p { "Paste these into a terminal, in order. They are a server in one Active Directory domain." }
                        (calls(local))
                    }
                    section aria-labelledby="buy" {
                        h2 id="buy" { "Buy it on the simulated AWS Marketplace" }
                        (super::buttons::section(local))
                    }
                    section aria-labelledby="look" {
                        h2 id="look" { "Look around" }
                        (links())
                    }
                }
                footer { p { "This page and everything under " code { "/local/" } " exist only in " code { "marque serve" } ", never in a deployed function." } }
            }
        }
    }
}

fn codes(licenses: &[DemoLicense]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Demo licences" {
            table {
                thead { tr { th scope="col" { "Plan" } th scope="col" { "Code" } th scope="col" { "Licence" } } }
                tbody {
                    @for license in licenses {
                        tr {
                            th scope="row" { (license.plan) @if license.kind.as_str() != license.plan.as_str() { " " span.kind { (license.kind) } } }
                            td { code.code { (license.code) } }
                            td { code { (license.id) } }
                        }
                    }
                }
            }
        }
    }
}

fn calls(local: &Local) -> Markup {
    let info = &local.info;
    let code = |plan: &str| info.demo.licenses.iter().find(|license| license.plan.as_str() == plan);
    let (Some(yearly), Some(perpetual)) = (code("yearly"), code("perpetual")) else { return html! {} };
    let url = &info.url;
    let product = &info.demo.product;
    let domain = ad_domain(product, SID, GUID).value;
    let server = format!(
        "\"product\":\"{product}\",\"fingerprint\":{{\"kind\":\"ad-domain\",\"value\":\"{domain}\"}},\n  \"instance_id\":\"2f1e4fc0-81fd-41da-9156-00036acd1234\",\"nonce\":\"NONCE\",\"product_version\":\"1.2.0\""
    );
    // A nonce is fresh for each call, on a page too.
    let calls = Cell::new(0);
    let post = |path: &str, body: String| {
        calls.set(calls.get() + 1);
        let body = body.replace("NONCE", &format!("first-steps-nonce-{}", calls.get()));
        format!("curl -s {url}{path} -H 'Content-Type: application/json' -d '{{{body}}}'")
    };
    let steps = [
        (
            "Activate a server with its code",
            post("/v1/activations", format!("\"code\":\"{}\",\n  {server}", yearly.code)),
        ),
        (
            "Check in, as it does once a day",
            post("/v1/validations", format!("\"license_id\":\"{}\",\n  {server}", yearly.id)),
        ),
        ("Ask why", post("/v1/explain", format!("\"code\":\"{}\"", yearly.code))),
        (
            "Let thirteen months pass; then check in again as above",
            post("/local/clock", "\"advance\":\"P13M\"".to_owned()),
        ),
        (
            "Activate the perpetual licence",
            post("/v1/activations", format!("\"code\":\"{}\",\n  {server}", perpetual.code)),
        ),
        (
            "Fetch its file, for a site without internet",
            format!(
                "curl -s {url}/v1/licenses/{}/file -H 'Authorization: License {}' -o server.lic",
                perpetual.id, perpetual.code
            ),
        ),
        (
            "Verify the file off line",
            format!("curl -s {url}/.well-known/jwks.json -o jwks.json && marque verify server.lic --keys jwks.json"),
        ),
    ];
    html! {
        ol.steps {
            @for (title, call) in &steps {
                li { h3 { (title) } pre tabindex="0" { code { (call) } } }
            }
        }
    }
}

fn links() -> Markup {
    let places = [
        ("/openapi.json", "The contract", "OpenAPI 3.1, made from the handlers' types"),
        ("/.well-known/jwks.json", "The keys", "for stock JOSE libraries"),
        ("/.well-known/keys.jwt", "The key set", "signed by the root that products embed"),
        ("/v1/revocations", "The list of revocations", "files and licences no longer good"),
        ("/local/outbox", "The mails", "that would have been sent; POST /local/run/sweep sends what is due"),
        (
            "/local/aws/metered",
            "Usage",
            "as the simulated marketplace knows it; POST /local/run/meter reports what is due",
        ),
        ("/local/clock", "The clock", "POST {\"advance\": \"P1D\"} moves everything"),
        ("/health", "Health", "one read of the table"),
    ];
    html! {
        ul.links {
            @for (path, name, about) in places {
                li { a href=(path) { (name) } " " span { (about) } }
            }
        }
    }
}
