//! The OpenFlow tables of heddle's bridges: number, name and purpose stand here and nowhere else.
//!
//! Numbers and names follow what operators know from Neutron's Open vSwitch agent.

/// One OpenFlow table of one bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The OpenFlow `table_id`.
    pub number: u8,
    /// The name that people read.
    pub name: &'static str,
    /// What the table does, in one sentence without a full stop.
    pub purpose: &'static str,
}

/// Tables of the integration bridge, `br-int`.
pub mod integration {
    use super::Table;

    /// See [`Table::purpose`].
    pub const CLASSIFY: Table = Table {
        number: 0,
        name: "classify",
        purpose: "says which network a packet is in, by the port it came from, and gives it that network's local VLAN",
    };
    /// See [`Table::purpose`].
    pub const ARP_SPOOF: Table = Table {
        number: 24,
        name: "arp_spoof",
        purpose: "lets a port with port security speak ARP and ND only for its own addresses",
    };
    /// See [`Table::purpose`].
    pub const MAC_SPOOF: Table = Table {
        number: 25,
        name: "mac_spoof",
        purpose: "lets a port with port security send only from its own MAC address",
    };
    /// See [`Table::purpose`].
    pub const FORWARD: Table = Table {
        number: 60,
        name: "forward",
        purpose: "sends a packet to the port that has its destination, to every port of the network, or towards other hosts",
    };
    /// All of them, in order.
    pub const TABLES: [Table; 4] = [CLASSIFY, ARP_SPOOF, MAC_SPOOF, FORWARD];
}

/// Tables of the tunnel bridge, `br-tun`.
pub mod tunnel {
    use super::Table;
    use crate::model::TunnelType;

    /// See [`Table::purpose`].
    pub const CLASSIFY: Table = Table {
        number: 0,
        name: "classify",
        purpose: "tells what br-int sends from what known peers send; drops the rest",
    };
    /// See [`Table::purpose`].
    pub const DIRECTION: Table = Table {
        number: 2,
        name: "direction",
        purpose: "parts ARP and ND requests, unicast, and broadcast and multicast",
    };
    /// See [`Table::purpose`].
    pub const GRE_TO_LVID: Table = Table {
        number: 3,
        name: "gre_to_lvid",
        purpose: "translates the GRE key of a packet from a peer to the local VLAN",
    };
    /// See [`Table::purpose`].
    pub const VXLAN_TO_LVID: Table = Table {
        number: 4,
        name: "vxlan_to_lvid",
        purpose: "translates the VXLAN VNI of a packet from a peer to the local VLAN",
    };
    /// See [`Table::purpose`].
    pub const GENEVE_TO_LVID: Table = Table {
        number: 6,
        name: "geneve_to_lvid",
        purpose: "translates the Geneve VNI of a packet from a peer to the local VLAN",
    };
    /// See [`Table::purpose`].
    pub const LEARN: Table = Table {
        number: 10,
        name: "learn",
        purpose: "remembers, where the network asks for it, behind which peer a MAC address is; hands the packet to br-int",
    };
    /// See [`Table::purpose`].
    pub const UNICAST: Table = Table {
        number: 20,
        name: "unicast",
        purpose: "sends a packet to the peer that has its destination",
    };
    /// See [`Table::purpose`].
    pub const ARP_ND: Table = Table {
        number: 21,
        name: "arp_nd",
        purpose: "answers ARP and ND requests for every address that the database knows",
    };
    /// See [`Table::purpose`].
    pub const FLOOD: Table = Table {
        number: 22,
        name: "flood",
        purpose: "sends one copy to each peer that has the network",
    };
    /// See [`Table::purpose`].
    pub const ND_REPLY: Table = Table {
        number: 23,
        name: "nd_reply",
        purpose: "fills in the fields that a neighbor advertisement has and a solicitation has not",
    };
    /// All of them, in order.
    pub const TABLES: [Table; 10] = [
        CLASSIFY,
        DIRECTION,
        GRE_TO_LVID,
        VXLAN_TO_LVID,
        GENEVE_TO_LVID,
        LEARN,
        UNICAST,
        ARP_ND,
        FLOOD,
        ND_REPLY,
    ];

    /// The table that translates the VNI of packets that arrive through tunnels of this type.
    #[must_use]
    pub fn to_lvid(tunnel: TunnelType) -> Table {
        match tunnel {
            TunnelType::Gre => GRE_TO_LVID,
            TunnelType::Vxlan => VXLAN_TO_LVID,
            TunnelType::Geneve => GENEVE_TO_LVID,
        }
    }
}

/// Tables of a provider bridge, such as `br-eth1`: its own flows are the operator's, heddle adds to them.
pub mod provider {
    use super::Table;

    /// See [`Table::purpose`].
    pub const TRANSLATE: Table = Table {
        number: 0,
        name: "translate",
        purpose: "translates the local VLAN of a packet from br-int to the provider VLAN, or takes it off",
    };
    /// All of them.
    pub const TABLES: [Table; 1] = [TRANSLATE];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_names_are_unique() {
        for tables in [
            &integration::TABLES[..],
            &tunnel::TABLES[..],
            &provider::TABLES[..],
        ] {
            for pair in tables.windows(2) {
                assert!(pair[0].number < pair[1].number);
                assert!(
                    tables
                        .iter()
                        .filter(|table| table.name == pair[0].name)
                        .count()
                        == 1
                );
            }
        }
    }
}
