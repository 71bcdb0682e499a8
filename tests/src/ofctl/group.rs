//! Groups, meters and the options of tunnels.

use flows::Version;
use flows::ofpkt::{
    ALL_GROUPS, ALL_METERS, Body, GroupMod, GroupModCommand, MeterModCommand, MultipartRequest,
    TlvCommand, TlvTableMod,
};
use flows::text::{parse_group_mod, parse_meter_mod, parse_tlv_maps};
use flows::{Flow, Instructions};

use super::format::Formats;
use super::{Call, Stop, at_line, fatal};

impl Formats {
    /// The formats in which a change of groups can be said.
    pub(super) fn of_group_mod(change: &GroupMod) -> Self {
        let of_buckets = matches!(
            change.command,
            GroupModCommand::INSERT_BUCKET | GroupModCommand::REMOVE_BUCKET
        );
        let modern = of_buckets || change.desc.selection.is_some();
        let usable = |format: &Self| {
            let version = format.version();
            let old = version > Version::V10 && version < Version::V15;
            change.desc.buckets.iter().all(|bucket| {
                let flow = Flow::default().doing(Instructions::new().apply(bucket.actions.clone()));
                flows::text::check_sayable(&flow.instructions, version).is_ok()
            }) && !(modern && old)
        };
        Self::ANY.each().filter(usable).sum()
    }
}

impl Call {
    pub(super) fn group_mod(
        &mut self,
        bridge: &str,
        text: &str,
        command: GroupModCommand,
    ) -> Result<(), Stop> {
        if text == "-" {
            return self.group_mods(bridge, "-", command);
        }
        let names = self.names(bridge)?;
        match parse_group_mod(&in_front(command, text), command, &names) {
            Ok(change) => self.send_group_mods(bridge, vec![change]),
            Err(error) => fatal(error.what),
        }
    }

    pub(super) fn group_mod_file(&mut self, bridge: &str, file: &str) -> Result<(), Stop> {
        self.group_mods(bridge, file, GroupModCommand::ADD)
    }

    fn group_mods(
        &mut self,
        bridge: &str,
        file: &str,
        command: GroupModCommand,
    ) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let mut changes = Vec::new();
        for (number, line) in self.lines(file)? {
            let change = parse_group_mod(&line, command, &names);
            changes.push(change.map_err(|error| at_line(file, number, error.what))?);
        }
        self.send_group_mods(bridge, changes)
    }

    fn send_group_mods(&mut self, bridge: &str, changes: Vec<GroupMod>) -> Result<(), Stop> {
        let mut usable = changes
            .iter()
            .map(Formats::of_group_mod)
            .fold(Formats::ANY, Formats::and);
        if self.options.bundle {
            usable = usable.and(Formats::V13_UP);
        }
        let (mut connection, _) = self.connect_for(bridge, usable)?;
        let bodies: Vec<Body> = changes.into_iter().map(Body::GroupMod).collect();
        if self.options.bundle {
            return self.send_bundle(&mut connection, bodies);
        }
        for body in bodies {
            self.change(&mut connection, body)?;
        }
        Ok(())
    }

    pub(super) fn dump_groups(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let group = which.first().and_then(|text| text.parse().ok());
        self.dump(
            bridge,
            MultipartRequest::GroupDesc(group.unwrap_or(ALL_GROUPS)),
        )
    }

    pub(super) fn dump_group_stats(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let text = which.first().copied().unwrap_or_default();
        let delete = GroupModCommand::DELETE;
        let names = self.names(bridge)?;
        let change = parse_group_mod(&in_front(delete, text), delete, &names)
            .map_err(|error| Stop::Fatal(error.what))?;
        self.dump(bridge, MultipartRequest::Group(change.desc.group))
    }

    /// `command` is `add` or `modify`.
    pub(super) fn meter_mod(
        &mut self,
        bridge: &str,
        text: &str,
        command: &str,
    ) -> Result<(), Stop> {
        let command = match command {
            "add" => MeterModCommand::Add,
            _ => MeterModCommand::Modify,
        };
        self.send_meter_mod(bridge, text, command)
    }

    pub(super) fn del_meters(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let text = which.first().copied().unwrap_or_default();
        self.send_meter_mod(bridge, text, MeterModCommand::Delete)
    }

    fn send_meter_mod(
        &mut self,
        bridge: &str,
        text: &str,
        command: MeterModCommand,
    ) -> Result<(), Stop> {
        let change = parse_meter_mod(text, command).map_err(|error| Stop::Fatal(error.what))?;
        let (mut connection, _) = self.connect_for(bridge, Formats::V13_UP)?;
        self.change(&mut connection, Body::MeterMod(change))
    }

    pub(super) fn dump_meters(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let meter = meter(which)?;
        self.ask_of_meters(bridge, MultipartRequest::MeterConfig(meter))
    }

    pub(super) fn meter_stats(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let meter = meter(which)?;
        self.ask_of_meters(bridge, MultipartRequest::Meter(meter))
    }

    pub(super) fn dump_meter_features(&mut self, bridge: &str) -> Result<(), Stop> {
        self.ask_of_meters(bridge, MultipartRequest::MeterFeatures)
    }

    fn ask_of_meters(&mut self, bridge: &str, request: MultipartRequest) -> Result<(), Stop> {
        let (mut connection, _) = self.connect_for(bridge, Formats::V13_UP)?;
        self.print_answer(&mut connection, Body::MultipartRequest(request))
    }

    /// Adds options, deletes these, or deletes all.
    pub(super) fn tlv_map(
        &mut self,
        bridge: &str,
        text: Option<&str>,
        add: bool,
    ) -> Result<(), Stop> {
        let maps =
            parse_tlv_maps(text.unwrap_or_default()).map_err(|error| Stop::Fatal(error.what))?;
        let command = match (add, text) {
            (true, _) => TlvCommand::Add,
            (false, Some(_)) => TlvCommand::Delete,
            (false, None) => TlvCommand::Clear,
        };
        let mut connection = self.connect(bridge)?;
        let change = TlvTableMod { command, maps };
        self.change(&mut connection, Body::TlvTableMod(change))
    }
}

fn meter(which: &[&str]) -> Result<u32, Stop> {
    match which.first() {
        None => Ok(ALL_METERS),
        Some(text) => parse_meter_mod(text, MeterModCommand::Delete)
            .map(|change| change.config.meter)
            .map_err(|error| Stop::Fatal(error.what)),
    }
}

/// With the command in front, so that nothing in the text is taken for one.
fn in_front(command: GroupModCommand, text: &str) -> String {
    let word = match command {
        GroupModCommand::ADD => "add",
        GroupModCommand::MODIFY => "modify",
        GroupModCommand::DELETE => "delete",
        GroupModCommand::INSERT_BUCKET => "insert_bucket",
        GroupModCommand::REMOVE_BUCKET => "remove_bucket",
        _ => "add_or_mod",
    };
    format!("{word} {text}")
}
