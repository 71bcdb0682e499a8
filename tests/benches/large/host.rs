//! Host 0 of a large site, as its switch's database would show it when all bridges and ports are there. Knows no switch.

use std::collections::BTreeMap;

use controller::compile::{HostView, Layout, LeadsTo};
use controller::model::{Settings, Site};
use controller::reconcile::observed::{self, Bridge, Interface, Observed};

/// Those that [`super::Shape::view`] is made for.
pub fn settings() -> Settings {
    let external_ids = [
        ("heddle-encap-ip", "10.1.0.1"),
        ("heddle-encap-types", "vxlan"),
    ];
    let external_ids = external_ids.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Settings::read(&external_ids.into(), "h0").unwrap()
}

/// As `view` sees it, and all of its ports open.
pub fn observed(settings: &Settings, site: &Site, view: &HostView) -> Observed {
    let mut observed = Observed::default();
    for name in ["br-int", "br-tun"] {
        let bridge = Bridge {
            fail_mode: "secure".to_owned(),
            datapath_id: Some("1".to_owned()),
            ..Bridge::default()
        };
        observed.bridges.insert(name.to_owned(), bridge);
    }
    let mut add = |bridge: &str, name: &str, port: observed::Port| {
        let bridge = observed.bridges.get_mut(bridge).unwrap();
        bridge.ports.insert(name.to_owned(), port);
    };
    for (name, spec) in Layout::new(settings).ports {
        let (kind, options, ofport) = match spec.leads_to {
            LeadsTo::Patch { peer, .. } => ("patch", [("peer".to_owned(), peer)].into(), 1),
            LeadsTo::Tunnel { options, .. } => ("vxlan", options, 2),
        };
        let interface = Interface {
            kind: kind.to_owned(),
            options,
            ofport: Some(ofport),
            ..Interface::default()
        };
        let port = observed::Port {
            external_ids: [(observed::OWNED_KEY.to_owned(), String::new())].into(),
            interfaces: [(name.clone(), interface)].into(),
            ..observed::Port::default()
        };
        add(&spec.bridge, &name, port);
    }
    for (id, ofport) in &view.bindings {
        let network = site.ports[id].network;
        let name = format!("tap{}", ofport.unwrap());
        let interface = Interface {
            external_ids: [("iface-id".to_owned(), id.to_string())].into(),
            ofport: *ofport,
            ..Interface::default()
        };
        let port = observed::Port {
            tag: Some(view.local_vlans[&network]),
            external_ids: [(observed::NETWORK_KEY.to_owned(), network.to_string())].into(),
            interfaces: [(name.clone(), interface)].into(),
            ..observed::Port::default()
        };
        add("br-int", &name, port);
    }
    observed
}

/// The ports of a bridge as an OpenFlow session lists them.
pub fn numbers(bridge: &Bridge) -> BTreeMap<u32, String> {
    let interfaces = bridge.ports.values().flat_map(|port| &port.interfaces);
    interfaces
        .map(|(name, interface)| (interface.ofport.unwrap(), name.clone()))
        .collect()
}
