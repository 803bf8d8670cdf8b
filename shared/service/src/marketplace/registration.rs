//! `/aws/registration`: who the buyer is. A form for one agreement, which its hidden handle names.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use marque_core::agreement::Chain;
use marque_core::customer::Language;
use marque_core::{Customer, CustomerId, Email, PersonText, Timestamp};
use maud::html;

use super::form::Form;
use super::guest::Guest;
use super::handle::{Handle, Purpose};
use super::keep::Kept;
use super::news::News;
use super::pages::{self, Step};
use super::session::Session;
use super::shop::Storefront;
use super::texts::{FAULTY_FORM, FIELDS, Notice, Text};
use crate::chance;
use crate::problem::Error;

const REGISTRATION: &str = "/aws/registration";
const STATUS: &str = "/aws/status";

/// What was entered, and what is wrong with it, by field.
#[derive(Debug, Default)]
struct Entered {
    values: [String; 3],
    terms: bool,
    faults: [Option<Text>; 3],
    terms_fault: bool,
}

/// The form; whoever has registered sees the status instead.
pub(super) async fn form(State(front): State<Storefront>, guest: Guest, session: Session) -> Response {
    match chain_of(&front, &session).await {
        Ok(Some(chain)) if chain.customer.is_none() => {
            show(&front, &guest, &session, StatusCode::OK, &Entered::default())
        }
        Ok(Some(_)) => Redirect::to(&guest.link(STATUS)).into_response(),
        Ok(None) => pages::notice(&front, &guest, Notice::NoSession),
        Err(error) => failed(&front, &guest, &error),
    }
}

/// Takes the form: the agreement is bound to whoever registers first.
pub(super) async fn register(
    State(front): State<Storefront>,
    guest: Guest,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    if is_cross_site(&headers) {
        return pages::notice(&front, &guest, Notice::CrossSite);
    }
    let now = front.app().clock().now();
    let handle = form.get("handle").and_then(|text| Handle::read(text, Purpose::Form, front.sessions(), now));
    if handle.is_none_or(|handle| handle.agreement != session.0.agreement) {
        return pages::notice(&front, &guest, Notice::OtherAgreement);
    }
    let entered = Entered::read(&form);
    let Some(customer) = entered.customer(guest.language, now) else {
        return show(&front, &guest, &session, FAULTY_FORM, &entered);
    };
    match bind(&front, &session, customer, now).await {
        Ok(true) => Redirect::to(&guest.link(STATUS)).into_response(),
        Ok(false) => pages::notice(&front, &guest, Notice::NoSession),
        Err(error) => failed(&front, &guest, &error),
    }
}

async fn bind(front: &Storefront, session: &Session, customer: Customer, now: Timestamp) -> Result<bool, Error> {
    let Some(chain) = chain_of(front, session).await? else { return Ok(false) };
    let Some(agreement) = chain.agreement(session.0.agreement) else { return Ok(false) };
    let news = News { customer: Some(customer), ..News::of(agreement.external_id.clone(), agreement.facts.requested) };
    Ok(matches!(front.shop().keep(&news, now).await?, Kept::Known { .. }))
}

async fn chain_of(front: &Storefront, session: &Session) -> Result<Option<Chain>, Error> {
    Ok(front.app().store().chain_of_agreement(session.0.agreement).await?)
}

/// The page for a failure of ours.
pub(super) fn failed(front: &Storefront, guest: &Guest, error: &Error) -> Response {
    tracing::error!(cause = error.cause(), code = error.code(), "a buyer's page could not be shown");
    pages::notice(front, guest, Notice::NotNow)
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
            (!is_text(&values[0])).then_some(Text::NameFault),
            (!is_text(&values[1])).then_some(Text::NameFault),
            values[2].trim().parse::<Email>().is_err().then_some(Text::EmailFault),
        ];
        let terms = form.get("terms").is_some_and(|value| !value.is_empty());
        Self { values, terms, faults, terms_fault: !terms }
    }

    /// The customer, if nothing is wrong.
    fn customer(&self, language: Language, now: Timestamp) -> Option<Customer> {
        let [name, company, email] = &self.values;
        let customer = Customer {
            id: CustomerId::new(now, chance::draw()),
            name: name.parse().ok()?,
            company: company.parse().ok()?,
            email: email.trim().parse().ok()?,
            language,
        };
        self.terms.then_some(customer)
    }

    fn is_faulty(&self) -> bool {
        self.terms_fault || self.faults.iter().any(Option::is_some)
    }
}

fn show(front: &Storefront, guest: &Guest, session: &Session, status: StatusCode, entered: &Entered) -> Response {
    let faulty = entered.is_faulty();
    let title = guest.say(if faulty { Text::CheckTitle } else { Text::RegisterTitle });
    let handle = session.0.sign(Purpose::Form, front.sessions());
    let body = html! {
        (pages::steps(guest, Step::Register))
        h1 { (title) }
        @if faulty {
            p.summary role="alert" { (guest.say(Text::CheckSummary)) }
        } @else {
            p { (guest.say(Text::RegisterIntro)) }
        }
        form method="post" action=(guest.link(REGISTRATION)) novalidate {
            input type="hidden" name="handle" value=(handle);
            @for (place, field) in FIELDS.iter().enumerate() {
                @let fault = entered.faults[place];
                @let fault_id = format!("{}-fault", field.name);
                label for=(field.name) { (guest.say(field.label)) }
                input type=(field.kind) id=(field.name) name=(field.name) value=(entered.values[place]) required
                    autocomplete=(field.autocomplete) maxlength=(field.longest)
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| &fault_id)];
                @if let Some(fault) = fault { p.fault id=(fault_id) { (guest.say(fault)) } }
            }
            label.check for="terms" {
                input type="checkbox" id="terms" name="terms" value="on" required checked[entered.terms]
                    aria-invalid=[entered.terms_fault.then_some("true")]
                    aria-describedby=[entered.terms_fault.then_some("terms-fault")];
                span { (guest.say(Text::Terms)) }
            }
            @if entered.terms_fault { p.fault id="terms-fault" { (guest.say(Text::TermsFault)) } }
            button type="submit" { (guest.say(Text::Register)) }
        }
        p.aside {
            (guest.say(Text::RegisteredBefore)) " " a href=(guest.link(STATUS)) { (guest.say(Text::SeePurchase)) }
        }
    };
    pages::page(front, guest, status, title, &body)
}
