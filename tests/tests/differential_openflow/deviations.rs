//! Where we differ from Open vSwitch 3.1 on purpose, each with its reason. What is not in this table must be alike.

use super::Difference;
use flows::{Field, Version};
use tests::judge::Protocol;

/// A flow that fares differently.
struct Case<'a> {
    protocol: Protocol,
    line: &'a str,
    difference: &'a Difference,
}

impl Case<'_> {
    /// True if only we refuse it, and say this.
    fn refused(&self, what: &str) -> bool {
        matches!(self.difference, Difference::OnlyWeRefuse(why) if why.contains(what))
    }

    /// True if only we take it, and they say this.
    fn taken(&self, what: &str) -> bool {
        matches!(self.difference, Difference::OnlyTheyRefuse(why) if why.contains(what))
    }

    fn has(&self, what: &str) -> bool {
        self.line.contains(what)
    }

    /// The masks of fields whose names begin so.
    fn masks(&self, field: &str) -> impl Iterator<Item = &str> {
        let pieces = self.line.split([',', ' ', '\t', '(', ')']);
        pieces.filter_map(move |piece| {
            let (name, value) = piece.split_once('=')?;
            let (_, mask) = value.split_once('/')?;
            name.starts_with(field).then_some(mask)
        })
    }

    fn has_mask(&self, field: &str) -> bool {
        self.masks(field).next().is_some()
    }

    /// True if a field has a mask of all bits of some digits.
    fn has_full_mask(&self, field: &str) -> bool {
        let is_full = |mask: &str| match mask.strip_prefix("0x").or(mask.strip_prefix("0X")) {
            Some(digits) => digits.chars().all(|digit| digit.eq_ignore_ascii_case(&'f')),
            None => (mask.parse::<u128>()).is_ok_and(|mask| mask & mask.wrapping_add(1) == 0),
        };
        self.masks(field).any(is_full)
    }

    /// True if it translates to addresses from one to the same.
    fn has_range_of_one_address(&self) -> bool {
        let is_one = |range: &str| {
            let (first, rest) = range.split_once('-')?;
            let behind = rest.strip_prefix(first)?;
            (behind.is_empty() || behind.starts_with(':')).then_some(())
        };
        (self.line.split("nat(").skip(1)).any(|nat| {
            nat.split(['=', ',', ')'])
                .any(|part| is_one(part).is_some())
        })
    }

    /// True if what Open vSwitch sends is nothing that it can read itself.
    fn they_send_nonsense(&self, error: &str) -> bool {
        matches!(self.difference, Difference::Text { want, .. } if want.contains(error))
    }
}

type Deviation = (&'static str, fn(&Case<'_>) -> bool);

const DEVIATIONS: &[Deviation] = &[
    (
        "OpenFlow 1.0 has no action sets and no meters: a flow that has them would do something else without",
        |case| {
            case.protocol.version == Version::V10
                && (case.refused("an action set can not") || case.refused("a meter can not"))
        },
    ),
    (
        "before OpenFlow 1.3 a switch refuses these actions; ovs-ofctl sends them all the same",
        |case| {
            case.protocol.version < Version::V13
                && (case.refused("decap(") || case.refused("encap(") || case.refused("dec_nsh_ttl"))
                && case.refused("can not be said in")
        },
    ),
    (
        "ovs-ofctl forgets what earlier actions need when it reads a list within the list",
        |case| {
            case.refused("can not be said in")
                && ["clone(", "write_actions(", "exec("]
                    .iter()
                    .any(|list| case.has(list))
        },
    ),
    (
        "the fixed match of this version can not say it; ovs-ofctl sends a match of other packets",
        |case| {
            case.refused("the match can not be said in OF1.1")
                || case.refused("this needs Nicira's form")
        },
    ),
    (
        "packets of this flow need not have the port that is written; ovs-ofctl leaves the action out",
        |case| {
            case.has("write_actions(")
                && case.has("mod_tp_")
                && match case.difference {
                    Difference::Text { have, .. } => have.contains("OFPBAC_MATCH_INCONSISTENT"),
                    Difference::Bytes { .. } => true,
                    _ => false,
                }
        },
    ),
    (
        "packets of no protocol are told from others; ovs-ofctl leaves out a protocol of 0",
        |case| case.has("ct_nw_proto=0"),
    ),
    (
        "an octet has two digits; ovs-ofctl cuts those that have more",
        |case| case.refused("invalid Ethernet address"),
    ),
    (
        "the two low bits of nw_tos are not its own: they are not written",
        |case| case.has("load:") && (case.has("nw_tos") || case.has("NXM_OF_IP_TOS")),
    ),
    ("a range of one address is that address", |case| {
        case.has_range_of_one_address() && matches!(case.difference, Difference::Bytes { .. })
    }),
    (
        "the address 0.0.0.0 is an address; ovs-ofctl takes it for none",
        |case| {
            ["=0.0.0.0", "=::,", "=::)", "=::-", "=[::]"]
                .iter()
                .any(|a| case.has(a))
                && case.has("nat(")
        },
    ),
    (
        "what is learned is written so that it can be read again",
        |case| {
            case.has("learn(")
                && matches!(case.difference, Difference::Text { want, .. }
                    if want.contains("packet_type=packet_type=") || want.contains("[Unknown]"))
        },
    ),
    ("a mask has no bits that the field has not", |case| {
        case.has_mask("ipv6_label")
    }),
    (
        "a field without a value is refused; ovs-ofctl takes it for 0",
        |case| case.refused("missing value"),
    ),
    (
        "more arguments than there are have no meaning; ovs-ofctl passes over them",
        |case| case.refused("arguments to"),
    ),
    (
        "the base of a hash has 16 bits; ovs-ofctl cuts it",
        |case| case.refused("invalid basis"),
    ),
    (
        "only bits of the mask are written; ovs-ofctl writes the whole field in the oldest versions",
        |case| {
            case.protocol.version < Version::V12
                && case.has("set_field:")
                && case.has("/")
                && matches!(case.difference, Difference::Text { want, .. }
                    if want.contains("mod_") || want.contains("strip_vlan") || want.contains("set_vlan"))
        },
    ),
    (
        "what is no address or packet type is refused; ovs-ofctl reads what it can",
        |case| case.refused("bad address") || case.refused("not a valid packet type"),
    ),
    (
        "TCP flags, ARP and neighbour discovery share no bits; in ovs-ofctl they do",
        |case| case.has("nd_"),
    ),
    ("a mask of all bits that there are is no mask", |case| {
        (case.has_full_mask("tcp_flags") || case.has_full_mask("tun_metadata"))
            && matches!(case.difference, Difference::Bytes { .. })
    }),
    (
        "a write of a whole option of a tunnel has all its bytes; ovs-ofctl leaves out zeros in front",
        |case| {
            let whole = |action: &str| {
                action.starts_with("load:")
                    && action
                        .split_once("->tun_metadata")
                        .is_some_and(|(_, part)| part.ends_with("[0..991]"))
            };
            case.line.split([',', ' ', '=', '(', ')']).any(whole)
                && matches!(case.difference, Difference::Bytes { .. })
        },
    ),
    (
        "what can be said is said in any spelling; ovs-ofctl goes by the spelling of the mask",
        |case| {
            case.protocol.version < Version::V12
                && matches!(case.difference, Difference::OnlyTheyRefuse(why)
                    if why.contains("none of the usable flow formats"))
        },
    ),
    (
        "ovs-ofctl writes another field, or none, for a field without a number in messages",
        |case| case.refused("it has no number in messages"),
    ),
    (
        "ovs-ofctl sends another part of the field: more than 64 bits have no place in the message",
        |case| case.refused("expected at most 64"),
    ),
    (
        "ovs-ofctl sends an action that a switch refuses: the field has no short header",
        |case| case.refused("it has no short header"),
    ),
    (
        "a number that is too large is refused; ovs-ofctl cuts it",
        |case| case.refused("expected a number of at most 32 bits"),
    ),
    (
        "a value that no packet can have is refused; ovs-ofctl cuts it or sends what a switch refuses",
        |case| case.refused("not a valid value for field"),
    ),
    (
        "statistics that are no numbers are refused, although nobody needs them",
        |case| case.refused("expected") && case.has("duration="),
    ),
    (
        "a write of what can only be read is refused here; ovs-ofctl leaves that to the switch",
        |case| case.refused("is read-only"),
    ),
    (
        "a switch refuses a connection's address of another family than the packet's",
        |case| case.refused("a connection's address"),
    ),
    (
        "an IPv6 mask may begin with a digit; ovs-ofctl takes its digits for the length of a prefix",
        |case| case.taken("IPv6 network prefix bits") || case.taken("invalid IPv6 address"),
    ),
    (
        "a VLAN priority without a tag is sent, for the switch to refuse it, where ovs-ofctl leaves it out",
        |case| {
            (case.has("vlan_tci=") || case.has("NXM_OF_VLAN_TCI="))
                && matches!(case.difference, Difference::Text { have, .. } if have.contains("OFPBMC_BAD_PREREQ"))
        },
    ),
    (
        "a write of no bits is surely a mistake; ovs-ofctl leaves it out",
        |case| {
            case.refused("a mask of nothing writes nothing")
                || (case.has("set_field:*") && case.refused("expected a number"))
        },
    ),
    (
        "every packet of a bridge has packet type (0,0): to say so is to say nothing",
        |case| {
            matches!(case.difference, Difference::Bytes { want, .. }
                    if want.windows(8).any(|w| w == [0x80, 0, 0x58, 4, 0, 0, 0, 0]))
                || matches!(case.difference, Difference::Text { have, want }
                    if have.replace(",eth", "") == want.replace(",eth", ""))
        },
    ),
    (
        "bits of a value outside of its mask are not sent or are refused: a switch refuses them",
        |case| {
            case.refused("a value with bits that its mask does not have")
                || (case.has("set_field:") && case.they_send_nonsense("OFPBMC_BAD_WILDCARDS"))
        },
    ),
    (
        "the Ethernet type is one, whatever packet type is asked for before it; ovs-ofctl overwrites it",
        |case| {
            let overwritten = |have: &[u8]| {
                let mut have = have.to_vec();
                let at = (have.windows(4))
                    .position(|head| head == [0, 0, 6, 2] || head == [0x80, 0, 0x0a, 2])?;
                have.get_mut(at + 4..at + 6)?.fill(0);
                Some(have)
            };
            case.has("packet_type=(1,0)")
                && matches!(case.difference, Difference::Bytes { have, want }
                    if overwritten(have).as_ref() == Some(want))
        },
    ),
    (
        "ovs-ofctl takes the value for the mask of these tunnel fields",
        |case| {
            [
                "tun_erspan_ver",
                "tun_erspan_dir",
                "tun_erspan_hwid",
                "tun_gtpu_flags",
                "tun_gtpu_msgtype",
            ]
            .iter()
            .any(|field| case.has(field))
                && case.has("/")
                && matches!(case.difference, Difference::Bytes { .. })
        },
    ),
];

/// The reason for which a difference is right.
pub(super) fn reason(
    protocol: Protocol,
    line: &str,
    difference: &Difference,
) -> Option<&'static str> {
    let case = Case {
        protocol,
        line,
        difference,
    };
    DEVIATIONS
        .iter()
        .find(|(_, is_this)| is_this(&case))
        .map(|(reason, _)| *reason)
}

/// The error that a message ends with.
fn refusal(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("***decode error: ")?;
    rest.split_once("***").map(|(error, _)| error)
}

/// The text without the values of tunnel metadata as NXM entries.
fn without_options(text: &str) -> String {
    let mut pieces = text.split("NXM_NX_TUN_METADATA");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('(').unwrap_or((piece, ""));
        out.push_str(name);
        out.push_str(rest.split_once(')').map_or("", |(_, rest)| rest));
    }
    out
}

/// The text as Open vSwitch writes `resubmit` with the fields of connections and no table.
fn without_connections(text: &str) -> String {
    let mut pieces = text.split("resubmit(");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(",,ct)") {
            Some((port, rest)) if !port.is_empty() && !port.contains(['(', ')', ',']) => {
                out.push_str(&format!("resubmit:{port}{rest}"));
            }
            _ => out.push_str(&format!("resubmit({piece}")),
        }
    }
    out
}

/// True if a `learn` in the text has a part of a field that goes beyond it.
fn learns_beyond(text: &str) -> bool {
    text.split("learn(").skip(1).any(|learn| {
        learn.split([',', '>', '=', ':']).any(|part| {
            let parsed = part.split_once('[').and_then(|(name, range)| {
                let range = range.split_once(']')?.0;
                let last = range.rsplit_once("..").map_or(range, |(_, last)| last);
                Some((Field::from_name(name)?, last.parse::<u16>().ok()?))
            });
            parsed.is_some_and(|(field, last)| last >= field.bits())
        })
    })
}

/// Why what we say of a message may differ from what they say, if it does so.
type MessageDeviation = (&'static str, fn(&str, &str) -> bool);

const MESSAGE_DEVIATIONS: &[MessageDeviation] = &[
    (
        "ovs-ofctl tells the first bytes of the 124 that hold an option, of which its value are the last",
        |have, want| {
            have.contains("NXT_FLOW_MOD") && without_options(have) == without_options(want)
        },
    ),
    (
        "what is wrong with the header of a field that is not known depends on which others are near it in a hash table",
        |have, want| {
            refusal(have) == Some("OFPBAC_BAD_SET_TYPE")
                && refusal(want) == Some("OFPBAC_BAD_SET_LEN")
        },
    ),
    (
        "what resubmits with the fields of connections says so",
        |have, want| have != want && without_connections(have) == want,
    ),
    (
        "a part that its field does not have is refused wherever it is learned; Open vSwitch looks for it in flows only",
        |have, want| refusal(have) == Some("OFPBAC_BAD_SET_LEN") && learns_beyond(want),
    ),
];

/// The reason for which a message is told differently.
pub(super) fn message_reason(have: &str, want: &str) -> Option<&'static str> {
    MESSAGE_DEVIATIONS
        .iter()
        .find(|(_, is_this)| is_this(have, want))
        .map(|(reason, _)| *reason)
}
