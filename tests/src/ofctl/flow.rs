//! Flows: changing, listing, replacing; bundles of changes.

use std::cmp::Ordering;

use flows::ofpkt::{
    Body, BundleAdd, BundleControl, BundleControlKind, BundleFlags, ErrorMessage, FlowMod,
    FlowModCommand, FlowStats, FlowStatsRequest, Message, MultipartReply, MultipartRequest,
};
use flows::text::{check_change_for, parse_flow_mod, parse_group_mod, parse_packet_out};
use flows::{FlowFlags, FlowTable, Version};

use super::format::Formats;
use super::{Call, Stop, at_line, fatal};
use crate::Connection;

impl Formats {
    /// The formats in which a change of flows can be said.
    pub(super) fn of_flow_mod(change: &FlowMod) -> Self {
        let usable = |format: &Self| {
            let version = format.version();
            let plain = version == Version::V10 && !format.is_nxm();
            check_change_for(change, version).is_ok()
                && !(plain && change.needs_nicira_form())
                && (change.flow.table == flows::ofpkt::ALL_TABLES || format.has_table())
        };
        Self::ANY.each().filter(usable).sum()
    }
}

/// A change in the form of this format.
pub(super) fn formed(mut change: FlowMod, format: Formats) -> Body {
    change.nicira_form = format.is_nxm();
    change.table_said = format.has_table();
    Body::FlowMod(Box::new(change))
}

impl Call {
    /// One change, or those in standard input.
    pub(super) fn flow_mod(
        &mut self,
        bridge: &str,
        text: &str,
        command: FlowModCommand,
    ) -> Result<(), Stop> {
        if text == "-" {
            return self.flow_mods(bridge, "-", command);
        }
        let names = self.names(bridge)?;
        match parse_flow_mod(&format!("{} {text}", word(command)), command, &names) {
            Ok(change) => self.send_flow_mods(bridge, vec![change]),
            Err(error) => fatal(error.what),
        }
    }

    pub(super) fn flow_mod_file(&mut self, bridge: &str, file: &str) -> Result<(), Stop> {
        self.flow_mods(bridge, file, FlowModCommand::Add)
    }

    fn flow_mods(&mut self, bridge: &str, file: &str, command: FlowModCommand) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let mut changes = Vec::new();
        for (number, line) in self.lines(file)? {
            let change = parse_flow_mod(&line, command, &names);
            changes.push(change.map_err(|error| at_line(file, number, error.what))?);
        }
        self.send_flow_mods(bridge, changes)
    }

    fn send_flow_mods(&mut self, bridge: &str, changes: Vec<FlowMod>) -> Result<(), Stop> {
        let mut usable = changes
            .iter()
            .map(Formats::of_flow_mod)
            .fold(Formats::ANY, Formats::and);
        if self.options.bundle {
            usable = usable.and(Formats::V13_UP);
        }
        let (mut connection, format) = self.connect_for(bridge, usable)?;
        let bodies: Vec<Body> = changes
            .into_iter()
            .map(|change| formed(change, format))
            .collect();
        if self.options.bundle {
            return self.send_bundle(&mut connection, bodies);
        }
        let mut shown = String::new();
        for body in bodies {
            if self.options.verbosity > 5 {
                let bytes = Message::new(connection.version(), 0, body.clone()).encode();
                shown.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                shown.push('\n');
            }
            self.change(&mut connection, body)?;
        }
        self.answer.out += &shown;
        Ok(())
    }

    /// Makes changes together or not at all. Refusals are told, each with the change that it is about.
    pub(super) fn send_bundle(
        &mut self,
        connection: &mut Connection,
        changes: Vec<Body>,
    ) -> Result<(), Stop> {
        let flags = BundleFlags::ATOMIC.with(BundleFlags::ORDERED);
        let control = |kind| Body::BundleControl(BundleControl::new(0, kind, flags));
        let version = connection.version();
        let opened = connection.ask(control(BundleControlKind::OpenRequest))?;
        if !matches!(
            opened.first(),
            Some((
                _,
                Message {
                    body: Body::BundleControl(_),
                    ..
                }
            ))
        ) {
            return fatal("the switch opens no bundle");
        }
        // The bundle's number in the change is followed by that of the message, under which the switch refuses it.
        let mut sent = Vec::new();
        for body in changes {
            let xid = connection.next_xid();
            let message = Message::new(version, xid, body);
            sent.push((xid, message.encode()));
            connection.send_as(xid, Body::BundleAdd(BundleAdd::new(0, flags, message)))?;
        }
        let commit = control(BundleControlKind::CommitRequest);
        let xid = connection.next_xid();
        sent.push((xid, Message::new(version, xid, commit.clone()).encode()));
        connection.send_as(xid, commit)?;
        let mut failed = false;
        loop {
            let (_, message) = connection.receive()?;
            let done = message.xid == xid;
            if let Body::Error(error) = &message.body {
                failed = true;
                let of = sent.iter().find(|(xid, _)| *xid == message.xid);
                let bytes = of.map_or(&error.data, |(_, bytes)| bytes);
                let name = name_of(error, version);
                let text = self.printed(bytes, 1);
                self.answer.err += &format!("Error {name} for: {text}");
            }
            if done {
                break;
            }
        }
        if failed {
            return fatal("talking to the switch (bundle failed)");
        }
        Ok(())
    }

    /// A file of changes of all kinds.
    pub(super) fn bundle(&mut self, bridge: &str, file: &str) -> Result<(), Stop> {
        use flows::ofpkt::GroupModCommand;
        let names = self.names(bridge)?;
        let mut usable = Formats::V13_UP;
        let mut changes = Vec::new();
        for (number, line) in self.lines(file)? {
            let (kind, rest) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
            let wrong = |error: flows::text::ParseError| at_line(file, number, error.what);
            match kind {
                "flow" => {
                    let change =
                        parse_flow_mod(rest, FlowModCommand::Add, &names).map_err(wrong)?;
                    usable = usable.and(Formats::of_flow_mod(&change));
                    changes.push(Change::Flow(change));
                }
                "group" => {
                    let change =
                        parse_group_mod(rest, GroupModCommand::ADD, &names).map_err(wrong)?;
                    usable = usable.and(Formats::of_group_mod(&change));
                    changes.push(Change::Other(Body::GroupMod(change)));
                }
                "packet-out" => {
                    let packet = parse_packet_out(rest, &names).map_err(wrong)?;
                    usable = usable.and(Formats::of_packet_out(&packet));
                    changes.push(Change::Other(Body::PacketOut(packet)));
                }
                _ => {
                    return Err(at_line(
                        file,
                        number,
                        format!("Unsupported bundle message type: {kind}"),
                    ));
                }
            }
        }
        let (mut connection, format) = self.connect_for(bridge, usable)?;
        let bodies = changes
            .into_iter()
            .map(|change| match change {
                Change::Flow(change) => formed(change, format),
                Change::Other(body) => body,
            })
            .collect();
        self.send_bundle(&mut connection, bodies)
    }

    /// What the question after flows asks for, and a connection that can ask it, with the answer's form.
    fn request(
        &mut self,
        bridge: &str,
        matches: &[&str],
    ) -> Result<(FlowStatsRequest, Connection, Formats), Stop> {
        let text = matches.first().copied().unwrap_or_default();
        let names = if text.is_empty() {
            flows::text::Names::default()
        } else {
            self.names(bridge)?
        };
        let delete = FlowModCommand::Delete;
        let change = parse_flow_mod(&format!("delete {text}"), delete, &names)
            .map_err(|error| Stop::Fatal(error.what))?;
        // A question names its table in every format.
        let mut untabled = change.clone();
        untabled.flow.table = flows::ofpkt::ALL_TABLES;
        let usable = Formats::of_flow_mod(&untabled);
        let request = FlowStatsRequest {
            table: change.flow.table,
            out_port: change.out_port,
            out_group: change.out_group,
            cookie: change.flow.cookie,
            cookie_mask: change.cookie_mask,
            matches: change.flow.matches,
        };
        let allowed = self.options.formats;
        let best = usable.and(allowed).best_for_dumps();
        let Some(format) = best else {
            return fatal(format!(
                "none of the usable flow formats ({usable}) is among the allowed flow formats ({allowed})"
            ));
        };
        let mut connection = self.open(bridge, format.version())?;
        if format.is_nxm() {
            let refusal = connection.change(Body::SetFlowFormat(2))?;
            self.expect_done(refusal)?;
        }
        Ok((request, connection, format))
    }

    pub(super) fn dump_flows(&mut self, bridge: &str, matches: &[&str]) -> Result<(), Stop> {
        let (request, mut connection, format) = self.request(bridge, matches)?;
        let question = Body::MultipartRequest(if format.is_nxm() {
            MultipartRequest::NxFlow(request)
        } else {
            MultipartRequest::Flow(request)
        });
        let show_names = self.options.names == Some(true);
        if self.options.sort.is_empty() && !show_names && !self.options.no_stats {
            return self.print_answer(&mut connection, question);
        }
        let mut flows = flow_stats(&mut connection, question)?;
        if !self.options.sort.is_empty() {
            let sort = self.options.sort.clone();
            flows.sort_by(|a, b| compare(a, b, &sort));
        }
        let names = if show_names {
            self.names(bridge)?
        } else {
            flows::text::Names::default()
        };
        for flow in flows {
            let text = flow.to_text(&names, !self.options.no_stats);
            self.answer.out += &format!(" {text}\n");
        }
        Ok(())
    }

    pub(super) fn dump_aggregate(&mut self, bridge: &str, matches: &[&str]) -> Result<(), Stop> {
        let (request, mut connection, format) = self.request(bridge, matches)?;
        let question = if format.is_nxm() {
            MultipartRequest::NxAggregate(request)
        } else {
            MultipartRequest::Aggregate(request)
        };
        self.print_answer(&mut connection, Body::MultipartRequest(question))
    }

    /// Makes the switch's flows those of a file.
    pub(super) fn replace_flows(&mut self, bridge: &str, file: &str) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let mut want = FlowTable::new();
        let mut usable = Formats::ANY;
        for (number, line) in self.lines(file)? {
            let mut change = parse_flow_mod(&line, FlowModCommand::Add, &names)
                .map_err(|error| at_line(file, number, error.what))?;
            usable = usable.and(Formats::of_flow_mod(&change));
            if change.flow.table == flows::ofpkt::ALL_TABLES {
                change.flow.table = 0;
            }
            // What a switch does with a flow, but does not tell of it, is no difference.
            change.flow.flags = FlowFlags(change.flow.flags.0 & FlowFlags::SEND_FLOW_REM.0);
            want.insert(change.flow);
        }
        if self.options.bundle {
            usable = usable.and(Formats::V13_UP);
        }
        let (mut connection, format) = self.connect_for(bridge, usable)?;
        let all = FlowStatsRequest::all();
        let question = if format.is_nxm() {
            MultipartRequest::NxFlow(all)
        } else {
            MultipartRequest::Flow(all)
        };
        let have: FlowTable = flow_stats(&mut connection, Body::MultipartRequest(question))?
            .into_iter()
            .map(|stats| stats.flow)
            .collect();
        let mut bodies = Vec::new();
        for change in flows::diff::diff(&have, &want) {
            bodies.push(match change {
                flows::diff::Change::Delete(flow) => {
                    let mut delete = FlowMod::delete_strict(flow.clone());
                    delete.flow.cookie = 0;
                    formed(delete, format)
                }
                flows::diff::Change::Add(flow) | flows::diff::Change::Replace { new: flow, .. } => {
                    formed(FlowMod::add(flow.clone()), format)
                }
            });
        }
        if self.options.bundle {
            return self.send_bundle(&mut connection, bodies);
        }
        for body in bodies {
            self.change(&mut connection, body)?;
        }
        Ok(())
    }
}

enum Change {
    Flow(FlowMod),
    Other(Body),
}

fn word(command: FlowModCommand) -> &'static str {
    match command {
        FlowModCommand::Add => "add",
        FlowModCommand::Modify => "modify",
        FlowModCommand::ModifyStrict => "modify_strict",
        FlowModCommand::Delete => "delete",
        FlowModCommand::DeleteStrict => "delete_strict",
    }
}

/// What an error is called: the first word that is told of it.
fn name_of(error: &ErrorMessage, version: Version) -> String {
    let bytes = Message::new(version, 0, Body::Error(error.clone())).encode();
    let text = flows::text::print_message(&bytes, 0, &flows::text::Names::default());
    let after = text.split_once("): ").map_or("", |(_, after)| after);
    after
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn flow_stats(connection: &mut Connection, question: Body) -> Result<Vec<FlowStats>, Stop> {
    let mut flows = Vec::new();
    for part in connection.ask_parts(question)? {
        match part {
            MultipartReply::Flow(part) | MultipartReply::NxFlow(part) => flows.extend(part),
            other => return fatal(format!("no flows: {other:?}")),
        }
    }
    Ok(flows)
}

/// Flows without the field stand last, whatever the order.
fn compare(a: &FlowStats, b: &FlowStats, sort: &[super::options::Criterion]) -> Ordering {
    for criterion in sort {
        let order = match criterion.field {
            None => a.flow.priority.cmp(&b.flow.priority),
            Some(field) => {
                let value = |stats: &FlowStats| stats.flow.matches.get(field).map(|f| f.value);
                match (value(a), value(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    (None, None) => Ordering::Equal,
                    (Some(_), None) => return Ordering::Less,
                    (None, Some(_)) => return Ordering::Greater,
                }
            }
        };
        let order = if criterion.descending {
            order.reverse()
        } else {
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
