//! Who signed a request to a URL that wants IAM.

/// A principal that IAM has checked. Only the reader of a URL's events makes one, from the event's context: no header and no
/// body can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer(String);

impl Signer {
    /// The principal of an ARN, if it looks like one.
    #[cfg(any(feature = "lambda", test))]
    pub(crate) fn new(arn: String) -> Option<Self> {
        let plain = arn.starts_with("arn:") && arn.len() <= 400 && arn.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then_some(Self(arn))
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.0
    }
}
