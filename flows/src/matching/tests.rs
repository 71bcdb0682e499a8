//! The normal form of matches.

use super::*;

#[test]
fn views_of_the_vlan_tag_are_one() {
    let tci = Match::new().with_masked(Field::VlanTci, 0x1005u16, 0x1fffu16);
    assert_eq!(Match::new().with(Field::DlVlan, 5u16), tci);
    assert_eq!(Match::new().with(Field::VlanVid, 0x1005u16), tci);
    assert_eq!(tci.get(Field::DlVlan).map(|f| f.value), Some(5));
    let both = Match::new()
        .with(Field::VlanPcp, 3u8)
        .with(Field::DlVlan, 5u16);
    assert_eq!(both, Match::new().with(Field::VlanTci, 0x7005u16));
}

#[test]
fn every_field_that_is_set_is_got() {
    for &field in Field::ALL {
        let m = Match::new().with(field, 1u8);
        let m = match field.info().prerequisite {
            crate::field::Prerequisite::Arp => m.with(Field::EthType, 0x0806u16),
            crate::field::Prerequisite::Udp => m.with(Field::NwProto, 17u8),
            crate::field::Prerequisite::Sctp => m.with(Field::NwProto, 132u8),
            crate::field::Prerequisite::Icmpv4 => {
                m.with(Field::EthType, 0x0800u16).with(Field::NwProto, 1u8)
            }
            crate::field::Prerequisite::Icmpv6 => {
                m.with(Field::EthType, 0x86ddu16).with(Field::NwProto, 58u8)
            }
            _ => m,
        };
        let expected = if field == Field::NwTos { 0 } else { 1 };
        assert_eq!(m.get(field).map(|f| f.value), Some(expected), "{field}");
        assert!(m.iter().count() >= 1, "{field}");
        let mut gone = m.clone();
        gone.remove_field(field);
        assert_eq!(gone.get(field), None, "{field}");
    }
}

#[test]
fn wide_registers_are_their_parts() {
    let wide = Match::new().with(Field::Xxreg0, 0x1_0000_0002_0000_0003_0000_0004u128);
    let parts = Match::new()
        .with(Field::Reg3, 4u32)
        .with(Field::Reg0, 1u32)
        .with(Field::Reg2, 3u32)
        .with(Field::Reg1, 2u32);
    assert_eq!(wide, parts);
    assert_eq!(
        parts.get(Field::Xreg1).map(|f| (f.value, f.mask)),
        Some((0x3_0000_0004, u128::from(u64::MAX)))
    );
}

#[test]
fn bits_outside_the_mask_do_not_count() {
    let a = Match::new().with_masked(
        Field::IpSrc,
        Ipv4Addr::new(10, 1, 2, 3),
        Ipv4Addr::new(255, 0, 0, 0),
    );
    let b = Match::new().with_masked(
        Field::IpSrc,
        Ipv4Addr::new(10, 0, 0, 0),
        Ipv4Addr::new(255, 0, 0, 0),
    );
    assert_eq!(a, b);
    assert!(Match::new().with_masked(Field::Reg0, 5u32, 0u32).is_empty());
}

#[test]
fn what_packets_need_not_have_is_absent() {
    let absent = |text: &str| {
        let mut m = crate::text::parse_match(text).unwrap();
        let found: Vec<&str> = m.absent().map(Field::name).collect();
        m.remove_absent();
        assert_eq!(m.absent().count(), 0, "{text}");
        (found.join(" "), m.to_string())
    };
    let told = |found: &str, left: &str| (found.to_owned(), left.to_owned());
    for whole in [
        "icmp6,icmp_type=135,nd_target=::1,nd_sll=02:00:00:00:00:01",
        "icmp6,icmp_type=136,icmp_code=0,nd_target=::1,nd_tll=02:00:00:00:00:01",
        "arp,arp_spa=1.2.3.4,arp_op=1,arp_sha=02:00:00:00:00:01",
        "rarp,arp_spa=1.2.3.4",
    ] {
        assert_eq!(absent(whole), told("", whole));
    }
    assert_eq!(
        absent("icmp6,icmp_type=136,nd_target=::1,nd_sll=02:00:00:00:00:01"),
        told("nd_sll", "icmp6,icmp_type=136,nd_target=::1")
    );
    assert_eq!(
        absent("icmp6,icmp_type=135,icmp_code=1,nd_target=::1"),
        told("nd_target", "icmp6,icmp_type=135,icmp_code=1")
    );
    assert_eq!(absent("nw_src=1.2.3.4"), told("ip_src", ""));
    assert_eq!(absent("nw_src=1.2.3.4,ip"), told("", "ip,nw_src=1.2.3.4"));
    assert_eq!(
        absent("ipv6,nw_dst=1.2.3.4,tcp_dst=80"),
        told("ip_dst tcp_dst", "ipv6")
    );
    assert_eq!(
        absent("reg0=1,nd_target=::1,icmp6,icmp_type=134"),
        told("nd_target", "icmp6,reg0=0x1,icmp_type=134")
    );
    assert_eq!(
        absent("ct_state=+trk,ip,ct_tp_src=5"),
        told("ct_tp_src", "ct_state=+trk,ip")
    );
}

#[test]
fn matches_of_the_same_bits_have_the_same_mask_whatever_they_want_to_find() {
    let hash = |matches: &Match| {
        let mut hasher = std::hash::DefaultHasher::new();
        matches.hash_mask(&mut hasher);
        hasher.finish()
    };
    let vlan = |value: u16, mask: u16| Match::new().with_masked(Field::VlanTci, value, mask);
    assert_eq!(hash(&vlan(1, 0xfff)), hash(&vlan(2, 0xfff)));
    let with = |field: Field| Match::new().with(field, 1u32);
    let different = [
        Match::new(),
        vlan(1, 0xfff),
        vlan(1, 0x1fff),
        vlan(1, 0xffff),
        with(Field::EthSrc),
        with(Field::EthDst),
        with(Field::EthSrc).with(Field::EthDst, 1u32),
        with(Field::Reg0),
    ];
    for (i, one) in different.iter().enumerate() {
        for (k, other) in different.iter().enumerate() {
            assert_eq!(hash(one) == hash(other), i == k, "{one} {other}");
        }
    }
}
