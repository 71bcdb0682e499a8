//! From YAML nodes to the entries of a document. Goes on after a fault, so that one run tells them all.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use flows::EthAddr;
use ipnet::IpNet;

use super::node::{self, Content, Node};
use super::{
    At, Document, Fault, NetworkEntry, PhysicalNetworkEntry, Place, PortEntry, SubnetEntry, Wrong,
};
use crate::model::{
    NetworkType, PhysicalNetwork, check_name, check_physical_network_name, check_prefix,
    merge_ranges, parse_range,
};

/// IPv4's smallest, RFC 791.
const MIN_MTU: u64 = 68;

/// Reads a whole document.
pub(super) fn document(text: &str) -> Result<Document, Vec<Fault>> {
    let root = node::parse(text).map_err(|fault| vec![fault])?;
    let mut reader = Reader {
        text,
        faults: Vec::new(),
    };
    let document = reader.document(root);
    reader.faults.sort_by_key(|fault| fault.place);
    if reader.faults.is_empty() {
        Ok(document)
    } else {
        Err(reader.faults)
    }
}

/// Collects faults on the way.
struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

/// The fields of one object, taken out one by one.
struct Fields {
    owner: &'static str,
    place: Place,
    found: BTreeMap<&'static str, Node>,
}

impl Fields {
    /// The value of a field; a field left empty is left out.
    fn take(&mut self, field: &str) -> Option<Node> {
        self.found
            .remove(field)
            .filter(|node| !matches!(node.content, Content::Null))
    }
}

impl Reader<'_> {
    fn fault(&mut self, place: Place, wrong: impl Into<Wrong>) {
        self.faults.push(Fault {
            place,
            wrong: wrong.into(),
        });
    }

    fn value(&mut self, node: &Node, field: &'static str, expected: impl Into<String>) {
        let wrong = Wrong::Value {
            field,
            found: node.content.describe(),
            expected: expected.into(),
        };
        self.fault(node.place, wrong);
    }

    fn document(&mut self, root: Node) -> Document {
        if matches!(root.content, Content::Null) {
            self.fault(Place::START, Wrong::Empty);
            return Document::default();
        }
        let lists = ["physical_networks", "networks", "subnets", "ports"];
        let Some(mut fields) = self.fields(root, "the document", &lists) else {
            return Document::default();
        };
        let document = Document {
            physical_networks: self.list(&mut fields, "physical_networks", Self::physical_network),
            networks: self.list(&mut fields, "networks", Self::network),
            subnets: self.list(&mut fields, "subnets", Self::subnet),
            ports: self.list(&mut fields, "ports", Self::port),
        };
        self.repeated(
            "physical network",
            document.physical_networks.iter().map(|entry| &entry.name),
        );
        self.repeated("network", document.networks.iter().map(|entry| &entry.name));
        self.repeated("subnet", document.subnets.iter().map(|entry| &entry.name));
        self.repeated("port", document.ports.iter().map(|entry| &entry.name));
        document
    }

    /// Faults every name that stands twice.
    fn repeated<'n>(&mut self, kind: &'static str, names: impl Iterator<Item = &'n At<String>>) {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        for name in names {
            match seen.get(name.value.as_str()) {
                Some(&first) => self.fault(
                    name.place,
                    Wrong::Repeated {
                        kind,
                        name: name.value.clone(),
                        first,
                    },
                ),
                None => {
                    seen.insert(&name.value, name.place);
                }
            }
        }
    }

    /// The fields of a mapping; those that do not belong there are faults.
    fn fields(
        &mut self,
        node: Node,
        owner: &'static str,
        expected: &[&'static str],
    ) -> Option<Fields> {
        let Content::Map(entries) = node.content else {
            let expected = format!("a mapping with the fields {}", expected.join(", "));
            self.value(&node, owner, expected);
            return None;
        };
        let mut found = BTreeMap::new();
        for (key, value) in entries {
            let name = match &key.content {
                Content::Text(text) => text.clone(),
                other => other.describe(),
            };
            match expected.iter().find(|field| **field == name) {
                Some(field) => {
                    found.insert(*field, value);
                }
                None => {
                    let wrong = Wrong::UnknownField {
                        field: name,
                        owner,
                        expected: expected.join(", "),
                    };
                    self.fault(key.place, wrong);
                }
            }
        }
        Some(Fields {
            owner,
            place: node.place,
            found,
        })
    }

    fn list<T>(
        &mut self,
        fields: &mut Fields,
        field: &'static str,
        read: fn(&mut Self, Node) -> Option<T>,
    ) -> Vec<T> {
        match fields.take(field) {
            None => Vec::new(),
            Some(Node {
                content: Content::List(nodes),
                ..
            }) => nodes
                .into_iter()
                .filter_map(|node| read(self, node))
                .collect(),
            Some(node) => {
                self.value(&node, field, "a list");
                Vec::new()
            }
        }
    }

    /// A field that the object can not do without.
    fn required<T>(
        &mut self,
        fields: &mut Fields,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(&mut Self, Node) -> Option<T>,
    ) -> Option<T> {
        match fields.take(field) {
            Some(node) => read(self, node),
            None => {
                self.fault(
                    fields.place,
                    Wrong::Missing {
                        owner: fields.owner.to_owned(),
                        field,
                        expected,
                    },
                );
                None
            }
        }
    }

    /// A scalar as it was written.
    fn text(&mut self, node: Node, field: &'static str) -> Option<At<String>> {
        let value = match &node.content {
            Content::Text(text) => text.clone(),
            // A name like 007 or 1e3: YAML reads a number, its author meant the letters.
            Content::Number(number) => {
                let written = node
                    .bytes
                    .clone()
                    .and_then(|bytes| self.text.get(bytes))
                    .map(str::trim_end);
                written.unwrap_or(number).to_owned()
            }
            Content::Flag(_) | Content::Null | Content::List(_) | Content::Map(_) => {
                self.value(&node, field, "a text (true and false need quotes)");
                return None;
            }
        };
        Some(At {
            value,
            place: node.place,
        })
    }

    fn name(&mut self, node: Node, field: &'static str) -> Option<At<String>> {
        let name = self.text(node, field)?;
        match check_name(&name.value) {
            Ok(()) => Some(name),
            Err(error) => {
                self.fault(name.place, error);
                None
            }
        }
    }

    fn physical_network_name(&mut self, node: Node, field: &'static str) -> Option<At<String>> {
        let name = self.text(node, field)?;
        match check_physical_network_name(&name.value) {
            Ok(()) => Some(name),
            Err(error) => {
                self.fault(name.place, error);
                None
            }
        }
    }

    /// A text with a syntax of its own.
    fn parsed<T>(
        &mut self,
        node: Node,
        field: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let parsed = match &node.content {
            Content::Text(text) => parse(text),
            _ => None,
        };
        if parsed.is_none() {
            self.value(&node, field, expected);
        }
        Some(At {
            value: parsed?,
            place: node.place,
        })
    }

    fn number<T: TryFrom<u64>>(
        &mut self,
        node: Node,
        field: &'static str,
        range: RangeInclusive<u64>,
        unit: impl Display,
    ) -> Option<At<T>> {
        let number = match &node.content {
            Content::Number(text) | Content::Text(text) => {
                text.parse().ok().filter(|number| range.contains(number))
            }
            _ => None,
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.value(
                &node,
                field,
                format!("a number from {} to {}{unit}", range.start(), range.end()),
            );
        }
        Some(At {
            value: number?,
            place: node.place,
        })
    }

    fn flag(&mut self, node: &Node, field: &'static str) -> Option<bool> {
        if let Content::Flag(flag) = node.content {
            Some(flag)
        } else {
            self.value(node, field, "true or false");
            None
        }
    }

    fn address(&mut self, node: Node, field: &'static str) -> Option<At<IpAddr>> {
        self.parsed(
            node,
            field,
            "an address such as 10.0.0.5 or fd00::5",
            |text| text.parse().ok(),
        )
    }

    fn physical_network(&mut self, node: Node) -> Option<PhysicalNetworkEntry> {
        let mut fields = self.fields(node, "a physical network", &["name", "vlans"])?;
        let name = self.required(
            &mut fields,
            "name",
            "a name that hosts map to a bridge",
            |reader, node| reader.physical_network_name(node, "name"),
        );
        let vlans = fields.take("vlans").map(|node| self.vlans(node));
        Some(PhysicalNetworkEntry { name: name?, vlans })
    }

    fn vlans(&mut self, node: Node) -> Vec<RangeInclusive<u16>> {
        let Content::List(nodes) = node.content else {
            self.value(&node, "vlans", "a list of ranges such as [1001-2000]");
            return Vec::new();
        };
        let mut ranges = Vec::new();
        for node in nodes {
            let Some(text) = self.text(node, "vlans") else {
                continue;
            };
            match parse_range(&text.value) {
                Ok(range) => ranges.push(range),
                Err(error) => self.fault(text.place, error),
            }
        }
        merge_ranges(ranges)
    }

    fn network(&mut self, node: Node) -> Option<NetworkEntry> {
        let expected = [
            "name",
            "project",
            "type",
            "vni",
            "physical_network",
            "vlan",
            "mtu",
            "learning",
        ];
        let mut fields = self.fields(node, "a network", &expected)?;
        let name = self.required(&mut fields, "name", "a name", |reader, node| {
            reader.name(node, "name")
        });
        let types = NetworkType::ALL.map(NetworkType::name).join(", ");
        let project = fields
            .take("project")
            .and_then(|node| self.name(node, "project"));
        let network_type = fields.take("type").and_then(|node| {
            self.parsed(
                node,
                "type",
                &format!("one of {types}"),
                NetworkType::from_name,
            )
        });
        let vni = fields.take("vni").and_then(|node| {
            self.number(
                node,
                "vni",
                1..=u64::from(u32::MAX),
                " (to 16777215 for vxlan and geneve)",
            )
        });
        let physical_network = fields
            .take("physical_network")
            .and_then(|node| self.physical_network_name(node, "physical_network"));
        let (low, high) = PhysicalNetwork::ALL_VLANS.into_inner();
        let vlan = fields
            .take("vlan")
            .and_then(|node| self.number(node, "vlan", u64::from(low)..=u64::from(high), ""));
        let mtu = fields
            .take("mtu")
            .and_then(|node| self.number(node, "mtu", MIN_MTU..=u64::from(u16::MAX), " bytes"));
        let learning = fields
            .take("learning")
            .and_then(|node| self.flag(&node, "learning"));
        let project = project.map(|project| project.value);
        Some(NetworkEntry {
            name: name?,
            project,
            network_type,
            vni,
            physical_network,
            vlan,
            mtu,
            learning,
        })
    }

    fn subnet(&mut self, node: Node) -> Option<SubnetEntry> {
        let mut fields = self.fields(node, "a subnet", &["name", "network", "cidr", "gateway"])?;
        let place = fields.place;
        let name = fields.take("name").map(|node| self.name(node, "name"));
        let network = self.required(
            &mut fields,
            "network",
            "the name of its network",
            |reader, node| reader.name(node, "network"),
        );
        let cidr = self.required(
            &mut fields,
            "cidr",
            "a prefix such as 10.0.0.0/24",
            |reader, node| reader.cidr(node),
        );
        let gateway = fields
            .take("gateway")
            .and_then(|node| self.address(node, "gateway"));
        let (network, cidr) = (network?, cidr?);
        let name = match name {
            Some(given) => given?,
            None => At {
                value: format!("{}-{}", network.value, cidr.value),
                place,
            },
        };
        Some(SubnetEntry {
            name,
            network,
            cidr,
            gateway,
        })
    }

    fn cidr(&mut self, node: Node) -> Option<At<IpNet>> {
        let cidr: At<IpNet> = self.parsed(
            node,
            "cidr",
            "a prefix such as 10.0.0.0/24 or fd00::/64",
            |text| text.parse().ok(),
        )?;
        match check_prefix(&cidr.value) {
            Ok(()) => Some(cidr),
            Err(error) => {
                self.fault(cidr.place, error);
                None
            }
        }
    }

    fn port(&mut self, node: Node) -> Option<PortEntry> {
        let mut fields = self.fields(
            node,
            "a port",
            &["name", "network", "mac", "addresses", "port_security"],
        )?;
        let name = self.required(&mut fields, "name", "a name", |reader, node| {
            reader.name(node, "name")
        });
        let network = self.required(
            &mut fields,
            "network",
            "the name of its network",
            |reader, node| reader.name(node, "network"),
        );
        let mac = fields.take("mac").and_then(|node| self.mac(node));
        let addresses = fields.take("addresses").map(|node| self.addresses(node));
        let port_security = fields
            .take("port_security")
            .and_then(|node| self.flag(&node, "port_security"));
        Some(PortEntry {
            name: name?,
            network: network?,
            mac,
            addresses,
            port_security,
        })
    }

    fn mac(&mut self, node: Node) -> Option<At<EthAddr>> {
        let text = self.text(node, "mac")?;
        match text.value.parse::<EthAddr>() {
            Ok(mac) if mac.is_multicast() || mac == EthAddr::default() => {
                self.fault(text.place, Wrong::MacNotUnicast(mac));
                None
            }
            Ok(mac) => Some(At {
                value: mac,
                place: text.place,
            }),
            Err(error) => {
                self.fault(text.place, error);
                None
            }
        }
    }

    fn addresses(&mut self, node: Node) -> Vec<At<IpAddr>> {
        let Content::List(nodes) = node.content else {
            self.value(&node, "addresses", "a list such as [10.0.0.5, \"fd00::5\"]");
            return Vec::new();
        };
        let mut addresses: Vec<At<IpAddr>> = Vec::with_capacity(nodes.len());
        let mut seen = std::collections::BTreeSet::new();
        for node in nodes {
            let Some(address) = self.address(node, "addresses") else {
                continue;
            };
            if seen.insert(address.value) {
                addresses.push(address);
            } else {
                self.fault(address.place, Wrong::RepeatedAddress(address.value));
            }
        }
        addresses
    }
}
