//! A real switch is given flows in one version of OpenFlow and lists them in all: each must be the flow that was given.

use std::collections::HashMap;

use flows::field::{Field, Prerequisite};
use flows::ofpkt::{
    ALL_TABLES, Body, FlowMod, FlowModCommand, FlowStatsRequest, Message, MultipartReply,
    MultipartRequest,
};
use flows::text::{Names, check_change_for, parse_flow_mod};
use flows::{Action, Flow, FlowFlags, Version, canonical_actions};
use tests::flow_text::FlowText;
use tests::random::Random;
use tests::{Connection, PrivateSwitch};

use crate::Run;

const VERSIONS: [Version; 4] = [Version::V10, Version::V13, Version::V14, Version::V15];
/// Groups and meters that the switch has.
const GROUPS: u32 = 4;
/// Bytes of each of its tunnel options.
const OPTION: usize = 4;

struct Bridge(PrivateSwitch);

impl Bridge {
    fn start() -> Self {
        let switch = PrivateSwitch::start(&[]);
        let run = |line: &str| {
            switch.succeed(&line.split(' ').collect::<Vec<_>>());
        };
        run("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure");
        let options: Vec<String> = (0..64)
            .map(|n| format!("{{class=0xffff,type={n},len={OPTION}}}->tun_metadata{n}"))
            .collect();
        run(&format!("ovs-ofctl add-tlv-map br0 {}", options.join(",")));
        for n in 1..=GROUPS {
            run(&format!(
                "ovs-ofctl -OOpenFlow15 add-group br0 group_id={n},type=all,bucket=output:{n}"
            ));
            run(&format!(
                "ovs-ofctl -OOpenFlow15 add-meter br0 meter={n},pktps,bands=type=drop,rate=1"
            ));
        }
        Self(switch)
    }

    fn connect(&self, version: Version) -> Connection {
        Connection::open(&self.0.dir().join("br0.mgmt"), version).unwrap()
    }
}

/// A flow by chance that a switch may take; its cookie is `number`.
fn change(random: &mut Random, number: u64) -> Option<(String, FlowMod)> {
    let line = FlowText::new(random).line();
    let mut change = parse_flow_mod(&line, FlowModCommand::Add, &Names::default()).ok()?;
    change.command = FlowModCommand::Add;
    change.cookie_mask = 0;
    change.table_said = true;
    let flow = &mut change.flow;
    flow.matches.remove_absent();
    flow.cookie = number;
    flow.table %= 254;
    flow.flags = FlowFlags(flow.flags.0 & !FlowFlags::CHECK_OVERLAP.0);
    // None of them shall go before it is listed.
    for timeout in [&mut flow.idle_timeout, &mut flow.hard_timeout] {
        if *timeout != 0 {
            *timeout |= 0x1000;
        }
    }
    let doing = &mut flow.instructions;
    doing.meter = doing.meter.map(|meter| meter % GROUPS + 1);
    let lists = [Some(&mut doing.apply), doing.write.as_mut()];
    for action in lists.into_iter().flatten().flat_map(|list| list.iter_mut()) {
        if let Action::Group(group) = action {
            *group = *group % GROUPS + 1;
        }
    }
    Some((line, change))
}

fn listed(connection: &mut Connection, run: &mut Run) -> HashMap<u64, Flow> {
    let version = connection.version();
    let all = FlowStatsRequest::all();
    let question = Body::MultipartRequest(if version == Version::V10 {
        MultipartRequest::NxFlow(all)
    } else {
        MultipartRequest::Flow(all)
    });
    let mut found = HashMap::new();
    for (bytes, message) in connection.ask(question).unwrap() {
        if message.encode() != bytes && Message::decode(&message.encode()).as_ref() != Ok(&message)
        {
            run.failures
                .push(format!("{version:?}: encoded again as something else"));
        }
        let Body::MultipartReply(MultipartReply::Flow(part) | MultipartReply::NxFlow(part), _) =
            message.body
        else {
            panic!("{:?}", message.body);
        };
        found.extend(
            part.into_iter()
                .map(|stats| (stats.flow.cookie, stats.flow)),
        );
    }
    found
}

/// The flow as it is after it was said in one version and told in another: what they have no words for is gone.
fn told(flow: &Flow, added: Version, listed: Version) -> Flow {
    let mut flow = flow.clone();
    if added.min(listed) < Version::V14 {
        flow.importance = 0;
    }
    if listed == Version::V10 {
        flow.flags = FlowFlags::NONE;
    }
    flow
}

/// True if a version has words for the flow. There are a few kinds of flows that are said only in part, as Open vSwitch says
/// them, too: a flow of any other kind that comes out of its message as another is a failure.
fn carries(version: Version, line: &str, change: &FlowMod) -> bool {
    if check_change_for(change, version).is_err() {
        return false;
    }
    let Flow {
        matches,
        instructions,
        ..
    } = &change.flow;
    // Of these OpenFlow 1.0 has others, which do the same, or do it to packets without a tag, too.
    let replaced = |action: &Action| match action {
        Action::SetVlanVid(_) | Action::SetVlanPcp(_) => true,
        Action::SetField(set) => set.field() == Field::VlanTci,
        _ => false,
    };
    if version == Version::V10
        && (instructions.goto_table.is_some() || any(&instructions.apply, &replaced))
    {
        return false;
    }
    let bytes = Message::new(version, 1, Body::FlowMod(Box::new(change.clone()))).encode();
    let Ok(Body::FlowMod(again)) = Message::decode(&bytes).map(|message| message.body) else {
        return false;
    };
    let in_part = ["vlan", "erspan", "gtpu", "tp_", "cp_", "udp_"]
        .iter()
        .any(|word| line.contains(word));
    !in_part
        || again.flow
            == Flow {
                matches: matches.clone(),
                ..again.flow.clone()
            }
}

/// True if a tunnel option has not the length that it has in this switch, which cuts it or fills it up.
fn other_length(flow: &Flow) -> bool {
    let mut options = flow
        .matches
        .iter()
        .filter(|found| found.field.is_tun_metadata());
    options.any(|found| found.wide.0.len() > OPTION)
        || format!("{:?}", flow.instructions).contains("tun_metadata")
}

/// True if any of the actions, those in `clone` included, is such a one.
fn any(actions: &[Action], such: &dyn Fn(&Action) -> bool) -> bool {
    actions.iter().any(|action| match action {
        Action::Clone(inner) => any(inner, such),
        action => such(action),
    })
}

/// True if an action writes a value that is none of its field, which only `load` can: OpenFlow 1.5 has no words for that.
fn writes_no_value(flow: &Flow) -> bool {
    any(&flow.instructions.apply, &|action| match action {
        Action::SetField(set) => match set.field() {
            Field::ArpOp => set.value() > 0xff,
            Field::InPortOxm => set.value() >= 0xff00,
            Field::NwTos => set.value() & 3 != 0,
            Field::VlanVid => !set.is_whole(),
            _ => false,
        },
        _ => false,
    })
}

/// True if no action writes parts of what OpenFlow 1.0 could write as a whole, nor the tag, which it writes in two parts.
fn is_listed_whole(flow: &Flow) -> bool {
    !any(&flow.instructions.apply, &|action| match action {
        Action::SetField(set) => {
            let packet = set.field().info().prerequisite != Prerequisite::Always;
            set.field() == Field::VlanTci || (packet && !set.is_whole())
        }
        _ => false,
    })
}

#[test]
fn flows_that_a_switch_lists_are_those_that_it_was_given() {
    let mut run = Run::new("live", 4000);
    let mut random = Random::new(run.seed);
    let bridge = Bridge::start();
    let mut compared = 0;
    for added in VERSIONS {
        let mut connection = bridge.connect(added);
        let mut given: HashMap<u64, (String, FlowMod)> = HashMap::new();
        let (mut refused, mut number) = (0, 0);
        while given.len() < run.flows / VERSIONS.len() {
            number += 1;
            let Some((line, mut change)) = change(&mut random, number) else {
                continue;
            };
            if check_change_for(&change, added).is_err() {
                continue;
            }
            change.nicira_form = added == Version::V10;
            let body = Body::FlowMod(Box::new(change.clone()));
            match connection.change(body).unwrap() {
                None => {
                    given.insert(number, (line, change));
                }
                Some(_) => refused += 1,
            }
        }
        run.say(&format!("{added:?}: {refused} of {number} refused"));
        for version in VERSIONS {
            let found = listed(&mut bridge.connect(version), &mut run);
            for (number, (line, change)) in &given {
                let want = told(&change.flow, added, version);
                // Another with the same match has taken its place.
                let Some(have) = found.get(number) else {
                    continue;
                };
                if other_length(&want)
                    || !carries(added, line, change)
                    || !carries(version, line, change)
                {
                    continue;
                }
                if version == Version::V15 && writes_no_value(&want) {
                    continue;
                }
                // In OpenFlow 1.0 a switch lists writes in the actions of that version, whatever they leave out.
                if added > version && version == Version::V10 && !is_listed_whole(&want) {
                    continue;
                }
                compared += 1;
                if *have != want {
                    let all = |of: &Flow| {
                        format!(
                            "{of}\n       {:?}\n       {:?} {:?}",
                            of.matches,
                            canonical_actions(&of.matches, &of.instructions.apply),
                            of.instructions
                        )
                    };
                    run.failures.push(format!(
                        "{added:?} to {version:?}: {line}\n  want {}\n  have {}",
                        all(&want),
                        all(have)
                    ));
                }
            }
        }
        let all = Flow {
            table: ALL_TABLES,
            ..Flow::default()
        };
        let clear = FlowMod::new(FlowModCommand::Delete, all);
        assert_eq!(
            connection.change(Body::FlowMod(Box::new(clear))).unwrap(),
            None
        );
    }
    run.say(&format!("{compared} compared"));
    run.end();
}
