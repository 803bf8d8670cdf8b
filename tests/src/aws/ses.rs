//! SES, API v2: `SendEmail` with simple content, as strict as the real one where our mails could go wrong
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>), and failing when it is told to.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Refusal, lock};

/// Where mails are posted to. SES has no `x-amz-target`: paths name its operations.
pub(super) const PATH: &str = "/v2/email/outbound-emails";
/// Addresses of one mail, at most.
const MOST_RECIPIENTS: usize = 50;

/// The identities, the mails, and what is to go wrong.
#[derive(Debug, Default)]
pub struct Ses {
    verified: Mutex<BTreeSet<String>>,
    faults: Mutex<VecDeque<MailFault>>,
    taken: Mutex<Vec<TakenMail>>,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFault {
    /// It is refused with this status and kind of error, and nothing is sent.
    Refused(u16, &'static str),
    /// The mail is sent, and the answer is lost.
    AnswerLost,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    /// Who sends it.
    pub from: String,
    /// Whom it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its HTML.
    pub html: String,
}

impl Ses {
    /// Lets an address, or every address of a domain, send mails.
    pub fn verify(&self, identity: &str) {
        lock(&self.verified).insert(identity.to_owned());
    }

    /// Lets the next calls go wrong, each once, in this order.
    pub fn fail(&self, faults: impl IntoIterator<Item = MailFault>) {
        lock(&self.faults).extend(faults);
    }

    /// The mails that were taken, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<TakenMail> {
        lock(&self.taken).clone()
    }

    pub(super) fn send(&self, request: &Value) -> Result<Response, Refusal> {
        let mail = read(request)?;
        let domain = mail.from.split_once('@').map_or("", |(_, domain)| domain);
        let verified = lock(&self.verified);
        if !verified.contains(&mail.from) && !verified.contains(domain) {
            let message = format!("Email address is not verified: {}", mail.from);
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "MessageRejected", message));
        }
        match lock(&self.faults).pop_front() {
            Some(MailFault::Refused(status, kind)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                // Not a refusal: nothing is wrong with the request.
                return Ok(answer(&Refusal::new(status, kind, "as the test asked for")));
            }
            Some(MailFault::AnswerLost) => {
                lock(&self.taken).push(mail);
                return Ok(StatusCode::BAD_GATEWAY.into_response());
            }
            None => {}
        }
        let mut taken = lock(&self.taken);
        taken.push(mail);
        let id = format!("010001{:034x}-000000", taken.len());
        Ok(([("content-type", "application/json")], json!({ "MessageId": id }).to_string()).into_response())
    }
}

/// An error as this service words it: the kind stands in a header.
pub(super) fn answer(refusal: &Refusal) -> Response {
    let Refusal { status, class, message } = refusal;
    let headers = [("content-type", "application/json"), ("x-amzn-errortype", *class)];
    (*status, headers, json!({ "message": message }).to_string()).into_response()
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequestException", message)
}

fn read(request: &Value) -> Result<TakenMail, Refusal> {
    only(request, &["Content", "Destination", "FromEmailAddress"])?;
    only(&request["Destination"], &["ToAddresses"])?;
    only(&request["Content"], &["Simple"])?;
    let simple = &request["Content"]["Simple"];
    only(simple, &["Body", "Subject"])?;
    only(&simple["Body"], &["Html", "Text"])?;
    let recipients = request["Destination"]["ToAddresses"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Ours go to one person each: two would read each other's address.
    let [to] = recipients else {
        return Err(bad(format!("{} recipients of at most {MOST_RECIPIENTS}, and ours have one", recipients.len())));
    };
    let subject = content(&simple["Subject"])?;
    if subject.chars().any(char::is_control) {
        return Err(bad("the subject holds control characters"));
    }
    Ok(TakenMail {
        from: address(&request["FromEmailAddress"])?,
        to: address(to)?,
        subject,
        text: content(&simple["Body"]["Text"])?,
        html: content(&simple["Body"]["Html"])?,
    })
}

/// What is not expected is refused: the real one ignores it, and whoever wrote it would believe that it did something.
fn only(object: &Value, known: &[&str]) -> Result<(), Refusal> {
    let members = object.as_object().ok_or_else(|| bad(format!("an object with {known:?} is missing")))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(bad(format!("member {name} is not expected"))),
        None => Ok(()),
    }
}

fn content(part: &Value) -> Result<String, Refusal> {
    only(part, &["Charset", "Data"])?;
    // Without a character set the real one takes ASCII of seven bits.
    if part["Charset"] != "UTF-8" {
        return Err(bad("Charset must be UTF-8"));
    }
    let data = part["Data"].as_str().filter(|data| !data.is_empty()).ok_or_else(|| bad("Data is missing"))?;
    Ok(data.to_owned())
}

fn address(value: &Value) -> Result<String, Refusal> {
    let address = value.as_str().unwrap_or_default();
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && address.split('@').count() == 2 && !address.starts_with('@') && !address.ends_with('@') {
        return Ok(address.to_owned());
    }
    Err(bad(format!("illegal address: {address:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Value {
        let content = |data: &str| json!({"Data": data, "Charset": "UTF-8"});
        json!({
            "FromEmailAddress": "licences@example.com",
            "Destination": {"ToAddresses": ["ann@example.org"]},
            "Content": {"Simple": {
                "Subject": content("Äußerst"),
                "Body": {"Text": content("text"), "Html": content("<p>html</p>")},
            }},
        })
    }

    #[test]
    fn what_ses_would_refuse_is_refused() {
        let ses = Ses::default();
        assert!(ses.send(&good()).is_err(), "the address is not verified");
        ses.verify("example.com");
        assert!(ses.send(&good()).is_ok());
        for (place, value) in [
            ("/FromEmailAddress", json!("licences@another.example")),
            ("/FromEmailAddress", json!("no address")),
            ("/FromEmailAddress", json!("ann@example.com\r\nBcc: x@example.org")),
            ("/Destination/ToAddresses", json!([])),
            ("/Destination/ToAddresses", json!(["a@example.org", "b@example.org"])),
            ("/Destination/ToAddresses/0", json!("änn@example.org")),
            ("/Content/Simple/Subject/Data", json!("two\r\nlines")),
            ("/Content/Simple/Subject/Data", json!("")),
            ("/Content/Simple/Subject/Charset", json!("US-ASCII")),
            ("/Content/Simple/Body/Html", json!({"Data": "x"})),
            ("/Content/Simple/Body", json!({"Text": "x"})),
            ("/Content", json!({"Raw": {}})),
        ] {
            let mut wrong = good();
            *wrong.pointer_mut(place).unwrap() = value.clone();
            assert!(ses.send(&wrong).is_err(), "{place} {value}");
        }
        let mut more = good();
        more["ReplyToAddresses"] = json!([]);
        assert!(ses.send(&more).is_err());
        assert_eq!(ses.taken().len(), 1);
    }

    #[test]
    fn it_fails_as_it_is_told_and_a_lost_answer_was_a_mail() {
        let ses = Ses::default();
        ses.verify("licences@example.com");
        ses.fail([MailFault::Refused(429, "TooManyRequestsException"), MailFault::AnswerLost]);
        let refused = ses.send(&good()).unwrap();
        assert_eq!(refused.status().as_u16(), 429);
        assert_eq!(refused.headers()["x-amzn-errortype"], "TooManyRequestsException");
        assert_eq!(ses.taken().len(), 0);
        assert_eq!((ses.send(&good()).unwrap().status().as_u16(), ses.taken().len()), (502, 1));
        assert_eq!((ses.send(&good()).unwrap().status().as_u16(), ses.taken().len()), (200, 2));
    }
}
