//! What others have done to heddle's rows in the switch's database, told apart from what heddle has done itself, and to its
//! flows. Decides nothing: what differs from what shall be is put right whoever did it.

use std::fmt;

use tracing::{info, warn};

use crate::model::{INTEGRATION_BRIDGE, TUNNEL_BRIDGE};
use crate::reconcile::layout::Change;
use crate::reconcile::observation::Edit;
use crate::reconcile::observed::{Bridge, Interface, Observed, Port};

/// One edit, named as `ovs-vsctl` names what it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tampering {
    /// A bridge of heddle's own is gone, and all that was on it.
    BridgeDeleted { bridge: String },
    /// `Bridge.fail_mode` is this now.
    FailMode { bridge: String, now: String },
    /// `Bridge.protocols` are these now, and lack the one that heddle speaks.
    Protocols { bridge: String, now: String },
    /// A port that heddle has made is gone.
    PortDeleted { bridge: String, port: String },
    /// A port that heddle has made is not marked as such any more.
    Unmarked { bridge: String, port: String },
    /// `Interface.options` of a port that heddle has made are these now.
    Options {
        bridge: String,
        port: String,
        now: String,
    },
    /// `Port.tag` or `Port.external_ids` say something else than the local VLAN that heddle has noted.
    LocalVlan {
        bridge: String,
        port: String,
        now: String,
    },
}

/// What has happened to heddle's rows from one look at the database to the next, less what `own` changes have done.
pub(super) fn tampering(before: &Observed, after: &Observed, own: &[Change]) -> Vec<Tampering> {
    let mut out = Vec::new();
    for (name, old) in &before.bridges {
        let bridge = || name.clone();
        let heddles = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&name.as_str());
        let Some(new) = after.bridges.get(name).filter(|new| new.id == old.id) else {
            // Another's bridge takes heddle's ports on it with it, which is not against heddle.
            out.extend(heddles.then(|| Tampering::BridgeDeleted { bridge: bridge() }));
            continue;
        };
        let secured = Change::SecureBridge { bridge: old.id };
        if heddles && old.fail_mode != new.fail_mode && !own.contains(&secured) {
            out.push(Tampering::FailMode {
                bridge: bridge(),
                now: new.fail_mode.clone(),
            });
        }
        let allowed = Change::AllowProtocol { bridge: old.id };
        let lost = new.lacks_protocol() && !old.lacks_protocol();
        if heddles && lost && !own.contains(&allowed) {
            let now: Vec<&str> = new.protocols.iter().map(String::as_str).collect();
            out.push(Tampering::Protocols {
                bridge: bridge(),
                now: now.join(", "),
            });
        }
        out.extend(old.ports.iter().filter_map(|(port, old)| {
            let edit = port_edit(port, old, new, own)?;
            Some(edit.of(name, port))
        }));
    }
    out
}

/// Says what others have done to heddle's flows; of many at once the first and how many. Returns how many need repair.
pub(super) fn tell_edits(bridge: &str, edits: impl Iterator<Item = Edit>) -> u64 {
    let (mut deleted, mut altered, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for edit in edits {
        match edit {
            Edit::Deleted(flow) => deleted.push(flow),
            Edit::Altered(flow) => altered.push(flow),
            Edit::Foreign(flow) => foreign.push(flow),
        }
    }
    if let Some(flow) = deleted.first() {
        let flows = deleted.len();
        warn!(bridge, flows, %flow, "somebody has deleted flows of heddle's: putting them back");
    }
    if let Some(flow) = altered.first() {
        let flows = altered.len();
        warn!(bridge, flows, %flow, "somebody has changed flows of heddle's: changing them back");
    }
    if let Some(flow) = foreign.first() {
        let flows = foreign.len();
        info!(bridge, flows, %flow, "somebody has added flows that are not heddle's");
    }
    u64::try_from(deleted.len().saturating_add(altered.len())).unwrap_or(u64::MAX)
}

/// What has happened to a port; see [`Tampering`].
enum PortEdit {
    Deleted,
    Unmarked,
    Options(String),
    LocalVlan(String),
}

impl PortEdit {
    fn of(self, bridge: &str, port: &str) -> Tampering {
        let (bridge, port) = (bridge.to_owned(), port.to_owned());
        match self {
            Self::Deleted => Tampering::PortDeleted { bridge, port },
            Self::Unmarked => Tampering::Unmarked { bridge, port },
            Self::Options(now) => Tampering::Options { bridge, port, now },
            Self::LocalVlan(now) => Tampering::LocalVlan { bridge, port, now },
        }
    }
}

fn port_edit(name: &str, old: &Port, bridge: &Bridge, own: &[Change]) -> Option<PortEdit> {
    let Some(new) = bridge.ports.get(name).filter(|new| new.id == old.id) else {
        // An endpoint that is unplugged is none of heddle's rows.
        let is_own =
            |change: &Change| matches!(change, Change::DeletePort { port, .. } if *port == old.id);
        return (old.is_owned() && !own.iter().any(is_own)).then_some(PortEdit::Deleted);
    };
    if old.is_owned() {
        if !new.is_owned() {
            return Some(PortEdit::Unmarked);
        }
        let (old, new) = (old.interfaces.get(name)?, new.interfaces.get(name)?);
        let set = Change::SetOptions {
            interface: new.id,
            options: new.options.clone(),
        };
        let differ = old.options != new.options && !own.contains(&set);
        return differ.then(|| PortEdit::Options(options(new)));
    }
    let noted = old.local_vlan()?;
    let now = new.local_vlan();
    let set = Change::SetLocalVlan {
        port: new.id,
        local_vlan: now,
    };
    let differ = now != Some(noted) && !own.contains(&set);
    differ.then(|| PortEdit::LocalVlan(local_vlan(new)))
}

fn options(interface: &Interface) -> String {
    let options = interface.options.iter();
    let options: Vec<String> = options
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    options.join(", ")
}

fn local_vlan(port: &Port) -> String {
    match (port.tag, port.local_vlan()) {
        (None, _) => "no tag".to_owned(),
        (Some(tag), Some((network, _))) => format!("tag {tag} of the network {network}"),
        (Some(tag), None) => format!("tag {tag} of no network"),
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BridgeDeleted { bridge } => write!(out, "the bridge {bridge} is gone"),
            Self::FailMode { bridge, now } => {
                write!(out, "fail_mode of the bridge {bridge} is \"{now}\"")
            }
            Self::Protocols { bridge, now } => {
                write!(out, "protocols of the bridge {bridge} are \"{now}\"")
            }
            Self::Unmarked { bridge, port } => {
                write!(out, "the port {port} of {bridge} is not marked as heddle's")
            }
            Self::PortDeleted { bridge, port } => {
                write!(out, "the port {port} of {bridge} is gone")
            }
            Self::Options { bridge, port, now } => {
                write!(
                    out,
                    "options of the interface {port} of {bridge} are \"{now}\""
                )
            }
            Self::LocalVlan { bridge, port, now } => {
                write!(out, "the port {port} of {bridge} has {now}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::reconcile::observed::{NETWORK_KEY, OWNED_KEY, PROTOCOL};

    const NETWORK: Uuid = Uuid::from_u128(99);

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// `br-int` with heddle's port `patch-tun` and an endpoint on `tap1`.
    fn observed() -> Observed {
        let patch = Interface {
            id: id(3),
            options: BTreeMap::from([("peer".to_owned(), "patch-int".to_owned())]),
            ..Interface::default()
        };
        let patch = Port {
            id: id(2),
            external_ids: [(OWNED_KEY.to_owned(), "true".to_owned())].into(),
            interfaces: [("patch-tun".to_owned(), patch)].into(),
            ..Port::default()
        };
        let tap = Port {
            id: id(4),
            tag: Some(7),
            external_ids: [(NETWORK_KEY.to_owned(), NETWORK.to_string())].into(),
            interfaces: [("tap1".to_owned(), Interface::default())].into(),
        };
        let bridge = Bridge {
            id: id(1),
            fail_mode: "secure".to_owned(),
            ports: [("patch-tun".to_owned(), patch), ("tap1".to_owned(), tap)].into(),
            ..Bridge::default()
        };
        Observed {
            bridges: [("br-int".to_owned(), bridge)].into(),
            ..Observed::default()
        }
    }

    fn told(edit: impl Fn(&mut Bridge), own: &[Change]) -> Vec<String> {
        let (before, mut after) = (observed(), observed());
        edit(after.bridges.get_mut("br-int").unwrap());
        let edits = tampering(&before, &after, own);
        edits.iter().map(Tampering::to_string).collect()
    }

    fn port<'a>(bridge: &'a mut Bridge, name: &str) -> &'a mut Port {
        bridge.ports.get_mut(name).unwrap()
    }

    #[test]
    fn others_edits_are_told_and_own_changes_are_not() {
        let closed = BTreeMap::from([("peer".to_owned(), "elsewhere".to_owned())]);
        let set_options = Change::SetOptions {
            interface: id(3),
            options: closed.clone(),
        };
        let set_tag = |local_vlan| Change::SetLocalVlan {
            port: id(4),
            local_vlan,
        };
        let delete = Change::DeletePort {
            bridge: id(1),
            port: id(2),
        };
        type Edit<'a> = &'a dyn Fn(&mut Bridge);
        let cases: [(Edit<'_>, Change, &str); 6] = [
            (
                &|bridge| bridge.protocols = ["OpenFlow10", "OpenFlow13"].map(str::to_owned).into(),
                Change::AllowProtocol { bridge: id(1) },
                "protocols of the bridge br-int are \"OpenFlow10, OpenFlow13\"",
            ),
            (
                &|bridge| bridge.fail_mode.clear(),
                Change::SecureBridge { bridge: id(1) },
                "fail_mode of the bridge br-int is \"\"",
            ),
            (
                &|bridge| drop(bridge.ports.remove("patch-tun")),
                delete,
                "the port patch-tun of br-int is gone",
            ),
            (
                &|bridge| {
                    let interfaces = &mut port(bridge, "patch-tun").interfaces;
                    interfaces.get_mut("patch-tun").unwrap().options = closed.clone();
                },
                set_options,
                "options of the interface patch-tun of br-int are \"peer=elsewhere\"",
            ),
            (
                &|bridge| port(bridge, "tap1").tag = Some(8),
                set_tag(Some((NETWORK, 8))),
                "the port tap1 of br-int has tag 8 of the network 00000000-0000-0000-0000-000000000063",
            ),
            (
                &|bridge| {
                    let port = port(bridge, "tap1");
                    port.tag = None;
                    port.external_ids.clear();
                },
                set_tag(None),
                "the port tap1 of br-int has no tag",
            ),
        ];
        for (edit, own, expected) in cases {
            assert_eq!(told(edit, &[]), [expected]);
            assert_eq!(told(edit, &[own]), [""; 0], "{expected}");
        }
    }

    #[test]
    fn what_is_not_heddles_is_none_of_its_business() {
        assert_eq!(
            told(|bridge| drop(bridge.ports.remove("tap1")), &[]),
            [""; 0]
        );
        let renumber = |bridge: &mut Bridge| {
            let interfaces = &mut port(bridge, "tap1").interfaces;
            interfaces.get_mut("tap1").unwrap().ofport = Some(9);
        };
        assert_eq!(told(renumber, &[]), [""; 0]);
        let versions = |bridge: &mut Bridge| {
            bridge.protocols = ["OpenFlow13", PROTOCOL].map(str::to_owned).into();
        };
        assert_eq!(told(versions, &[]), [""; 0], "heddle speaks one of them");
        let unmarked = |bridge: &mut Bridge| port(bridge, "patch-tun").external_ids.clear();
        let told_of = "the port patch-tun of br-int is not marked as heddle's";
        assert_eq!(told(unmarked, &[]), [told_of]);
        // Made again by somebody, it is another.
        assert_eq!(
            told(|bridge| bridge.id = id(77), &[]),
            ["the bridge br-int is gone"]
        );
        let gone = tampering(&observed(), &Observed::default(), &[]);
        assert_eq!(gone.len(), 1, "what was on it is not told one by one");
    }
}
