//! Products: what the publisher sells, and where the clouds list it.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::listing::{Dimension, Effect};
use marque_core::usage::Retention;
use marque_core::{FingerprintKind, Listing, ListingName, Product, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::page::{Page, PageParameters, Parameters};
use super::{Caller, Success};
use crate::App;
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};

/// What a product's name may be: 1 to 200 characters in one line.
type Name = marque_core::PersonText;

/// A product to be written.
#[derive(Debug)]
pub(crate) struct NewProduct {
    name: Name,
    fingerprint_kind: FingerprintKind,
    marketplace: Vec<Listing>,
    usage_retention: Retention,
}

/// The body of a product.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = NewProduct)]
pub(crate) struct ProductSchema {
    /// For people: 1 to 200 characters in one line.
    name: String,
    /// What its licences are bound to: `ad-domain` or `custom`.
    #[schema(pattern = "^(ad-domain|custom)$")]
    fingerprint_kind: String,
    /// Where the clouds list it.
    #[serde(default)]
    marketplace: Vec<ListingSchema>,
    /// How long hours of metered usage are kept once they are confirmed: `P365D` to `P3650D`, `P400D` if absent.
    usage_retention: Option<String>,
}

/// A listing in a cloud's marketplace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Listing)]
pub(crate) struct ListingSchema {
    #[schema(pattern = "^(aws|azure|gcp|oci)$")]
    cloud: String,
    /// What the cloud's proofs and agreements call it: a product code, or Azure's `publisher/product/plan`.
    claim: String,
    #[schema(pattern = "^(byol|billed|saas)$")]
    mode: String,
    /// The plan of its licences.
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    plan: String,
    /// The listing's entity in the cloud's catalogue.
    entity_id: Option<String>,
    /// A machine may run for a while before the cloud confirms it.
    #[serde(default)]
    provisional: bool,
    /// OCI: the cloud's token for its marketplace proves the listing.
    #[serde(default)]
    accept_token: bool,
    #[serde(default)]
    dimensions: Vec<DimensionSchema>,
}

/// What agreements grant or meter.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Dimension)]
pub(crate) struct DimensionSchema {
    /// As the marketplace calls it.
    name: String,
    /// `plan` names the plan, a `limit` goes into the features, what is `metered` is reported.
    #[schema(pattern = "^(plan|limit|metered)$")]
    effect: String,
    /// Of what is metered.
    #[schema(pattern = "^(integral|decimal)$")]
    unit: Option<String>,
    /// Of what is metered: `per_hour` includes the entitlement's value each hour.
    #[schema(pattern = "^(none|per_hour)$")]
    included: Option<String>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductAnswer {
    /// As paths, tokens and fingerprints name it.
    #[schema(value_type = String)]
    product: Slug,
    name: String,
    fingerprint_kind: &'static str,
    marketplace: Vec<ListingSchema>,
    /// How long hours of metered usage are kept once they are confirmed.
    #[schema(example = "P400D")]
    usage_retention: String,
}

impl FromBody for NewProduct {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", str::parse);
        let fingerprint_kind = fields.required("fingerprint_kind", str::parse);
        let marketplace = fields.objects("marketplace", listing);
        if let Some(listings) = &marketplace {
            let twice = listings.iter().enumerate().find(|(at, listing)| {
                listings[..*at].iter().any(|other| (other.cloud, &other.claim) == (listing.cloud, &listing.claim))
            });
            if twice.is_some() {
                fields.fault::<()>("marketplace", "lists a claim of a cloud twice");
            }
        }
        let retention = fields.optional("usage_retention", str::parse);
        let usage_retention = if fields.has("usage_retention") { retention } else { Some(Retention::default()) };
        Some(Self {
            name: name?,
            fingerprint_kind: fingerprint_kind?,
            marketplace: marketplace?,
            usage_retention: usage_retention?,
        })
    }
}

fn listing(fields: &mut Fields<'_>) -> Option<Listing> {
    let cloud = fields.required("cloud", str::parse);
    let claim = fields.required("claim", str::parse);
    let mode = fields.required("mode", str::parse);
    let plan = fields.required("plan", str::parse);
    let entity_id: Option<ListingName> = fields.optional("entity_id", str::parse);
    let provisional = fields.flag("provisional");
    let accept_token = fields.flag("accept_token");
    let dimensions = fields.objects("dimensions", dimension);
    Some(Listing {
        cloud: cloud?,
        claim: claim?,
        mode: mode?,
        plan: plan?,
        entity_id,
        provisional: provisional?,
        accept_token: accept_token?,
        dimensions: dimensions?,
    })
}

fn dimension(fields: &mut Fields<'_>) -> Option<Dimension> {
    let name = fields.required("name", str::parse);
    let effect = fields.required("effect", |text| Ok::<_, &str>(text.to_owned()));
    let unit = fields.optional("unit", str::parse);
    let included = fields.optional("included", str::parse);
    let effect = match Effect::new(&effect?, unit, included) {
        Ok(effect) => Some(effect),
        Err(fault) => fields.fault("effect", fault),
    };
    Some(Dimension { name: name?, effect: effect? })
}

impl From<Product> for ProductAnswer {
    fn from(product: Product) -> Self {
        Self {
            product: product.slug,
            name: product.name,
            fingerprint_kind: product.fingerprint_kind.as_str(),
            marketplace: product.marketplace.iter().map(ListingSchema::from).collect(),
            usage_retention: product.usage_retention.to_string(),
        }
    }
}

impl From<&Listing> for ListingSchema {
    fn from(listing: &Listing) -> Self {
        Self {
            cloud: listing.cloud.to_string(),
            claim: listing.claim.to_string(),
            mode: listing.mode.to_string(),
            plan: listing.plan.to_string(),
            entity_id: listing.entity_id.as_ref().map(ListingName::to_string),
            provisional: listing.provisional,
            accept_token: listing.accept_token,
            dimensions: listing.dimensions.iter().map(DimensionSchema::from).collect(),
        }
    }
}

impl From<&Dimension> for DimensionSchema {
    fn from(dimension: &Dimension) -> Self {
        let (unit, included) = match dimension.effect {
            Effect::Metered { unit, included } => (Some(unit.to_string()), Some(included.to_string())),
            Effect::Plan | Effect::Limit => (None, None),
        };
        Self { name: dimension.name.to_string(), effect: dimension.effect.as_str().to_owned(), unit, included }
    }
}

/// Every product, by name.
#[utoipa::path(get, path = "/admin/v1/products", tag = "catalogue",
    params(
        PageParameters,
    ),
    responses(
        (status = 200, body = Page<ProductAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    parameters: Parameters,
) -> Result<Json<Page<ProductAnswer>>, Error> {
    let window = parameters.window::<Slug>("products")?;
    let mut found = app.store().products(window.after.as_ref(), window.to_read()).await?;
    let next = window.cut(&mut found, Clone::clone);
    let mut items = Vec::new();
    for slug in found {
        items.extend(app.store().product(&slug).await?.map(ProductAnswer::from));
    }
    Ok(Json(Page::new(items, next)))
}

/// Writes a product, whole, in place of what it was.
#[utoipa::path(put, path = "/admin/v1/products/{product}", tag = "catalogue",
    params(("product" = String, Path, description = "1 to 40 lower-case letters, digits and hyphens")),
    request_body = ProductSchema,
    responses(
        (status = 200, body = ProductAnswer, description = "It was there."),
        (status = 201, body = ProductAnswer, description = "It is new."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    Path(slug): Path<String>,
    _: Caller,
    body: Body<NewProduct>,
) -> Result<Success, Error> {
    let NewProduct { name, fingerprint_kind, marketplace, usage_retention } = body.value;
    let slug: Slug = slug.parse().map_err(|_| Error::NotFound)?;
    let status = if app.store().product(&slug).await?.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let product = Product { slug, name: name.as_str().to_owned(), fingerprint_kind, marketplace, usage_retention };
    app.store().put_product(&product).await?;
    Success::new(status, &ProductAnswer::from(product))
}

/// A product.
#[utoipa::path(get, path = "/admin/v1/products/{product}", tag = "catalogue",
    params(("product" = String, Path, description = "The product")),
    responses(
        (status = 200, body = ProductAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(slug): Path<String>,
    _: Caller,
) -> Result<Json<ProductAnswer>, Error> {
    Ok(Json(of_path(&app, &slug).await?.into()))
}

/// The product that a path names.
pub(super) async fn of_path(app: &App, slug: &str) -> Result<Product, Error> {
    let slug: Slug = slug.parse().map_err(|_| Error::NotFound)?;
    app.store().product(&slug).await?.ok_or(Error::NotFound)
}
