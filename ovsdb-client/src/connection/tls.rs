//! TLS over TCP with rustls: our key and certificate, and whom to believe.
//!
//! The server's chain must end at one of the given authorities. Its name is checked where one is asked for; Open vSwitch
//! itself checks none, and the certificates of ovs-pki bear none.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::{ConnectionError, Tls};

/// What is needed for one connection.
pub(super) struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// Reads the files.
    ///
    /// # Errors
    /// A file can not be read or does not hold what it should; the name is none.
    pub(super) fn new(host: &str, tls: &Tls) -> Result<Self, ConnectionError> {
        let fault = |error: &dyn std::fmt::Display| ConnectionError::Tls(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&tls.ca_certificates)? {
            roots
                .add(certificate)
                .map_err(|error| in_file(&tls.ca_certificates, &error))?;
        }
        let key = PrivateKeyDer::from_pem_file(&tls.private_key)
            .map_err(|error| in_file(&tls.private_key, &error))?;
        let provider = Arc::new(ring::default_provider());
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| in_file(&tls.ca_certificates, &error))?;
        let verifier = Verifier {
            chain,
            any_name: tls.server_name.is_none(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(certificates(&tls.certificate)?, key)
            .map_err(|error| in_file(&tls.certificate, &error))?;
        let name = tls.server_name.clone().unwrap_or_else(|| host.to_owned());
        let name = ServerName::try_from(name).map_err(|error| fault(&error))?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// Either side does not accept the other.
    pub(super) async fn connect(
        self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectionError> {
        Ok(self.connector.connect(self.name, stream).await?)
    }
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> ConnectionError {
    ConnectionError::Tls(format!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectionError> {
    let certificates =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| in_file(path, &error))?;
    if certificates.is_empty() {
        return Err(in_file(path, &"no certificate in the file"));
    }
    Ok(certificates)
}

/// Checks the chain, and the name where one is asked for.
#[derive(Debug)]
struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
    any_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            // The name is the last thing that is checked: the chain was found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
