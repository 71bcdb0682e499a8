//! Keys and certificates for `ssl:` remotes, by the flags of the tools of Open vSwitch. What is wrong with them is said
//! before anything is tried.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use ovsdb_client::Remote;
use ovsdb_client::connection::Tls;

use super::Failure;

const WAY_OUT: &str = "`ovs-pki` makes keys and certificates (ovs-pki(8))";

/// The files and the name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "TLS, for ssl: remotes")]
pub(super) struct TlsFiles {
    /// Our private key, PEM
    #[arg(
        short,
        long,
        global = true,
        env = "HEDDLE_PRIVATE_KEY",
        value_name = "FILE",
        hide_env_values = true
    )]
    private_key: Option<PathBuf>,
    /// Our certificate, PEM
    #[arg(
        short,
        long,
        global = true,
        env = "HEDDLE_CERTIFICATE",
        value_name = "FILE",
        hide_env_values = true
    )]
    certificate: Option<PathBuf>,
    /// The authority that the other side's certificate must come from, PEM
    #[arg(
        short = 'C',
        long,
        global = true,
        env = "HEDDLE_CA_CERT",
        value_name = "FILE",
        hide_env_values = true
    )]
    ca_cert: Option<PathBuf>,
    /// The name that the server's certificate must bear [default: any, as for Open vSwitch]
    #[arg(
        long,
        global = true,
        env = "HEDDLE_SERVER_NAME",
        value_name = "NAME",
        hide_env_values = true
    )]
    server_name: Option<String>,
}

impl TlsFiles {
    /// The files, if any is given.
    ///
    /// # Errors
    /// One of them is missing or can not be read.
    pub(super) fn tls(&self) -> Result<Option<Tls>, Failure> {
        let files = [
            ("--private-key", "HEDDLE_PRIVATE_KEY", &self.private_key),
            ("--certificate", "HEDDLE_CERTIFICATE", &self.certificate),
            ("--ca-cert", "HEDDLE_CA_CERT", &self.ca_cert),
        ];
        let (Some(private_key), Some(certificate), Some(ca_certificates)) = (
            self.private_key.clone(),
            self.certificate.clone(),
            self.ca_cert.clone(),
        ) else {
            let missing = files.iter().filter(|(_, _, file)| file.is_none());
            let missing: Vec<String> = missing
                .map(|(flag, variable, _)| format!("{flag} (or {variable})"))
                .collect();
            if missing.len() == files.len() {
                return Ok(None);
            }
            return Err(Failure::input(format_args!(
                "TLS needs a private key, a certificate and an authority: {} is missing",
                missing.join(" and ")
            )));
        };
        for (flag, _, file) in files {
            if let Some(file) = file
                && let Err(error) = File::open(file)
            {
                return Err(Failure::input(format_args!(
                    "{flag} {}: {error}; {WAY_OUT}",
                    file.display()
                )));
            }
        }
        Ok(Some(Tls {
            private_key,
            certificate,
            ca_certificates,
            server_name: self.server_name.clone(),
        }))
    }

    /// The files, where one of the remotes that `flag` names needs them.
    ///
    /// # Errors
    /// They are needed and not given, or as [`tls`](Self::tls).
    pub(super) fn for_remotes(
        &self,
        flag: &str,
        remotes: &[Remote],
    ) -> Result<Option<Tls>, Failure> {
        let tls = self.tls()?;
        match remotes
            .iter()
            .find(|remote| matches!(remote, Remote::Ssl { .. }))
        {
            Some(remote) if tls.is_none() => Err(Failure::input(format_args!(
                "{flag} {remote}: TLS needs --private-key, --certificate and --ca-cert; {WAY_OUT}"
            ))),
            _ => Ok(tls),
        }
    }
}
