//! What this host tells the northbound database: its own row, the ports that are up on it, the revision it has applied.
//!
//! One transaction at a time, made of the difference between what the database says and what is so.

use std::collections::BTreeSet;

use ovsdb_client::{Client, Committed, TransactError, Transaction, TransactionId};
use tracing::info;
use uuid::Uuid;

use crate::model::{Host, Settings, Site, Touched};
use crate::northbound::{self, Registration};
use crate::reconcile::reconciler::Report;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Publisher {
    /// The database has been read in this session.
    pub(super) connected: bool,
    on_its_way: Option<TransactionId>,
    /// The ports that are up on a host according to the database; none: it is not known yet.
    published: Option<(Uuid, BTreeSet<Uuid>)>,
}

impl Publisher {
    /// These objects of the site have changed.
    pub(super) fn site_changed(&mut self, site: &Site, touched: &Touched) {
        let Some((host, published)) = &mut self.published else {
            return;
        };
        for id in &touched.ports {
            let port = site.ports.get(id);
            if port.is_some_and(|port| port.hosts.contains(host)) {
                published.insert(*id);
            } else {
                published.remove(id);
            }
        }
    }

    /// The ports that are up on the host according to the database.
    fn published(&mut self, site: &Site, host: Uuid) -> &BTreeSet<Uuid> {
        let known = self.published.take().filter(|(known, _)| *known == host);
        let (_, published) = self.published.insert(known.unwrap_or_else(|| {
            let ports = site.ports.values();
            let here = ports.filter(|port| port.hosts.contains(&host));
            (host, here.map(|port| port.id).collect())
        }));
        published
    }

    /// Sends what differs between `site`, where `host` is this host, and `report`, unless something is on its way.
    pub(super) fn publish(
        &mut self,
        client: &mut Client,
        settings: &Settings,
        site: &Site,
        host: Option<&Host>,
        report: &Report,
    ) {
        if !self.connected || self.on_its_way.is_some() {
            return;
        }
        let nothing = BTreeSet::new();
        let published = match host {
            Some(host) => self.published(site, host.id),
            None => &nothing,
        };
        let transaction = difference(settings, site, host, published, report);
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

fn difference(
    settings: &Settings,
    site: &Site,
    host: Option<&Host>,
    published: &BTreeSet<Uuid>,
    report: &Report,
) -> Transaction {
    let mut out = Transaction::new();
    let registration = Registration {
        name: settings.host.clone(),
        encap_ip: settings.encap_ip,
        encap_types: settings.encap_types.clone(),
        bridge_mappings: settings.bridge_mappings.clone(),
    };
    northbound::register(&mut out, host, &registration);
    let Some(host) = host else {
        return out;
    };
    for port in report.up.difference(published) {
        if let Some(port) = site.ports.get(port) {
            info!(port = port.name, "up");
            northbound::port_up(&mut out, port.id, host.id);
        }
    }
    for port in published.difference(&report.plugged) {
        if let Some(port) = site.ports.get(port) {
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
