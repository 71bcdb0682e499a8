//! A watch over a long time: some stations say without pause what others must not hear, and every packet that is heard is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ear::Ear;
use super::payload::{Carrier, Nonce, Probe, Sighting};
use super::talk::forbidden_frames;
use crate::Result;
use crate::raw::Raw;
use crate::shared::lock;
use crate::station::Station;

/// A speaker addresses one listener after the other, with this pause between.
const PAUSE: Duration = Duration::from_millis(2);

/// Who was heard by whom, by name: (speaker, listener) → packets.
pub type Heard = BTreeMap<(String, String), u32>;

/// A running watch. Ends when dropped, too.
pub struct Watch {
    stop: Arc<AtomicBool>,
    heard: Arc<Mutex<Heard>>,
    ears: Vec<Ear>,
    speakers: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Every speaker sends to every listener, by its address and to everybody, until [`stop`](Self::stop).
    ///
    /// # Errors
    /// When a station can not send or listen.
    pub fn start(speakers: &[&Station], listeners: &[&Station]) -> Result<Self> {
        let nonce = Nonce::new();
        let heard = Arc::<Mutex<Heard>>::default();
        let stop = Arc::new(AtomicBool::new(false));
        let names: BTreeMap<u32, String> = speakers
            .iter()
            .map(|one| (one.id(), one.name().to_owned()))
            .collect();
        let mut watch = Self {
            stop: Arc::clone(&stop),
            heard: Arc::clone(&heard),
            ears: Vec::new(),
            speakers: Vec::new(),
        };
        for listener in listeners {
            let (heard, names, at) = (
                Arc::clone(&heard),
                names.clone(),
                listener.name().to_owned(),
            );
            let ear = Ear::start(listener, nonce, move |Sighting { probe, .. }| {
                let from = names.get(&probe.from).cloned().unwrap_or_default();
                *lock(&heard).entry((from, at.clone())).or_default() += 1;
            });
            watch.ears.push(ear?);
        }
        for speaker in speakers {
            let raw = speaker.raw()?;
            let mut frames = Vec::new();
            for listener in listeners {
                for v6 in [false, true] {
                    let (from, to) = (speaker.id(), listener.id());
                    let probe = Probe {
                        nonce,
                        carrier: Carrier::Echo,
                        v6,
                        from,
                        to,
                        sequence: 0,
                        sent: 0,
                    };
                    frames.push(forbidden_frames(speaker, listener, &probe)?);
                }
            }
            let stop = Arc::clone(&stop);
            watch
                .speakers
                .push(thread::spawn(move || speak(&raw, &frames, &stop)));
        }
        Ok(watch)
    }

    /// Who was heard so far.
    #[must_use]
    pub fn heard(&self) -> Heard {
        lock(&self.heard).clone()
    }

    /// Ends the watch.
    #[must_use]
    pub fn stop(mut self) -> Heard {
        self.end();
        self.heard()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for speaker in self.speakers.drain(..) {
            // A panic there has been printed; that it was not heard is for the caller to notice.
            let _ = speaker.join();
        }
        self.ears.clear();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

fn speak(raw: &Raw, frames: &[Vec<Vec<u8>>], stop: &AtomicBool) {
    for frames in frames.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        for frame in frames {
            // The interface may be down or its queue full for a moment, while the caller changes things.
            let _ = raw.send(frame);
        }
        thread::sleep(PAUSE);
    }
}
