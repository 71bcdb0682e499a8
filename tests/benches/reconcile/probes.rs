//! A thousand packets a second between two namespaces, through `br-int` of the switch that is at work. How long one is on its way
//! counts from when it was really sent, so a sender that comes late makes no pause.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lab::{Endpoint, Identity};

use crate::host::{Rig, run};

const EVERY: Duration = Duration::from_millis(1);
/// How long a packet may be on its way before it is lost.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Probes<'r> {
    rig: &'r Rig,
    ends: [Endpoint; 2],
    arrived: Arc<Mutex<Vec<Arrival>>>,
    start: Instant,
    stop: Arc<AtomicBool>,
}

/// A packet that has arrived.
#[derive(Clone, Copy)]
struct Arrival {
    number: u64,
    /// Since the start.
    sent: Duration,
    took: Duration,
}

/// What became of the packets that were sent while something went on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    /// The longest that one of them took, or that none arrived for those that were lost, in milliseconds.
    pub(crate) longest: f64,
}

impl<'r> Probes<'r> {
    pub(crate) fn start(rig: &'r Rig) -> Self {
        let ends = [1, 2].map(|n: u8| {
            let mac = format!("02:00:00:00:ff:{n:02x}");
            let identity = Identity::new(&format!("p{n}"), &mac, &[&format!("10.99.0.{n}/24")]);
            rig.lab.plug(&rig.host, identity.unwrap()).unwrap()
        });
        let socket = |end: &Endpoint| {
            let address = end.address(false).unwrap();
            let socket = || Ok(UdpSocket::bind((address, 4000)).unwrap());
            end.namespace().run(socket).unwrap()
        };
        let (from, to) = (socket(&ends[0]), socket(&ends[1]));
        from.connect(to.local_addr().unwrap()).unwrap();
        let out = Self {
            rig,
            ends,
            arrived: Arc::default(),
            start: Instant::now(),
            stop: Arc::default(),
        };
        out.let_pass();
        lab::probe::ping(&out.ends[0], &out.ends[1], lab::PATIENCE).unwrap();
        let (start, stop) = (out.start, Arc::clone(&out.stop));
        std::thread::spawn(move || {
            go_first();
            let mut due = start.elapsed();
            for number in 0_u64.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let now = u64::try_from(start.elapsed().as_nanos()).unwrap();
                let packet = [number.to_be_bytes(), now.to_be_bytes()].concat();
                // While a bridge has no flows the kernel may have no neighbour: that is a packet lost.
                let _ = from.send(&packet);
                due = (due + EVERY).max(start.elapsed());
                std::thread::sleep(due.saturating_sub(start.elapsed()));
            }
        });
        let arrived = Arc::clone(&out.arrived);
        std::thread::spawn(move || {
            go_first();
            let mut bytes = [0; 16];
            while to.recv(&mut bytes).is_ok() {
                let now = start.elapsed();
                let (number, sent) = bytes.split_first_chunk::<8>().unwrap();
                let sent = u64::from_be_bytes(sent.try_into().unwrap());
                let sent = Duration::from_nanos(sent);
                let arrival = Arrival {
                    number: u64::from_be_bytes(*number),
                    sent,
                    took: now.saturating_sub(sent),
                };
                arrived.lock().unwrap().push(arrival);
            }
        });
        out
    }

    /// The flows that the packets need.
    pub(crate) fn let_pass(&self) {
        let number = |end: &Endpoint| self.rig.host.ofport(end.tap().unwrap()).unwrap().unwrap();
        let [a, b] = self.ends.each_ref().map(number);
        for (from, to) in [(a, b), (b, a)] {
            let flow = format!("priority=65535,in_port={from},actions=output:{to}");
            run(self.rig.ofctl(&["add-flow"], "br-int").arg(flow));
        }
    }

    /// What becomes of the packets that are sent while `work` goes on.
    pub(crate) fn during(&self, work: impl FnOnce()) -> Passage {
        self.wait_for(self.start.elapsed());
        self.arrived.lock().unwrap().clear();
        let from = self.start.elapsed();
        work();
        let until = self.start.elapsed();
        self.wait_for(until);
        let arrived = std::mem::take(&mut *self.arrived.lock().unwrap());
        let meanwhile = arrived
            .iter()
            .filter(|it| it.sent >= from && it.sent <= until);
        let longest = meanwhile.map(|it| it.took).max().unwrap_or_default();
        let (mut lost, mut longest) = (0, longest);
        for pair in arrived.windows(2) {
            let missing = pair[1].number.saturating_sub(pair[0].number + 1);
            if missing > 0 {
                lost += missing;
                longest = longest.max(pair[1].sent.saturating_sub(pair[0].sent));
            }
        }
        let numbers = arrived.iter().map(|it| it.number);
        let sent = numbers.clone().max().unwrap() - numbers.min().unwrap() + 1;
        Passage {
            sent,
            lost,
            longest: longest.as_secs_f64() * 1e3,
        }
    }

    /// Waits for a packet that was sent after `time`.
    fn wait_for(&self, time: Duration) {
        let deadline = Instant::now() + PATIENCE;
        let is_after = |it: &Arrival| it.sent > time;
        while !self.arrived.lock().unwrap().last().is_some_and(is_after) {
            assert!(Instant::now() < deadline, "no packet arrives any more");
            std::thread::sleep(EVERY);
        }
    }
}

/// Nothing else that the machine does keeps this thread from its work: it would be taken for a pause of the switch.
fn go_first() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let number = thread.file_name().unwrap().to_str().unwrap().to_owned();
    let status = Command::new("chrt")
        .args(["-f", "-p", "50", &number])
        .status();
    eprintln!(
        "{}",
        match status {
            Ok(status) if status.success() => "a probe goes before everything else (SCHED_FIFO)",
            _ =>
                "a probe shares the processor with everybody: pauses are those of the machine, too",
        }
    );
}

impl Drop for Probes<'_> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
