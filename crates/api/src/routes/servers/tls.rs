use imagefleet_model::{Endpoint, ServerTls};
use imagefleet_operations::certificates;
use imagefleet_store::{ServerTlsSetting, TlsSecrets};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::fields::Faults;
use crate::extract::given;

/// Larger PEM texts are none.
const LARGEST: usize = 256 * 1024;

/// TLS of a `tcps` server, PEM texts. In a change, what is left out stays and `null` clears.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsBody {
    /// Certificates to trust; the system's are not.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ca: Option<Option<String>>,
    /// The client certificate, when the engine asks for one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    cert: Option<Option<String>>,
    /// Its private key. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    key: Option<Option<SecretString>>,
}

impl TlsBody {
    /// The whole of a server's TLS after this change of `present`, checked; `None` when nothing of it is left.
    pub fn setting(self, present: Option<&TlsSecrets>, faults: &mut Faults) -> Option<ServerTlsSetting> {
        let ca = self.ca.unwrap_or_else(|| present.map(|tls| tls.ca.clone()));
        let cert = self
            .cert
            .unwrap_or_else(|| present.and_then(|tls| tls.cert.clone()));
        let key = self
            .key
            .unwrap_or_else(|| present.and_then(|tls| tls.key.clone()));
        let (ca, cert) = (filled(ca), filled(cert));
        let key = key.filter(|key| !key.expose_secret().trim().is_empty());
        if ca.is_none() && cert.is_none() && key.is_none() {
            return None;
        }
        let Some(ca) = ca else {
            faults.add(
                "tls.ca",
                "is required: the certificate of the authority that signed the engine's",
            );
            return None;
        };
        let ca_info = faults.take("tls.ca", read(&ca))?;
        let cert_info = match (&cert, &key) {
            (Some(cert), Some(key)) => {
                let info = faults.take("tls.cert", read(cert))?;
                let fits = if key.expose_secret().len() > LARGEST {
                    Err("is too long".to_owned())
                } else {
                    certificates::check_key(cert, key.expose_secret())
                };
                faults.take("tls.key", fits)?;
                Some(info)
            }
            (None, None) => None,
            (Some(_), None) => {
                faults.add("tls.key", "is required with tls.cert");
                return None;
            }
            (None, Some(_)) => {
                faults.add("tls.cert", "is required with tls.key");
                return None;
            }
        };
        Some(ServerTlsSetting {
            secrets: TlsSecrets { ca, cert, key },
            info: ServerTls {
                configured: true,
                ca: Some(ca_info),
                cert: cert_info,
            },
        })
    }
}

/// A `tcps` server needs to know whom to trust.
pub fn check_needed(endpoint: &Endpoint, configured: bool, faults: &mut Faults) {
    if matches!(endpoint, Endpoint::Tcps { .. }) && !configured {
        faults.add(
            "tls.ca",
            "is required for tcps: the system's authorities are not trusted for servers",
        );
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn read(pem: &str) -> Result<imagefleet_model::CertificateInfo, String> {
    if pem.len() > LARGEST {
        return Err("is too long".to_owned());
    }
    let mut certificates = certificates::read(pem)?;
    Ok(certificates.swap_remove(0))
}
