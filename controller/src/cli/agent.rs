//! `heddle agent`: runs on each host, in the foreground, until SIGINT or SIGTERM. `heddle agent status` asks it how it does.

mod status;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ovsdb_client::Remote;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{Failure, Global, log};
use crate::agent::{self, Options, Runtime, RuntimeError, Signal};
use crate::model::Settings;

const EXAMPLES: &str = "\
Settings live in external_ids of the host's Open_vSwitch row; each flag goes before the key of its name:
  ovs-vsctl set Open_vSwitch . external_ids:heddle-nb=tcp:192.0.2.10:6641 \\
      external_ids:heddle-encap-ip=192.0.2.21 external_ids:heddle-bridge-mappings=provider:br-eth1

Examples:
  heddle agent                                   # everything from external_ids
  heddle agent --host h1 --encap-ip 192.0.2.21   # some of it from here
  RUST_LOG=debug heddle agent                    # with every change that is made
  heddle agent status                            # what the running agent does and waits for
  curl --unix-socket /run/heddle/agent.sock http://agent/metrics

SIGHUP makes the agent look at everything anew: databases, files for TLS, flows, ports; what differs is repaired.
Stopping the agent changes nothing: the switch goes on forwarding as it is.";

/// Make this host's Open vSwitch what the northbound database says
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What the running agent does, knows and waits for
    Status(status::Arguments),
}

/// Where the agent's lock and socket are.
const RUNTIME_DIR: &str = "/run/heddle";

#[derive(Debug, Args)]
struct Run {
    /// The switch's database: unix:FILE, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT
    #[arg(
        long,
        value_name = "REMOTE",
        default_value = "unix:/var/run/openvswitch/db.sock"
    )]
    ovs: String,
    /// Where the bridges' management sockets BRIDGE.mgmt are [default: the directory of the --ovs socket]
    #[arg(long, value_name = "DIRECTORY")]
    rundir: Option<PathBuf>,
    /// The host's name on the site [external_ids:heddle-host; default: the hostname]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The address where tunnels of this host end [external_ids:heddle-encap-ip; default: no tunnels]
    #[arg(long, value_name = "ADDRESS")]
    encap_ip: Option<String>,
    /// Tunnel types: vxlan, gre, geneve [external_ids:heddle-encap-types; default: all]
    #[arg(long, value_name = "TYPE,...")]
    encap_types: Option<String>,
    /// Which bridge is on which physical network [external_ids:heddle-bridge-mappings]
    #[arg(long, value_name = "PHYSICAL_NETWORK:BRIDGE,...")]
    bridge_mappings: Option<String>,
    /// The UDP port of VXLAN [external_ids:heddle-vxlan-port; default: 4789]
    #[arg(long, value_name = "PORT")]
    vxlan_port: Option<String>,
    /// The datapath type of br-int and br-tun [external_ids:heddle-datapath-type; default: system]
    #[arg(long, value_name = "TYPE")]
    datapath_type: Option<String>,
    /// How many masks the flows of one table of a bridge may have [external_ids:heddle-mask-limit; default: 64]
    #[arg(long, value_name = "NUMBER")]
    mask_limit: Option<String>,
    /// Where the agent keeps its lock and its socket, agent.sock, which serves /metrics and /status
    #[arg(long, value_name = "DIRECTORY", default_value = RUNTIME_DIR)]
    runtime_dir: PathBuf,
    /// Serve /metrics and /status here too: neither encrypted nor authenticated, so best on a loopback address
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Where the agent keeps the last known intent, for a start without the northbound database
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/heddle")]
    state_dir: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self.command {
            Some(Command::Status(arguments)) => arguments.run(global).await,
            None => self.run.run(global).await,
        }
    }
}

impl Run {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        log::start()?;
        let options = self.options(global).await?;
        let (sender, signals) = mpsc::channel(4);
        for (kind, meaning) in [
            (SignalKind::interrupt(), Signal::Stop),
            (SignalKind::terminate(), Signal::Stop),
            (SignalKind::hangup(), Signal::Reload),
        ] {
            let mut stream =
                signal(kind).map_err(|error| Failure::failed(format_args!("signals: {error}")))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                // The agent has ended when nobody takes it.
                while stream.recv().await.is_some() && sender.send(meaning).await.is_ok() {}
            });
        }
        agent::run(options, signals).await.map_err(place)
    }

    async fn options(self, global: &Global) -> Result<Options, Failure> {
        let remotes = Remote::list(&self.ovs)
            .map_err(|error| Failure::input(format_args!("--ovs: {error}")))?;
        let [ovs] = <[Remote; 1]>::try_from(remotes).map_err(|_| {
            Failure::input(format_args!("--ovs {}: expected just one remote", self.ovs))
        })?;
        let rundir = match (self.rundir, &ovs) {
            (Some(rundir), _) => rundir,
            (None, Remote::Unix(socket)) => socket.parent().map(PathBuf::from).unwrap_or_default(),
            (None, Remote::Tcp { .. } | Remote::Ssl { .. }) => {
                return Err(Failure::input(
                    "--rundir: expected the directory of the bridges' management sockets, as --ovs is no unix socket",
                ));
            }
        };
        let given = [
            ("heddle-nb", global.nb.clone()),
            ("heddle-host", self.host),
            ("heddle-encap-ip", self.encap_ip),
            ("heddle-encap-types", self.encap_types),
            ("heddle-bridge-mappings", self.bridge_mappings),
            ("heddle-vxlan-port", self.vxlan_port),
            ("heddle-datapath-type", self.datapath_type),
            ("heddle-mask-limit", self.mask_limit),
        ];
        let overrides: BTreeMap<String, String> = given
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect();
        let hostname = hostname()?;
        // What is wrong on the command line is said at once; what is wrong in the database is said and waited for.
        if let Err(errors) = Settings::read(&overrides, &hostname) {
            return Err(Failure::Input(
                errors
                    .iter()
                    .map(|error| {
                        let flag = error.key.trim_start_matches("heddle-");
                        format!("--{flag} {}: expected {}", error.found, error.expected)
                    })
                    .collect(),
            ));
        }
        // Whether they are needed shows only when the switch's database says where the northbound database is.
        let tls = match &ovs {
            Remote::Ssl { .. } => global
                .tls
                .for_remotes("--ovs", std::slice::from_ref(&ovs))?,
            Remote::Unix(_) | Remote::Tcp { .. } => global.tls.tls()?,
        };
        let runtime = Runtime::take(&self.runtime_dir).map_err(place)?;
        let metrics = match self.metrics {
            None => None,
            Some(address) => {
                if !address.ip().is_loopback() {
                    tracing::warn!(%address, "whoever reaches this address can read the metrics and the status");
                }
                let listener = TcpListener::bind(address).await;
                let refused = |error| Failure::failed(format_args!("--metrics {address}: {error}"));
                Some(listener.map_err(refused)?)
            }
        };
        Ok(Options {
            tls,
            ovs,
            rundir,
            overrides,
            hostname,
            runtime,
            metrics,
            intent_file: self.state_dir.join("intent.json"),
        })
    }
}

fn place(error: RuntimeError) -> Failure {
    Failure::Failed(anyhow::Error::from(error).context("the agent has no place on this host"))
}

fn hostname() -> Result<String, Failure> {
    let path = "/proc/sys/kernel/hostname";
    let name = std::fs::read_to_string(path)
        .map_err(|error| Failure::failed(format_args!("{path}: {error}")))?;
    Ok(name.trim().to_owned())
}
