//! A [`Status`] as metrics in the text format of OpenMetrics 1.0, which Prometheus and its kin read.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::counters::{BOUNDS, Histogram, Peer};
use super::status::{Source, State, Status};

/// The content type of what [`text`] returns.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one picture of the agent.
///
/// # Errors
///
/// Never: writing to memory does not fail.
pub(super) fn text(status: Arc<Status>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Picture(status)));
    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Picture(Arc<Status>);

impl Collector for Picture {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = &*self.0;
        process(status, &mut encoder)?;
        intent(status, &mut encoder)?;
        peers(status, &mut encoder)?;
        bridges(status, &mut encoder)?;
        totals(status, &mut encoder)
    }
}

/// Labels and a value.
type Sample<'a, T, const N: usize> = ([(&'static str, &'a str); N], T);

fn family<'a, T, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    kind: MetricType,
    samples: impl IntoIterator<Item = Sample<'a, T, N>>,
    write: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in samples {
        if N == 0 {
            write(&mut metric, value)?;
        } else {
            write(&mut metric.encode_family(&labels)?, value)?;
        }
    }
    Ok(())
}

fn gauges<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    about: (&str, &str),
    samples: impl IntoIterator<Item = Sample<'a, f64, N>>,
) -> fmt::Result {
    family(
        encoder,
        about,
        MetricType::Gauge,
        samples,
        |metric, value| metric.encode_gauge(&value),
    )
}

fn counters<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    about: (&str, &str),
    samples: impl IntoIterator<Item = Sample<'a, u64, N>>,
) -> fmt::Result {
    family(
        encoder,
        about,
        MetricType::Counter,
        samples,
        |metric, value| metric.encode_counter::<NoLabelSet, _, u64>(&value, None),
    )
}

fn histograms<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    about: (&str, &str),
    samples: impl IntoIterator<Item = Sample<'a, &'a Histogram, N>>,
) -> fmt::Result {
    let write = |metric: &mut MetricEncoder<'_>, histogram: &Histogram| {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(histogram.buckets).collect();
        metric.encode_histogram::<NoLabelSet>(histogram.sum, histogram.count, &buckets, None)
    };
    family(encoder, about, MetricType::Histogram, samples, write)
}

/// A number as metrics carry it; beyond 2^53 the last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}

fn flag(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

fn process(status: &Status, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let host = status.host.as_deref().unwrap_or_default();
    let build = [("version", status.version.as_str()), ("host", host)];
    gauges(
        encoder,
        (
            "heddle_build_info",
            "The version of the program, and the host's name on the site",
        ),
        [(build, 1.0)],
    )?;
    gauges(
        encoder,
        (
            "process_start_time_seconds",
            "When the agent started, in seconds since 1970",
        ),
        [([], status.started)],
    )?;
    gauges(
        encoder,
        ("process_resident_memory_bytes", "Resident memory"),
        [([], number(status.memory))],
    )
}

fn intent(status: &Status, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let intent = &status.intent;
    let states = [
        ("waiting", State::Waiting),
        ("working", State::Working),
        ("applied", State::Applied),
    ];
    gauges(
        encoder,
        ("heddle_state", "What the agent is at: one of these is 1"),
        states.map(|(name, state)| ([("state", name)], flag(state == status.state))),
    )?;
    let sources = [
        ("none", Source::None),
        ("database", Source::Database),
        ("file", Source::File),
    ];
    gauges(
        encoder,
        (
            "heddle_intent_source",
            "Where the intent came from: one of these is 1",
        ),
        sources.map(|(name, source)| ([("source", name)], flag(source == intent.source))),
    )?;
    gauges(
        encoder,
        (
            "heddle_intent_revision",
            "The newest revision of the intent that was read",
        ),
        intent.revision.map(|revision| ([], number(revision))),
    )?;
    gauges(
        encoder,
        (
            "heddle_applied_revision",
            "The newest revision whose flows are acknowledged",
        ),
        intent.applied.map(|revision| ([], number(revision))),
    )?;
    gauges(
        encoder,
        (
            "heddle_convergence_lag_seconds",
            "How long the oldest revision that is not applied has been known; 0 when all are",
        ),
        [([], intent.lag)],
    )?;
    histograms(
        encoder,
        (
            "heddle_convergence_seconds",
            "From the reading of a revision to the acknowledgement of its last flow",
        ),
        [([], &intent.latency)],
    )
}

fn peers(status: &Status, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let databases = [
        ("switch", &status.switch),
        ("northbound", &status.northbound),
    ];
    let peers = || {
        let databases = databases
            .iter()
            .map(|(name, peer)| ([("peer", *name), ("bridge", "")], *peer));
        let bridges = status.bridges.iter().map(|(name, bridge)| {
            (
                [("peer", "openflow"), ("bridge", name.as_str())],
                &bridge.session,
            )
        });
        databases.chain(bridges)
    };
    let each = |value: fn(&Peer) -> u64| peers().map(move |(labels, peer)| (labels, value(peer)));
    gauges(
        encoder,
        (
            "heddle_connected",
            "1 while there is a session with the peer and all it holds is known",
        ),
        peers().map(|(labels, peer)| (labels, flag(peer.connected))),
    )?;
    counters(
        encoder,
        (
            "heddle_sessions",
            "Sessions with the peer that have begun; all but the first are reconnects",
        ),
        each(|peer| peer.sessions),
    )?;
    counters(
        encoder,
        (
            "heddle_connection_failures",
            "Attempts that failed and sessions that ended",
        ),
        each(|peer| peer.failures),
    )
}

fn bridges(status: &Status, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let numbers: Vec<(&str, String, _)> = status
        .bridges
        .iter()
        .flat_map(|(name, bridge)| {
            bridge
                .flows
                .iter()
                .map(move |flows| (name.as_str(), flows.table.to_string(), flows))
        })
        .collect();
    gauges(
        encoder,
        (
            "heddle_flows",
            "heddle's flows that the switch has acknowledged, by the kind of object they serve",
        ),
        numbers.iter().map(|(bridge, table, flows)| {
            let labels = [
                ("bridge", *bridge),
                ("table", table.as_str()),
                ("name", flows.name.as_str()),
                ("owner", flows.owner.as_str()),
            ];
            (labels, number(flows.count))
        }),
    )?;
    counters(
        encoder,
        ("heddle_flow_mods", "Changes of flows that were sent"),
        status.bridges.iter().flat_map(|(name, bridge)| {
            let programmed = &bridge.programmed;
            let kinds = [
                ("add", programmed.added),
                ("delete", programmed.deleted),
                ("forget", programmed.forgotten),
            ];
            kinds.map(|(kind, count)| ([("bridge", name.as_str()), ("kind", kind)], count))
        }),
    )?;
    counters(
        encoder,
        (
            "heddle_repairs",
            "Flows that others had deleted or altered, and that were put right",
        ),
        status
            .bridges
            .iter()
            .map(|(name, bridge)| ([("bridge", name.as_str())], bridge.programmed.repaired)),
    )?;
    counters(
        encoder,
        ("heddle_bundles", "Bundles that the switch has answered"),
        status.bridges.iter().flat_map(|(name, bridge)| {
            let programmed = &bridge.programmed;
            let outcomes = [
                ("acknowledged", programmed.acknowledged),
                ("refused", programmed.refused),
            ];
            outcomes
                .map(|(outcome, count)| ([("bridge", name.as_str()), ("outcome", outcome)], count))
        }),
    )?;
    histograms(
        encoder,
        (
            "heddle_bundle_seconds",
            "From a bundle's way to the switch to its acknowledgement",
        ),
        status
            .bridges
            .iter()
            .map(|(name, bridge)| ([("bridge", name.as_str())], &bridge.programmed.latency)),
    )
}

fn totals(status: &Status, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let counted = |count: usize| number(u64::try_from(count).unwrap_or(u64::MAX));
    let up = status.ports.iter().filter(|port| port.up).count();
    let ports = [
        ("up", up),
        ("waiting", status.ports.len().saturating_sub(up)),
        ("unbound", status.unbound.len()),
    ];
    gauges(
        encoder,
        (
            "heddle_ports",
            "Endpoints that are plugged in; those that are unbound name no port",
        ),
        ports.map(|(state, count)| ([("state", state)], counted(count))),
    )?;
    gauges(
        encoder,
        (
            "heddle_problems",
            "What keeps a part of the host from working",
        ),
        [([], counted(status.problems.len()))],
    )?;
    let totals = &status.counters;
    let transactions = [
        ("switch", "committed", totals.switch_transactions),
        ("switch", "refused", totals.switch_transactions_refused),
        ("northbound", "committed", totals.reports),
        ("northbound", "refused", totals.reports_refused),
    ];
    counters(
        encoder,
        ("heddle_transactions", "Transactions with the databases"),
        transactions.map(|(peer, outcome, count)| ([("peer", peer), ("outcome", outcome)], count)),
    )?;
    counters(
        encoder,
        (
            "heddle_database_repairs",
            "Edits of heddle's bridges and ports in the switch's database by others, that were put right",
        ),
        [([], totals.switch_repairs)],
    )?;
    counters(
        encoder,
        ("heddle_reloads", "Signals to read everything anew"),
        [([], totals.reloads)],
    )?;
    counters(
        encoder,
        (
            "heddle_intent_files",
            "How often the last known intent was written to its file",
        ),
        [([], totals.intent_files)],
    )?;
    counters(
        encoder,
        (
            "heddle_full_recompiles",
            "How often everything was compiled anew: at the start, and never again while all is well",
        ),
        [([], totals.full_recompiles)],
    )?;
    counters(
        encoder,
        (
            "heddle_compiled_units",
            "Networks, ports, hosts and other units whose flows were compiled",
        ),
        [([], totals.compiled_units)],
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::status::{Bridge, Flows, Intent};
    use super::*;

    #[test]
    fn a_picture_as_metrics() {
        let mut bridge = Bridge::default();
        bridge.session.began();
        bridge.flows.push(Flows {
            table: 60,
            name: "forward".to_owned(),
            owner: "port".to_owned(),
            count: 12,
        });
        bridge.programmed.added = 3;
        bridge.programmed.latency.observe(Duration::from_millis(2));
        bridge.programmed.latency.observe(Duration::from_secs(60));
        let status = Status {
            state: State::Applied,
            intent: Intent {
                source: Source::Database,
                revision: Some(7),
                ..Intent::default()
            },
            bridges: [("br-int".to_owned(), bridge)].into(),
            ..Status::default()
        };
        let text = text(Arc::new(status)).unwrap();
        for line in [
            "# TYPE heddle_flows gauge",
            "heddle_flows{bridge=\"br-int\",table=\"60\",name=\"forward\",owner=\"port\"} 12.0",
            "heddle_flow_mods_total{bridge=\"br-int\",kind=\"add\"} 3",
            "heddle_bundle_seconds_bucket{le=\"0.0025\",bridge=\"br-int\"} 1",
            "heddle_bundle_seconds_bucket{le=\"5.0\",bridge=\"br-int\"} 1",
            "heddle_bundle_seconds_bucket{le=\"+Inf\",bridge=\"br-int\"} 2",
            "heddle_bundle_seconds_count{bridge=\"br-int\"} 2",
            "heddle_connected{peer=\"openflow\",bridge=\"br-int\"} 1.0",
            "heddle_state{state=\"applied\"} 1.0",
            "heddle_state{state=\"waiting\"} 0.0",
            "heddle_intent_revision 7.0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no {line} in\n{text}"
            );
        }
        assert!(
            !text.contains("heddle_applied_revision 0"),
            "nothing is applied yet"
        );
        assert!(text.ends_with("# EOF\n"));
    }

    /// The name of a bridge is what somebody has written into a database.
    #[test]
    fn names_can_not_forge_lines() {
        let status = Status {
            host: Some("a\"} 1\nheddle_state{state=\"x".to_owned()),
            ..Status::default()
        };
        let text = text(Arc::new(status)).unwrap();
        assert!(
            !text
                .lines()
                .any(|line| line.starts_with("heddle_state{state=\"x")),
            "{text}"
        );
    }
}
