//! The agent of one host: the tasks that join database, switch and intent. The only place with a loop and a clock.
//!
//! ```text
//!  northbound database ──► Client ──┐                             ┌──► Client ──► the switch's database
//!                                   ├──► Agent: one loop, one ────┤
//!  the switch's database ─► Client ─┤    Reconciler, no locks     ├──► Link, one a bridge ──► OpenFlow
//!  OpenFlow, one a bridge ─► Link ──┘                             └──► Client ──► northbound database
//! ```
//!
//! Every event only changes what is known; then [`Reconciler::step`] says what differs. Each event source may be dropped
//! at any await: a `Client` and a `Link` keep their state in tasks of their own.

mod convergence;
mod counters;
mod endpoint;
mod expected;
mod intent_file;
mod keeper;
mod metrics;
mod publish;
mod runtime;
pub mod session;
pub mod status;
mod supervisor;
mod switch;
mod tampering;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ovsdb_client::connection::Tls;
use ovsdb_client::{Changes, Client, Event, Remote, TransactionId};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use self::convergence::Convergence;
use self::counters::Counters;
use self::endpoint::{Endpoint, Limits, Listener, Question};
use self::keeper::{Keeper, Outcome};
use self::publish::Publisher;
use self::session::Refusal;
use self::status::Source;
use self::supervisor::Supervisor;
use self::switch::{Link, LinkEvent};
use self::tampering::{tampering, tell_edits};
use crate::model::{Settings, Touched};
use crate::northbound::{self, Mirror};
use crate::reconcile::database;
use crate::reconcile::layout::Change;
use crate::reconcile::local_vlans::recorded;
use crate::reconcile::observed::Observed;
use crate::reconcile::reconciler::{Command, Reconciler, Refused, Report};

pub use self::counters::{BOUNDS, Histogram, Peer, Programming};
pub use self::runtime::{Runtime, RuntimeError, socket};

/// How long after a failure the same thing is not tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause for a bridge that takes no flows; each is twice the one before.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What `heddle agent` is told on its command line.
#[derive(Debug)]
pub struct Options {
    /// The switch's database.
    pub ovs: Remote,
    /// Where the bridges' management sockets (`BRIDGE.mgmt`) are.
    pub rundir: PathBuf,
    /// Settings that go before those in `external_ids`, by the same keys.
    pub overrides: BTreeMap<String, String>,
    /// The host's name when nothing else says one.
    pub hostname: String,
    /// The agent's place on the host.
    pub runtime: Runtime,
    /// Where metrics are served beside the socket in `runtime`.
    pub metrics: Option<TcpListener>,
    /// Keys and certificates for `ssl:` remotes; none: those of the switch, as `ovs-vsctl set-ssl` has set them.
    pub tls: Option<Tls>,
    /// The file that keeps the last known intent.
    pub intent_file: PathBuf,
}

/// What the agent is told while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// To drop all it knows of its surroundings and to look anew: connect to both databases again (with the files for TLS
    /// as they are now), list all flows and ports again, compare, and repair what differs. On a host where nothing
    /// differs nothing is sent. The last known intent stays in force meanwhile.
    Reload,
    /// To end.
    Stop,
}

/// Runs until it is told to stop, or nobody can tell it any more. Bridges, ports and flows stay as they are: the host goes on forwarding.
///
/// A database or a switch that is absent, and settings that are wrong, are no end: the agent says so and waits.
///
/// # Errors
///
/// The socket in [`Options::runtime`] can not be made.
pub async fn run(
    options: Options,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<(), RuntimeError> {
    let mut agent = Agent::new(options)?;
    loop {
        let happening = tokio::select! {
            signal = signals.recv() => match signal {
                Some(Signal::Reload) => Happening::Reload,
                Some(Signal::Stop) | None => break,
            },
            happening = agent.next() => happening,
        };
        // To look changes nothing, and those who look must not make the agent work. Of a list that is not complete nothing
        // follows.
        let listed = matches!(happening, Happening::Link(LinkEvent::Listed { .. }));
        let looked = matches!(happening, Happening::Asked(_) | Happening::Due);
        agent.handle(happening);
        if !looked && !listed {
            agent.advance();
        }
        let now = Instant::now();
        agent.keep_intent(now);
        agent.tell(now);
    }
    agent.supervisor.stopping(Instant::now());
    agent.keep_intent_at_last().await;
    Ok(())
}

/// What the agent waits for.
enum Happening {
    Switch(Event),
    Northbound(Event),
    Link(LinkEvent),
    /// Somebody wants to know how the agent does.
    Asked(Question),
    /// To read everything anew.
    Reload,
    /// Work for the file of the last known intent is done.
    Kept(Outcome),
    /// Something is to be told or kept now.
    Due,
    /// The pause after a failure is over.
    Resumed,
}

struct Agent {
    options: Options,
    /// Since when it runs, also in seconds since 1970.
    started: (Instant, f64),
    switch: Client,
    northbound: Option<Northbound>,
    links: BTreeMap<String, Link>,
    /// Why there is no session, by bridge.
    link_errors: BTreeMap<String, String>,
    events: (mpsc::Sender<LinkEvent>, mpsc::Receiver<LinkEvent>),
    reconciler: Reconciler,
    /// What the switch's database says, while there is a session with it.
    observed: Option<Arc<Observed>>,
    /// What it said when the session ended, and what this agent was changing then: what others have done meanwhile shows
    /// when there is a session again.
    before: Option<(Arc<Observed>, Vec<Change>)>,
    /// The newest settings that were right.
    settings: Option<Settings>,
    setting_errors: BTreeMap<String, String>,
    /// The newest intent that was read; kept while the northbound database is out of reach.
    mirror: Option<Mirror>,
    /// The transaction with the switch's database that is on its way, and what it changes.
    transaction: Option<(TransactionId, Vec<Change>)>,
    publisher: Publisher,
    /// The `_uuid` of this host's row when it was last looked for.
    host: Option<Uuid>,
    resume_at: Option<Instant>,
    resting: BTreeMap<String, Rest>,
    /// When what others keep changing is put right again.
    repair_at: Option<Instant>,
    /// How the host did at the last step.
    report: Report,
    convergence: Convergence,
    counters: Counters,
    /// Since when each bundle has been on its way, by bridge, in order.
    sent: BTreeMap<String, VecDeque<Instant>>,
    questions: mpsc::Receiver<Question>,
    supervisor: Supervisor,
    keeper: Keeper,
    /// Where `mirror` is from.
    source: Source,
    /// Why the last known intent could not be kept.
    intent_file_error: Option<String>,
    /// Answers while this is here.
    _endpoint: Endpoint,
}

/// A bridge that has refused flows and has taken none since.
struct Rest {
    /// When there may be a session again; none: now.
    until: Option<Instant>,
    pause: Duration,
}

struct Northbound {
    remotes: Vec<Remote>,
    tls: Option<Tls>,
    /// It has answered: its replica is the database as it is or was, and the mirror is of it.
    known: bool,
    client: Client,
}

impl Agent {
    #[allow(
        clippy::disallowed_methods,
        reason = "when it was started is told, and nothing is decided by it"
    )]
    fn new(mut options: Options) -> Result<Self, RuntimeError> {
        let unix = Listener::Unix(options.runtime.listen()?);
        let tcp = options.metrics.take().map(Listener::Tcp);
        let (endpoint, questions) =
            Endpoint::start([unix].into_iter().chain(tcp).collect(), Limits::default());
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let noted = options.runtime.noted().map(str::to_owned);
        let keeper = Keeper::new(options.intent_file.clone(), noted);
        let switch = connect_to_switch(&options);
        let now = Instant::now();
        Ok(Self {
            options,
            started: (now, since_1970.unwrap_or_default().as_secs_f64()),
            switch,
            northbound: None,
            links: BTreeMap::new(),
            link_errors: BTreeMap::new(),
            events: mpsc::channel(64),
            reconciler: Reconciler::default(),
            observed: None,
            before: None,
            settings: None,
            setting_errors: BTreeMap::new(),
            mirror: None,
            transaction: None,
            publisher: Publisher::default(),
            host: None,
            resume_at: None,
            resting: BTreeMap::new(),
            repair_at: None,
            report: Report::default(),
            convergence: Convergence::default(),
            counters: Counters::default(),
            sent: BTreeMap::new(),
            questions,
            supervisor: Supervisor::from_environment(now),
            keeper,
            source: Source::None,
            intent_file_error: None,
            _endpoint: endpoint,
        })
    }

    async fn next(&mut self) -> Happening {
        let northbound = async {
            match &mut self.northbound {
                Some(northbound) => northbound.client.next().await,
                None => std::future::pending().await,
            }
        };
        let rests = self.resting.values().filter_map(|rest| rest.until);
        let resume_at = rests.chain(self.resume_at).chain(self.repair_at).min();
        let resumed = async {
            match resume_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let deadlines = [self.supervisor.deadline(), self.keeper.deadline()];
        let due = async {
            match deadlines.into_iter().flatten().min() {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.switch.next() => Happening::Switch(event),
            event = northbound => Happening::Northbound(event),
            Some(event) = self.events.1.recv() => Happening::Link(event),
            Some(question) = self.questions.recv() => Happening::Asked(question),
            Some(outcome) = self.keeper.outcome() => Happening::Kept(outcome),
            () = resumed => Happening::Resumed,
            () = due => Happening::Due,
        }
    }

    fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Switch(event) => self.handle_switch(event),
            Happening::Northbound(event) => self.handle_northbound(event),
            Happening::Link(event) => self.handle_link(event),
            Happening::Resumed => {
                let now = Instant::now();
                self.resume_at = self.resume_at.filter(|at| *at > now);
                if self.repair_at.take_if(|at| *at <= now).is_some() {
                    self.reconciler.paused();
                }
                for rest in self.resting.values_mut() {
                    rest.until = rest.until.filter(|until| *until > now);
                }
            }
            Happening::Due => {}
            Happening::Reload => self.reload(),
            Happening::Kept(outcome) => self.intent_outcome(outcome),
            Happening::Asked(question) => {
                // Whoever asked may have gone.
                let _ = question.send(Arc::new(status::look(self, Instant::now())));
            }
        }
    }

    fn handle_switch(&mut self, event: Event) {
        match event {
            Event::Connected { remote } => info!(%remote, "connected to the switch's database"),
            Event::Synced(_) => {
                self.counters.switch.began();
                self.read_switch();
            }
            Event::Changed(_) => self.read_switch(),
            Event::Disconnected {
                remote,
                error,
                retry_in,
            } => {
                if self.counters.switch.failed(error.to_string()) {
                    warn!(%remote, "no switch database: {error}; trying again in {retry_in:?}");
                }
                self.forget_switch();
            }
            Event::TransactionDone { id, outcome }
                if self.transaction.as_ref().is_some_and(|(own, _)| *own == id) =>
            {
                self.transaction = None;
                self.reconciler.transaction_ended();
                let (taken, refused) = &mut self.counters.transactions;
                match &outcome {
                    Ok(_) => *taken += 1,
                    Err(_) => *refused += 1,
                }
                if let Err(error) = outcome {
                    error!(
                        "the switch's database refused a change: {error}; trying again in {PAUSE:?}"
                    );
                    self.pause();
                }
            }
            // Answers to what was not asked, or is of no interest any more.
            _ => {}
        }
    }

    /// Takes in what the switch's database says, and follows the northbound database if it is another one now.
    fn read_switch(&mut self) {
        self.forget_switch();
        match database::observe(self.switch.replica()) {
            Ok(observed) => self.observed = observed.map(Arc::new),
            Err(error) => error!("the switch's database can not be understood: {error}"),
        }
        let Some(observed) = &self.observed else {
            return;
        };
        if let Some((before, own)) = self.before.take() {
            for edit in tampering(&before, observed, &own) {
                warn!("somebody has changed the switch's database: {edit}: putting it right");
                self.counters.repairs = self.counters.repairs.saturating_add(1);
            }
        }
        let mut external_ids = observed.external_ids.clone();
        external_ids.extend(self.options.overrides.clone());
        let mut wrong = BTreeMap::new();
        match Settings::read(&external_ids, &self.options.hostname) {
            Ok(settings) => self.follow(settings),
            // What was right before holds until somebody has mended it.
            Err(errors) => {
                wrong.extend(
                    errors
                        .into_iter()
                        .map(|error| (format!("external_ids:{}", error.key), error.to_string())),
                );
            }
        }
        for message in wrong
            .values()
            .filter(|message| !self.setting_errors.values().any(|known| known == *message))
        {
            warn!("{message}");
        }
        self.setting_errors = wrong;
    }

    /// What the database has said may be wrong by now: nothing is decided before it is read anew.
    fn forget_switch(&mut self) {
        if let Some(observed) = self.observed.take() {
            let own = self.transaction.iter().flat_map(|(_, changes)| changes);
            self.before = Some((observed, own.cloned().collect()));
        }
    }

    /// Takes the settings, and another northbound database if they name one.
    fn follow(&mut self, settings: Settings) {
        let tls = self
            .options
            .tls
            .clone()
            .or_else(|| database::tls(self.switch.replica()));
        if self
            .northbound
            .as_ref()
            .is_none_or(|northbound| northbound.remotes != settings.nb || northbound.tls != tls)
        {
            self.northbound = Some(Northbound::connect(settings.nb.clone(), tls));
            self.publisher = Publisher::default();
            self.counters.northbound = Peer::default();
        }
        self.settings = Some(settings);
    }

    fn handle_northbound(&mut self, event: Event) {
        match event {
            Event::Connected { remote } => info!(%remote, "connected to the northbound database"),
            Event::Synced(changes) => {
                self.intent_changed(&changes, true);
                self.counters.northbound.began();
                self.read_northbound(&changes);
            }
            Event::Changed(changes) => {
                self.intent_changed(&changes, false);
                self.read_northbound(&changes);
            }
            Event::Disconnected {
                remote,
                error,
                retry_in,
            } => {
                if self.counters.northbound.failed(error.to_string()) {
                    warn!(%remote, "no northbound database: {error}; trying again in {retry_in:?}");
                }
                self.publisher = Publisher::default();
            }
            Event::TransactionDone { id, outcome } => {
                let (taken, refused) = &mut self.counters.reports;
                match &outcome {
                    Ok(_) => *taken += 1,
                    Err(_) => *refused += 1,
                }
                if let Err(error) = self.publisher.ended(id, outcome) {
                    warn!(
                        "the northbound database did not take what this host reports: {error}; trying again in {PAUSE:?}"
                    );
                    self.pause();
                }
            }
            _ => {}
        }
    }

    /// Takes in what has changed in the northbound database.
    fn read_northbound(&mut self, changes: &Changes) {
        let Some(northbound) = &mut self.northbound else {
            return;
        };
        let replica = northbound.client.replica();
        let left_out = match &mut self.mirror {
            Some(mirror) if northbound.known => {
                let update = mirror.update(replica, changes);
                self.publisher.site_changed(mirror.site(), &update.touched);
                self.reconciler.site_changed(update.touched);
                update.left_out
            }
            before => {
                let mirror = Mirror::new(replica);
                if let Some(before) = before {
                    let touched = Touched::between(before.site(), mirror.site());
                    self.reconciler.site_changed(touched);
                }
                let left_out = mirror.left_out().cloned().collect();
                self.mirror = Some(mirror);
                left_out
            }
        };
        for row in left_out {
            warn!("{:#}", anyhow::anyhow!(row));
        }
        northbound.known = true;
        self.source = Source::Database;
        self.publisher.connected = true;
        if let Some(mirror) = &self.mirror {
            let revision = mirror.site().revision;
            self.convergence.seen(revision, Instant::now());
        }
    }

    fn handle_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Listed { bridge, listed } => self.reconciler.flows_listed(&bridge, listed),
            LinkEvent::Began {
                bridge,
                session,
                ports,
            } => {
                if let Some(link) = self.links.get_mut(&bridge) {
                    link.began(session);
                }
                self.link_errors.remove(&bridge);
                self.sent.remove(&bridge);
                self.counters.bridge(&bridge).0.began();
                let number = ports.len();
                let flows = self.reconciler.session_began(&bridge, ports);
                info!(bridge, ports = number, flows, "OpenFlow session");
            }
            LinkEvent::Ended {
                bridge,
                error,
                retry_in,
            } => {
                self.sent.remove(&bridge);
                if self.counters.bridge(&bridge).0.failed(error.to_string()) {
                    warn!(
                        bridge,
                        "no OpenFlow session: {error}; trying again in {retry_in:?}"
                    );
                }
                self.link_errors
                    .insert(bridge.clone(), format!("no OpenFlow session: {error}"));
                self.reconciler.session_ended(&bridge);
            }
            LinkEvent::PortChanged {
                bridge,
                ofport,
                name,
            } => self.reconciler.port_changed(&bridge, ofport, name),
            LinkEvent::FlowsChanged {
                bridge,
                observations,
            } => {
                let observations = observations.into_iter();
                let edits = observations.filter_map(|o| self.reconciler.flow_observed(&bridge, o));
                let repairs = tell_edits(&bridge, edits);
                let (_, programming) = self.counters.bridge(&bridge);
                programming.repaired = programming.repaired.saturating_add(repairs);
                if self.repair_at.is_none() && self.reconciler.wants_pause() {
                    self.repair_at = Some(Instant::now() + PAUSE);
                }
            }
            LinkEvent::Acknowledged { bridge } => {
                let (_, programming) = self.counters.bridge(&bridge);
                programming.acknowledged += 1;
                let sent = self.sent.get_mut(&bridge);
                if let Some(since) = sent.and_then(VecDeque::pop_front) {
                    programming.latency.observe(since.elapsed());
                }
                self.resting.remove(&bridge);
                self.reconciler.bundle_acknowledged(&bridge);
            }
            LinkEvent::Refused {
                bridge,
                session,
                error,
            } => {
                self.sent.remove(&bridge);
                let (_, programming) = self.counters.bridge(&bridge);
                programming.refused += 1;
                match error {
                    Refusal::Changes(first, others) => {
                        self.set_aside(&bridge, session, first, others);
                    }
                    Refusal::Bundle(_) => self.rest(&bridge, &error.to_string()),
                }
            }
        }
    }

    /// The switch has refused these changes, and what was sent with them and behind them has come to nothing.
    fn set_aside(&mut self, bridge: &str, session: u64, first: Refused, others: Vec<Refused>) {
        let changes = others.len().saturating_add(1);
        error!(
            bridge,
            changes, "refused: {first}; it is set aside and the rest sent again"
        );
        if let Some(link) = self.links.get_mut(bridge) {
            link.began(session);
        }
        let refused = [first].into_iter().chain(others).collect();
        if !self.reconciler.bundles_refused(bridge, refused) {
            self.rest(bridge, "one flow after the other");
        }
    }

    /// The switch takes no flows: the session ends, and a new one, which shows what is there, begins after a pause.
    fn rest(&mut self, bridge: &str, error: &str) {
        let before = self.resting.get(bridge).map(|rest| rest.pause);
        let pause = before.map_or(PAUSE, |pause| (pause * 2).min(MAX_PAUSE));
        let error = format!("the switch has refused flows: {error}");
        error!(bridge, "{error}; trying again in {pause:?}");
        self.counters.bridge(bridge).0.failed(error.clone());
        self.link_errors.insert(bridge.to_owned(), error);
        self.links.remove(bridge);
        self.reconciler.session_ended(bridge);
        let until = Some(Instant::now() + pause);
        self.resting
            .insert(bridge.to_owned(), Rest { until, pause });
    }

    /// See [`Signal::Reload`].
    fn reload(&mut self) {
        info!("reading everything anew");
        self.counters.reloads = self.counters.reloads.saturating_add(1);
        self.supervisor.reloading(Instant::now());
        self.switch = connect_to_switch(&self.options);
        self.forget_switch();
        self.transaction = None;
        self.reconciler.transaction_ended();
        for (bridge, _) in std::mem::take(&mut self.links) {
            self.reconciler.session_ended(&bridge);
        }
        for (session, _) in self.counters.bridges.values_mut() {
            session.connected = false;
        }
        self.sent.clear();
        self.resting.clear();
        (
            self.counters.switch.connected,
            self.counters.northbound.connected,
        ) = (false, false);
        self.publisher = Publisher::default();
        let northbound = self.northbound.take();
        self.northbound = northbound.map(|old| Northbound::connect(old.remotes, old.tls));
        (self.report.applied, self.resume_at) = (None, None);
    }

    /// Tells the service manager what is due.
    fn tell(&mut self, now: Instant) {
        if self.supervisor.listens() {
            let (settled, status) = status::summary(self);
            self.supervisor.tell(now, settled, &status);
        }
    }

    fn pause(&mut self) {
        self.resume_at = Some(Instant::now() + PAUSE);
    }

    /// Does what is next, with all that is known now.
    fn advance(&mut self) {
        if self.resume_at.is_some() {
            return;
        }
        let (Some(observed), Some(mirror), Some(settings)) =
            (&self.observed, &self.mirror, &self.settings)
        else {
            return;
        };
        let site = mirror.site();
        let needed = Reconciler::bridges(settings, observed);
        let open = |bridge: &str| {
            let cookies = expected::cookies(site, &recorded(observed));
            Link::open(bridge, &self.options.rundir, cookies, self.events.0.clone())
        };
        self.resting.retain(|bridge, _| needed.contains(bridge));
        let rests = |bridge: &&String| {
            let rest = self.resting.get(*bridge);
            rest.is_some_and(|rest| rest.until.is_some())
        };
        let may_be: BTreeSet<String> = needed.iter().filter(|it| !rests(it)).cloned().collect();
        keep_links(&mut self.links, &mut self.reconciler, &may_be, open);
        let known = self.host.and_then(|id| site.hosts.get(&id));
        let host = known
            .filter(|host| host.name == settings.host)
            .or_else(|| site.host_named(&settings.host));
        self.host = host.map(|host| host.id);
        let (commands, mut report) = self.reconciler.step(settings, self.host, observed, site);
        for command in commands {
            match command {
                Command::Transact(changes) => {
                    for change in &changes {
                        debug!("{change:?}");
                    }
                    let transaction = database::transaction(observed, &changes);
                    self.transaction = Some((self.switch.submit(transaction), changes));
                }
                Command::Program { bridge, changes } => {
                    debug!(bridge, changes = changes.len(), "programming");
                    if let Some(link) = self.links.get(&bridge) {
                        self.counters.bridge(&bridge).1.sent(&changes);
                        self.sent
                            .entry(bridge)
                            .or_default()
                            .push_back(Instant::now());
                        link.program(changes);
                    }
                }
            }
        }
        self.link_errors.retain(|bridge, _| needed.contains(bridge));
        self.counters
            .bridges
            .retain(|bridge, _| needed.contains(bridge));
        self.sent.retain(|bridge, _| needed.contains(bridge));
        if let Some(applied) = report.applied {
            self.convergence.applied(applied, Instant::now());
        }
        report.problems.extend(self.setting_errors.clone());
        report.problems.extend(self.link_errors.clone());
        report.problems.extend(self.intent_file_problem());
        if let Some(northbound) = &mut self.northbound {
            self.publisher
                .publish(&mut northbound.client, settings, site, host, &report);
        }
        self.report = report;
    }
}

impl Northbound {
    fn connect(remotes: Vec<Remote>, tls: Option<Tls>) -> Self {
        let text: Vec<String> = remotes.iter().map(ToString::to_string).collect();
        info!(
            remote = text.join(","),
            "connecting to the northbound database"
        );
        let needs_tls = |remote: &Remote| matches!(remote, Remote::Ssl { .. });
        if tls.is_none() && remotes.iter().any(needs_tls) {
            warn!(
                "ssl: needs a key, a certificate and an authority: `ovs-vsctl set-ssl KEY CERTIFICATE CA-CERTIFICATE`, \
                 or --private-key, --certificate and --ca-cert"
            );
        }
        let mut connection = ovsdb_client::Options::new(remotes.clone(), northbound::DATABASE);
        connection.tls = tls.clone();
        let tables = northbound::tables().into_iter();
        let client = Client::connect(tables.fold(connection, ovsdb_client::Options::table));
        Self {
            remotes,
            tls,
            known: false,
            client,
        }
    }
}

fn connect_to_switch(options: &Options) -> Client {
    info!(remote = %options.ovs, "connecting to the switch's database");
    let mut connection = ovsdb_client::Options::new(vec![options.ovs.clone()], database::DATABASE);
    connection.tls = options.tls.clone();
    let tables = database::tables().into_iter();
    Client::connect(tables.fold(connection, ovsdb_client::Options::table))
}

/// Opens and closes links until there is one to each bridge that needs one.
fn keep_links(
    links: &mut BTreeMap<String, Link>,
    reconciler: &mut Reconciler,
    needed: &BTreeSet<String>,
    open: impl Fn(&str) -> Link,
) {
    links.retain(|bridge, _| {
        let keep = needed.contains(bridge);
        if !keep {
            reconciler.session_ended(bridge);
        }
        keep
    });
    for bridge in needed {
        links.entry(bridge.clone()).or_insert_with(|| open(bridge));
    }
}
