//! From a letter to a mail: names, addresses and codes are looked up when it is sent, never before.

use marque_core::letter::{LicenseLetter, News};
use marque_core::{AskId, Kind, Letter, PlanRef, Slug, Timestamp};

use super::Mail;
use super::render::render;
use super::wording::{About, Message, word};
use crate::App;
use crate::problem::Error;
use crate::register::{Token, limit_reached, trial_plan};

/// The mail of a letter; none when there is nobody to write to any more. `token` is the one that an ask for a trial was
/// stored with; without it, a fresh one is.
pub(crate) async fn compose(
    app: &App,
    letter: &Letter,
    token: Option<&Token>,
    now: Timestamp,
) -> Result<Option<Mail>, Error> {
    match letter {
        Letter::Trial(ask) => of_trial(app, *ask, token, now).await,
        Letter::License(letter) => of_license(app, letter).await,
    }
}

async fn of_trial(app: &App, ask: AskId, token: Option<&Token>, now: Timestamp) -> Result<Option<Mail>, Error> {
    let Some(ask) = app.store().trial_ask(ask, now).await? else { return Ok(None) };
    let Some(offer) = trial_plan(app, &ask.product).await? else { return Ok(None) };
    let had = app.store().trials_had(ask.email.person(), &ask.product).await?;
    let fresh;
    let token = match token {
        Some(token) => token,
        None => {
            fresh = Token::draw();
            app.store().add_trial_token(ask.id, &fresh.digest(), now).await?;
            &fresh
        }
    };
    let link = format!("{}/trials/confirm?token={}", app.post().pages, token.reveal());
    let limited = ask.license.is_none() && limit_reached(&offer.plan, &had);
    let message = if limited { Message::TrialLimit } else { Message::TrialLink { link: &link } };
    let product = product_name(app, &ask.product).await?;
    let about = About {
        name: ask.name.as_str(),
        product: &product,
        plan: &offer.plan.name,
        license: None,
        contact: &app.post().contact,
    };
    Ok(Some(render(&word(message, about, ask.language), &ask.email, ask.language)))
}

async fn of_license(app: &App, letter: &LicenseLetter) -> Result<Option<Mail>, Error> {
    let LicenseLetter { license, customer, product, plan, revision, news } = letter;
    let Some(customer) = app.store().customer(*customer).await? else { return Ok(None) };
    let plan = app.plan(product, &PlanRef { plan: plan.clone(), revision: *revision }).await?;
    let code;
    let message = match *news {
        News::Issued { through } => {
            let Some(license) = app.store().license(*license).await? else { return Ok(None) };
            let Some(found) = app.store().code_of(&license).await? else { return Ok(None) };
            code = found.reveal();
            Message::Issued { code: &code, trial: plan.kind() == Kind::Trial, through }
        }
        News::Reminder { through } => Message::Reminder { through },
        News::Grace { until } => Message::Grace { until },
        News::Expired => Message::Expired,
        News::PlanChanged { through } => Message::PlanChanged { through },
        News::Suspended => Message::Suspended,
        News::Revoked => Message::Revoked,
        News::Moved => Message::Moved,
    };
    let (id, product) = (license.to_string(), product_name(app, product).await?);
    let about = About {
        name: customer.name.as_str(),
        product: &product,
        plan: &plan.name,
        license: Some(&id),
        contact: &app.post().contact,
    };
    Ok(Some(render(&word(message, about, customer.language), &customer.email, customer.language)))
}

/// What people call a product; its slug says enough when it is gone.
async fn product_name(app: &App, product: &Slug) -> Result<String, Error> {
    Ok(app.store().product(product).await?.map_or_else(|| product.to_string(), |found| found.name))
}
