//! What `heddle-lab` leaves behind when it does not come to its end: nothing.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use lab::Signal;
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the demo and waits until it has booted a part of its hosts; with the id of its lab.
fn demo_in_mid_boot() -> (Child, String) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_heddle-lab"));
    // A demo that had to build heddle first would boot nothing for a long time.
    demo.env(lab::HEDDLE_VARIABLE, lab::heddle().unwrap());
    let mut demo = demo.arg("demo").stdout(Stdio::null()).spawn().unwrap();
    let id = format!("{:x}-0", demo.id());
    lab::wait::until_true("the demo has started processes", PATIENCE, || {
        assert_eq!(demo.try_wait().unwrap(), None, "the demo ended by itself");
        Ok(lab::find_all()?
            .iter()
            .any(|lab| lab.id == id && lab.size().0 >= 2))
    })
    .unwrap();
    (demo, id)
}

fn signal(child: &mut Child, signal: Signal) -> ExitStatus {
    nix::sys::signal::kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    child.wait().unwrap()
}

fn is_gone(id: &str) -> bool {
    let namespaces = std::fs::read_dir("/run/netns").unwrap();
    let prefix = format!("hl-{id}-");
    let mut namespaces =
        namespaces.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    !Path::new("/run/heddle-lab").join(id).exists()
        && !namespaces.any(|name| name.starts_with(&prefix))
}

#[test]
fn an_interrupted_demo_takes_everything_down() {
    for (number, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let (mut demo, id) = demo_in_mid_boot();
        assert_eq!(signal(&mut demo, number).code(), Some(code));
        assert!(is_gone(&id), "{number}");
    }
}

#[test]
fn what_a_killed_demo_left_is_removed_by_the_next_lab() {
    let (mut demo, id) = demo_in_mid_boot();
    signal(&mut demo, Signal::SIGKILL);
    // Any lab that starts meanwhile, of another test too, may have done it already.
    let _lab = lab::Lab::new("next").unwrap();
    lab::wait::until_true("the killed demo's lab is removed", PATIENCE, || {
        Ok(is_gone(&id))
    })
    .unwrap();
}
