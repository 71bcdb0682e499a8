//! `heddle-lab demo`: three hosts, every type of network, everybody probes everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use lab::probe::{self, Expect, Matrix, Verdict};
use lab::{Endpoint, HostPlan, Identity, Lab, Outside, Site, Station};

use super::stage::Stages;
use super::{picture, setup};

/// The site, as a user would write it.
const DOCUMENT: &str = include_str!("../../demo.yaml");
/// Where the reader finds it.
const DOCUMENT_NAME: &str = "lab/demo.yaml";
/// How many hosts.
const HOSTS: u8 = 3;
/// The network whose ports reach each other on one host only.
const LOCAL: &str = "scratch";
/// Outside machines, by the name of the network whose wire they are on.
const OUTSIDE_VLAN: (&str, u16) = ("office", 1001);
const OUTSIDE_FLAT: &str = "plant";
/// How long the probes may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How to run it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Leave everything up and print how to look around
    #[arg(long)]
    keep: bool,
}

/// Where a station belongs, for the judgement on who may reach whom.
struct Place {
    network: String,
    /// None: on the wire.
    host: Option<String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        setup::ensure()?;
        setup::check_root("the demo")?;
        println!("heddle connects the networks and ports of {DOCUMENT_NAME}:\n");
        for line in DOCUMENT.lines() {
            println!("    {line}");
        }
        println!();

        lab::build_heddle()?;
        println!();
        let stages = Stages::new();
        let lab = Lab::new("demo")?;
        let plan = HostPlan::new()
            .provider(&lab.wire("provider")?)
            .provider(&lab.wire("inside")?);
        let site = stages.run(
            "boot three hosts, each with an ovsdb-server and an ovs-vswitchd",
            || Ok((Site::boot(lab, HOSTS, plan)?, String::new())),
        )?;
        let shown = show(&site, &stages);
        if !matches!(shown, Ok(true)) {
            eprintln!(
                "logs, flows and databases are kept in {}",
                site.save_logs()?.display()
            );
        }
        let well = shown?;
        self.finish(site, &stages)?;
        Ok(if well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Takes everything down, or says what is up.
    fn finish(&self, site: Site, stages: &Stages) -> anyhow::Result<()> {
        if !self.keep {
            stages.run("take everything down", || Ok((drop(site), String::new())))?;
            println!("{:>6.2} s in all", stages.total().as_secs_f64());
            return Ok(());
        }
        site.lab().keep()?;
        println!(
            "{:>6.2} s in all; it is all still up. To look around:\n",
            stages.total().as_secs_f64()
        );
        let (heddle, id) = (site.binary().display(), site.lab().id());
        let host = site.host(1)?;
        let (dir, namespace) = (host.dir().display(), host.namespace().name());
        let hints = [
            (
                format!("export HEDDLE_NB={}", site.remote()),
                "where the northbound database is",
            ),
            (
                format!("{heddle} host show"),
                "every host, and what it lacks",
            ),
            (
                format!("{heddle} port list"),
                "every port, and where it is up",
            ),
            (
                format!("ip netns exec hl-{id}-blue-h1 ping 10.0.0.3"),
                "from one endpoint to another",
            ),
            (
                format!("ovs-vsctl --db={} show", host.remote()),
                "the bridges of host h1",
            ),
            (
                format!("ovs-ofctl -O OpenFlow13 dump-flows unix:{dir}/br-tun.mgmt"),
                "its flows",
            ),
            (
                format!("ip netns exec {namespace} tcpdump -ni eth0"),
                "its tunnel packets",
            ),
            (format!("less {dir}/agent.log"), "what its agent says"),
            (format!("cargo lab down {id}"), "remove it all"),
        ];
        let width = hints
            .iter()
            .map(|(command, _)| command.len())
            .max()
            .unwrap_or_default();
        for (command, what) in hints {
            println!("    {command:width$}  # {what}");
        }
        Ok(())
    }
}

/// Everything between booting and taking down. True when all is as it should be.
fn show(site: &Site, stages: &Stages) -> anyhow::Result<bool> {
    stages.run(
        "start the northbound database and an agent on each host",
        || {
            site.start_heddle()?;
            Ok(((), String::new()))
        },
    )?;
    stages.run(&format!("heddle apply -f {DOCUMENT_NAME}"), || {
        site.apply(DOCUMENT)?;
        Ok(((), String::new()))
    })?;
    let outside = stages.run("put two machines without heddle on the wires", || {
        let vlan = identity("outside-vlan", 0xfe, &["10.5.0.254/24", "fd00:5::fe/64"])?;
        let flat = identity("outside-flat", 0xfd, &["10.6.0.254/24", "fd00:6::fe/64"])?;
        let vlan = site
            .lab()
            .outside_vlan(site.wire("provider")?, OUTSIDE_VLAN.1, vlan)?;
        let flat = site.lab().outside(site.wire("inside")?, flat)?;
        Ok((
            [(OUTSIDE_VLAN.0, vlan), (OUTSIDE_FLAT, flat)],
            String::new(),
        ))
    })?;
    let endpoints = stages.run("plug in the endpoints", || {
        let endpoints = plug_all(site)?;
        let note = format!("{}, until the last one is up", endpoints.len());
        Ok((endpoints, note))
    })?;
    stages.run("heddle wait", || {
        Ok(((), site.heddle(&["wait"])?.trim().to_owned()))
    })?;
    let (stations, places) = stations(&endpoints, &outside);
    let matrix = stages.run("probe every pair, IPv4 and IPv6", || {
        let expect = |from: usize, to: usize| expect(places.get(from), places.get(to));
        let matrix = probe::all_pairs(&stations, expect, PATIENCE)?;
        Ok((
            matrix,
            format!(
                "{} ordered pairs",
                stations.len() * stations.len().saturating_sub(1)
            ),
        ))
    })?;
    println!();
    report(&endpoints, &matrix)
}

fn identity(name: &str, number: u8, addresses: &[&str]) -> lab::Result<Identity> {
    Identity::new(name, &format!("02:00:00:00:01:{number:02x}"), addresses)
}

/// The names of the document's ports with the number of the host that each one's name ends with.
fn placements(site: &Site) -> anyhow::Result<Vec<(String, u8)>> {
    let mut placements = Vec::new();
    for port in site.port_views()? {
        let host = network_and_host(&port.name)
            .1
            .strip_prefix('h')
            .and_then(|number| number.parse().ok());
        placements.push((
            port.name.clone(),
            host.with_context(|| format!("port {:?} names no host", port.name))?,
        ));
    }
    Ok(placements)
}

/// Plugs every port in on its host and waits until heddle says that all are up. The last host plugs in the other way round, so that
/// hosts number the same networks differently.
fn plug_all(site: &Site) -> anyhow::Result<Vec<Endpoint>> {
    let placements = placements(site)?;
    let mut order: Vec<_> = placements
        .iter()
        .map(|(name, number)| (name.as_str(), *number))
        .collect();
    let last = order
        .iter()
        .filter(|(_, number)| *number == HOSTS)
        .copied()
        .collect::<Vec<_>>();
    order.retain(|(_, number)| *number != HOSTS);
    order.extend(last.into_iter().rev());
    Ok(site.plug_all(&order)?)
}

/// Endpoints and outside machines, network by network, with the place of each.
fn stations<'a>(
    endpoints: &'a [Endpoint],
    outside: &'a [(&str, Outside)],
) -> (Vec<&'a Station>, Vec<Place>) {
    let inside = endpoints.iter().map(|endpoint| {
        let (network, host) = endpoint
            .name()
            .rsplit_once('-')
            .unwrap_or((endpoint.name(), ""));
        let network = network
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned();
        (
            endpoint.station(),
            Place {
                network,
                host: Some(host.to_owned()),
            },
        )
    });
    let outside = outside.iter().map(|(network, machine)| {
        let station: &Station = machine;
        (
            station,
            Place {
                network: (*network).to_owned(),
                host: None,
            },
        )
    });
    let mut all: Vec<_> = inside.chain(outside).collect();
    all.sort_by(|(one, a), (other, b)| (&a.network, one.name()).cmp(&(&b.network, other.name())));
    all.into_iter().unzip()
}

/// Stations of one network reach each other, if something carries that network between them.
fn expect(from: Option<&Place>, to: Option<&Place>) -> Expect {
    match (from, to) {
        (Some(from), Some(to))
            if from.network == to.network && (from.network != LOCAL || from.host == to.host) =>
        {
            Expect::Reach
        }
        _ => Expect::Apart,
    }
}

/// Prints the matrix and what it means. True when all is as it should be.
fn report(endpoints: &[Endpoint], matrix: &Matrix) -> anyhow::Result<bool> {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print!("{}", picture::matrix(matrix, colours));
    println!(
        "milliseconds: reached in IPv4 and IPv6, the slower round trip; '.': kept apart, not one packet arrived\n"
    );
    let mut counts = [0_usize; 4];
    for (_, _, verdict) in matrix.verdicts() {
        let [reached, apart, lost, leaked] = &mut counts;
        match verdict {
            Verdict::Reached(_) => *reached += 1,
            Verdict::Apart => *apart += 1,
            Verdict::Lost => *lost += 1,
            Verdict::Leaked => *leaked += 1,
            Verdict::Ignored => {}
        }
    }
    let [reached, apart, lost, leaked] = counts;
    println!(
        "{reached} pairs reached each other, {apart} were kept apart, {lost} were lost, {leaked} leaked."
    );
    for fault in matrix.faults() {
        println!("{}", picture::bad(&fault, colours));
    }
    for (network, vlans) in local_vlans(endpoints)? {
        let places: Vec<_> = vlans
            .iter()
            .map(|(host, vlan)| format!("{vlan} on {host}"))
            .collect();
        if vlans.values().collect::<BTreeSet<_>>().len() > 1 {
            println!("Network {network} has local VLAN {}.", places.join(", "));
        }
    }
    println!();
    Ok(lost == 0 && leaked == 0)
}

/// Network → host → the local VLAN that the host's agent chose.
fn local_vlans(endpoints: &[Endpoint]) -> anyhow::Result<BTreeMap<String, BTreeMap<String, u16>>> {
    let mut networks = BTreeMap::<String, BTreeMap<String, u16>>::new();
    for endpoint in endpoints {
        let (host, (network, _)) = (endpoint.host()?, network_and_host(endpoint.name()));
        let tag = host.vsctl(&format!("get Port {} tag", endpoint.tap()?))?;
        let tag = tag
            .trim()
            .parse()
            .with_context(|| format!("{} has no local VLAN: tag {tag}", endpoint.name()))?;
        networks
            .entry(network.to_owned())
            .or_default()
            .insert(host.name().to_owned(), tag);
    }
    Ok(networks)
}

/// `scratch2-h1` is the second port of `scratch` on `h1`.
fn network_and_host(port: &str) -> (&str, &str) {
    let (network, host) = port.rsplit_once('-').unwrap_or((port, ""));
    (network.trim_end_matches(|c: char| c.is_ascii_digit()), host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_reach_whom_follows_from_names() {
        let place = |port: &str| {
            let (network, host) = network_and_host(port);
            Some(Place {
                network: network.to_owned(),
                host: Some(host.to_owned()),
            })
        };
        let expect = |from: &str, to: &str| expect(place(from).as_ref(), place(to).as_ref());
        assert_eq!(expect("blue-h1", "blue-h3"), Expect::Reach);
        assert_eq!(expect("blue-h1", "green-h1"), Expect::Apart);
        assert_eq!(expect("scratch-h1", "scratch2-h1"), Expect::Reach);
        assert_eq!(expect("scratch-h1", "scratch-h2"), Expect::Apart);
        let outside = Place {
            network: "plant".to_owned(),
            host: None,
        };
        assert_eq!(
            super::expect(Some(&outside), place("plant-h2").as_ref()),
            Expect::Reach
        );
    }
}
