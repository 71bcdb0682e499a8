//! A real switch that refuses flows: what was refused is told and tried no more, all else goes on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use lab::{Host, PATIENCE, Site, probe, wait};
use serde_json::Value;
use tests::Document;

/// `heddle agent status --json` of a host.
fn status(site: &Site, host: &Host) -> lab::Result<Value> {
    let dir = host.dir().display().to_string();
    let text = site.heddle(&["agent", "status", "--json", "--runtime-dir", &dir])?;
    Ok(serde_json::from_str(&text).unwrap())
}

/// Bundles of `br-int`: those that the switch has taken, and those that it has refused.
fn bundles(status: &Value) -> (u64, u64) {
    let count = |name: &str| {
        let bridge = &status["bridges"]["br-int"];
        bridge["programmed"][name].as_u64().unwrap()
    };
    (count("acknowledged"), count("refused"))
}

#[test]
fn a_table_that_is_full_stops_only_who_needs_it() {
    let site = Site::start("refused", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    let ports = ["a", "b", "c"];
    let document = Document::new().network("net", "type: vxlan, vni: 1", "10.0.0", "fd00", &ports);
    site.apply(&document.to_string()).unwrap();
    let (a, mut b) = (site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap());
    site.wait().unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();

    // Table 24 (arp_spoof) has as many flows as it may have, so a third port with port security finds no room.
    let flows = host.flows("br-int").unwrap();
    let spoof = flows
        .iter()
        .filter(|flow| flow.contains("table=24,"))
        .count();
    host.vsctl(&format!(
        "-- --id=@full create Flow_Table flow_limit={spoof} overflow_policy=refuse \
         -- set Bridge br-int flow_tables:24=@full"
    ))
    .unwrap();
    let before = bundles(&status(&site, host).unwrap());
    let _c = site.lab().plug(host, site.identity("c").unwrap()).unwrap();
    wait::until_true(
        "the refusal is told, and nothing more is tried",
        PATIENCE,
        || {
            let status = status(&site, host)?;
            let told = status["problems"]["c"].as_str().unwrap_or_default();
            let waits = &status["ports"][2]["waits_for"];
            Ok(told.contains("br-int, table=24,")
                && told.contains("OFPFMFC_TABLE_FULL")
                && waits.as_str() == Some(told)
                && status["bridges"]["br-int"]["programming"] == false)
        },
    )
    .unwrap();
    let now = status(&site, host).unwrap();
    let after = bundles(&now);
    assert!(after.1 > before.1, "{before:?} {after:?}");
    assert_eq!(
        now["bridges"]["br-int"]["sessions"], 1,
        "the session has gone on"
    );
    let up = |status: &Value| -> Vec<bool> {
        let ports = status["ports"].as_array().unwrap().iter();
        ports.map(|port| port["up"].as_bool().unwrap()).collect()
    };
    assert_eq!(up(&now), [true, true, false]);
    probe::ping(&a, &b, PATIENCE).unwrap();

    // What happens to others has its way, and what was refused is not tried again for it.
    let _gone = b.unplug().unwrap();
    wait::until_true("port b is gone", PATIENCE, || {
        let status = status(&site, host)?;
        Ok(up(&status) == [true, false] && status["bridges"]["br-int"]["programming"] == false)
    })
    .unwrap();
    assert_eq!(bundles(&status(&site, host).unwrap()).1, after.1);

    // There is room now; a new session tries it again.
    host.vsctl("clear Bridge br-int flow_tables").unwrap();
    site.stop_agent(host, lab::Signal::SIGKILL).unwrap();
    site.start_agent(host).unwrap();
    site.wait().unwrap();
    let now = status(&site, host).unwrap();
    assert_eq!(up(&now), [true, true]);
    assert_eq!(now["problems"], serde_json::json!({}));
}
