//! The session against the other half of the conversation, written message by message.

use flows::ofpkt::{BundleControl, BundleControlKind, FlowStats, PortDesc, PortStatus, TableStats};
use flows::{Action, EthAddr, Field, Flow, Match};

use super::bundles::flags;
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

fn reply(session: &mut Session, xid: u32, reply: MultipartReply, more: bool) -> Vec<SessionEvent> {
    say(session, xid, Body::MultipartReply(reply, more)).unwrap()
}

fn active(table: u8, active: u32) -> TableStats {
    TableStats {
        table,
        active,
        lookups: 0,
        matched: 0,
        abilities: None,
    }
}

/// Of questions for flows: transaction id, table, cookie.
fn questions_for_flows(sent: &[Message]) -> Vec<(u32, u8, u64)> {
    sent.iter()
        .map(|message| match &message.body {
            Body::MultipartRequest(MultipartRequest::Flow(asked)) => {
                (message.xid, asked.table, asked.cookie)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A session that has begun, with two ports and two flows that came in two parts.
fn began() -> Session {
    let mut session = Session::new(Scope::default());
    assert!(matches!(
        &sent(&mut session)[..],
        [Message {
            body: Body::Hello(_),
            ..
        }]
    ));
    let greeted = say(&mut session, 0, Body::Hello(Hello::offering(&Version::ALL))).unwrap();
    assert_eq!(greeted, [SessionEvent::Listed(Listed::Nothing)]);
    let questions = sent(&mut session);
    let [config, ports, watch, tables] = &questions[..] else {
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
    assert_eq!(reply(&mut session, ports.xid, listed, false), []);
    let gone = Body::PortStatus(PortStatus {
        change: PortChange::Delete,
        desc: port(2, "tap2"),
    });
    assert_eq!(say(&mut session, 0, gone).unwrap(), []);
    assert!(matches!(
        watch.body,
        Body::MultipartRequest(MultipartRequest::FlowMonitor(_))
    ));
    let watching = MultipartReply::FlowMonitor(Vec::new());
    assert_eq!(reply(&mut session, watch.xid, watching, false), []);
    let counts = MultipartReply::Table(vec![active(0, 2), active(1, 0)]);
    assert_eq!(reply(&mut session, tables.xid, counts, false), []);
    let asked = sent(&mut session);
    let [(xid, 0, 0)] = questions_for_flows(&asked)[..] else {
        panic!("{asked:?}")
    };
    let part = |n| MultipartReply::Flow(vec![stats(flow(n))]);
    let listed = |n| SessionEvent::Listed(Listed::Flows(vec![flow(n)]));
    assert_eq!(reply(&mut session, xid, part(1), true), [listed(1)]);
    let events = reply(&mut session, xid, part(2), false);
    let ports = BTreeMap::from([(1, "tap1".to_owned())]);
    assert_eq!(events, [listed(2), SessionEvent::Began { ports }]);
    session
}

/// The session after [`began`] and a bundle of three changes, and the bundle's messages.
fn filling() -> (Session, Vec<Message>) {
    let mut session = began();
    let none = session.program(vec![
        FlowMod::Add(flow(1).into()),
        FlowMod::Add(flow(2).into()),
        FlowMod::Delete(flow(3).into()),
    ]);
    assert_eq!(none, []);
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
    assert_eq!(events, [refused("OFPBAC_BAD_TYPE", &[2])]);
}

/// Flows that were to be added are refused.
fn refused(reason: &str, flows: &[u32]) -> SessionEvent {
    let mut refused = flows.iter().map(|n| Refused {
        change: FlowMod::Add(flow(*n).into()),
        reason: reason.to_owned(),
    });
    let error = Refusal::Changes(refused.next().unwrap(), refused.collect());
    SessionEvent::Refused { error }
}

#[test]
fn every_change_that_is_refused_is_named_and_none_for_what_is_wrong_with_the_bundle() {
    let (mut session, messages) = filling();
    say(&mut session, messages[1].xid, error(2, 0)).unwrap();
    say(&mut session, messages[2].xid, error(2, 0)).unwrap();
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    let discarded = control(BundleControlKind::DiscardReply, 1);
    let events = say(&mut session, 0, discarded).unwrap();
    assert_eq!(events, [refused("OFPBAC_BAD_TYPE", &[1, 2])]);

    let (mut session, messages) = filling();
    // OFPET_BUNDLE_FAILED, OFPBFC_BUNDLE_CLOSED.
    say(&mut session, messages[2].xid, error(17, 4)).unwrap();
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    let discarded = control(BundleControlKind::DiscardReply, 1);
    let events = say(&mut session, 0, discarded).unwrap();
    let [
        SessionEvent::Refused {
            error: Refusal::Bundle(error),
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(
        error.starts_with("OFPBFC_BUNDLE_CLOSED for the flow with table=0,priority=1,in_port=2"),
        "{error}"
    );
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
    let mut session = Session::new(Scope::default());
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
    let (mut session, _, tables) = counting(Scope::default());
    let foreign = flows::text::parse_flow(
        "priority=9,ip,oxm(class=0x0001,field=127,value=0x00000001) \
         actions=unknown(ff.ff.00.10.00.00.23.20.7f.ff.00.00.00.00.00.00),output:1,\
         instruction(00.63.00.08.00.00.00.00)",
    )
    .unwrap();
    // Listed when the session begins, it is as the switch has it.
    let all = vec![foreign, flow(1)];
    let (flows, _) = list(&mut session, tables, &all);
    assert_eq!(flows, all);
    let there = FlowUpdate::Full(FlowEvent::Added, 0, Box::new(all[0].clone()));
    let told = reply(
        &mut session,
        0,
        MultipartReply::FlowMonitor(vec![there]),
        false,
    );
    let observations = vec![Observation::There(all[0].clone())];
    assert_eq!(told, [SessionEvent::FlowsChanged(observations)]);
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
fn flows_that_no_switch_could_read_are_refused_before_anything_is_sent() {
    let mut session = began();
    let long = Flow::new(0, 1, Match::new()).doing(vec![Action::output(2); 5000]);
    // A field without the one that says that it is there (OpenFlow 1.5.1, 7.2.3.6) is not sent.
    let senseless = Flow::new(0, 1, Match::new().with(Field::ArpSpa, 1u32));
    // Only a delete may mean all tables.
    let everywhere = Flow {
        table: ALL_TABLES,
        ..flow(1)
    };
    let wrong = [long, senseless, everywhere];
    let changes = wrong
        .iter()
        .cloned()
        .chain([flow(1)])
        .map(|flow| FlowMod::Add(flow.into()));
    let events = session.program(changes.collect());
    let [
        SessionEvent::Refused {
            error: Refusal::Changes(first, others),
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    let refused = [first].into_iter().chain(others);
    let named: Vec<_> = refused
        .clone()
        .map(|refused| refused.change.clone())
        .collect();
    assert_eq!(named, wrong.map(|flow| FlowMod::Add(flow.into())));
    let reasons: Vec<_> = refused.map(|refused| refused.reason.as_str()).collect();
    assert_eq!(
        reasons[0],
        "longer than an OpenFlow message can be (65535 bytes)"
    );
    assert_eq!(reasons[1], "a switch would read something else");
    assert!(reasons[2].contains("a switch"), "{}", reasons[2]);
    assert_eq!(sent(&mut session), []);
    assert_eq!(session.program(vec![FlowMod::Add(flow(1).into())]), []);
    assert_eq!(sent(&mut session).len(), 3);
}

/// Kinds of bundle messages, in order, each with the number of its bundle.
fn bundle_messages(sent: &[Message]) -> Vec<(BundleControlKind, u32)> {
    sent.iter()
        .filter_map(|message| match &message.body {
            Body::BundleControl(control) => Some((control.kind, control.bundle_id)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_bundle_is_filled_while_the_one_before_it_is_committed() {
    use BundleControlKind::{CommitReply, CommitRequest, OpenRequest};
    let (mut session, first) = filling();
    assert_eq!(session.program(vec![FlowMod::Add(flow(4).into())]), []);
    let second = sent(&mut session);
    assert_eq!(bundle_messages(&second), [(OpenRequest, 2)]);
    say(&mut session, first[4].xid, Body::BarrierReply).unwrap();
    assert_eq!(bundle_messages(&sent(&mut session)), [(CommitRequest, 1)]);
    say(&mut session, second[2].xid, Body::BarrierReply).unwrap();
    assert_eq!(sent(&mut session), [], "the second waits for the first");
    let events = say(&mut session, 0, control(CommitReply, 1)).unwrap();
    assert_eq!(events, [SessionEvent::Acknowledged]);
    assert_eq!(bundle_messages(&sent(&mut session)), [(CommitRequest, 2)]);
    let events = say(&mut session, 0, control(CommitReply, 2)).unwrap();
    assert_eq!(events, [SessionEvent::Acknowledged]);
}

#[test]
fn a_refusal_takes_the_bundles_behind_it_along() {
    use BundleControlKind::{CommitReply, CommitRequest, DiscardReply, DiscardRequest};
    let (mut session, first) = filling();
    session.program(vec![FlowMod::Add(flow(4).into())]);
    let second = sent(&mut session);
    session.program(vec![FlowMod::Add(flow(5).into())]);
    let third = sent(&mut session);
    say(&mut session, second[1].xid, error(2, 0)).unwrap();
    for barrier in [first[4].xid, second[2].xid, third[2].xid] {
        say(&mut session, barrier, Body::BarrierReply).unwrap();
    }
    assert_eq!(bundle_messages(&sent(&mut session)), [(CommitRequest, 1)]);
    let events = say(&mut session, 0, control(CommitReply, 1)).unwrap();
    assert_eq!(events, [SessionEvent::Acknowledged]);
    assert_eq!(bundle_messages(&sent(&mut session)), [(DiscardRequest, 2)]);
    assert_eq!(say(&mut session, 0, control(DiscardReply, 2)).unwrap(), []);
    assert_eq!(bundle_messages(&sent(&mut session)), [(DiscardRequest, 3)]);
    let events = say(&mut session, 0, control(DiscardReply, 3)).unwrap();
    assert_eq!(events, [refused("OFPBAC_BAD_TYPE", &[4])]);
    session.program(vec![FlowMod::Add(flow(6).into())]);
    assert_eq!(sent(&mut session).len(), 3, "and life goes on");
}

#[test]
fn a_commit_names_the_change_that_it_failed_for() {
    let (mut session, messages) = filling();
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    let commit = sent(&mut session);
    // OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL for the change; OFPET_BUNDLE_FAILED, OFPBFC_MSG_FAILED for the commit.
    assert_eq!(say(&mut session, messages[2].xid, error(5, 1)).unwrap(), []);
    let events = say(&mut session, commit[0].xid, error(17, 13)).unwrap();
    assert_eq!(events, [refused("OFPFMFC_TABLE_FULL", &[2])]);
}

#[test]
fn a_commit_of_what_was_refused_ends_the_session() {
    let (mut session, messages) = filling();
    say(&mut session, messages[4].xid, Body::BarrierReply).unwrap();
    say(&mut session, messages[2].xid, error(5, 1)).unwrap();
    assert!(matches!(
        say(&mut session, 0, control(BundleControlKind::CommitReply, 1)),
        Err(SessionError::Contradiction(_))
    ));
}

#[test]
fn changes_by_others_are_told_and_own_ones_are_not() {
    let mut session = began();
    let updates = vec![
        FlowUpdate::Full(FlowEvent::Added, 0, Box::new(flow(1))),
        FlowUpdate::Abbreviated(7),
        FlowUpdate::Paused,
        FlowUpdate::Full(FlowEvent::Removed, 2, Box::new(flow(2))),
        FlowUpdate::Full(FlowEvent::Modified, 0, Box::new(flow(3))),
        FlowUpdate::Resumed,
    ];
    let told = reply(&mut session, 0, MultipartReply::FlowMonitor(updates), false);
    let observations = vec![
        Observation::There(flow(1)),
        Observation::Gone(flow(2)),
        Observation::There(flow(3)),
    ];
    assert_eq!(told, [SessionEvent::FlowsChanged(observations)]);
    let own = MultipartReply::FlowMonitor(vec![FlowUpdate::Abbreviated(8)]);
    assert_eq!(reply(&mut session, 0, own, false), []);
}

/// A session that asks how many flows there are: its transaction id.
fn counting(scope: Scope) -> (Session, u32, u32) {
    let mut session = Session::new(scope);
    sent(&mut session);
    say(&mut session, 0, Body::Hello(Hello::offering(&[VERSION]))).unwrap();
    let questions = sent(&mut session);
    let xid = |at: usize| questions[at].xid;
    (session, xid(2), xid(3))
}

#[test]
fn a_switch_that_tells_of_no_changes_is_listed_all_the_same() {
    let (mut session, watch, tables) = counting(Scope::default());
    assert_eq!(say(&mut session, watch, error(1, 2)).unwrap(), []);
    let counts = MultipartReply::Table(vec![active(0, 0)]);
    let began = SessionEvent::Began {
        ports: BTreeMap::new(),
    };
    assert_eq!(reply(&mut session, tables, counts, false), [began]);
}

#[test]
fn a_change_during_the_listing_comes_after_it() {
    let (mut session, _, tables) = counting(Scope::default());
    let gone = FlowUpdate::Full(FlowEvent::Removed, 2, Box::new(flow(1)));
    let change = MultipartReply::FlowMonitor(vec![gone]);
    assert_eq!(reply(&mut session, 0, change, false), []);
    let counts = MultipartReply::Table(vec![active(0, 1)]);
    assert_eq!(reply(&mut session, tables, counts, false), []);
    let (xid, ..) = questions_for_flows(&sent(&mut session))[0];
    let listed = MultipartReply::Flow(vec![stats(flow(1))]);
    let events = reply(&mut session, xid, listed, false);
    let [
        SessionEvent::Listed(Listed::Flows(flows)),
        SessionEvent::Began { .. },
        SessionEvent::FlowsChanged(changes),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(flows, &[flow(1)]);
    assert_eq!(changes, &[Observation::Gone(flow(1))]);
}

/// Answers every question for flows out of `all` until the session has begun; returns the flows, and what was asked.
fn list(session: &mut Session, tables: u32, all: &[Flow]) -> (Vec<Flow>, Vec<(u8, u64)>) {
    let count = |table: u8| all.iter().filter(|f| f.table == table).count() as u32;
    let counts: Vec<_> = (0..3).map(|table| active(table, count(table))).collect();
    let mut answers = vec![(tables, MultipartReply::Table(counts.clone()), false)];
    let (mut flows, mut asked) = (Vec::new(), Vec::new());
    while let Some((xid, answer, more)) = answers.pop() {
        for event in reply(session, xid, answer, more) {
            match event {
                SessionEvent::Listed(Listed::Flows(found)) => flows.extend(found),
                SessionEvent::Listed(Listed::Again(table)) => flows.retain(|f| f.table != table),
                SessionEvent::Began { .. } => return (flows, asked),
                other => panic!("{other:?}"),
            }
        }
        for message in sent(session) {
            match message.body {
                Body::MultipartRequest(MultipartRequest::Table) => {
                    let counts = MultipartReply::Table(counts.clone());
                    answers.push((message.xid, counts, false));
                }
                Body::MultipartRequest(MultipartRequest::Flow(question)) => {
                    asked.push((question.table, question.cookie));
                    let meant = all.iter().filter(|flow| {
                        [flow.table, ALL_TABLES].contains(&question.table)
                            && flow.cookie & question.cookie_mask == question.cookie
                    });
                    let meant: Vec<_> = meant.cloned().map(stats).collect();
                    let (head, tail) = meant.split_at(meant.len() / 2);
                    answers.push((message.xid, MultipartReply::Flow(tail.to_vec()), false));
                    answers.push((message.xid, MultipartReply::Flow(head.to_vec()), true));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("it stopped asking")
}

#[test]
fn a_large_table_is_asked_for_by_expected_cookies_and_in_slices_only_if_those_are_not_all() {
    let cookie = |n: u32| u64::from(n % 1000);
    let table = |number: u8, flows: u32| {
        (0..flows).map(move |n| Flow {
            table: number,
            ..flow(n).cookie(cookie(n))
        })
    };
    let mut all: Vec<Flow> = table(0, 10).chain(table(1, 3000)).collect();
    let sorted = |flows: Vec<Flow>| flows.into_iter().collect::<flows::FlowTable>();
    let scope = Scope {
        table: None,
        cookies: (0..1000).collect(),
    };
    let (mut session, _, tables) = counting(scope.clone());
    let (flows, asked) = list(&mut session, tables, &all);
    assert_eq!(flows.len(), all.len());
    assert_eq!(sorted(flows), sorted(all.clone()));
    assert_eq!(asked[0], (0, 0));
    let by_cookie: Vec<_> = (0..1000).map(|cookie| (ALL_TABLES, cookie)).collect();
    assert_eq!(&asked[1..], &by_cookie);

    all.push(Flow {
        table: 1,
        ..flow(9999).cookie(5000)
    });
    let (mut session, _, tables) = counting(scope);
    let (flows, asked) = list(&mut session, tables, &all);
    assert_eq!(flows.len(), all.len());
    assert_eq!(sorted(flows), sorted(all));
    assert_eq!(&asked[1001..], &[(1, 0), (1, 1), (1, 2), (1, 3)]);
}
