//! The switch's tables.

use flows::Version;
use flows::ofpkt::{ALL_TABLES, Body, MultipartReply, MultipartRequest, TableDesc, TableMod};
use flows::text::format_table_features;

use super::{Call, Stop, fatal};
use crate::Connection;

/// `OFPTC_*`: what becomes of packets that miss (OpenFlow 1.1 and 1.2).
const MISSES: [(&str, u32); 3] = [("controller", 0), ("continue", 1), ("drop", 2)];
/// `OFPTC_EVICTION` and `OFPTC_VACANCY_EVENTS` (OpenFlow 1.4 and up).
const EVICTION: u32 = 4;
const VACANCY: u32 = 8;

impl Call {
    /// What the tables can do, each told once where several are alike.
    pub(super) fn table_features(&mut self, bridge: &str) -> Result<(), Stop> {
        let mut connection = self.connect(bridge)?;
        let question = Body::MultipartRequest(MultipartRequest::TableFeatures(Vec::new()));
        let mut tables = Vec::new();
        for part in connection.ask_parts(question)? {
            match part {
                MultipartReply::TableFeatures(part) => tables.extend(part),
                other => return fatal(format!("no tables: {other:?}")),
            }
        }
        let text = format_table_features(&tables, connection.version());
        self.answer.out += &text.map_err(|error| Stop::Fatal(error.to_string()))?;
        Ok(())
    }

    pub(super) fn mod_table(
        &mut self,
        bridge: &str,
        table: &str,
        setting: &str,
    ) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let table = match table {
            "all" | "ALL" => ALL_TABLES,
            text => match (text.parse(), names.tables.iter().find(|(_, n)| *n == text)) {
                (Ok(number), _) => number,
                (_, Some((number, _))) => *number,
                _ => return fatal(format!("unknown table \"{text}\"")),
            },
        };
        let miss = MISSES.iter().find(|(word, _)| *word == setting);
        let versions: &[Version] = match (miss, setting.starts_with("name:")) {
            (Some(_), _) => &[Version::V11, Version::V12],
            (None, true) => &[Version::V13, Version::V14, Version::V15],
            (None, false) => &[Version::V14, Version::V15],
        };
        let usable = super::format::Formats::of_versions(versions).and(self.options.formats);
        if usable.is_none() {
            let names: Vec<String> = versions
                .iter()
                .map(|v| format!("OpenFlow1{}", v.wire() - 1))
                .collect();
            return fatal(format!(
                "table_mod '{setting}' requires one of the OpenFlow versions {}",
                names.join(", ")
            ));
        }
        let mut connection = self.open(bridge, usable.version())?;
        let mut change = TableMod {
            table,
            config: 0,
            properties: Vec::new(),
        };
        match (miss, setting) {
            (Some((_, bits)), _) => change.config = *bits,
            (None, "evict" | "noevict" | "novacancy") => {
                let now = desc(&mut connection, table)?;
                let (config, properties) =
                    now.map_or((0, Vec::new()), |now| (now.config, now.properties));
                change.config = match setting {
                    "evict" => config | EVICTION,
                    "noevict" => config & !EVICTION,
                    _ => config & !VACANCY,
                };
                change.properties = properties;
            }
            (None, _) => {
                return Err(Stop::Unknown(format!("mod-table {setting}")));
            }
        }
        self.change(&mut connection, Body::TableMod(change))
    }
}

/// What a table does now.
fn desc(connection: &mut Connection, table: u8) -> Result<Option<TableDesc>, Stop> {
    let question = Body::MultipartRequest(MultipartRequest::TableDesc);
    let parts = connection.ask_parts(question)?;
    Ok(parts
        .into_iter()
        .filter_map(|part| match part {
            MultipartReply::TableDesc(tables) => Some(tables),
            _ => None,
        })
        .flatten()
        .find(|desc| desc.table == table))
}
