//! Everything that the pages say, in one place. Another language is another arm.

use http::StatusCode;

/// A page that says what is the matter and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// No token, or none of this seller's.
    TokenInvalid,
    /// A token that is too old.
    TokenExpired,
    /// The token is for a product that is not sold here.
    ProductUnknown,
    /// AWS cannot be reached.
    AwsDown,
    /// Ours is the fault.
    NotNow,
    /// No session, or one that is too old or forged.
    NoSession,
    /// The form is for another agreement than the session.
    OtherAgreement,
    /// The form came from another site.
    CrossSite,
    /// The form is too large.
    TooLarge,
    /// What was sent is no form.
    NoForm,
}

/// The form comes back with its faults beside the fields.
pub(super) const FAULTY_FORM: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Notice {
    /// Whether trying again later may help.
    pub(super) const fn passes(self) -> bool {
        matches!(self, Self::AwsDown | Self::NotNow)
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TokenInvalid | Self::TokenExpired | Self::ProductUnknown => StatusCode::BAD_REQUEST,
            Self::AwsDown | Self::NotNow => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::OtherAgreement => StatusCode::CONFLICT,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::TokenInvalid => "This link from AWS Marketplace does not work",
            Self::TokenExpired => "This link from AWS Marketplace has expired",
            Self::ProductUnknown => "This product is not set up here",
            Self::AwsDown => "AWS Marketplace does not answer right now",
            Self::NotNow => "This cannot be done right now",
            Self::NoSession => "Please open this page from AWS Marketplace",
            Self::OtherAgreement => "This form is for another purchase",
            Self::CrossSite => "This form was sent from another site",
            Self::TooLarge => "This is too much text",
            Self::NoForm => "This is no form that this page has sent",
        }
    }

    pub(super) const fn cure(self) -> &'static str {
        match self {
            Self::TokenInvalid => {
                "In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account”. You do not have to subscribe again."
            }
            Self::TokenExpired => {
                "Links work for a few hours. In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account” for a new one. You do not have to subscribe again."
            }
            Self::ProductUnknown => {
                "Please write to us with the name of the product that you subscribed to, and we set it up."
            }
            Self::AwsDown => "Nothing is lost. Wait a moment and press the button to try again.",
            Self::NotNow => "Nothing is lost. Wait a moment and load the page again.",
            Self::NoSession => {
                "A visit lasts two hours. In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account” to come back. You do not have to subscribe again."
            }
            Self::OtherAgreement => {
                "You have opened another purchase in this browser since. Press “Set up your account” in AWS Marketplace for the purchase that you want to register, and fill in its form."
            }
            Self::CrossSite => "Open the page from AWS Marketplace again, and fill in the form there.",
            Self::TooLarge => "Go back and shorten what you have entered.",
            Self::NoForm => "Go back and send the form again.",
        }
    }
}

/// What stands in a form's field, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FieldText {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// What browsers and password managers fill in.
    pub(super) autocomplete: &'static str,
    pub(super) kind: &'static str,
    pub(super) longest: u16,
}

pub(super) const FIELDS: [FieldText; 3] = [
    FieldText { name: "name", label: "Your name", autocomplete: "name", kind: "text", longest: 200 },
    FieldText { name: "company", label: "Company", autocomplete: "organization", kind: "text", longest: 200 },
    FieldText { name: "email", label: "E-mail address", autocomplete: "email", kind: "email", longest: 254 },
];

pub(super) const TERMS_LABEL: &str = "I accept the terms of the product as listed on AWS Marketplace";
pub(super) const TERMS_FAULT: &str = "Tick the box to go on.";
pub(super) const NAME_FAULT: &str = "Enter 1 to 200 characters in one line.";
pub(super) const EMAIL_FAULT: &str = "Enter an e-mail address such as ann.lee@example.org.";
