//! From words to a mail. Whatever people called themselves or their products, it is text: escaped in HTML, on one line in
//! a header.

use marque_core::Email;
use marque_core::customer::Language;
use maud::{DOCTYPE, Markup, html};

use super::Mail;
use super::wording::{Part, Wording};

const BODY: &str = "margin:0;padding:24px;background:#f4f4f2;color:#1c1c1a;font:16px/1.5 system-ui,sans-serif";
const SHEET: &str = "max-width:560px;margin:0 auto;padding:24px;background:#fff;border:1px solid #ddd;border-radius:8px;overflow-wrap:anywhere";
const HEADING: &str = "margin:0 0 16px;font-size:20px;line-height:1.3";
const CODE: &str = "padding:12px;background:#f4f4f2;font:bold 18px/1.4 ui-monospace,monospace";
const BUTTON: &str =
    "display:inline-block;padding:12px 20px;background:#14532d;color:#fff;text-decoration:none;border-radius:6px";

/// Makes the mail.
pub(crate) fn render(wording: &Wording, to: &Email, language: Language) -> Mail {
    let links = wording.parts.iter().filter_map(|part| match part {
        Part::Link { url, .. } => Some(url.clone()),
        Part::Text(_) | Part::Code(_) => None,
    });
    Mail {
        to: to.as_str().to_owned(),
        subject: one_line(&wording.subject),
        text: text(&wording.parts),
        html: page(wording, language).into_string(),
        links: links.collect(),
    }
}

/// A header ends at a line break, and what follows would be a header of somebody else's choosing.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn text(parts: &[Part]) -> String {
    let paragraphs = parts.iter().map(|part| match part {
        Part::Text(text) => one_line(text),
        Part::Code(code) => format!("    {code}"),
        Part::Link { label, url } => format!("{label}:\n{url}"),
    });
    let mut text = paragraphs.collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn page(wording: &Wording, language: Language) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (wording.subject) }
            }
            body style=(BODY) {
                // Programs for mail do not know `main`; those that read aloud know its role.
                div role="main" style=(SHEET) {
                    h1 style=(HEADING) { (wording.subject) }
                    @for part in &wording.parts {
                        @match part {
                            Part::Text(text) => p { (text) },
                            Part::Code(code) => p style=(CODE) { (code) },
                            Part::Link { label, url } => {
                                p { a href=(url) style=(BUTTON) { (label) } }
                                p { (url) }
                            },
                        }
                    }
                }
            }
        }
    }
}
