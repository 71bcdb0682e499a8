//! Files that come back as they were written, and files that are none of ours.

use std::os::unix::net::UnixListener;

use super::*;

/// A site as `<table-updates2>`: a network, a port on it, and this host, which has reported.
const ROWS: &str = r#"{
    "Host": {"00000000-0000-4000-8000-000000000003": {"initial": {"name": "h1", "encap_ip": "192.0.2.1",
        "encap_types": ["set", ["vxlan"]], "applied": 6, "problems": ["map", [["a", "b"]]]}}},
    "NB_Global": {"00000000-0000-4000-8000-000000000004": {"initial": {"revision": 7}}},
    "Network": {"00000000-0000-4000-8000-000000000001": {"initial": {"name": "blue", "type": "vxlan",
        "segmentation_id": 5, "segment": "vxlan/5", "mtu": 1450}}},
    "Port": {"00000000-0000-4000-8000-000000000002": {"initial": {"name": "a", "mac": "02:00:00:00:00:01",
        "network": ["uuid", "00000000-0000-4000-8000-000000000001"], "addresses": "10.0.0.1",
        "hosts": ["uuid", "00000000-0000-4000-8000-000000000003"]}}}
}"#;

fn replica(rows: &str) -> Replica {
    let schema = Schema::from_json(&serde_json::from_str(northbound::SCHEMA).unwrap()).unwrap();
    let plan = Plan::new(&schema, &northbound::tables()).unwrap();
    let rows = UpdatesSeed::new(&plan, Form::Differences)
        .decode(rows)
        .unwrap();
    Replica::still(&plan, rows).unwrap()
}

fn rows(replica: &Replica) -> Vec<Row> {
    let tables = replica.tables();
    tables
        .flat_map(|(_, table)| table.rows().cloned())
        .collect()
}

fn origin() -> Origin {
    Origin {
        host: "h1".to_owned(),
        remotes: vec!["unix:/run/heddle/nb.sock".to_owned()],
        boot: "b".to_owned(),
        revision: 7,
    }
}

fn directory() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("heddle-intent-")
        .tempdir()
        .unwrap()
}

#[test]
fn what_is_written_is_read_without_what_hosts_report() {
    let directory = directory();
    let path = directory.path().join("made/intent.json");
    assert!(read(&path).unwrap().is_none(), "no file is no error");
    let replica = replica(ROWS);
    let checksum = write(&path, &origin(), &rows(&replica)).unwrap();
    let kept = read(&path).unwrap().unwrap();
    assert_eq!(kept.origin, origin());
    assert_eq!(kept.checksum, checksum);
    let reading = northbound::site(&kept.replica);
    assert_eq!(reading.left_out, []);
    let mut expected = northbound::site(&replica).site;
    assert_eq!(expected.ports.len(), 1);
    for host in expected.hosts.values_mut() {
        (host.applied, host.unbound, host.problems) = (0, [].into(), [].into());
    }
    assert_eq!(reading.site, expected);
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the file: {left:?}");
}

#[test]
fn no_rows_are_a_site_without_anything() {
    let path = directory();
    let path = path.path().join("intent.json");
    write(&path, &origin(), &[]).unwrap();
    let site = northbound::site(&read(&path).unwrap().unwrap().replica).site;
    assert!(site.ports.is_empty() && site.networks.is_empty());
}

#[test]
fn a_file_cut_off_or_altered_anywhere_is_refused() {
    let directory = directory();
    let path = directory.path().join("intent.json");
    write(&path, &origin(), &rows(&replica(ROWS))).unwrap();
    let whole = fs::read(&path).unwrap();
    parse(&whole).unwrap();
    for length in 0..whole.len() {
        assert!(parse(&whole[..length]).is_err(), "cut off at {length}");
    }
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        assert!(parse(&altered).is_err(), "altered at {at}");
    }
    let twice = [whole.clone(), whole].concat();
    assert!(parse(&twice).is_err());
}

/// With the right checksum, so that the content itself is judged.
fn signed(head: &str, body: &str) -> Result<Kept, IntentFileError> {
    let mut out = Checked::new(Vec::new());
    writeln!(out, "{head}\n{body}").unwrap();
    let checksum = out.checksum();
    writeln!(out, "{{\"checksum\":\"{checksum}\"}}").unwrap();
    parse(&out.inner)
}

fn head(version: u32) -> String {
    serde_json::to_string(&Head {
        format: FORMAT.to_owned(),
        version,
        origin: origin(),
    })
    .unwrap()
}

#[test]
fn strange_content_is_refused_whoever_signed_it() {
    assert!(signed(&head(1), "{}").is_ok());
    let error = signed(&head(2), "{}").unwrap_err();
    assert!(matches!(error, IntentFileError::Version(2)), "{error}");
    let error = signed(r#"{"format":"x","version":1}"#, "{}").unwrap_err();
    assert!(matches!(error, IntentFileError::Foreign), "{error}");
    let id = "00000000-0000-4000-8000-000000000001";
    for body in [
        "".to_owned(),
        "[]".to_owned(),
        r#"{"Nowhere": {}}"#.to_owned(),
        format!(r#"{{"Port": {{"{id}": {{"delete": null}}}}}}"#),
        format!(r#"{{"Port": {{"{id}": {{"modify": {{}}}}}}}}"#),
        format!(r#"{{"Port": {{"{id}": {{"initial": {{"mac": 5}}}}}}}}"#),
        "[".repeat(100_000),
    ] {
        let error = signed(&head(1), &body).unwrap_err();
        let wrong_rows = matches!(
            error,
            IntentFileError::Rows(_) | IntentFileError::Replica(_)
        );
        assert!(wrong_rows, "{error}");
    }
}

/// The rows are judged as the database's are: those that make no sense are left out.
#[test]
fn rows_that_make_no_sense_are_left_out() {
    let spoilt = ROWS.replace("vxlan/5", "vxlan/6").replace('\n', " ");
    let kept = signed(&head(1), &spoilt).unwrap();
    let reading = northbound::site(&kept.replica);
    assert!(reading.site.networks.is_empty() && reading.site.ports.is_empty());
    assert_eq!(reading.left_out.len(), 2);
}

#[test]
fn what_is_no_file_is_not_opened() {
    let directory = directory();
    let path = directory.path().join("intent.json");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, IntentFileError::NotAFile), "{error}");
    let error = write(&path.join("below"), &origin(), &[]).unwrap_err();
    assert!(path.exists(), "{error}");
}
