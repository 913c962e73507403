//! Where a PostgreSQL is, and how the way there is protected.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_postgres::config::{Config, Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the other side may be silent before a connection counts as lost, where the system can be told.
const SILENCE: Duration = Duration::from_secs(15);

/// A database on a PostgreSQL server, with the password, which it never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    config: Config,
    /// A PEM file with the authorities to trust instead of the system's.
    authorities: Option<PathBuf>,
}

/// Why the way to a server cannot be protected.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file cannot be read, or has nothing of the kind.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: rustls_pki_types::pem::Error,
    },
    /// Nobody is trusted.
    #[error(
        "no authority is known that could vouch for the PostgreSQL server; name a PEM file with `database_ca`"
    )]
    Nobody,
    /// The library refuses.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl Address {
    /// Reads a URL. What is wrong with it is said without repeating it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        // Certificates and names are always checked, so the words that ask for it mean the same.
        let url = url
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = url.parse().map_err(
            |_| "is no URL of PostgreSQL, as postgres://hub@db.example.com/hub is (special characters as %40)",
        )?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("names no host");
        }
        if config.get_user().is_none() {
            return Err("names no user");
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            // Encryption that whoever sits between can switch off would be none.
            let here = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
                && config.get_hosts().iter().all(is_here);
            config.ssl_mode(if here { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_application_name().is_none() {
            config.application_name("firstlight-hub");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(config.get_keepalives_idle().min(SILENCE));
        Ok(Self { config, authorities: None })
    }

    /// Trusts the authorities in a PEM file, and no others.
    #[must_use]
    pub fn trusting(self, authorities: Option<PathBuf>) -> Self {
        Self { authorities, ..self }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> Result<MakeRustlsConnect, TrustError> {
        let mut roots = RootCertStore::empty();
        // A certificate of the system that cannot be used is one authority less, as in any browser.
        match &self.authorities {
            Some(path) => {
                for authority in read(path)? {
                    roots.add(authority)?;
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        if roots.is_empty() && self.config.get_ssl_mode() == SslMode::Require {
            return Err(TrustError::Nobody);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|cause| TrustError::File { path: path.to_owned(), cause })
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// As `db.example.com:5432/hub`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<String> =
            if self.config.get_hosts().is_empty() { addresses.collect() } else { hosts.collect() };
        for (index, host) in hosts.iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            write!(f, "{}{host}:{port}", if index == 0 { "" } else { "," })?;
        }
        write!(f, "/{}", self.config.get_dbname().or(self.config.get_user()).unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("postgres://hub:hunter2@db.example.com/events").unwrap();
        for text in [address.to_string(), format!("{address:?}"), format!("{:?}", address.config())] {
            assert!(text.contains("db.example.com") && !text.contains("hunter2"), "{text}");
        }
        assert_eq!(address.to_string(), "db.example.com:5432/events");
    }

    #[test]
    fn the_way_to_another_machine_is_encrypted_unless_told_otherwise() {
        for (url, mode) in [
            ("postgres://hub@db.example.com/hub", SslMode::Require),
            ("postgres://hub@db.example.com/hub?sslmode=prefer", SslMode::Require),
            ("postgres://hub@db.example.com/hub?sslmode=verify-full", SslMode::Require),
            ("postgres://hub@localhost,db.example.com/hub", SslMode::Require),
            ("postgres://hub@db.example.com/hub?sslmode=disable", SslMode::Disable),
            ("postgres://hub@localhost/hub", SslMode::Disable),
            ("postgres://hub@[::1]:5433/hub", SslMode::Disable),
            ("postgres://hub@localhost/hub?sslmode=require", SslMode::Require),
        ] {
            assert_eq!(Address::parse(url).unwrap().config().get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_connected_to_is_said() {
        for (url, expected) in [
            ("postgres://hub@/hub", "names no host"),
            ("postgres://localhost/hub", "names no user"),
            ("postgres://hub@localhost:many/hub", "is no URL of PostgreSQL"),
            ("postgres://hub@localhost/hub?sslmode=maybe", "is no URL of PostgreSQL"),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.starts_with(expected), "{url}: {error}");
        }
    }
}
