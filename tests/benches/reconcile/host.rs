//! Host 0 of a large site, made of the agent's own parts: the reconciler, and a session with each bridge of a real switch.
//! What the database of the switch says is made up, because nothing here changes it.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use controller::agent::session::{Scope, Session, SessionEvent};
use controller::compile::Engine;
use controller::model::{Settings, Site};
use controller::reconcile::observation::Listed;
use controller::reconcile::observed::Observed;
use controller::reconcile::reconciler::{self, Reconciler};
use flows::Flow;
use lab::{HostPlan, Lab};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::large::host::{numbers, observed, settings};
use crate::large::{A_LARGE_HOST, host_id};

pub(crate) const BRIDGES: [&str; 2] = ["br-int", "br-tun"];

/// A real switch with two bridges, and what host 0 wants of them.
pub(crate) struct Rig {
    pub(crate) lab: Lab,
    _first: First,
    pub(crate) host: Arc<lab::Host>,
    pub(crate) site: Site,
    pub(crate) observed: Arc<Observed>,
    settings: Settings,
    /// All flows, by bridge.
    pub(crate) flows: [Vec<Flow>; 2],
    /// Those of all flows.
    cookies: Arc<[u64]>,
}

impl Rig {
    pub(crate) fn start() -> Self {
        eprintln!("starting a switch, compiling a large host's flows");
        let lab = Lab::new("reconcile").unwrap();
        let host = lab.hosts(1, &HostPlan::new()).unwrap().remove(0);
        for bridge in BRIDGES {
            let add = "datapath_type=netdev fail_mode=secure";
            host.vsctl(&format!("add-br {bridge} -- set bridge {bridge} {add}"))
                .unwrap();
        }
        let site = A_LARGE_HOST.site();
        let view = A_LARGE_HOST.view(&site, 500);
        let settings = settings();
        let observed = Arc::new(observed(&settings, &site, &view));
        let compiled = Engine::new(&site, view);
        let flows = BRIDGES.map(|bridge| {
            let flows = compiled.flows(bridge).unwrap().iter();
            flows.map(|(entry, _)| entry.flow().clone()).collect()
        });
        let mut cookies: Vec<u64> = flows
            .iter()
            .flatten()
            .map(|flow: &Flow| flow.cookie)
            .collect();
        cookies.sort_unstable();
        cookies.dedup();
        let rig = Self {
            lab,
            _first: First::go(),
            host,
            site,
            observed,
            settings,
            flows,
            cookies: cookies.into(),
        };
        rig.clear();
        rig.as_packaged();
        eprintln!("{} flows", rig.count());
        rig
    }

    /// The switch has the priority that Open vSwitch's own packages start it with (ovs-ctl(8), `--ovs-vswitchd-priority`).
    fn as_packaged(&self) {
        let mut renice = Command::new("renice");
        run(renice.args(["-n", "-10", "-p", &self.switch()]));
    }

    /// The number of the process of ovs-vswitchd.
    pub(crate) fn switch(&self) -> String {
        let dir = self.host.dir().display().to_string();
        crate::figures::process("ovs-vswitchd", &dir)
    }

    /// How many flows there are to be.
    pub(crate) fn count(&self) -> usize {
        self.flows.iter().map(Vec::len).sum()
    }

    pub(crate) fn socket(&self, bridge: &str) -> PathBuf {
        self.host.dir().join(format!("{bridge}.mgmt"))
    }

    /// `ovs-ofctl ARGUMENTS BRIDGE`.
    pub(crate) fn ofctl(&self, arguments: &[&str], bridge: &str) -> Command {
        let mut ofctl = Command::new("ovs-ofctl");
        ofctl.args(["-voff", "-O", "OpenFlow14"]).args(arguments);
        ofctl.arg(format!("unix:{}", self.socket(bridge).display()));
        ofctl
    }

    /// No flows at all.
    pub(crate) fn clear(&self) {
        for bridge in BRIDGES {
            run(&mut self.ofctl(&["del-flows"], bridge));
        }
    }

    /// How many flows the bridges have.
    pub(crate) fn there(&self) -> usize {
        let count = |bridge| {
            let output = self.ofctl(&["dump-aggregate"], bridge).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let (_, count) = text.trim().rsplit_once("flow_count=").unwrap();
            count.parse::<usize>().unwrap()
        };
        BRIDGES.into_iter().map(count).sum()
    }
}

/// This session goes before all others on a machine that gives each session its share (sched(7), the autogroup feature): what
/// others do there would be taken for the switch's doing.
struct First(Option<String>);

const AUTOGROUP: &str = "/proc/self/autogroup";

impl First {
    fn go() -> Self {
        let before = std::fs::read_to_string(AUTOGROUP).ok();
        let nice = before.and_then(|text| Some(text.trim().rsplit_once(' ')?.1.to_owned()));
        let went = nice.filter(|_| std::fs::write(AUTOGROUP, "-20").is_ok());
        if went.is_none() {
            eprintln!(
                "the switch shares the processor with everybody: pauses are those of the machine, too"
            );
        }
        Self(went)
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if let Some(nice) = &self.0 {
            let _ = std::fs::write(AUTOGROUP, nice);
        }
    }
}

pub(crate) fn run(command: &mut Command) {
    command.stdout(Stdio::null());
    assert!(command.status().unwrap().success());
}

/// The agent's parts. See the [module](self).
pub(crate) struct Agent<'r> {
    rig: &'r Rig,
    pub(crate) site: Site,
    pub(crate) reconciler: Reconciler,
    talks: Vec<Talk>,
    runtime: tokio::runtime::Runtime,
}

/// A session and its socket.
struct Talk {
    bridge: &'static str,
    stream: UnixStream,
    session: Session,
    buffer: Vec<u8>,
}

/// A bridge, and the list of its flows that its session has begun with.
pub(crate) struct Began(&'static str, Vec<Listed>);

impl<'r> Agent<'r> {
    /// One that has compiled everything, and has no session.
    pub(crate) fn compiled(rig: &'r Rig) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut agent = Self {
            rig,
            site: rig.site.clone(),
            reconciler: Reconciler::default(),
            talks: Vec::new(),
            runtime,
        };
        agent.begin(BRIDGES.map(|bridge| Began(bridge, Vec::new())).into());
        let _ = agent.step();
        agent.disconnect();
        agent
    }

    fn step(&mut self) -> (Vec<reconciler::Command>, reconciler::Report) {
        let Self { rig, site, .. } = self;
        let host = Some(host_id(0));
        self.reconciler
            .step(&rig.settings, host, &rig.observed, site)
    }

    pub(crate) fn disconnect(&mut self) {
        self.talks.clear();
        for bridge in BRIDGES {
            self.reconciler.session_ended(bridge);
        }
    }

    /// Connects to both bridges and lists what they have, which the reconciler is not told yet.
    pub(crate) fn connect(&mut self) -> Vec<Began> {
        let rig = self.rig;
        let guard = self.runtime.enter();
        self.talks = BRIDGES
            .map(|bridge| {
                let stream = std::os::unix::net::UnixStream::connect(rig.socket(bridge)).unwrap();
                stream.set_nonblocking(true).unwrap();
                let scope = Scope {
                    table: None,
                    cookies: Arc::clone(&rig.cookies),
                };
                Talk {
                    bridge,
                    stream: UnixStream::from_std(stream).unwrap(),
                    session: Session::new(scope),
                    buffer: vec![0; 64 * 1024],
                }
            })
            .into();
        drop(guard);
        let mut lists = BRIDGES.map(|bridge| Began(bridge, Vec::new()));
        let mut began = 0;
        while began < BRIDGES.len() {
            for (bridge, event) in self.exchange() {
                let mut lists = lists.iter_mut();
                match event {
                    SessionEvent::Listed(listed) => {
                        let Began(_, list) = lists.find(|list| list.0 == bridge).unwrap();
                        list.push(listed);
                    }
                    SessionEvent::Began { .. } => began += 1,
                    _ => {}
                }
            }
        }
        lists.into()
    }

    /// Tells the reconciler of them.
    pub(crate) fn begin(&mut self, began: Vec<Began>) {
        for Began(bridge, list) in began {
            let ports = numbers(&self.rig.observed.bridges[bridge]);
            for listed in list {
                self.reconciler.flows_listed(bridge, listed);
            }
            self.reconciler.session_began(bridge, ports);
        }
    }

    /// Until the switch has acknowledged everything; how many changes of flows that took.
    pub(crate) fn settle(&mut self) -> usize {
        let mut sent = 0;
        loop {
            let (commands, report) = self.step();
            for command in commands {
                match command {
                    reconciler::Command::Program { bridge, changes } => {
                        sent += changes.len();
                        let mut talks = self.talks.iter_mut();
                        let talk = talks.find(|talk| talk.bridge == bridge).unwrap();
                        assert!(talk.session.program(changes).is_empty());
                    }
                    reconciler::Command::Transact(changes) => panic!("{changes:?}"),
                }
            }
            if report.applied.is_some() {
                return sent;
            }
            for (bridge, event) in self.exchange() {
                match event {
                    SessionEvent::Acknowledged => self.reconciler.bundle_acknowledged(bridge),
                    SessionEvent::Refused { error } => panic!("{error}"),
                    _ => {}
                }
            }
        }
    }

    /// Writes what there is to say until something of interest is said.
    fn exchange(&mut self) -> Vec<(&'static str, SessionEvent)> {
        let [first, second] = &mut self.talks[..] else {
            panic!("not connected");
        };
        self.runtime.block_on(async {
            let mut events = Vec::new();
            while events.is_empty() {
                first.write();
                second.write();
                let interests = [first.interest(), second.interest()];
                tokio::select! {
                    ready = first.stream.ready(interests[0]) => drop(ready.unwrap()),
                    ready = second.stream.ready(interests[1]) => drop(ready.unwrap()),
                }
                first.read(&mut events);
                second.read(&mut events);
            }
            events
        })
    }
}

impl Talk {
    fn interest(&mut self) -> Interest {
        if self.session.output().is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        }
    }

    fn write(&mut self) {
        while !self.session.output().is_empty() {
            match self.stream.try_write(self.session.output()) {
                Ok(count) => drop(self.session.output().drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn read(&mut self, events: &mut Vec<(&'static str, SessionEvent)>) {
        match self.stream.try_read(&mut self.buffer) {
            Ok(0) => panic!("the switch has closed the connection"),
            Ok(count) => {
                let found = self.session.handle_bytes(&self.buffer[..count]).unwrap();
                events.extend(found.into_iter().map(|event| (self.bridge, event)));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}
