//! Whether two lists of actions do the same although they are spelled differently, as they are after a switch has
//! rewritten them: `mod_dl_src` and `set_field`, `load` in pieces and as a whole, `mod_vlan_vid` and `push_vlan` with
//! `set_field`. Knows neither text nor wire.

use crate::action::{Action, Ct, Nat, SetField, SetSpelling};
use crate::field::{Field, Place, Slot};
use crate::matching::{Tags, VLAN_CFI};
use crate::{Instructions, Match, Port};

/// True if the matches let the same packets through.
pub(crate) fn same_matches(a: &Match, b: &Match) -> bool {
    a == b || plainest(a) == plainest(b)
}

/// The match in the spelling that all spellings of it have, whatever a switch makes of each.
fn plainest(of: &Match) -> Match {
    let mut plain = of.clone();
    plain.remove_ethernet();
    // A packet without a VLAN tag has no bit of one: to ask for "tagged" not to be set is to ask for all of them not to be,
    // which OpenFlow 1.0 says of 16 bits, later versions of 13.
    if let Some((0, mask)) = of.slot(Slot::VlanTci)
        && mask & VLAN_CFI != 0
    {
        plain.put(Slot::VlanTci, 0, VLAN_CFI);
    }
    // A switch tells a tunnel option in the length that its table of options says; the end of the value is what is compared.
    for field in of.iter().filter(|found| found.field.is_tun_metadata()) {
        let (value, mask) = field.wide;
        let asked = mask.unwrap_or(value);
        let zeros = asked.iter().take_while(|byte| **byte == 0).count();
        let (_, value) = value.split_at_checked(zeros).unwrap_or_default();
        let mask = mask.and_then(|mask| mask.get(zeros..));
        plain.set_wide(field.field, value, mask);
    }
    plain
}

/// True if `a` and `b` do the same with packets that `matches` lets through.
pub(crate) fn same_instructions(matches: &Match, a: &Instructions, b: &Instructions) -> bool {
    if a == b {
        return true;
    }
    a.clear == b.clear
        && a.meter == b.meter
        && a.goto_table == b.goto_table
        && a.unknown == b.unknown
        && metadata(a) == metadata(b)
        && a.write.is_some() == b.write.is_some()
        && canonical_lists(matches, a) == canonical_lists(matches, b)
}

/// What is done at once and what at the end of the pipeline, each in one spelling: a tag that the first pushes is there for the
/// second.
fn canonical_lists(matches: &Match, of: &Instructions) -> (Vec<Action>, Vec<Action>) {
    let mut list = Canonical::new(matches, Tags::of(matches));
    let apply = list.take(&of.apply);
    (apply, list.take(of.write.as_deref().unwrap_or_default()))
}

/// What is written to the metadata, without bits of the value that the mask leaves out.
fn metadata(of: &Instructions) -> Option<(u64, u64)> {
    let written = of.write_metadata.as_deref()?;
    Some((written.value & written.mask, written.mask))
}

/// The actions in one spelling: every write is a `set_field` of plain registers and modern fields, neighbouring writes of
/// one field are joined and come in the order of the fields, and `mod_vlan_*` says whether it pushes a tag (it does unless the match requires one, which is how
/// Open vSwitch translates it for OpenFlow 1.1 and up).
#[must_use]
pub fn canonical_actions(matches: &Match, actions: &[Action]) -> Vec<Action> {
    Canonical::new(matches, Tags::of(matches)).take(actions)
}

/// Over how many writes another is moved at most, to its place in their order.
const MOST_IN_ORDER: usize = 64;

struct Canonical<'a> {
    matches: &'a Match,
    tags: Tags,
    out: Vec<Action>,
}

impl<'a> Canonical<'a> {
    fn new(matches: &'a Match, tags: Tags) -> Self {
        Self {
            matches,
            tags,
            out: Vec::new(),
        }
    }

    /// The next actions in one spelling.
    fn take(&mut self, actions: &[Action]) -> Vec<Action> {
        self.out.reserve(actions.len());
        for action in actions {
            self.add(action);
        }
        std::mem::take(&mut self.out)
    }

    fn add(&mut self, action: &Action) {
        match action {
            Action::SetField(set) => self.write(set),
            Action::ModVlanVid(vid) => {
                self.need_tag();
                self.set(Field::VlanVid, 0x1000 | u128::from(*vid), u128::MAX);
            }
            Action::ModVlanPcp(pcp) => {
                self.need_tag();
                self.set(Field::VlanPcp, u128::from(*pcp), u128::MAX);
            }
            Action::SetVlanVid(vid) => {
                self.set(Field::VlanVid, 0x1000 | u128::from(*vid), u128::MAX)
            }
            Action::SetVlanPcp(pcp) => self.set(Field::VlanPcp, u128::from(*pcp), u128::MAX),
            Action::ModDlSrc(mac) => self.set(Field::EthSrc, u128::from(mac.to_u64()), u128::MAX),
            Action::ModDlDst(mac) => self.set(Field::EthDst, u128::from(mac.to_u64()), u128::MAX),
            Action::ModNwSrc(ip) => self.set(Field::IpSrc, u128::from(ip.to_bits()), u128::MAX),
            Action::ModNwDst(ip) => self.set(Field::IpDst, u128::from(ip.to_bits()), u128::MAX),
            Action::ModNwTos(tos) => self.set(Field::IpDscp, u128::from(tos >> 2), u128::MAX),
            Action::ModNwEcn(ecn) => self.set(Field::NwEcn, u128::from(*ecn), u128::MAX),
            Action::ModNwTtl(ttl) => self.set(Field::NwTtl, u128::from(*ttl), u128::MAX),
            Action::ModTpSrc(port) => self.set(self.ports().0, u128::from(*port), u128::MAX),
            Action::ModTpDst(port) => self.set(self.ports().1, u128::from(*port), u128::MAX),
            Action::SetTunnel(id) => self.set(Field::TunId, u128::from(*id), u128::MAX),
            Action::SetTunnel64(id) => self.set(Field::TunId, u128::from(*id), u128::MAX),
            Action::SetMplsLabel(label) => {
                self.set(Field::MplsLabel, u128::from(*label), u128::MAX)
            }
            Action::SetMplsTc(tc) => self.set(Field::MplsTc, u128::from(*tc), u128::MAX),
            Action::SetMplsTtl(ttl) => self.set(Field::MplsTtl, u128::from(*ttl), u128::MAX),
            Action::PushVlan(kind) => {
                self.tags.push();
                self.out.push(Action::PushVlan(*kind));
            }
            Action::PopVlan | Action::StripVlan => {
                self.tags.pop();
                self.out.push(Action::PopVlan);
            }
            Action::DecTtl(ids) if ids.is_empty() => self.out.push(Action::DecTtl([0].into())),
            Action::Note(bytes) => {
                let mut padded = bytes.to_vec();
                while padded.len() % 8 != 6 {
                    padded.push(0);
                }
                self.out.push(Action::Note(padded.into()));
            }
            Action::Controller(controller) => {
                let mut same = controller.as_ref().clone();
                same.old_form = false;
                self.out.push(Action::Controller(Box::new(same)));
            }
            Action::Sample(sample) => {
                let mut same = sample.as_ref().clone();
                same.revision = 3;
                self.out.push(Action::Sample(Box::new(same)));
            }
            Action::Clone(inner) => self.out.push(Action::Clone(self.nested(inner).into())),
            Action::Ct(ct) => {
                let mut ct = Ct {
                    actions: self.nested(&ct.actions),
                    ..ct.as_ref().clone()
                };
                if let Some(nat) = &mut ct.nat {
                    one_of_a_range(nat);
                }
                self.out.push(Action::Ct(Box::new(ct)));
            }
            Action::ResubmitPort(port) => self.out.push(Action::Resubmit {
                port: *port,
                table: 255,
                ct: false,
            }),
            // What Open vSwitch lists in its place from OpenFlow 1.1 on.
            Action::Enqueue(port, queue) => self.out.extend([
                Action::SetQueue(*queue),
                Action::Output(*port),
                Action::PopQueue,
            ]),
            Action::OutputMaxLen(port, _) => self.out.push(Action::Output(*port)),
            Action::CopyField { src, dst } => self.out.push(Action::Move {
                src: *src,
                dst: *dst,
            }),
            Action::Output(Port::CONTROLLER) => self.out.push(Action::OutputController(0xffff)),
            other => self.out.push(other.clone()),
        }
    }

    fn nested(&self, actions: &[Action]) -> Box<[Action]> {
        Self::new(self.matches, self.tags).take(actions).into()
    }

    fn need_tag(&mut self) {
        if !self.tags.any() {
            self.tags.need();
            self.out.push(Action::PushVlan(0x8100));
        }
    }

    /// Source and destination port of the protocol that is matched.
    fn ports(&self) -> (Field, Field) {
        match self.matches.nw_proto() {
            Some(17) => (Field::UdpSrc, Field::UdpDst),
            Some(132) => (Field::SctpSrc, Field::SctpDst),
            _ => (Field::TcpSrc, Field::TcpDst),
        }
    }

    fn write(&mut self, set: &SetField) {
        let info = set.field().info();
        let (value, mask) = (set.value(), set.mask());
        if set.wide_bytes().is_some() {
            self.out
                .push(Action::SetField(set.clone().spelled(SetSpelling::SetField)));
        } else if info.place == Place::Regs {
            let words = info.bytes / 4;
            for word in 0..words {
                let shift = u32::from(words - 1 - word) * 32;
                if let Some(slot) = info.slot.offset(word) {
                    self.set(
                        crate::matching::plain_view(slot),
                        value >> shift,
                        mask >> shift,
                    );
                }
            }
        } else if set.field() == Field::NwTos {
            self.set(Field::IpDscp, value >> 2, mask >> 2);
        } else if set.field() == Field::VlanVid {
            // "Tagged" is no bit of the id: it is written to a tag that is there.
            let id = mask & 0xfff;
            let tagged = if id == 0xfff { VLAN_CFI } else { 0 };
            self.set(Field::VlanVid, value & id | tagged, id | tagged);
        } else {
            if set.field() == Field::VlanTci {
                self.tags.write(value);
            }
            self.set(set.field(), value, mask);
        }
    }

    /// Adds a write, joined with those of the same field before it. Writes in a row come in the order of their fields: what
    /// order they were in makes no difference where they write no bits in common.
    fn set(&mut self, field: Field, value: u128, mask: u128) {
        let new = all_or_some(field, value, mask);
        if new.mask() == 0 {
            return;
        }
        let slot = field.info().slot;
        let after = |action: &Action| match action {
            Action::SetField(set) => set.field() > field && set.field().info().slot != slot,
            _ => false,
        };
        let later = self
            .out
            .iter()
            .rev()
            .take(MOST_IN_ORDER)
            .take_while(|action| after(action))
            .count();
        let place = self.out.len() - later;
        if let Some(Action::SetField(last)) = place
            .checked_sub(1)
            .and_then(|before| self.out.get_mut(before))
            && last.field() == field
            && last.wide_bytes().is_none()
        {
            let value = last.value() & !new.mask() | new.value();
            *last = all_or_some(field, value, last.mask() | new.mask());
        } else {
            self.out.insert(place, Action::SetField(new));
        }
    }
}

/// A range of one address or port is that one, and an address or port of 0 is none, as it is in messages.
fn one_of_a_range(nat: &mut Nat) {
    if let Some((first, last)) = &mut nat.addresses {
        last.take_if(|last| last == first);
    }
    if let Some((first, last)) = &mut nat.ports {
        last.take_if(|last| last == first);
    }
    nat.addresses
        .take_if(|(first, last)| first.is_unspecified() && last.is_none());
    nat.ports
        .take_if(|(first, last)| *first == 0 && last.is_none());
}

/// A write of all bits of a field is one of the whole field.
fn all_or_some(field: Field, value: u128, mask: u128) -> SetField {
    let whole = SetField::new(field, value, u128::MAX);
    if mask & whole.mask() == whole.mask() {
        whole
    } else {
        SetField::new(field, value, mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EthAddr, Flow};

    #[test]
    fn legacy_and_modern_spellings_are_the_same_flow() {
        let mac = EthAddr([2, 0, 0, 0, 0, 1]);
        let flow = |actions: Vec<Action>| Flow::new(0, 1, Match::new()).doing(actions);
        let pairs = [
            (
                vec![Action::ModDlSrc(mac)],
                vec![Action::set_field(Field::EthSrc, mac)],
            ),
            (
                vec![Action::ModVlanVid(5)],
                vec![
                    Action::PushVlan(0x8100),
                    Action::set_field(Field::VlanVid, 0x1005u16),
                ],
            ),
            (
                vec![Action::set_field(Field::Xreg0, 0x1_0000_0002u64)],
                vec![
                    Action::set_field(Field::Reg0, 1u8),
                    Action::set_field(Field::Reg1, 2u8),
                ],
            ),
            (
                vec![Action::set_field(Field::Reg0, 0x12u8)],
                vec![
                    Action::set_field_masked(Field::Reg0, 0x10u8, 0xffff_fff0u32),
                    Action::set_field_masked(Field::Reg0, 2u8, 0xfu8),
                ],
            ),
            (
                vec![Action::DecTtl([].into())],
                vec![Action::DecTtl([0].into())],
            ),
        ];
        for (a, b) in pairs {
            assert_eq!(flow(a), flow(b));
        }
        assert_ne!(
            flow(vec![Action::ModVlanVid(5)]),
            flow(vec![Action::ModVlanVid(6)])
        );
        assert_ne!(flow(vec![]), flow(vec![Action::PopVlan]));
    }

    #[test]
    fn a_tag_is_pushed_where_there_is_none() {
        let same = |a: &str, b: &str| {
            let flow = |text: &str| crate::text::parse_flow(text).unwrap();
            flow(a) == flow(b)
        };
        // What takes the whole tag away or puts one there decides about what comes after.
        let tagged = "actions=load:0x1005->vlan_tci[],mod_vlan_pcp:1";
        let untagged = "dl_vlan=3,actions=load:0->vlan_tci[],mod_vlan_pcp:1";
        assert!(same(
            tagged,
            "actions=load:0x1005->vlan_tci[],set_vlan_pcp:1"
        ));
        assert!(!same(
            untagged,
            "dl_vlan=3,actions=load:0->vlan_tci[],set_vlan_pcp:1"
        ));
        // Of two tags one is left.
        let push = "actions=push_vlan:0x8100,push_vlan:0x8100,pop_vlan";
        assert!(same(
            &format!("{push},mod_vlan_vid:5"),
            &format!("{push},set_vlan_vid:5")
        ));
    }

    #[test]
    fn a_switch_lists_the_same_flow_in_other_words() {
        let same = |a: &str, b: &str| {
            let flow = |text: &str| crate::text::parse_flow(text).unwrap();
            flow(a) == flow(b)
        };
        assert!(same(
            "dl_vlan=0xffff,actions=1",
            "vlan_tci=0/0x1fff,actions=1"
        ));
        assert!(!same("dl_vlan=0,actions=1", "vlan_tci=0/0x1fff,actions=1"));
        assert!(same(
            "tun_metadata1=0x1b/0x440ff,actions=1",
            "tun_metadata1=0x1b/0x000440ff,actions=1"
        ));
        assert!(!same(
            "tun_metadata1=0x1b,actions=1",
            "tun_metadata1=0x1b/0xff1b,actions=1"
        ));
        assert!(same(
            "actions=enqueue:1:2",
            "actions=set_queue:2,output:1,pop_queue"
        ));
        assert!(same("reset_counts,actions=1", "check_overlap,actions=1"));
        assert!(!same("send_flow_rem,actions=1", "actions=1"));
        // The tag that is there at the end of the pipeline is the one that was pushed at once.
        assert!(same(
            "actions=mod_vlan_pcp:7,write_actions(mod_vlan_pcp:1)",
            "actions=push_vlan:0x8100,set_field:7->vlan_pcp,write_actions(set_field:1->vlan_pcp)"
        ));
        assert!(same(
            "ip,actions=mod_nw_dst:1.1.1.1,set_tunnel:5,1",
            "ip,actions=set_tunnel:5,mod_nw_dst:1.1.1.1,1"
        ));
        assert!(!same(
            "ip,actions=mod_nw_dst:1.1.1.1,1,set_tunnel:5",
            "ip,actions=mod_nw_dst:1.1.1.1,set_tunnel:5,1"
        ));
    }

    #[test]
    fn a_tag_that_is_matched_is_not_pushed() {
        let tagged = Match::new().with(Field::DlVlan, 7u16);
        let a = Flow::new(0, 1, tagged.clone()).doing([Action::ModVlanVid(5)]);
        let b = Flow::new(0, 1, tagged).doing([Action::set_field(Field::VlanVid, 0x1005u16)]);
        assert_eq!(a, b);
    }
}
