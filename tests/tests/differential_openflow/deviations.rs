//! Where we differ from Open vSwitch 3.1 on purpose, each with its reason. What is not in this table must be alike.

use super::Difference;
use flows::action::{LearnTarget, SetField, SetSpelling};
use flows::field::Field;
use flows::ofpkt::FlowModCommand;
use flows::text::{Names, parse_flow_mod, parse_instructions};
use flows::{Action, Instructions, Match, Version};
use tests::judge::Protocol;

/// A flow that fares differently.
struct Case<'a> {
    protocol: Protocol,
    difference: &'a Difference,
    /// What it matches and does, each as far as it can be read.
    matches: Option<Match>,
    instructions: Option<Instructions>,
}

/// What a line matches and what it does, each alone: one may be spoiled.
fn halves(line: &str) -> (Option<Match>, Option<Instructions>) {
    let read = |text: &str| parse_flow_mod(text, FlowModCommand::Add, &Names::default()).ok();
    let (head, tail) = line.split_at(line.find("action").unwrap_or(line.len()));
    let actions = tail.split_once('=').map_or("drop", |(_, actions)| actions);
    let change = [line, head, &format!("{head} actions=drop")]
        .into_iter()
        .find_map(read);
    let instructions = parse_instructions(actions, &Names::default());
    (change.map(|change| change.flow.matches), instructions.ok())
}

/// True if an action in the list, or in a list in it, is such a one.
fn any_of(list: &[Action], is_such: &dyn Fn(&Action) -> bool) -> bool {
    list.iter().any(|action| {
        is_such(action)
            || match action {
                Action::Clone(inner) => any_of(inner, is_such),
                Action::Ct(ct) => any_of(&ct.actions, is_such),
                _ => false,
            }
    })
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

    /// True if what Open vSwitch sends is nothing that it can read itself.
    fn they_send_nonsense(&self, error: &str) -> bool {
        matches!(self.difference, Difference::Text { want, .. } if want.contains(error))
    }

    /// True if both are told alike, but have other bytes.
    fn in_bytes(&self) -> bool {
        matches!(self.difference, Difference::Bytes { .. })
    }

    /// True if it does such a thing, at once or at the end of the pipeline.
    fn does(&self, is_such: impl Fn(&Action) -> bool) -> bool {
        self.instructions.as_ref().is_some_and(|instructions| {
            let written = instructions.write.as_deref().unwrap_or_default();
            any_of(&instructions.apply, &is_such) || any_of(written, &is_such)
        })
    }

    /// True if it writes such a field.
    fn writes(&self, is_such: impl Fn(&SetField) -> bool) -> bool {
        self.does(|action| matches!(action, Action::SetField(set) if is_such(set)))
    }

    /// True if it asks for such a field, also where packets need not have it.
    fn asks(&self, is_such: impl Fn(Field) -> bool) -> bool {
        self.matches.as_ref().is_some_and(|matches| {
            let asked = matches.iter().map(|found| found.field);
            asked.chain(matches.absent()).any(is_such)
        })
    }

    /// The bits of a field that it asks for.
    fn mask(&self, field: Field) -> Option<u128> {
        self.matches.as_ref()?.get(field).map(|found| found.mask)
    }

    /// True if it has actions within actions.
    fn nests(&self) -> bool {
        self.does(|action| match action {
            Action::Clone(_) => true,
            Action::Ct(ct) => !ct.actions.is_empty(),
            _ => false,
        }) || (self.instructions.as_ref()).is_some_and(|found| found.write.is_some())
    }

    /// True if theirs are our bytes and some bits more.
    fn they_send_more_bits(&self) -> bool {
        matches!(self.difference, Difference::Bytes { have, want }
            if have.len() == want.len() && have.iter().zip(want).all(|(have, want)| have & !want == 0))
    }
}

/// A `set_field` of some bits.
fn is_masked_set_field(set: &SetField) -> bool {
    set.spelling() == SetSpelling::SetField && !set.is_whole()
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
        |case| case.refused("can not be said in") && case.nests(),
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
            let ports =
                |action: &Action| matches!(action, Action::ModTpSrc(_) | Action::ModTpDst(_));
            let written = case
                .instructions
                .as_ref()
                .and_then(|found| found.write.as_deref());
            any_of(written.unwrap_or_default(), &ports)
                && match case.difference {
                    Difference::Text { have, .. } => have.contains("OFPBAC_MATCH_INCONSISTENT"),
                    Difference::Bytes { .. } => true,
                    _ => false,
                }
        },
    ),
    (
        "packets of no protocol are told from others; ovs-ofctl leaves out a protocol of 0",
        |case| case.asks(|field| field == Field::CtNwProto),
    ),
    (
        "an octet has two digits; ovs-ofctl cuts those that have more",
        |case| case.refused("invalid Ethernet address"),
    ),
    (
        "the two low bits of nw_tos are not its own: they are not written",
        |case| {
            case.does(|action| {
                match action {
                Action::SetField(set) => {
                    set.field() == Field::NwTos && set.spelling() == SetSpelling::Load
                }
                Action::Learn(learn) => learn.specs.iter().any(|spec| {
                    matches!(spec.target, LearnTarget::Load(dst) if dst.field == Field::NwTos)
                }),
                _ => false,
            }
            })
        },
    ),
    (
        "what is learned is written so that it can be read again",
        |case| {
            case.does(|action| matches!(action, Action::Learn(_)))
                && matches!(case.difference, Difference::Text { want, .. }
                    if want.contains("packet_type=packet_type=") || want.contains("[Unknown]"))
        },
    ),
    ("a mask has no bits that the field has not", |case| {
        case.asks(|field| field == Field::Ipv6Label)
            && matches!(
                case.difference,
                Difference::Bytes { .. } | Difference::Text { .. }
            )
    }),
    (
        "more arguments than there are have no meaning; ovs-ofctl passes over them",
        |case| case.refused("arguments to") || case.refused("takes no argument"),
    ),
    (
        "the base of a hash has 16 bits; ovs-ofctl cuts it",
        |case| case.refused("invalid basis"),
    ),
    (
        "only bits of the mask are written; ovs-ofctl writes the whole field in the oldest versions",
        |case| case.protocol.version < Version::V12 && case.writes(is_masked_set_field),
    ),
    (
        "what is no address, packet type or number is refused; ovs-ofctl reads what it can",
        |case| {
            case.refused("bad address")
                || case.refused("invalid IP address")
                || case.refused("not a valid packet type")
                || case.refused("expected a number of at most 124 bytes")
        },
    ),
    (
        "what is learned with a number that is none is refused; ovs-ofctl takes it for 0",
        |case| {
            case.matches.is_some()
                && case.instructions.is_none()
                && case.refused("expected 0 to 65535")
        },
    ),
    (
        "TCP flags, ARP and neighbour discovery share no bits; in ovs-ofctl they do",
        |case| {
            let shared = |field| {
                matches!(
                    field,
                    Field::TcpFlags
                        | Field::ArpSha
                        | Field::ArpTha
                        | Field::NdReserved
                        | Field::NdOptionsType
                        | Field::NdSll
                        | Field::NdTll
                )
            };
            case.asks(shared)
                && matches!(
                    case.difference,
                    Difference::Bytes { .. } | Difference::Text { .. }
                )
        },
    ),
    ("a mask of all bits that there are is no mask", |case| {
        case.in_bytes()
            && (case.mask(Field::TcpFlags) == Some(Field::TcpFlags.full_mask())
                || case.asks(Field::is_tun_metadata))
    }),
    (
        "what can be said is said in any spelling; ovs-ofctl goes by the spelling of the mask",
        |case| {
            case.protocol.version < Version::V12 && case.taken("none of the usable flow formats")
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
    ("ovs-ofctl sends an action that a switch refuses", |case| {
        case.refused("it has no short header")
            || case.refused("a zone has 16 bits")
            || (case.refused("needs a match of packets that have the field")
                && case.asks(|field| field == Field::PacketType)
                && case.does(|action| matches!(action, Action::Encap(_))))
    }),
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
        |case| {
            case.refused("expected seconds such as")
                || case.refused("expected a number of at most 64 bits")
        },
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
        "a write of no bits is surely a mistake; ovs-ofctl leaves it out",
        |case| case.refused("a mask of nothing writes nothing"),
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
                || (case.writes(|set| !set.is_whole())
                    && (case.they_send_nonsense("OFPBMC_BAD_WILDCARDS")
                        || case.they_send_more_bits()))
        },
    ),
    (
        "ovs-ofctl takes the value for the mask of these tunnel fields",
        |case| {
            let such = |field| {
                matches!(
                    field,
                    Field::TunErspanVer
                        | Field::TunErspanDir
                        | Field::TunErspanHwid
                        | Field::TunGtpuFlags
                        | Field::TunGtpuMsgtype
                )
            };
            case.in_bytes() && case.asks(such)
        },
    ),
];

/// The reason for which a difference is right.
pub(super) fn reason(
    protocol: Protocol,
    line: &str,
    difference: &Difference,
) -> Option<&'static str> {
    let (matches, instructions) = halves(line);
    let case = Case {
        protocol,
        difference,
        matches,
        instructions,
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

/// The text without the masks of IPv6 flow labels.
fn without_label_masks(text: &str) -> String {
    let mut pieces = text.split("ipv6_label=");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (value, rest) = piece.split_at(piece.find([',', ' ', '\n']).unwrap_or(piece.len()));
        out.push_str(value.split('/').next().unwrap_or_default());
        out.push_str(rest);
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
        "an action for no controller is for the one that it is for without",
        |have, want| have == want.replace("dec_ttl()", "dec_ttl"),
    ),
    ("a mask has no bits that the field has not", |have, want| {
        have != want && without_label_masks(have) == without_label_masks(want)
    }),
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
