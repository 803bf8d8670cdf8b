//! Where a deployment is, and as whom we speak to it.

use std::path::Path;

use http::{HeaderValue, Request, Uri, header};
use serde::Deserialize;

use super::signature::Signer;
use crate::cli::Publisher;
use crate::input;
use crate::output::Unusable;

/// What `marque serve` leaves for us in its data folder.
const LOCAL: &str = ".marque/local.json";

/// As whom a call is made.
#[derive(Debug)]
pub(super) enum Access {
    /// By the token of a local deployment.
    Token(HeaderValue),
    /// By a signature of AWS.
    Signed(Signer),
}

impl Access {
    /// Puts the credential on a request, as the last thing that is done to it.
    pub(super) fn authorize(&self, request: &mut Request<String>) -> Result<(), Unusable> {
        match self {
            Self::Token(token) => {
                request.headers_mut().insert(header::AUTHORIZATION, token.clone());
                Ok(())
            }
            Self::Signed(signer) => signer.sign(request),
        }
    }

    /// The rest of a sentence that begins with an address.
    pub(super) fn refused(&self) -> String {
        match self {
            Self::Token(_) => {
                "does not know the token: take it from the local.json of the `marque serve` that runs there, \
                               with --info FILE"
                    .to_owned()
            }
            Self::Signed(signer) => format!(
                "refuses the signature. {signer} must be allowed lambda:InvokeFunctionUrl and lambda:InvokeFunction on the \
                 function admin, the region must be the function's (--region), and the machine's clock must be right"
            ),
        }
    }
}

/// What is read of `local.json`.
#[derive(Deserialize)]
struct Info {
    url: String,
    admin_token: String,
}

/// Address and credential, from the options.
pub(super) fn find(options: &Publisher) -> Result<(String, Access), Unusable> {
    let info = match &options.info {
        Some(file) => Some(read(file)?),
        None => beside(options)?,
    };
    let base = match (&options.url, &info) {
        (Some(url), _) => url.as_str(),
        (None, Some(info)) => info.url.as_str(),
        (None, None) => {
            return Err(Unusable::new(format!(
                "say which deployment: --url with the stack's output AdminUrl, or --info FILE of a local one. There is no \
                 {LOCAL} in this folder, as `marque serve` writes it"
            )));
        }
    };
    let base = base.trim_end_matches('/');
    let uri: Uri =
        base.parse().map_err(|_| Unusable::new(format!("{base} is not an address: give --url https://…")))?;
    let host = uri.host().unwrap_or_default();
    let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    if uri.scheme_str() != Some("https") && !local {
        return Err(Unusable::new(format!(
            "{base} is not https: credentials are sent in the clear to this machine only"
        )));
    }
    // A token that lies about here is for its own address alone.
    let its_own = |info: &&Info| options.info.is_some() || info.url == base;
    let found = info.as_ref().filter(its_own).map(|info| info.admin_token.clone());
    let token = options.token.as_ref().map(|token| token.0.clone()).or(found);
    let access = match token {
        Some(token) => {
            let header = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut header = header.map_err(|_| Unusable::new("the token holds letters that no token has"))?;
            header.set_sensitive(true);
            Access::Token(header)
        }
        None if local && options.region.is_none() => {
            return Err(Unusable::new(format!(
                "{base} is on this machine: give its token with --info FILE, or --token"
            )));
        }
        None => Access::Signed(Signer::new(host, options)?),
    };
    Ok((base.to_owned(), access))
}

/// The local deployment of this folder, if there is one.
fn beside(options: &Publisher) -> Result<Option<Info>, Unusable> {
    let file = Path::new(LOCAL);
    // With an address of its own and a token, or one that is not here, the file is not needed.
    let needed = options.token.is_none() || options.url.is_none();
    if needed && file.exists() { read(file).map(Some) } else { Ok(None) }
}

fn read(file: &Path) -> Result<Info, Unusable> {
    let text = input::bytes(file)?;
    serde_json::from_slice(&text)
        .map_err(|_| Unusable::new(format!("{} is not the information file of a `marque serve`", file.display())))
}
