//! The order in which Open vSwitch tells fields where it tells many: that of its own numbers for them.

use crate::Field;

/// First and last of fields that stand together in the field table, in Open vSwitch's order.
static RUNS: [(Field, Field); 26] = [
    (Field::DpHash, Field::TunIpv6Dst),
    (Field::TunFlags, Field::TunFlags),
    (Field::TunGbpId, Field::TunGbpFlags),
    (Field::TunErspanIdx, Field::TunErspanIdx),
    (Field::TunErspanVer, Field::TunErspanVer),
    (Field::TunErspanDir, Field::TunMetadata63),
    (Field::Metadata, Field::Metadata),
    (Field::InPort, Field::InPortOxm),
    (Field::ActsetOutput, Field::ActsetOutput),
    (Field::SkbPriority, Field::PktMark),
    (Field::CtState, Field::CtLabel),
    (Field::CtNwProto, Field::CtNwProto),
    (Field::CtNwSrc, Field::CtIpv6Dst),
    (Field::CtTpSrc, Field::CtTpDst),
    (Field::Reg0, Field::EthType),
    (Field::VlanTci, Field::VlanTci),
    (Field::DlVlan, Field::VlanPcp),
    (Field::MplsLabel, Field::NwProto),
    (Field::NwTos, Field::NwEcn),
    (Field::NwTtl, Field::NwTtl),
    (Field::IpFrag, Field::IpFrag),
    (Field::ArpOp, Field::ArpTha),
    (Field::TcpSrc, Field::NdOptionsType),
    (Field::NshFlags, Field::NshFlags),
    (Field::NshMdtype, Field::NshC4),
    (Field::NshTtl, Field::NshTtl),
];

/// Where a field stands.
pub(crate) fn place(field: Field) -> (usize, u8) {
    let run = RUNS
        .iter()
        .position(|(first, last)| *first <= field && field <= *last);
    (run.unwrap_or(RUNS.len()), field as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_one_place() {
        for field in Field::ALL.iter().copied() {
            let runs = RUNS.iter().filter(|(a, b)| *a <= field && field <= *b);
            assert_eq!(runs.count(), 1, "{field}");
        }
    }
}
