//! The cookies that the flows of this host probably have, known before any bridge has been asked: what an earlier agent has left
//! behind is found by them without a pause of forwarding. Where they are wrong nothing but speed is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::compile::{Cookie, Kind};
use crate::model::Site;

/// For the networks that are `here`, by their local VLANs.
pub(super) fn cookies(site: &Site, here: &BTreeMap<Uuid, u16>) -> Arc<[u64]> {
    let networks = here
        .keys()
        .flat_map(|id| [Kind::Network, Kind::Learned].map(|kind| Cookie::new(kind, *id)));
    let ports = site.ports.values();
    let ports = ports
        .filter(|port| here.contains_key(&port.network))
        .map(|port| Cookie::new(Kind::Port, port.id));
    let hosts = site.hosts.keys().map(|id| Cookie::new(Kind::Host, *id));
    let all = networks.chain(ports).chain(hosts).chain([Cookie::BASE]);
    let mut cookies: Vec<u64> = all.map(Cookie::raw).collect();
    cookies.sort_unstable();
    cookies.dedup();
    cookies.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Segment;
    use crate::model::sample::{host, id, network, port};

    #[test]
    fn what_serves_networks_that_are_here_is_expected_once() {
        let mut site = Site::default();
        for n in [1, 2] {
            let (network, port) = (network(n, Segment::Local), port(10 + n, n, &[]));
            site.networks.insert(network.id, network);
            site.ports.insert(port.id, port);
        }
        let peer = host(200, "192.0.2.2");
        site.hosts.insert(peer.id, peer);
        let mut expected = vec![
            Cookie::BASE.raw(),
            Cookie::new(Kind::Network, id(1)).raw(),
            Cookie::new(Kind::Learned, id(1)).raw(),
            Cookie::new(Kind::Port, id(11)).raw(),
            Cookie::new(Kind::Host, id(200)).raw(),
        ];
        expected.sort_unstable();
        assert_eq!(cookies(&site, &[(id(1), 7)].into())[..], expected);
    }
}
