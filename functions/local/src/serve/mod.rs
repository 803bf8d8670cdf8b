//! `marque serve`: every function on one port, over a database on this machine, with a demo product.

mod aws;
mod buttons;
mod clock;
mod data;
mod machines;
mod mail;
mod meter;
mod page;
mod proofs;
mod simulated;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::ListenerExt;
use http::Method;
use marque_marketplace_sim::Marketplace;
use marque_service::admin::{self, Access, LocalToken};
use marque_service::http::{envelope, published};
use marque_service::keyring::Keys;
use marque_service::mail::{Kept, Post};
use marque_service::marketplace::{self, Shop, Storefront};
use marque_service::{App, Clock, demo, register, registration, validate};
use marque_simulators::proofs::Simulator;
use marque_store::Store;
use tokio::net::TcpListener;

pub(crate) use self::data::write_secret;
use self::data::{Data, Info};
use self::meter::Meter;
use crate::cli::{LogLevel, Serve};
use crate::output::{Answer, Outcome, Unusable};

const TABLE: &str = "marque-local";

/// What the pages and the clock of `marque serve` share.
#[derive(Debug, Clone)]
struct Local {
    app: App,
    data: Arc<Data>,
    info: Arc<Info>,
    outbox: Kept,
    market: Marketplace,
    front: Storefront,
    meter: Meter,
    simulator: Arc<Simulator>,
}

impl Local {
    fn shop(&self) -> &Shop {
        self.front.shop()
    }
}

pub(crate) fn run(options: Serve) -> Answer {
    start_logs(options.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Unusable::new(format!("the runtime does not start: {error}")))?.block_on(serve(options))
}

async fn serve(options: Serve) -> Answer {
    let data = Arc::new(Data::open(&options.data)?);
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Unusable::new(format!(
            "{} cannot be listened on: {error}. Choose another with --listen, port 0 takes a free one",
            options.listen
        ))
    })?;
    let address = listener.local_addr().map_err(|error| Unusable::new(error.to_string()))?;
    let local = prepare(Arc::clone(&data), address).await?;
    data.write_info(&local.info, options.info.as_deref())?;
    tokio::spawn(aws::deliver(local.market.clone(), local.shop().clone()));
    let router = router(local);
    announce(address)?;
    // Small answers must not wait for the caller's acknowledgement of earlier ones (Nagle).
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served.map_err(|error| Unusable::new(error.to_string()))?,
        () = stopped() => {}
    }
    Ok(Outcome::Good)
}

/// Table, keys, clock and demo product, as they were left.
async fn prepare(data: Arc<Data>, address: SocketAddr) -> Result<Local, Unusable> {
    let unusable = |error: &dyn std::fmt::Display| Unusable::new(error.to_string());
    // RSA keys take some tens of milliseconds to make, which pass while the table is opened.
    let simulator = {
        let data = Arc::clone(&data);
        tokio::task::spawn_blocking(move || data.simulator_keys()?.simulator())
    };
    let clock = Clock::shifted(data.clock_offset());
    let now = clock.now();
    let store = Store::new(data.database().client(), TABLE);
    store.create_table().await.map_err(|error| unusable(&error))?;
    let keys = match data.ring_source() {
        Some(source) => Keys::load(source, now).await,
        None => Keys::given(data.ring(), now),
    };
    let url = format!("http://{address}");
    let outbox = data.outbox()?;
    // Links lead to this very process, whatever the issuer is called.
    let post = Post::kept(outbox.clone(), &url);
    let app = App::new(store, clock, keys.map_err(|error| unusable(&error))?, data.issuer(), post);
    let simulator = Arc::new(simulator.await.map_err(|error| unusable(&error))??);
    app.verify_proofs_with(proofs::verifier(&simulator)?);
    let demo = demo::seed(app.store(), now).await.map_err(|error| unusable(&error))?;
    let corrupt = || Unusable::new("the demo product is not there");
    let product = app.store().product(&demo.product).await.map_err(|error| unusable(&error))?.ok_or_else(corrupt)?;
    let market = simulated::marketplace(&data, &app, &product)?;
    let front = simulated::storefront(&data, &app, &market);
    let meter = Meter::new(&market);
    let info =
        Info { url, admin_token: data.admin_token(), issuer: data.issuer(), root: data.ring().root.clone(), demo };
    Ok(Local { app, data, info: Arc::new(info), outbox, market, front, meter, simulator })
}

fn router(local: Local) -> Router {
    let access = Access::Token(LocalToken::new(&local.info.admin_token));
    let bought = marketplace::api().merge(marketplace::admin_api(access.clone())).with_state(local.shop().clone());
    let calls =
        validate::api().merge(admin::api(access)).merge(register::api()).merge(registration::api()).merge(bought);
    let functions = published(calls, local.app.clone()).merge(marketplace::pages(local.front.clone()));
    let pages = Router::new()
        .merge(page::routes())
        .merge(clock::routes())
        .merge(mail::routes())
        .merge(meter::routes())
        .merge(aws::routes())
        .merge(buttons::routes())
        .merge(proofs::routes())
        .merge(machines::routes());
    let pages = pages.with_state(local.clone());
    envelope(functions.merge(pages).layer(from_fn_with_state(local, note_changes)))
}

/// The clock may be set back only before anything was changed, so changes are noted.
async fn note_changes(State(local): State<Local>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let changing = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && (!path.starts_with("/local/") || path.starts_with("/local/aws/"));
    let response = next.run(request).await;
    if changing && response.status().is_success() {
        local.data.note_change();
    }
    response
}

/// The first and only line on standard output: scripts wait for it.
fn announce(address: SocketAddr) -> Result<(), Unusable> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")
        .and_then(|()| out.flush())
        .map_err(|error| Unusable::new(error.to_string()))
}

async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    tokio::select! { () = interrupted => {}, _ = terminated => {} }
}

fn start_logs(level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .init();
}
