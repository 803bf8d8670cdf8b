//! `/aws/registration`: who the buyer is. A form for one agreement, which its hidden handle names.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use marque_core::agreement::Chain;
use marque_core::{Customer, CustomerId, Email, Language, PersonText, Timestamp};
use maud::html;

use super::form::Form;
use super::handle::{Handle, Purpose};
use super::keep::Kept;
use super::news::News;
use super::pages;
use super::session::Session;
use super::shop::Shop;
use super::texts::{EMAIL_FAULT, FAULTY_FORM, FIELDS, NAME_FAULT, Notice, TERMS_FAULT, TERMS_LABEL};
use crate::chance;
use crate::problem::Error;

const STATUS: &str = "/aws/status";

/// What was entered, and what is wrong with it, by field.
#[derive(Debug, Default)]
struct Entered {
    values: [String; 3],
    terms: bool,
    faults: [Option<&'static str>; 3],
    terms_fault: bool,
}

/// The form; whoever has registered sees the status instead.
pub(super) async fn form(State(shop): State<Shop>, session: Session) -> Response {
    match chain_of(&shop, &session).await {
        Ok(Some(chain)) if chain.customer.is_none() => show(&shop, &session, StatusCode::OK, &Entered::default()),
        Ok(Some(_)) => Redirect::to(STATUS).into_response(),
        Ok(None) => pages::notice(&shop, Notice::NoSession),
        Err(error) => failed(&shop, &error),
    }
}

/// Takes the form: the agreement is bound to whoever registers first.
pub(super) async fn register(State(shop): State<Shop>, session: Session, headers: HeaderMap, form: Form) -> Response {
    if is_cross_site(&headers) {
        return pages::notice(&shop, Notice::CrossSite);
    }
    let now = shop.app().clock().now();
    let handle = form.get("handle").and_then(|text| Handle::read(text, Purpose::Form, shop.sessions(), now));
    if handle.is_none_or(|handle| handle.agreement != session.0.agreement) {
        return pages::notice(&shop, Notice::OtherAgreement);
    }
    let entered = Entered::read(&form);
    let Some(customer) = entered.customer(now) else {
        return show(&shop, &session, FAULTY_FORM, &entered);
    };
    match bind(&shop, &session, customer, now).await {
        Ok(true) => Redirect::to(STATUS).into_response(),
        Ok(false) => pages::notice(&shop, Notice::NoSession),
        Err(error) => failed(&shop, &error),
    }
}

async fn bind(shop: &Shop, session: &Session, customer: Customer, now: Timestamp) -> Result<bool, Error> {
    let Some(chain) = chain_of(shop, session).await? else { return Ok(false) };
    let Some(agreement) = chain.agreement(session.0.agreement) else { return Ok(false) };
    let news = News { customer: Some(customer), ..News::of(agreement.external_id.clone(), agreement.facts.requested) };
    Ok(matches!(shop.keep(&news, now).await?, Kept::Known { .. }))
}

async fn chain_of(shop: &Shop, session: &Session) -> Result<Option<Chain>, Error> {
    Ok(shop.app().store().chain_of_agreement(session.0.agreement).await?)
}

pub(super) fn failed(shop: &Shop, error: &Error) -> Response {
    tracing::error!(cause = error.cause(), code = error.code(), "a buyer's page could not be shown");
    pages::notice(shop, Notice::NotNow)
}

/// Browsers say where a form comes from; what says nothing is no browser, and has no session to abuse.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

impl Entered {
    fn read(form: &Form) -> Self {
        let values = FIELDS.map(|field| form.get(field.name).unwrap_or_default().to_owned());
        let is_text = |text: &str| text.parse::<PersonText>().is_ok();
        let faults = [
            (!is_text(&values[0])).then_some(NAME_FAULT),
            (!is_text(&values[1])).then_some(NAME_FAULT),
            values[2].trim().parse::<Email>().is_err().then_some(EMAIL_FAULT),
        ];
        let terms = form.get("terms").is_some_and(|value| !value.is_empty());
        Self { values, terms, faults, terms_fault: !terms }
    }

    /// The customer, if nothing is wrong.
    fn customer(&self, now: Timestamp) -> Option<Customer> {
        let [name, company, email] = &self.values;
        let customer = Customer {
            id: CustomerId::new(now, chance::draw()),
            name: name.parse().ok()?,
            company: company.parse().ok()?,
            email: email.trim().parse().ok()?,
            language: Language::English,
        };
        self.terms.then_some(customer)
    }

    fn is_faulty(&self) -> bool {
        self.terms_fault || self.faults.iter().any(Option::is_some)
    }
}

fn show(shop: &Shop, session: &Session, status: StatusCode, entered: &Entered) -> Response {
    let title = if entered.is_faulty() { "Please check your entries" } else { "Register your purchase" };
    let handle = session.0.sign(Purpose::Form, shop.sessions());
    let body = html! {
        h1 { (title) }
        @if entered.is_faulty() {
            p.summary role="alert" { "Something is missing or misspelt. It says what beside each field." }
        } @else {
            p { "Tell us who looks after the product. We send the licence to this person; your payment stays with AWS." }
        }
        form method="post" action="/aws/registration" novalidate {
            input type="hidden" name="handle" value=(handle);
            @for (place, field) in FIELDS.iter().enumerate() {
                @let fault = entered.faults[place];
                @let fault_id = format!("{}-fault", field.name);
                label for=(field.name) { (field.label) }
                input type=(field.kind) id=(field.name) name=(field.name) value=(entered.values[place]) required
                    autocomplete=(field.autocomplete) maxlength=(field.longest)
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| &fault_id)];
                @if let Some(fault) = fault { p.fault id=(fault_id) { (fault) } }
            }
            label.check for="terms" {
                input type="checkbox" id="terms" name="terms" value="on" required checked[entered.terms]
                    aria-invalid=[entered.terms_fault.then_some("true")]
                    aria-describedby=[entered.terms_fault.then_some("terms-fault")];
                span { (TERMS_LABEL) }
            }
            @if entered.terms_fault { p.fault id="terms-fault" { (TERMS_FAULT) } }
            button type="submit" { "Register" }
        }
        p { "Registered before? " a href=(STATUS) { "See your purchase" } "." }
    };
    pages::page(shop, status, title, &body)
}
