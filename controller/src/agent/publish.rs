//! What this host tells the northbound database: its own row, the ports that are up on it, the revision it has applied.
//!
//! One transaction at a time, made of the difference between what the database says and what is so.

use ovsdb_client::{Client, Committed, TransactError, Transaction, TransactionId};
use tracing::info;

use crate::model::{Settings, Site};
use crate::northbound::{self, Registration};
use crate::reconcile::reconciler::Report;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Publisher {
    /// The database has been read in this session.
    pub(super) connected: bool,
    on_its_way: Option<TransactionId>,
}

impl Publisher {
    /// Sends what differs between `site` and `report`, unless something is on its way.
    pub(super) fn publish(
        &mut self,
        client: &mut Client,
        settings: &Settings,
        site: &Site,
        report: &Report,
    ) {
        if !self.connected || self.on_its_way.is_some() {
            return;
        }
        let transaction = difference(settings, site, report);
        if !transaction.is_empty() {
            self.on_its_way = Some(client.submit(transaction));
        }
    }

    /// The outcome of what was on its way. Whatever it is, what still differs is sent again.
    ///
    /// # Errors
    ///
    /// The database did not take it.
    pub(super) fn ended(
        &mut self,
        id: TransactionId,
        outcome: Result<Committed, TransactError>,
    ) -> Result<(), TransactError> {
        if self.on_its_way != Some(id) {
            return Ok(());
        }
        self.on_its_way = None;
        match outcome {
            // The replica shows what became of it.
            Ok(_) | Err(TransactError::Unknown { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn difference(settings: &Settings, site: &Site, report: &Report) -> Transaction {
    let mut out = Transaction::new();
    let registration = Registration {
        name: settings.host.clone(),
        encap_ip: settings.encap_ip,
        encap_types: settings.encap_types.clone(),
        bridge_mappings: settings.bridge_mappings.clone(),
    };
    northbound::register(&mut out, site, &registration);
    let Some(host) = site.hosts.values().find(|host| host.name == settings.host) else {
        return out;
    };
    for port in site.ports.values() {
        let published = port.hosts.contains(&host.id);
        if report.up.contains(&port.id) && !published {
            info!(port = port.name, "up");
            northbound::port_up(&mut out, port.id, host.id);
        } else if published && !report.plugged.contains(&port.id) {
            info!(port = port.name, "unplugged");
            northbound::port_down(&mut out, port.id, host.id);
        }
    }
    let said = northbound::Report {
        applied: report.applied.unwrap_or(host.applied),
        unbound: report.unbound.clone(),
        problems: report.problems.clone(),
    };
    northbound::report(&mut out, host, &said);
    out
}
