//! Whether a server may run on a proven token, without asking anybody.

use super::any::AnyVerified;
use super::claims::{Denial, Revocations};
use super::verified::Verified;
use crate::fingerprint::Fingerprint;
use crate::id::{LicenseId, TokenId};
use crate::time::Timestamp;

/// What is known where the token is judged.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The time.
    pub now: Timestamp,
    /// The domain. Without it, a token for any domain is good.
    pub fingerprint: Option<&'a Fingerprint>,
    /// The list of what is no longer good. Without it, nothing is held to be revoked.
    pub revocations: Option<&'a Verified<Revocations>>,
}

/// What comes of a proven token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is good. A list or a key set gives no right to run, but is what it says it is.
    Good {
        /// The first second at which it no longer is; none where there is no end.
        until: Option<Timestamp>,
        /// What should be looked after.
        warnings: Vec<Warning>,
    },
    /// It is not.
    Refused(Refused),
}

/// Why a proven token gives no right to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is for another domain.
    #[error("it is for another domain than this one: activate this server, or ask for a file for this domain")]
    WrongFingerprint,
    /// The service said no.
    #[error("the service refused the licence: {}", .reasons.join(", "))]
    Denied {
        /// The first reason.
        code: String,
        /// All of them.
        reasons: Vec<String>,
    },
    /// The list is of another issuer, so that nothing can be said.
    #[error("the list of revocations is of another issuer: fetch this issuer's")]
    ForeignList,
    /// It is on the list.
    #[error("it was revoked at {at} ({reason}): ask the vendor's support")]
    Revoked {
        /// Since when.
        at: Timestamp,
        /// The list's word for why.
        reason: String,
    },
    /// Its time is over.
    #[error("it ended at {at}: let the server check in, or renew the licence")]
    Expired {
        /// The first second that it did not cover.
        at: Timestamp,
    },
}

/// What does not refuse a token, but should be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// There is a newer list by now.
    #[error("the list of revocations is out of date since {since}: fetch a newer one when you can")]
    OldList {
        /// When the newer one was due.
        since: Timestamp,
    },
}

impl AnyVerified {
    /// Judges a token at a site.
    ///
    /// - A token for another domain says nothing here, a denial no less than a right: that is looked at first.
    /// - An entry of the list holds whatever the clock says, also before its `at`: setting a clock back undoes nothing.
    /// - A list past its `next_update` still holds, with a warning. A site without internet cannot fetch a newer one, and
    ///   paid software does not stop because nobody came by with it.
    /// - `iat` is not compared with `now`: clocks go wrong.
    #[must_use]
    pub fn judge(&self, site: Site<'_>) -> Judgement {
        let judged = match self {
            Self::Lease(lease) => Right {
                iss: &lease.iss,
                sub: lease.sub,
                jti: lease.jti,
                fingerprint: &lease.fingerprint,
                until: Some(lease.exp),
            }
            .judge(site),
            Self::License(file) => Right {
                iss: &file.iss,
                sub: file.sub,
                jti: file.jti,
                fingerprint: &file.fingerprint,
                until: file.expires,
            }
            .judge(site),
            Self::Denial(denial) => Err(refusal(denial, site)),
            Self::Revocations(list) => Ok((None, out_of_date(list, site.now))),
            Self::Keys(_) => Ok((None, None)),
        };
        match judged {
            Ok((until, warning)) => Judgement::Good { until, warnings: warning.into_iter().collect() },
            Err(refused) => Judgement::Refused(refused),
        }
    }
}

/// What a lease and a file have in common.
struct Right<'a> {
    iss: &'a str,
    sub: LicenseId,
    jti: TokenId,
    fingerprint: &'a Fingerprint,
    until: Option<Timestamp>,
}

impl Right<'_> {
    fn judge(&self, site: Site<'_>) -> Result<(Option<Timestamp>, Option<Warning>), Refused> {
        check_domain(self.fingerprint, site)?;
        if let Some(list) = site.revocations {
            self.check_list(list)?;
        }
        match self.until {
            Some(at) if at <= site.now => Err(Refused::Expired { at }),
            until => Ok((until, site.revocations.and_then(|list| out_of_date(list, site.now)))),
        }
    }

    fn check_list(&self, list: &Revocations) -> Result<(), Refused> {
        if list.iss != self.iss {
            return Err(Refused::ForeignList);
        }
        match list.find(self.sub, self.jti) {
            Some(entry) => Err(Refused::Revoked { at: entry.at, reason: entry.reason.clone() }),
            None => Ok(()),
        }
    }
}

fn refusal(denial: &Denial, site: Site<'_>) -> Refused {
    match check_domain(&denial.fingerprint, site) {
        Err(elsewhere) => elsewhere,
        Ok(()) => Refused::Denied { code: denial.code.clone(), reasons: denial.reasons.clone() },
    }
}

fn check_domain(fingerprint: &Fingerprint, site: Site<'_>) -> Result<(), Refused> {
    if site.fingerprint.is_none_or(|here| here == fingerprint) { Ok(()) } else { Err(Refused::WrongFingerprint) }
}

fn out_of_date(list: &Revocations, now: Timestamp) -> Option<Warning> {
    (list.next_update < now).then_some(Warning::OldList { since: list.next_update })
}
