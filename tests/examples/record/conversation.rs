//! A conversation with a private switch in each version: every request, and all that the switch answers or tells by itself.

use std::time::Duration;

use flows::Version;
use flows::ofpkt::{
    ALL_METERS, ALL_QUEUES, ANY_GROUP, AsyncConfig, Body, BundleAdd, BundleControl,
    BundleControlKind, BundleFlags, CtFlush, CtTuple, FlowMod, FlowModCommand, FlowMonitorRequest,
    FlowStatsRequest, GroupModCommand, Message, MeterModCommand, MultipartReply, MultipartRequest,
    PortMod, QueueRequest, Role, RoleMessage, SwitchConfig, TableMod, TlvCommand, TlvTableMod,
};
use flows::text::{
    Names, parse_flow_mod, parse_group_mod, parse_match, parse_meter_mod, parse_packet_out,
    parse_tlv_maps,
};
use flows::{EthAddr, Match, Port};
use tests::{Connection, PrivateSwitch};

use super::Book;

/// What goes wrong ends the recording.
pub(super) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long the switch may take to tell something.
const PATIENCE: Duration = Duration::from_secs(20);

/// An Ethernet frame: an ARP request.
const FRAME: &str = "ffffffffffff0200000000010806000108000604000102000000000\
                     1c0000201000000000000c0000202";

/// Holds the conversations.
pub(super) fn record(book: &mut Book) -> Result<()> {
    for version in Version::ALL {
        let switch = start();
        let mut talk = Talk::open(&switch, version, book)?;
        about_the_switch(&mut talk)?;
        changes(&mut talk)?;
        questions(&mut talk)?;
        packets(&mut talk, &switch)?;
        news(&mut talk, &switch)?;
        if version >= Version::V13 {
            bundles(&mut talk)?;
        }
        roles(&mut talk, &switch)?;
    }
    Ok(())
}

/// A bridge with two ports, queues and an exporter of flow records.
fn start() -> PrivateSwitch {
    let switch = PrivateSwitch::start(&[]);
    let commands = [
        "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure other-config:datapath-id=00000000000000aa \
         protocols=OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15",
        "ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1",
        "ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2",
        "ovs-vsctl set bridge br0 ipfix=@i -- --id=@i create ipfix targets=\"127.0.0.1:9\" obs_domain_id=1",
        "ovs-vsctl set bridge br0 flow_tables:1=@t -- --id=@t create flow_table flow_limit=4",
    ];
    for command in commands {
        switch.succeed(&command.split_whitespace().collect::<Vec<_>>());
    }
    switch
}

/// One side of a conversation, which takes down both.
struct Talk<'a> {
    connection: Connection,
    version: Version,
    book: &'a mut Book,
}

impl<'a> Talk<'a> {
    fn open(switch: &PrivateSwitch, version: Version, book: &'a mut Book) -> Result<Self> {
        let connection = Connection::open(&switch.dir().join("br0.mgmt"), version)?;
        let mut talk = Self {
            connection,
            version,
            book,
        };
        talk.say(Body::SetConfig(SwitchConfig {
            flags: 0,
            miss_send_len: 128,
        }))?;
        Ok(talk)
    }

    /// Says something and takes down what comes until a barrier is answered.
    fn say(&mut self, body: Body) -> Result<()> {
        self.send(body)?;
        let barrier = self.send(Body::BarrierRequest)?;
        self.hear(|message| message.xid == barrier)
    }

    fn send(&mut self, body: Body) -> Result<u32> {
        let xid = self.connection.next_xid();
        let bytes = Message::new(self.version, xid, body).encode();
        self.book.add("controller", &bytes);
        self.connection.send_bytes(&bytes)?;
        Ok(xid)
    }

    /// Takes down what comes until there is such a message.
    fn hear(&mut self, mut last: impl FnMut(&Message) -> bool) -> Result<()> {
        loop {
            let (bytes, message) = self.connection.receive_any().map_err(|error| {
                format!("{}: nothing of what was awaited: {error}", self.version)
            })?;
            // Every table says the same for so long that one will do.
            let repeats = matches!(&message.body, Body::MultipartReply(MultipartReply::TableFeatures(tables), _)
                if tables.first().is_some_and(|table| table.table > 0));
            let short = shortened(&message);
            if !repeats {
                self.book
                    .add("switch", &short.map_or(bytes, |message| message.encode()));
            }
            if let Body::EchoRequest(data) = &message.body {
                self.send(Body::EchoReply(data.clone()))?;
            }
            if last(&message) {
                return Ok(());
            }
        }
    }

    /// The same, if it comes at all: whether it does is for other tests to say.
    fn hear_perhaps(&mut self, last: impl FnMut(&Message) -> bool) -> Result<()> {
        self.connection.set_patience(Duration::from_millis(300))?;
        // What is missing in the end is made, and the records say by whom.
        let _ = self.hear(last);
        self.connection.set_patience(PATIENCE)?;
        Ok(())
    }

    fn flow_mod(&mut self, command: FlowModCommand, text: &str) -> Result<()> {
        self.say(Body::FlowMod(Box::new(flow_mod(command, text)?)))
    }
}

fn flow_mod(command: FlowModCommand, text: &str) -> Result<FlowMod> {
    Ok(parse_flow_mod(text, command, &Names::default())?)
}

/// A long answer with its first two members only.
fn shortened(message: &Message) -> Option<Message> {
    let mut message = message.clone();
    let Body::MultipartReply(reply, more) = &mut message.body else {
        return None;
    };
    match reply {
        MultipartReply::Table(tables) => tables.truncate(2),
        MultipartReply::TableFeatures(tables) => tables.truncate(1),
        MultipartReply::TableDesc(tables) => tables.truncate(2),
        _ => return None,
    }
    // Only the last of many parts has this number.
    *more = true;
    Some(message)
}

fn about_the_switch(talk: &mut Talk<'_>) -> Result<()> {
    talk.say(Body::EchoRequest(b"hello".to_vec()))?;
    talk.say(Body::FeaturesRequest)?;
    talk.say(Body::GetConfigRequest)?;
    talk.say(Body::FlowAge)?;
    talk.say(Body::SetControllerId(0))?;
    talk.say(Body::CtFlushZone(5))?;
    let tuple = CtTuple {
        src: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped()),
        dst_port: Some(80),
        ..CtTuple::default()
    };
    talk.say(Body::CtFlush(CtFlush {
        ip_proto: 6,
        original: Some(tuple),
        reply: None,
        zone: Some(5),
        others: Vec::new(),
    }))?;
    talk.say(Body::TlvTableMod(TlvTableMod {
        command: TlvCommand::Add,
        maps: parse_tlv_maps("{class=0xffff,type=0,len=4}->tun_metadata0")?,
    }))?;
    talk.say(Body::TlvTableRequest)?;
    // Refused: a type that no version has, and a message too short for its type.
    talk.say(Body::Other(99, vec![1, 2, 3, 4]))?;
    talk.say(Body::Other(9, vec![]))
}

fn changes(talk: &mut Talk<'_>) -> Result<()> {
    let version = talk.version;
    if version == Version::V10 {
        talk.say(Body::FlowModTableId(true))?;
        talk.say(Body::SetFlowFormat(2))?;
    }
    for text in [
        "table=0,priority=5,in_port=1,actions=output:2",
        "table=0,priority=4,cookie=7,tcp,tp_dst=80,idle_timeout=60,send_flow_rem,actions=dec_ttl,output:2",
        "table=2,ip,nw_dst=192.0.2.0/24,actions=controller(max_len=64,reason=action)",
    ] {
        let mut add = flow_mod(FlowModCommand::Add, text)?;
        talk.say(Body::FlowMod(Box::new(add.clone())))?;
        add.nicira_form = true;
        talk.say(Body::FlowMod(Box::new(add)))?;
    }
    talk.flow_mod(FlowModCommand::Modify, "in_port=1,actions=output:2,LOCAL")?;
    talk.flow_mod(
        FlowModCommand::ModifyStrict,
        "priority=5,in_port=1,actions=2",
    )?;
    // Refused: a port that can not be.
    talk.flow_mod(
        FlowModCommand::Add,
        "priority=3,in_port=1,actions=output:65000",
    )?;
    let group = |command, text| -> Result<Body> {
        Ok(Body::GroupMod(parse_group_mod(
            text,
            command,
            &Names::default(),
        )?))
    };
    talk.say(group(
        GroupModCommand::ADD,
        "group_id=1,type=select,bucket=bucket_id:1,weight:50,output:1,bucket=bucket_id:2,weight:100,output:2",
    )?)?;
    talk.say(group(
        GroupModCommand::ADD,
        "group_id=2,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:1,output:2",
    )?)?;
    talk.say(group(
        GroupModCommand::MODIFY,
        "group_id=1,type=all,bucket=output:1,bucket=output:2",
    )?)?;
    talk.say(group(
        GroupModCommand::ADD,
        "group_id=3,type=indirect,bucket=output:9",
    )?)?;
    talk.say(group(GroupModCommand::DELETE, "group_id=3")?)?;
    if version >= Version::V13 {
        for (command, text) in [
            (
                MeterModCommand::Add,
                "meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100",
            ),
            (
                MeterModCommand::Modify,
                "meter=1,pktps,bands=type=drop,rate=10",
            ),
            (
                MeterModCommand::Add,
                "meter=2,pktps,bands=type=drop,rate=10",
            ),
            (MeterModCommand::Delete, "meter=2"),
        ] {
            talk.say(Body::MeterMod(parse_meter_mod(text, command)?))?;
        }
        talk.flow_mod(FlowModCommand::Add, "table=3,actions=meter:1,group:1")?;
    }
    talk.say(Body::PortMod(PortMod {
        port: Port(2),
        hw_addr: EthAddr([0xaa, 0x55, 0xaa, 0x55, 0, 2]),
        config: 0x20,
        mask: 0x20,
        advertise: Some(0),
        properties: Vec::new(),
    }))?;
    if version > Version::V10 {
        talk.say(Body::TableMod(TableMod {
            table: 2,
            config: 0,
            properties: Vec::new(),
        }))?;
    }
    Ok(())
}

fn questions(talk: &mut Talk<'_>) -> Result<()> {
    use MultipartRequest as Ask;
    let version = talk.version;
    let all = QueueRequest {
        port: Port::ANY,
        queue: ALL_QUEUES,
    };
    let mut some = FlowStatsRequest::all();
    some.matches = parse_match("in_port=1")?;
    let mut asked = vec![
        Ask::Desc,
        Ask::Flow(FlowStatsRequest::all()),
        Ask::Flow(some.clone()),
        Ask::Aggregate(FlowStatsRequest::all()),
        Ask::PortDesc(Port::ANY),
        Ask::Table,
        Ask::PortStats(Port::ANY),
        Ask::PortStats(Port(1)),
        Ask::Queue(all),
        Ask::Group(1),
        Ask::GroupDesc(ANY_GROUP - 3),
        Ask::GroupFeatures,
        Ask::IpfixBridge,
        Ask::IpfixFlow,
        Ask::Other(77, vec![1, 2, 3, 4]),
    ];
    if version == Version::V10 {
        asked.push(Ask::NxFlow(FlowStatsRequest::all()));
        asked.push(Ask::NxAggregate(some));
    }
    if version >= Version::V13 {
        asked.extend([
            Ask::Meter(ALL_METERS),
            Ask::MeterConfig(ALL_METERS),
            Ask::MeterFeatures,
            Ask::TableFeatures(Vec::new()),
        ]);
    }
    if version >= Version::V14 {
        asked.extend([Ask::TableDesc, Ask::QueueDesc(all)]);
    } else {
        talk.say(Body::QueueGetConfigRequest(Port(1)))?;
    }
    for question in asked {
        talk.say(Body::MultipartRequest(question))?;
    }
    Ok(())
}

fn packets(talk: &mut Talk<'_>, switch: &PrivateSwitch) -> Result<()> {
    for flow in [
        "table=0,priority=50,in_port=1,actions=controller(max_len=32)",
        "table=0,priority=60,in_port=2,actions=set_field:5->reg0,controller(userdata=01.02.03,pause),output:1",
    ] {
        switch.succeed(&["ovs-ofctl", "add-flow", "br0", flow]);
    }
    for format in 0..3 {
        talk.say(Body::SetPacketInFormat(format))?;
        switch.succeed(&["ovs-appctl", "netdev-dummy/receive", "p1", FRAME]);
        talk.hear(|message| {
            matches!(
                message.body,
                Body::PacketIn(_) | Body::NxPacketIn(_) | Body::PacketIn2(_)
            )
        })?;
    }
    switch.succeed(&["ovs-appctl", "netdev-dummy/receive", "p2", FRAME]);
    let mut paused = None;
    talk.hear(|message| {
        if let Body::PacketIn2(packet) = &message.body {
            paused = Some(packet.clone());
        }
        paused.is_some()
    })?;
    if let Some(packet) = paused {
        talk.say(Body::Resume(packet))?;
    }
    let out = parse_packet_out(
        &format!("in_port=controller,packet={FRAME},actions=output:1,set_field:3->reg0,output:2"),
        &Names::default(),
    )?;
    talk.say(Body::PacketOut(out))
}

/// What the switch tells by itself: flows that change and go, ports that change.
fn news(talk: &mut Talk<'_>, switch: &PrivateSwitch) -> Result<()> {
    let version = talk.version;
    talk.say(Body::MultipartRequest(MultipartRequest::FlowMonitor(vec![
        FlowMonitorRequest {
            id: 1,
            command: 0,
            // Initial, added, removed, changed, with instructions.
            flags: 0x1f,
            out_port: Port::ANY,
            out_group: ANY_GROUP,
            table: flows::ofpkt::ALL_TABLES,
            matches: Match::new(),
        },
    ])))?;
    for command in [
        "add-flow br0 table=4,in_port=1,send_flow_rem,actions=output:2",
        "mod-flows br0 table=4,actions=LOCAL",
        "del-flows br0 table=4",
    ] {
        let argv: Vec<&str> = ["ovs-ofctl"]
            .into_iter()
            .chain(command.split_whitespace())
            .collect();
        switch.succeed(&argv);
        talk.hear_perhaps(|message| {
            matches!(
                message.body,
                Body::MultipartReply(MultipartReply::FlowMonitor(_), _)
            )
        })?;
    }
    talk.hear_perhaps(|message| {
        matches!(message.body, Body::FlowRemoved(_) | Body::NxFlowRemoved(_))
    })?;
    // Its own changes come in short.
    talk.flow_mod(FlowModCommand::Add, "table=4,in_port=2,actions=output:1")?;
    if version < Version::V14 {
        talk.say(Body::FlowMonitorCancel(1))?;
    }
    switch.succeed(&["ovs-ofctl", "mod-port", "br0", "p1", "down"]);
    talk.hear(|message| matches!(message.body, Body::PortStatus(_)))?;
    switch.succeed(&["ovs-vsctl", "del-port", "br0", "p2"]);
    talk.hear(|message| matches!(message.body, Body::PortStatus(_)))
}

fn bundles(talk: &mut Talk<'_>) -> Result<()> {
    use BundleControlKind as Kind;
    let flags = BundleFlags::ATOMIC.with(BundleFlags::ORDERED);
    for end in [Kind::CommitRequest, Kind::DiscardRequest] {
        for kind in [Kind::OpenRequest, Kind::CloseRequest, end] {
            talk.say(Body::BundleControl(BundleControl::new(1, kind, flags)))?;
            if kind == Kind::OpenRequest {
                let xid = talk.connection.next_xid();
                let change = flow_mod(FlowModCommand::Add, "table=5,in_port=1,actions=drop")?;
                let change = Message::new(talk.version, xid, Body::FlowMod(Box::new(change)));
                let add = Body::BundleAdd(BundleAdd::new(1, flags, change));
                let bytes = Message::new(talk.version, xid, add).encode();
                talk.book.add("controller", &bytes);
                talk.connection.send_bytes(&bytes)?;
            }
        }
    }
    // Refused: there is no such bundle.
    talk.say(Body::BundleControl(BundleControl::new(
        9,
        Kind::CommitRequest,
        flags,
    )))
}

/// Two controllers, one of which takes the other's place; and what is told only to those who ask for it.
fn roles(talk: &mut Talk<'_>, switch: &PrivateSwitch) -> Result<()> {
    let version = talk.version;
    let everything = AsyncConfig {
        masks: [(Some(0x3f), Some(0x3f)); 6],
        others: Vec::new(),
    };
    talk.say(Body::NxSetAsync(AsyncConfig {
        masks: {
            let mut masks = everything.masks;
            for mask in masks.iter_mut().skip(3) {
                *mask = (None, None);
            }
            masks
        },
        others: Vec::new(),
    }))?;
    if version < Version::V14 {
        talk.say(Body::NxSetAsync2(everything.clone()))?;
    }
    if version >= Version::V13 {
        let mut wanted = everything.clone();
        if version == Version::V13 {
            for mask in wanted.masks.iter_mut().skip(3) {
                *mask = (None, None);
            }
        } else {
            wanted.masks = [
                (Some(7), Some(7)),
                (Some(7), Some(7)),
                (Some(0xf), Some(0xf)),
                (Some(7), Some(7)),
                (Some(0x18), Some(0x18)),
                (Some(3), Some(3)),
            ];
        }
        talk.say(Body::SetAsync(wanted))?;
        talk.say(Body::GetAsyncRequest)?;
    }
    talk.say(Body::NxRoleRequest(Role::Equal))?;
    let role = |role, generation_id| {
        Body::RoleRequest(RoleMessage {
            role,
            generation_id,
        })
    };
    if version < Version::V12 {
        return Ok(());
    }
    talk.say(role(Role::NoChange, 0))?;
    talk.say(role(Role::Master, 5))?;
    let mut other = Connection::open(&switch.dir().join("br0.mgmt"), version)?;
    other.change(role(Role::Master, 6))?;
    talk.hear_perhaps(|message| matches!(message.body, Body::RoleStatus(_)))?;
    let group = parse_group_mod(
        "group_id=50,type=all,bucket=output:1",
        GroupModCommand::ADD,
        &Names::default(),
    )?;
    other.change(Body::GroupMod(group))?;
    if version >= Version::V13 {
        let meter = parse_meter_mod(
            "meter=50,pktps,bands=type=drop,rate=9",
            MeterModCommand::Add,
        )?;
        other.change(Body::MeterMod(meter))?;
    }
    talk.hear_perhaps(|message| matches!(message.body, Body::RequestForward(_)))?;
    if version >= Version::V14 {
        // Vacancy events, of a table that takes four flows.
        let vacancy = TableMod {
            table: 1,
            config: 4,
            properties: vec![(3, vec![40, 60, 0, 0])],
        };
        other.change(Body::TableMod(vacancy))?;
        for port in 1..=4 {
            let text = format!("table=1,in_port={port},actions=drop");
            other.change(Body::FlowMod(Box::new(flow_mod(
                FlowModCommand::Add,
                &text,
            )?)))?;
        }
        talk.hear_perhaps(|message| matches!(message.body, Body::TableStatus(_)))?;
    }
    Ok(())
}
