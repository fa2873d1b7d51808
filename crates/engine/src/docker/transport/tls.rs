use std::sync::Arc;

use imagefleet_model::{ErrorCode, Failure};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tcp;
use super::unreachable;
use crate::Result;
use crate::docker::connection::TlsMaterial;

/// TLS with one's own authority, all of it in memory.
pub(super) struct TlsWay {
    host: String,
    port: u16,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl std::fmt::Debug for TlsWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsWay")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl TlsWay {
    pub fn new(host: &str, port: u16, material: Option<&TlsMaterial>) -> Result<Self> {
        let material = material.ok_or_else(|| refused("tcps needs the CA's certificate"))?;
        let plain = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(plain)
            .map_err(|_| refused(&format!("{host} is no name that a certificate can carry")))?;
        Ok(Self {
            host: host.to_owned(),
            port,
            name,
            connector: TlsConnector::from(Arc::new(client_config(material)?)),
        })
    }

    pub async fn open(&self) -> Result<TlsStream<TcpStream>> {
        let stream = tcp::dial(&self.host, self.port).await?;
        self.connector
            .connect(self.name.clone(), stream)
            .await
            .map_err(|error| self.handshake_failure(&error))
    }

    fn handshake_failure(&self, error: &std::io::Error) -> Failure {
        let place = format!("{}:{}", self.host, self.port);
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            Some(rustls::Error::InvalidMessage(_)) => {
                refused(&format!("{place}: the other side speaks no TLS"))
            }
            Some(tls) => refused(&format!("{place}: {tls}")),
            None => unreachable(&place, error),
        }
    }
}

fn client_config(material: &TlsMaterial) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("CA", &material.ca)? {
        roots
            .add(certificate)
            .map_err(|error| refused(&format!("the CA's certificate cannot be used: {error}")))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error.to_string()))?
        .with_root_certificates(roots);
    match (&material.cert, &material.key) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| refused("the client's key is no PEM private key"))?;
            builder
                .with_client_auth_cert(certificates("client", cert)?, key)
                .map_err(|error| refused(&format!("client certificate and key do not fit: {error}")))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(refused("client certificate and key are given only together")),
    }
}

fn certificates(whose: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(refused(&format!("the {whose} certificate is no PEM certificate"))),
    }
}

fn refused(words: &str) -> Failure {
    Failure::new(ErrorCode::TlsFailed, words)
}
