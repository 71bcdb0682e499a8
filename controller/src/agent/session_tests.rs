//! The session against the other half of the conversation, written message by message.

use flows::ofpkt::{FlowStats, PortDesc, PortStatus};
use flows::{Action, EthAddr, Field, Match};

use super::*;

/// What the session has sent since the last call.
fn sent(session: &mut Session) -> Vec<Message> {
    let mut stream = BytesMut::from(&session.output()[..]);
    session.output().clear();
    let mut out = Vec::new();
    while let Some(message) = take(&mut stream).unwrap() {
        out.push(Message::decode(&message).unwrap());
    }
    assert!(stream.is_empty());
    out
}

fn say(session: &mut Session, xid: u32, body: Body) -> Result<Vec<SessionEvent>, SessionError> {
    session.handle_bytes(&Message::new(VERSION, xid, body).encode())
}

fn port(number: u32, name: &str) -> PortDesc {
    PortDesc {
        port: Port(number),
        hw_addr: EthAddr([2, 0, 0, 0, 0, 1]),
        name: name.to_owned(),
        config: 0,
        state: 0,
        features: [0; 4],
        speeds: [0; 2],
        properties: Vec::new(),
        ethernet: true,
    }
}

fn flow(in_port: u32) -> Flow {
    Flow::new(0, 1, Match::new().with(Field::InPort, in_port)).doing([Action::output(2)])
}

fn stats(flow: Flow) -> FlowStats {
    FlowStats::new(flow)
}

fn error(kind: u16, code: u16) -> Body {
    Body::Error(ErrorMessage {
        kind,
        code,
        experimenter: None,
        data: Vec::new(),
        nicira: None,
    })
}

fn control(kind: BundleControlKind, bundle_id: u32) -> Body {
    Body::BundleControl(BundleControl::new(bundle_id, kind, flags()))
}

/// A session that has begun, with two ports and two flows that came in two parts.
fn began() -> Session {
    let mut session = Session::new(FlowStatsRequest::all());
    assert!(matches!(
        &sent(&mut session)[..],
        [Message {
            body: Body::Hello(_),
            ..
        }]
    ));
    say(&mut session, 0, Body::Hello(Hello::offering(&Version::ALL))).unwrap();
    let questions = sent(&mut session);
    let [config, ports, flows] = &questions[..] else {
        panic!("{questions:?}")
    };
    assert!(matches!(
        config.body,
        Body::SetConfig(SwitchConfig {
            miss_send_len: 1..,
            ..
        })
    ));
    let listed = MultipartReply::PortDesc(vec![port(1, "tap1"), port(2, "tap2")]);
    assert_eq!(
        say(&mut session, ports.xid, Body::MultipartReply(listed, false)).unwrap(),
        []
    );
    let gone = Body::PortStatus(PortStatus {
        change: PortChange::Delete,
        desc: port(2, "tap2"),
    });
    assert_eq!(say(&mut session, 0, gone).unwrap(), []);
    let part = |n| MultipartReply::Flow(vec![stats(flow(n))]);
    assert_eq!(
        say(&mut session, flows.xid, Body::MultipartReply(part(1), true)).unwrap(),
        []
    );
    let events = say(
        &mut session,
        flows.xid,
        Body::MultipartReply(part(2), false),
    )
    .unwrap();
    let ports = BTreeMap::from([(1, "tap1".to_owned())]);
    assert_eq!(
        events,
        [SessionEvent::Began {
            ports,
            flows: vec![flow(1), flow(2)]
        }]
    );
    session
}

/// The session after [`began`] and a bundle of three changes, and the bundle's messages.
fn filling() -> (Session, Vec<Message>) {
    let mut session = began();
    session
        .program(vec![
            FlowMod::Add(flow(1)),
            FlowMod::Add(flow(2)),
            FlowMod::Delete(flow(3)),
        ])
        .unwrap();
    let messages = sent(&mut session);
    (session, messages)
}

#[test]
fn a_bundle_is_committed_after_every_part_was_answered() {
    let (mut session, messages) = filling();
    let kinds: Vec<_> = messages
        .iter()
        .map(|message| match &message.body {
            Body::BundleControl(control) => format!("{:?}", control.kind),
            Body::BundleAdd(add) => match &add.message.body {
                Body::FlowMod(change) => format!("{:?}", change.command),
                other => panic!("{other:?}"),
            },
            Body::BarrierRequest => "Barrier".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        ["OpenRequest", "Add", "Add", "DeleteStrict", "Barrier"]
    );
    assert_eq!(
        say(&mut session, 0, control(BundleControlKind::OpenReply, 1)).unwrap(),
        []
    );
    assert_eq!(sent(&mut session), []);
    assert_eq!(
        say(&mut session, messages[4].xid, Body::BarrierReply).unwrap(),
        []
    );
    let commit = sent(&mut session);
    assert!(
        matches!(&commit[..], [Message { body: Body::BundleControl(c), .. }] if c.kind == BundleControlKind::CommitRequest)
    );
    let events = say(
        &mut session,
        commit[0].xid,
        control(BundleControlKind::CommitReply, 1),
    )
    .unwrap();
    assert_eq!(events, [SessionEvent::Acknowledged]);
}

#[test]
fn a_bundle_with_a_part_that_is_refused_is_discarded_whole() {
    let (mut session, messages) = filling();
    // OFPET_BAD_ACTION, OFPBAC_BAD_TYPE, about the second change.
    assert_eq!(say(&mut session, messages[2].xid, error(2, 0)).unwrap(), []);
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    let discard = sent(&mut session);
    assert!(
        matches!(&discard[..], [Message { body: Body::BundleControl(c), .. }] if c.kind == BundleControlKind::DiscardRequest)
    );
    let events = say(
        &mut session,
        discard[0].xid,
        control(BundleControlKind::DiscardReply, 1),
    )
    .unwrap();
    let refusal = Refusal::Flow {
        error: "OFPBAC_BAD_TYPE".to_owned(),
        flow: Box::new(flow(2)),
    };
    assert_eq!(events, [SessionEvent::Refused { error: refusal }]);
}

#[test]
fn a_commit_that_fails_is_a_refusal() {
    let (mut session, messages) = filling();
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    let commit = sent(&mut session);
    // OFPET_BUNDLE_FAILED, OFPBFC_MSG_FAILED.
    let events = say(&mut session, commit[0].xid, error(17, 13)).unwrap();
    assert_eq!(
        events,
        [SessionEvent::Refused {
            error: Refusal::Bundle("OFPBFC_MSG_FAILED".to_owned())
        }]
    );
}

#[test]
fn ports_come_and_go_while_a_bundle_is_on_its_way() {
    let (mut session, _) = filling();
    let status = |change| {
        Body::PortStatus(PortStatus {
            change,
            desc: port(7, "tap7"),
        })
    };
    let there = SessionEvent::PortChanged {
        ofport: 7,
        name: Some("tap7".to_owned()),
    };
    assert_eq!(
        say(&mut session, 0, status(PortChange::Add)).unwrap(),
        [there]
    );
    let gone = SessionEvent::PortChanged {
        ofport: 7,
        name: None,
    };
    assert_eq!(
        say(&mut session, 0, status(PortChange::Delete)).unwrap(),
        [gone]
    );
}

#[test]
fn an_echo_is_answered_with_its_bytes_and_number() {
    let mut session = began();
    say(&mut session, 99, Body::EchoRequest(vec![1, 2, 3])).unwrap();
    assert_eq!(
        sent(&mut session),
        [Message::new(VERSION, 99, Body::EchoReply(vec![1, 2, 3]))]
    );
}

#[test]
fn a_switch_without_bundles_is_named() {
    let mut session = Session::new(FlowStatsRequest::all());
    let hello = Message::new(
        Version::V13,
        1,
        Body::Hello(Hello::offering(&[Version::V10, Version::V13])),
    );
    assert!(matches!(
        session.handle_bytes(&hello.encode()),
        Err(SessionError::Version)
    ));
}

#[test]
fn garbage_ends_the_session_and_half_a_message_is_waited_for() {
    let mut session = began();
    assert!(matches!(
        session.handle_bytes(&[5, 0, 0, 7, 0, 0, 0, 0]),
        Err(SessionError::Frame(_))
    ));
    let mut session = began();
    let message = Message::new(
        VERSION,
        1,
        Body::PortStatus(PortStatus {
            change: PortChange::Add,
            desc: port(7, "tap7"),
        }),
    );
    let bytes = message.encode();
    let (head, tail) = bytes.split_at(bytes.len() - 1);
    assert_eq!(session.handle_bytes(head).unwrap(), []);
    assert_eq!(session.handle_bytes(tail).unwrap().len(), 1);
    assert!(matches!(
        session.handle_bytes(&[5, 14, 0, 9, 0, 0, 0, 0, 0]),
        Err(SessionError::Decode(_))
    ));
}

#[test]
fn a_flow_of_a_later_release_does_not_end_the_session() {
    let mut session = began();
    let foreign = flows::text::parse_flow(
        "priority=9,ip,oxm(class=0x0001,field=127,value=0x00000001) \
         actions=unknown(ff.ff.00.10.00.00.23.20.7f.ff.00.00.00.00.00.00),output:1,\
         instruction(00.63.00.08.00.00.00.00)",
    )
    .unwrap();
    let flows = vec![stats(foreign.clone()), stats(flow(1))];
    let reply = MultipartReply::Flow(flows);
    let bytes = Message::new(VERSION, 5, Body::MultipartReply(reply, false)).encode();
    assert_eq!(session.handle_bytes(&bytes).unwrap(), []);
    // Listed when the session begins, it is as the switch has it.
    let mut session = Session::new(FlowStatsRequest::all());
    let hello = Message::new(VERSION, 1, Body::Hello(Hello::offering(&[VERSION])));
    session.handle_bytes(&hello.encode()).unwrap();
    let events = session.handle_bytes(&bytes).unwrap();
    let expected = SessionEvent::Began {
        ports: BTreeMap::new(),
        flows: vec![foreign, flow(1)],
    };
    assert_eq!(events, [expected]);
}

#[test]
fn an_answer_to_nothing_changes_nothing() {
    let mut session = began();
    for body in [
        Body::BarrierReply,
        control(BundleControlKind::CommitReply, 0),
        error(1, 1),
        Body::MultipartReply(MultipartReply::Flow(vec![stats(flow(9))]), false),
    ] {
        assert_eq!(say(&mut session, 5, body).unwrap(), []);
    }
    assert_eq!(sent(&mut session), []);
}

#[test]
fn a_flow_that_fits_into_no_message_is_refused_before_anything_is_sent() {
    let mut session = began();
    let long = Flow::new(0, 1, Match::new()).doing(vec![Action::output(2); 5000]);
    let refused = session.program(vec![FlowMod::Add(flow(1)), FlowMod::Add(long.clone())]);
    assert!(matches!(refused, Err(Refusal::Flow { flow, .. }) if *flow == long));
    assert_eq!(sent(&mut session), []);
    session.program(vec![FlowMod::Add(flow(1))]).unwrap();
    assert_eq!(sent(&mut session).len(), 3);
}
