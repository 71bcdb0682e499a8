//! What one does with a site: heddle's commands, what they print, and plugging in endpoints that are what the database says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use flows::EthAddr;
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{PATIENCE, Site};
use crate::endpoint::Endpoint;
use crate::host::Host;
use crate::lab::in_parallel;
use crate::station::Identity;
use crate::{Error, Result, tool, wait};

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// A port as `heddle port list` prints it.
#[derive(Clone, Debug, Deserialize)]
pub struct PortView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The name of its network.
    pub network: String,
    /// Its MAC address.
    pub mac: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The names of the hosts where it is up.
    pub hosts: Vec<String>,
}

/// A host as `heddle host list` prints it.
#[derive(Clone, Debug, Deserialize)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// The newest revision that it has acknowledged.
    pub applied: u64,
    /// The newest revision that there is.
    pub revision: u64,
    /// Interface → `iface-id` of what names no port.
    pub unbound: BTreeMap<String, String>,
    /// What keeps a part of it from working.
    pub problems: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct NetworkView {
    name: String,
    mtu: u16,
}

#[derive(Deserialize)]
struct SubnetView {
    network: String,
    cidr: IpNet,
}

impl Site {
    /// Runs `heddle ARGS` to its end, whatever that is.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn try_heddle(&self, args: &[&str]) -> Result<Ended> {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .env("HEDDLE_NB", &self.remote)
            .stdin(Stdio::null());
        let output = command
            .output()
            .map_err(Error::io(format!("run `{}`", tool::line(&command))))?;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs `heddle ARGS`, which must work; what it prints.
    ///
    /// # Errors
    /// What it complains about.
    pub fn heddle(&self, args: &[&str]) -> Result<String> {
        let ended = self.try_heddle(args)?;
        if ended.code == Some(0) {
            return Ok(ended.stdout);
        }
        let status = ended
            .code
            .map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        Err(Error::Command {
            command: format!("heddle {}", args.join(" ")),
            status,
            said: ended.stderr.trim().to_owned(),
        })
    }

    /// `heddle apply -f` of a document.
    ///
    /// # Errors
    /// What `heddle` complains about.
    pub fn apply(&self, yaml: &str) -> Result<()> {
        let ended = self.try_apply(yaml)?;
        if ended.code == Some(0) {
            return Ok(());
        }
        Err(Error::Command {
            command: "heddle apply".to_owned(),
            status: format!("{:?}", ended.code),
            said: ended.stderr.trim().to_owned(),
        })
    }

    /// `heddle apply -f` of a document, however it ends.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn try_apply(&self, yaml: &str) -> Result<Ended> {
        let path = self
            .lab
            .dir()
            .join(format!("apply-{}.yaml", self.lab.shared().number()));
        std::fs::write(&path, yaml).map_err(Error::io(format!("write {}", path.display())))?;
        self.try_heddle(&["apply", "-f", &path.to_string_lossy()])
    }

    /// `heddle wait`: until every host has acknowledged the newest intent.
    ///
    /// # Errors
    /// When one does not.
    pub fn wait(&self) -> Result<()> {
        self.check_agents()?;
        self.heddle(&["wait"]).map(drop)
    }

    /// `heddle agent status --json` of a host.
    ///
    /// # Errors
    /// When no agent answers there.
    pub fn agent_status(&self, host: &Host) -> Result<serde_json::Value> {
        let dir = host.dir().display().to_string();
        let text = self.heddle(&["agent", "status", "--json", "--runtime-dir", &dir])?;
        serde_json::from_str(&text)
            .map_err(|error| Error::unexpected("heddle agent status", error.to_string(), "JSON"))
    }

    /// Waits until the agent of a host answers, and its status is as `wanted`.
    ///
    /// # Errors
    /// When it never is, or the agent has ended.
    pub fn wait_for_agent(
        &self,
        host: &Host,
        what: &str,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> Result<()> {
        wait::until_true(what, PATIENCE, || {
            self.check_agents()?;
            // It may not have come so far as to answer.
            Ok(self.agent_status(host).is_ok_and(|status| wanted(&status)))
        })
    }

    /// Waits until every host's agent has registered and has caught up.
    ///
    /// # Errors
    /// When one does not.
    pub fn wait_for_hosts(&self) -> Result<()> {
        wait::until("every host has registered and caught up", PATIENCE, || {
            self.check_agents()?;
            let views = self.host_views()?;
            let ready = |host: &Arc<Host>| {
                views
                    .iter()
                    .any(|view| view.name == host.name() && view.applied == view.revision)
            };
            let missing: Vec<_> = self
                .hosts
                .iter()
                .filter(|host| !ready(host))
                .map(|host| host.name())
                .collect();
            Ok(if missing.is_empty() {
                wait::Look::Done(())
            } else {
                wait::Look::NotYet(format!("not {}", missing.join(", ")))
            })
        })
    }

    /// All ports.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn port_views(&self) -> Result<Vec<PortView>> {
        self.list("port")
    }

    /// One port.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn port_view(&self, name: &str) -> Result<PortView> {
        let port = self
            .port_views()?
            .into_iter()
            .find(|port| port.name == name);
        port.ok_or_else(|| Error::unexpected("port", name, "one that the database has"))
    }

    /// All hosts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn host_views(&self) -> Result<Vec<HostView>> {
        self.list("host")
    }

    fn list<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>> {
        let text = self.heddle(&[kind, "list", "-o", "json"])?;
        serde_json::from_str(&text).map_err(|error| {
            Error::unexpected(
                format!("heddle {kind} list -o json"),
                text,
                format!("a JSON list ({error})"),
            )
        })
    }

    /// What an endpoint has to be to be a port: what DHCP or a cloud image would tell it.
    ///
    /// # Errors
    /// When there is no such port.
    pub fn identity(&self, port: &str) -> Result<Identity> {
        let mut all = self.identities(&[port])?;
        all.pop()
            .ok_or_else(|| Error::unexpected("port", port, "one that the database has"))
    }

    /// [`identity`](Self::identity) of many ports, in order.
    ///
    /// # Errors
    /// When there is no such port.
    pub fn identities(&self, names: &[&str]) -> Result<Vec<Identity>> {
        let (ports, networks) = (self.port_views()?, self.list::<NetworkView>("network")?);
        let subnets = self.list::<SubnetView>("subnet")?;
        let identity = |name: &&str| {
            let port = ports.iter().find(|port| port.name == **name);
            let port =
                port.ok_or_else(|| Error::unexpected("port", *name, "one that the database has"))?;
            let mac: EthAddr = port
                .mac
                .parse()
                .map_err(|_| Error::unexpected(*name, &port.mac, "a MAC address of the port"))?;
            let with_prefix = |address: &IpAddr| {
                let inside = subnets
                    .iter()
                    .filter(|subnet| subnet.network == port.network);
                let length = inside
                    .filter(|subnet| subnet.cidr.contains(address))
                    .map(|subnet| subnet.cidr.prefix_len())
                    .max();
                length
                    .and_then(|length| IpNet::new(*address, length).ok())
                    .unwrap_or_else(|| IpNet::from(*address))
            };
            let mtu = networks
                .iter()
                .find(|network| network.name == port.network)
                .map(|network| network.mtu);
            let mtu = mtu.ok_or_else(|| {
                Error::unexpected("network", &port.network, "one that the database has")
            })?;
            let addresses = port.addresses.iter().map(with_prefix).collect();
            Ok(Identity {
                name: (*name).to_owned(),
                mac,
                addresses,
                mtu,
            })
        };
        names.iter().map(identity).collect()
    }

    /// Plugs an endpoint for a port into the host `hN` and waits until heddle says that it is up there.
    ///
    /// # Errors
    /// When there is no such port, or it does not come up.
    pub fn plug(&self, port: &str, number: u8) -> Result<Endpoint> {
        let endpoint = self.lab.plug(self.host(number)?, self.identity(port)?)?;
        self.wait_until_up(port, &[number])?;
        Ok(endpoint)
    }

    /// [`plug`](Self::plug) for many ports: all hosts at the same time, each host in the order given, and the endpoints in that order.
    ///
    /// # Errors
    /// As [`plug`](Self::plug), for the first that fails.
    pub fn plug_all(&self, placements: &[(&str, u8)]) -> Result<Vec<Endpoint>> {
        let names: Vec<_> = placements.iter().map(|(port, _)| *port).collect();
        let identities = self.identities(&names)?;
        let on_host = |host: &Arc<Host>| {
            let all = placements.iter().zip(&identities).enumerate();
            let here = all.filter(|(_, ((_, number), _))| {
                self.host(*number)
                    .is_ok_and(|other| Arc::ptr_eq(other, host))
            });
            here.map(|(at, (_, identity))| Ok((at, self.lab.plug(host, identity.clone())?)))
                .collect::<Result<Vec<_>>>()
        };
        let plugged: BTreeMap<_, _> = in_parallel(&self.hosts, on_host)?
            .into_iter()
            .flatten()
            .collect();
        for (port, number) in placements {
            self.wait_until_up(port, &[*number])?;
        }
        Ok(plugged.into_values().collect())
    }

    /// Waits until a port is up on exactly these hosts.
    ///
    /// # Errors
    /// When that does not come true.
    pub fn wait_until_up(&self, port: &str, numbers: &[u8]) -> Result<()> {
        let hosts: Vec<_> = numbers.iter().map(|number| format!("h{number}")).collect();
        wait::until(
            &format!("port {port} is up on {}", hosts.join(", ")),
            PATIENCE,
            || {
                self.check_agents()?;
                let up = self.port_view(port)?.hosts;
                Ok(if up == hosts {
                    wait::Look::Done(())
                } else {
                    wait::Look::NotYet(format!("up on {}", up.join(", ")))
                })
            },
        )
    }
}
