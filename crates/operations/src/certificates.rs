//! Certificates that people paste: read, told apart and checked before they are stored.

use imagefleet_model::CertificateInfo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Reads PEM certificates, at least one. The error is a sentence for people that names no secret.
pub fn read(pem: &str) -> Result<Vec<CertificateInfo>, String> {
    ders(pem)?.iter().map(info).collect()
}

/// Checks that a private key is one, and that it belongs to the first certificate.
pub fn check_key(certificates: &str, key: &str) -> Result<(), String> {
    let chain = ders(certificates)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| "is no PEM private key (an encrypted one cannot be used)".to_owned())?;
    let certified = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider());
    match certified {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => Err("does not belong to the certificate".to_owned()),
        Err(error) => Err(format!("cannot be used: {error}")),
    }
}

fn ders(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err("holds no PEM certificate (-----BEGIN CERTIFICATE-----)".to_owned()),
        Err(_) => Err("is broken PEM text".to_owned()),
    }
}

fn info(der: &CertificateDer<'_>) -> Result<CertificateInfo, String> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| "holds no X.509 certificate".to_owned())?;
    let moment = |time: x509_parser::time::ASN1Time| {
        chrono::DateTime::from_timestamp(time.timestamp(), 0).unwrap_or_default()
    };
    Ok(CertificateInfo {
        subject: certificate.subject().to_string(),
        fingerprint: hex::encode(Sha256::digest(der)),
        not_before: moment(certificate.validity().not_before),
        not_after: moment(certificate.validity().not_after),
    })
}

#[cfg(test)]
mod tests {
    use super::{check_key, read};

    const CERTIFICATE: &str = include_str!("certificates/test-certificate.pem");
    const KEY: &str = include_str!("certificates/test-key.pem");
    const OTHER_KEY: &str = include_str!("certificates/test-other-key.pem");

    #[test]
    fn a_certificate_is_known_again() {
        let read_ones = read(&format!("{CERTIFICATE}\n{CERTIFICATE}")).expect("it reads");
        assert_eq!(read_ones.len(), 2);
        let one = &read_ones[0];
        assert_eq!(one.subject, "O=imagefleet tests, CN=engine.test");
        assert_eq!(
            one.fingerprint,
            "172578b2199d36de1d7f8ac8c172ec23a1519c4650471ed5f30246ff6bdd1939"
        );
        assert_eq!(one.not_after.format("%Y").to_string(), "2126");
        for bad in [
            "",
            "nonsense",
            KEY,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let why = read(bad).expect_err("refused");
            assert!(!why.contains("AAAA"), "{why}");
        }
    }

    #[test]
    fn a_key_belongs_to_its_certificate() {
        assert_eq!(check_key(CERTIFICATE, KEY), Ok(()));
        assert_eq!(
            check_key(CERTIFICATE, OTHER_KEY),
            Err("does not belong to the certificate".to_owned())
        );
        assert!(check_key(CERTIFICATE, "nonsense").is_err() && check_key("nonsense", KEY).is_err());
        assert!(check_key(CERTIFICATE, CERTIFICATE).is_err());
    }
}
