//! The names of ports and tables that flows may have in place of numbers, as `ovs-ofctl --names` prints them: from the command
//! line, or from what `ovs-ofctl show` and `dump-table-features` print. Knows nothing of flows.

use std::fs::File;
use std::io::Read;

use flows::Port;
use flows::text::Names;

use crate::cli::Failure;

/// The largest file of names that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// The names that `--ports` and `--tables` say.
pub(super) fn read(ports: Option<&str>, tables: Option<&str>) -> Result<Names, Failure> {
    let mut names = Names::default();
    for (name, number) in entries(ports, port_line)? {
        let port = match number.parse::<u16>() {
            Ok(short) => Some(Port::from_u16(short)),
            Err(_) => Port::from_name(&number),
        };
        let port = port.ok_or_else(|| {
            Failure::failed(format_args!(
                "port {name}: {number:?} is no number, expected 0 to 65535 or LOCAL"
            ))
        })?;
        once(names.ports.insert(port.0, name), "port", &number)?;
    }
    for (name, number) in entries(tables, table_line)? {
        let table = number.parse::<u8>().map_err(|_| {
            Failure::failed(format_args!(
                "table {name}: {number:?} is no number, expected 0 to 255"
            ))
        })?;
        once(names.tables.insert(table, name), "table", &number)?;
    }
    Ok(names)
}

/// Refuses a second name for a number.
fn once(before: Option<String>, what: &str, number: &str) -> Result<(), Failure> {
    match before {
        None => Ok(()),
        Some(other) => Err(Failure::failed(format_args!(
            "{what} {number} has two names, one of which is {other:?}"
        ))),
    }
}

/// A name and a number, not yet read.
type Entry = (String, String);

/// The entries of an argument: `NAME=NUMBER,...`, or a file with one a line.
fn entries(argument: Option<&str>, line: fn(&str) -> Option<Entry>) -> Result<Vec<Entry>, Failure> {
    let Some(argument) = argument else {
        return Ok(Vec::new());
    };
    if argument.contains('=') {
        let said = argument.split(',').filter(|part| !part.trim().is_empty());
        return said
            .map(|part| {
                pair(part).ok_or_else(|| {
                    Failure::failed(format_args!("{part:?} is no name, expected NAME=NUMBER"))
                })
            })
            .collect();
    }
    let failed = |error| Failure::failed(format_args!("{argument}: {error}"));
    let mut text = String::new();
    let file = File::open(argument).map_err(failed)?;
    let read = file.take(LARGEST).read_to_string(&mut text);
    if u64::try_from(read.map_err(failed)?).is_ok_and(|read| read == LARGEST) {
        return Err(Failure::failed(format_args!(
            "{argument}: expected names in less than {LARGEST} bytes"
        )));
    }
    let mut found = Vec::new();
    for (number, text) in text.lines().enumerate() {
        // What those commands print of one thing has space in front.
        let indented = text.starts_with([' ', '\t']) || text.trim().is_empty();
        let said = match indented {
            true => None,
            false => pair(text),
        };
        match said.or_else(|| line(text)) {
            Some(entry) => found.push(entry),
            None if indented || text.contains(':') || text.starts_with('#') => {}
            None => {
                return Err(Failure::failed(format_args!(
                    "{argument}:{}:1: no name is said here, expected NAME=NUMBER, or what ovs-ofctl show or \
                     dump-table-features prints",
                    number + 1
                )));
            }
        }
    }
    Ok(found)
}

/// `NAME=NUMBER`.
fn pair(text: &str) -> Option<Entry> {
    let (name, number) = text.trim().split_once('=')?;
    let name = name.trim().trim_matches('"');
    let plain = !name.is_empty() && !name.contains([' ', '(', ':']);
    plain.then(|| (name.to_owned(), number.trim().to_owned()))
}

/// ` 1(eth0): addr:...`, as `ovs-ofctl show` has it.
fn port_line(text: &str) -> Option<Entry> {
    let (number, rest) = text.trim().split_once('(')?;
    let (name, _) = rest.split_once("):")?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_number && !number.is_empty()).then(|| (name.to_owned(), number.to_owned()))
}

/// `  table 0 ("classify"):`, as `ovs-ofctl dump-table-features` has it.
fn table_line(text: &str) -> Option<Entry> {
    let (number, rest) = text.trim().strip_prefix("table ")?.split_once(" (\"")?;
    let (name, _) = rest.split_once("\")")?;
    Some((name.to_owned(), number.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ports: Option<&str>, tables: Option<&str>) -> Names {
        read(ports, tables).map_err(|_| "refused").unwrap()
    }

    #[test]
    fn names_come_from_the_command_line_and_from_what_ovs_ofctl_prints() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let show = file(
            "show",
            "OFPT_FEATURES_REPLY (xid=0x2): dpid:0000\nn_tables:254, n_buffers:0\n 1(eth0): addr:aa\n     config:     0\n \
             LOCAL(br0): addr:bb\nOFPT_GET_CONFIG_REPLY (xid=0x4): frags=normal miss_send_len=0\n",
        );
        let tables = file(
            "tables",
            "OFPST_TABLE reply (OF1.3) (xid=0x2):\n  table 0 (\"classify\"):\n    active=1\n\n  table 1: ditto\n",
        );
        let found = names(Some(&show), Some(&tables));
        let ports: Vec<_> = found.ports.into_iter().collect();
        assert_eq!(
            ports,
            [(1, "eth0".to_owned()), (Port::LOCAL.0, "br0".to_owned())]
        );
        assert_eq!(found.tables.get(&0).unwrap(), "classify");
        let said = names(Some("a=1,b=65534"), Some(&file("own", "# mine\nin=3\n")));
        assert_eq!(said.ports.get(&Port::LOCAL.0).unwrap(), "b");
        assert_eq!(said.tables.get(&3).unwrap(), "in");
        for wrong in [
            "a=x",
            "a=70000",
            "=1",
            "a=1,b=1",
            "/nowhere",
            &file("none", "eth0 1\n"),
        ] {
            assert!(read(Some(wrong), None).is_err(), "{wrong}");
        }
    }
}
