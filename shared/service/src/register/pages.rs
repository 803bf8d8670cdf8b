//! The pages of a link: plain HTML that works in any browser, without scripts, for the eye and for a screen reader.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use marque_core::customer::Language;
use maud::{DOCTYPE, Markup, html};

use super::confirm::Confirmed;
use crate::problem::Error;

const STYLE: &str = include_str!("pages.css");
/// No scripts, nothing from elsewhere, and forms come back to us alone.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The style of the pages.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], STYLE)
        .into_response()
}

/// Asks whether the trial is wanted. Programs that look at links before people do press no buttons.
pub(super) fn question(token: &str, product: &str, language: Language) -> Response {
    let say = words(language);
    let title = format!("{} {product}", say("Confirm your trial of", "Confirme su prueba de"));
    let body = html! {
        h1 { (title) }
        p { (say("Press the button to get the code of your trial. Its time starts when you activate the server, not now.",
            "Pulse el botón para obtener el código de su prueba. El plazo empieza cuando active el servidor, no ahora.")) }
        form method="post" action="/v1/trials/confirm" {
            input type="hidden" name="token" value=(token);
            button type="submit" { (say("Get the code", "Obtener el código")) }
        }
    };
    page(StatusCode::OK, &title, &body, language)
}

/// Shows the code.
pub(super) fn made(status: StatusCode, made: &Confirmed, language: Language) -> Response {
    let say = words(language);
    let title = say("Your trial is ready", "Su prueba está lista");
    let body = html! {
        h1 { (title) }
        p id="about" { (say("This is your licence code. Enter it in the server's setup:",
            "Este es su código de licencia. Introdúzcalo en la configuración del servidor:")) }
        p.code aria-describedby="about" { code { (made.code) } }
        p { (say("It is in a mail to you as well. Keep it to yourself: whoever has it can use the licence.",
            "También lo recibirá por correo. No lo comparta: quien lo tenga puede usar la licencia.")) }
        dl {
            dt { (say("Plan", "Plan")) } dd { (made.plan) }
            dt { (say("Licence", "Licencia")) } dd { code { (made.license_id) } }
        }
    };
    page(status, title, &body, language)
}

/// Says what is wrong and what to do about it.
pub(super) fn failure(error: &Error, contact: &str, language: Language) -> Response {
    let say = words(language);
    let (title, cure) = match error {
        Error::Unknown(_) => (
            say("This link does not work any more", "Este enlace ya no funciona"),
            say(
                "A link is good for 24 hours, and only whole: if your mail program has cut it, copy all of it. Otherwise ask for a trial again and you get a new one.",
                "Un enlace es válido durante 24 horas, y solo completo: si su programa de correo lo ha cortado, cópielo entero. Si no, vuelva a solicitar la prueba y recibirá otro.",
            ),
        ),
        Error::RuleViolated(_) => (
            say("There is no further trial", "No hay más pruebas"),
            say(
                "You have had as many trials of this product as there are for one person. If you need more time, write to us: a trial can be extended.",
                "Ya ha tenido todas las pruebas de este producto que corresponden a una persona. Si necesita más tiempo, escríbanos: una prueba se puede prorrogar.",
            ),
        ),
        _ => (
            say("This cannot be answered right now", "Ahora mismo no podemos responder"),
            say(
                "Try again in a minute. The link stays good.",
                "Inténtelo de nuevo dentro de un minuto. El enlace sigue siendo válido.",
            ),
        ),
    };
    let body = html! {
        h1 { (title) }
        p { (cure) }
        p { (say("Questions:", "Consultas:")) " " (contact) }
    };
    let mut response = page(error.status(), title, &body, language);
    // For the log, which is told of failures wherever they are shown.
    response.extensions_mut().insert(crate::http::ShownFailure(error.clone()));
    response
}

fn words(language: Language) -> impl Fn(&'static str, &'static str) -> &'static str {
    move |english, spanish| match language {
        Language::English => english,
        Language::Spanish => spanish,
    }
}

fn page(status: StatusCode, title: &str, body: &Markup, language: Language) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/trials/style.css";
            }
            body { main { (body) } }
        }
    };
    // The address of the page is a credential: it goes to no other site.
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, Html(markup.into_string())).into_response()
}
