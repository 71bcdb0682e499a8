//! Messages that a switch sends only in states that are hard to bring about: made by heddle, read by `ovs-ofctl`.

use flows::ofpkt::{
    Body, FlowMod, GroupModCommand, Hello, IpfixStats, Message, MultipartReply, QueueConfig,
    QueueConfigs, QueueStats, Role, RoleStatus, TableDesc, TableStatus,
};
use flows::text::{Names, parse_group_mod};
use flows::{Action, Field, Flow, Match, Port, Subfield, Version};

use super::Book;
use super::conversation::Result;

/// Adds them in each version that has them.
pub(super) fn record(book: &mut Book) -> Result<()> {
    for version in Version::ALL {
        for body in bodies(version)? {
            book.add("heddle", &Message::new(version, 0, body).encode());
        }
    }
    Ok(())
}

fn bodies(version: Version) -> Result<Vec<Body>> {
    let ipfix = IpfixStats {
        flows: 1,
        ip_packets: [2, 3],
        collector_set: 4,
        ..IpfixStats::default()
    };
    let queue = QueueStats {
        port: Port(1),
        queue: 2,
        bytes: 3,
        packets: 4,
        errors: 5,
        duration: (version >= Version::V13).then_some((6, 7)),
        properties: Vec::new(),
    };
    let config = QueueConfig {
        port: Port(1),
        queue: 2,
        min_rate: Some(500),
        max_rate: Some(900),
        properties: Vec::new(),
    };
    let mut bodies = vec![
        Body::Hello(Hello::offering(&[version])),
        Body::MultipartReply(MultipartReply::IpfixBridge(vec![ipfix]), false),
        Body::MultipartReply(MultipartReply::IpfixFlow(vec![ipfix, ipfix]), false),
        Body::MultipartReply(MultipartReply::Queue(vec![queue]), false),
    ];
    if version < Version::V14 {
        bodies.extend([
            Body::FlowMonitorPaused,
            Body::FlowMonitorResumed,
            Body::QueueGetConfigReply(QueueConfigs {
                port: Port(1),
                queues: vec![config],
            }),
        ]);
    } else {
        bodies.push(Body::MultipartReply(
            MultipartReply::QueueDesc(vec![config]),
            false,
        ));
        bodies.push(Body::TableStatus(TableStatus {
            reason: 3,
            desc: TableDesc {
                table: 3,
                config: 4,
                properties: vec![(3, vec![40, 60, 50, 0])],
            },
        }));
    }
    if version >= Version::V13 {
        bodies.push(Body::RoleStatus(RoleStatus {
            role: Role::Slave,
            reason: 0,
            generation_id: 5,
            properties: Vec::new(),
        }));
    }
    // Forms of actions that Open vSwitch reads and never writes.
    let (reg0, reg1) = (
        Subfield::part(Field::Reg0, 0, 8),
        Subfield::part(Field::Reg1, 8, 8),
    );
    let unwritten = match version {
        Version::V10 => vec![
            Action::ResubmitPort(Port(3)),
            Action::OutputMaxLen(Port(1), 64),
        ],
        Version::V13 | Version::V14 => vec![Action::CopyField {
            src: reg0,
            dst: reg1,
        }],
        Version::V15 => vec![
            Action::CopyField {
                src: reg0,
                dst: reg1,
            },
            Action::Meter(3),
        ],
        _ => Vec::new(),
    };
    for action in unwritten {
        let flow = Flow::new(0, 1, Match::new()).doing([Action::output(Port(1)), action]);
        bodies.push(Body::FlowMod(Box::new(FlowMod::add(flow))));
    }
    let inner = parse_group_mod(
        "group_id=50,type=all,bucket=output:1",
        GroupModCommand::ADD,
        &Names::default(),
    )?;
    bodies.push(Body::RequestForward(Box::new(Message::new(
        version,
        9,
        Body::GroupMod(inner),
    ))));
    Ok(bodies)
}
