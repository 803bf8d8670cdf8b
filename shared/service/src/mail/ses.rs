//! Amazon SES, API v2: `SendEmail` with simple content
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>). SES makes headers and encodings.

use marque_core::Email;
use serde_json::{Value, json};

use super::{Mail, NotCarried};
use crate::aws::{Aws, SignedAnswer, SignedService};

/// SES in one region, sending from one address.
#[derive(Debug, Clone)]
pub struct Ses {
    service: SignedService,
    from: Email,
}

impl Ses {
    /// Sends from this address, which is verified in SES by itself or by its domain. Nothing is called yet.
    #[must_use]
    pub fn new(aws: &Aws, from: Email) -> Self {
        Self { service: aws.service("ses", "email"), from }
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), NotCarried> {
        let request = request(&self.from, mail).to_string().into_bytes();
        match self.service.post("/v2/email/outbound-emails", request).await {
            Ok(answer) => verdict(&answer),
            Err(error) => Err(NotCarried::Now(format!("SES: {error}"))),
        }
    }
}

fn request(from: &Email, mail: &Mail) -> Value {
    let content = |data: &str| json!({"Data": data, "Charset": "UTF-8"});
    json!({
        "FromEmailAddress": from.as_str(),
        "Destination": {"ToAddresses": [mail.to]},
        "Content": {"Simple": {
            "Subject": content(&mail.subject),
            "Body": {"Text": content(&mail.text), "Html": content(&mail.html)},
        }},
    })
}

/// What SES will never take is given up; everything else may be mended (a quota, a pause, an identity not verified yet).
/// The message may name the address, so that the log gets the kind of the error alone.
fn verdict(answer: &SignedAnswer) -> Result<(), NotCarried> {
    let SignedAnswer { status, error, .. } = answer;
    match (status, error.as_str()) {
        (200, _) => Ok(()),
        (400, "BadRequestException") => Err(NotCarried::Ever(format!("SES: {error}"))),
        _ => Err(NotCarried::Now(format!("SES: {status} {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_will_never_work_is_given_up() {
        let answer = |status, error: &str| SignedAnswer { status, error: error.to_owned(), body: bytes::Bytes::new() };
        assert_eq!(verdict(&answer(200, "")), Ok(()));
        assert!(matches!(verdict(&answer(400, "BadRequestException")), Err(NotCarried::Ever(_))));
        for (status, error) in [
            (429, "TooManyRequestsException"),
            (429, "LimitExceededException"),
            (400, "AccountSuspendedException"),
            (400, "SendingPausedException"),
            (400, "MailFromDomainNotVerifiedException"),
            (400, "MessageRejected"),
            (403, "AccessDeniedException"),
            (500, ""),
            (503, ""),
        ] {
            assert!(matches!(verdict(&answer(status, error)), Err(NotCarried::Now(_))), "{status} {error}");
        }
    }
}
