use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use imagefleet_model::{ErrorCode, Failure};
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};

use super::unreachable;
use crate::Result;

/// A peer that is gone is noticed after about a minute of silence, also on streams that have nothing to say.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Resolves and connects, trying every address of the name.
pub(super) async fn dial(host: &str, port: u16) -> Result<TcpStream> {
    let place = format!("{host}:{port}");
    let uri: Uri = format!("http://{place}")
        .parse()
        .map_err(|_| Failure::new(ErrorCode::EngineUnreachable, format!("{place}: not an address")))?;
    let mut connector = HttpConnector::new();
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    connector.set_nodelay(true);
    let ready = connector
        .ready()
        .await
        .map_err(|error| unreachable(&place, &error))?;
    let stream = ready
        .call(uri)
        .await
        .map_err(|error| unreachable(&place, &error))?;
    Ok(stream.into_inner())
}
