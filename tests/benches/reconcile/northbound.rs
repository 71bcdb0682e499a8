//! heddle itself on one simulated host, on a site that other hosts have many ports on; those exist in the database only.

use std::sync::Arc;
use std::time::Duration;

use controller::northbound;
use lab::{Host, Site};
use ovsdb_client::{Client, Columns, MonitorTable, Operand, Options, Transaction};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);
/// Rows a transaction.
const ROWS: usize = 1_000;

/// A site with one real host.
pub(crate) struct World {
    pub(crate) runtime: tokio::runtime::Runtime,
    /// Of the northbound database.
    pub(crate) north: Client,
    pub(crate) host: Arc<Host>,
    pub(crate) networks: Vec<Uuid>,
    /// How many ports have been made.
    ports: usize,
    pub(crate) site: Site,
}

impl World {
    /// With so many VXLAN networks and no port.
    pub(crate) fn start(networks: usize) -> Self {
        let site = Site::start("reconcile", 1, &[]).unwrap();
        let host = Arc::clone(site.host(1).unwrap());
        let names: Vec<String> = (0..networks).map(|n| format!("n{n}")).collect();
        let rows = names
            .iter()
            .zip(1..)
            .map(|(name, vni)| format!("{{name: {name}, type: vxlan, vni: {vni}}}"));
        let rows: Vec<String> = rows.collect();
        site.apply(&format!("networks: [{}]", rows.join(", ")))
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let tables = ["Network", "Port", "Host"].map(MonitorTable::new);
        let north = connect(&runtime, site.remote(), northbound::DATABASE, tables);
        let id = |name: &String| {
            north
                .replica()
                .find("Network", "name", name.as_str())
                .unwrap()
                .uuid()
        };
        Self {
            networks: names.iter().map(id).collect(),
            runtime,
            north,
            host,
            ports: 0,
            site,
        }
    }

    /// Makes so many other hosts.
    pub(crate) fn other_hosts(&mut self, count: usize) -> Vec<Uuid> {
        let mut insert = Transaction::new();
        let rows: Vec<_> = (0..count)
            .map(|n| {
                let address = format!("192.0.{}.{}", 3 + n / 200, 1 + n % 200);
                let columns = Columns::new()
                    .set("name", format!("other{n}").as_str())
                    .set("encap_ip", address.as_str())
                    .set("encap_types", Operand::set(["vxlan"]));
                insert.insert("Host", columns)
            })
            .collect();
        let done = self.runtime.block_on(self.north.transact(insert)).unwrap();
        rows.into_iter()
            .map(|row| done.uuid(row).unwrap())
            .collect()
    }

    /// Makes so many ports, on the networks by turns; up on the hosts by turns, or on none. Returns their names.
    pub(crate) fn add_ports(&mut self, count: usize, hosts: &[Uuid]) -> Vec<String> {
        let numbers: Vec<usize> = (self.ports..self.ports + count).collect();
        self.ports += count;
        for numbers in numbers.chunks(ROWS) {
            let mut insert = Transaction::new();
            for n in numbers {
                let [_, _, high, low] = u32::try_from(*n).unwrap().to_be_bytes();
                let name = format!("p{n}");
                let mac = format!("02:00:00:01:{high:02x}:{low:02x}");
                let addresses = [
                    format!("10.0.{high}.{low}"),
                    format!("fd00::1:{high:x}:{low:x}"),
                ];
                let columns = Columns::new()
                    .set("name", name.as_str())
                    .set("network", self.networks[n % self.networks.len()])
                    .set("mac", mac.as_str())
                    .set(
                        "addresses",
                        Operand::set(addresses.iter().map(String::as_str)),
                    )
                    .set("port_security", true)
                    .set(
                        "hosts",
                        Operand::set(hosts.get(n % hosts.len().max(1)).copied()),
                    );
                insert.insert("Port", columns);
            }
            self.runtime.block_on(self.north.transact(insert)).unwrap();
        }
        numbers.into_iter().map(|n| format!("p{n}")).collect()
    }

    /// A host's network card that is there for an endpoint, on no bridge.
    pub(crate) fn card(&self, name: &str) {
        let namespace = self.host.namespace();
        namespace
            .ip(&format!("link add {name} type veth peer name {name}-vm"))
            .unwrap();
        for name in [name.to_owned(), format!("{name}-vm")] {
            namespace.ip(&format!("link set {name} up")).unwrap();
        }
    }

    /// Plugs cards in, for these ports, and waits until all of them are up.
    pub(crate) fn plug_all(&mut self, ports: &[String]) {
        for (n, port) in ports.iter().enumerate() {
            self.card(&format!("card{n}"));
            let add = format!(
                "add-port br-int card{n} -- set Interface card{n} external_ids:iface-id={port}"
            );
            self.host.vsctl(&add).unwrap();
        }
        let up = |client: &Client| {
            let is_up = |port: &&String| {
                let row = client.replica().find("Port", "name", port.as_str());
                row.is_some_and(|row| !row.uuids("hosts").unwrap().is_empty())
            };
            ports.iter().filter(is_up).count() == ports.len()
        };
        until(&self.runtime, &mut self.north, up);
    }

    /// `pid` of the agent.
    pub(crate) fn agent(&self) -> String {
        crate::figures::process("agent", &self.host.dir().display().to_string())
    }

    /// The value of one of the agent's metrics, or of all with this beginning.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let output = std::process::Command::new("curl")
            .args(["--silent", "--fail", "--unix-socket"])
            .arg(self.host.dir().join("agent.sock"))
            .arg("http://agent/metrics")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
            .sum()
    }

    /// Waits until the agent has done all that it knows of.
    pub(crate) fn settled(&self, flows: f64) {
        lab::wait::until_true("the agent has nothing to do", PATIENCE, || {
            self.site.check_agents()?;
            let there = self.metric("heddle_flows{") >= flows;
            Ok(there && self.metric("heddle_state{state=\"applied\"}") > 0.5)
        })
        .unwrap();
    }
}

pub(crate) fn connect<const N: usize>(
    runtime: &tokio::runtime::Runtime,
    remote: &str,
    database: &str,
    tables: [MonitorTable; N],
) -> Client {
    let guard = runtime.enter();
    let options = Options::new(vec![remote.parse().unwrap()], database);
    let mut client = Client::connect(tables.into_iter().fold(options, Options::table));
    drop(guard);
    runtime.block_on(client.synced(PATIENCE)).unwrap();
    client
}

/// Waits until the database is as wanted.
pub(crate) fn until(
    runtime: &tokio::runtime::Runtime,
    client: &mut Client,
    wanted: impl Fn(&Client) -> bool,
) {
    runtime.block_on(async {
        while !wanted(client) {
            let next = tokio::time::timeout(PATIENCE, client.next());
            next.await.unwrap();
        }
    });
}
