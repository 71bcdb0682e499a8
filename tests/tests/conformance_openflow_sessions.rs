//! The sessions and packet traces of Open vSwitch's own test suite: each against a private switch, in which every `ovs-ofctl`
//! is heddle's own code ([`tests::ofctl`]) and all else the real program. What each step must print, the real switch must
//! have understood first; a trace's datapath actions prove that our bytes mean the right thing.
//!
//! The records are not part of the repository: `HEDDLE_VECTORS` says where they are; where they are absent, the test says so.
//! To tell a fault of this harness from one of heddle's, `HEDDLE_OFCTL=real` runs the real `ovs-ofctl` instead, and
//! `HEDDLE_SESSION=TEXT` only the records whose id or title contains the text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::VecDeque;
use std::io::Write;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::PrivateSwitch;
use tests::ofctl::{Answer, Ofctl};
use tests::vectors::{Account, Verdict, records, say, text};

/// How many switches run side by side: they wait more than they work.
const WORKERS: usize = 6;
/// How long what a switch does on its own may take until it shows.
const SETTLING: Duration = Duration::from_secs(5);

/// One record at work.
struct Session<'a> {
    switch: PrivateSwitch,
    ofctl: Ofctl,
    steps: &'a [Value],
    /// What Open vSwitch 3.1 says otherwise: the steps' numbers.
    deviates: Vec<usize>,
    real: bool,
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// Text that may be given in hexadecimal.
fn text_of(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let digits = value.get("hex")?.as_str()?.as_bytes();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), String> {
        for number in 0..self.steps.len() {
            self.step(number).map_err(|why| {
                let argv = strings(&self.steps[number]["argv"]).join(" ");
                format!("step {number}: {argv}\n   {why}")
            })?;
        }
        Ok(())
    }

    fn step(&mut self, number: usize) -> Result<(), String> {
        let step = &self.steps[number];
        if let Some(files) = step["files"].as_object() {
            for (name, content) in files {
                let content = text_of(content).ok_or("a file without text")?;
                std::fs::write(self.switch.dir().join(name), content).unwrap();
            }
        }
        if let Some(file) = step["file"].as_str() {
            return self.await_file(file, step);
        }
        let argv = strings(&step["argv"]);
        if matches!(argv[..], ["ovs-appctl", "-t", _, "exit"]) {
            self.before_exit(number);
        }
        // What a switch does behind the scenes shows a little later: questions are asked again.
        let deadline = Instant::now() + SETTLING;
        loop {
            let answer = self.answer(step, &argv)?;
            let result = self.check(number, &answer);
            if result.is_ok() || !is_question(&argv) || Instant::now() > deadline {
                return result;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answer(&mut self, step: &Value, argv: &[&str]) -> Result<Answer, String> {
        let stdin = step["stdin"].as_str().unwrap_or_default();
        let log = step["redirect"]["err"].as_str();
        for stream in ["out", "err"] {
            if let Some(file) = step["redirect"][stream].as_str() {
                std::fs::write(self.switch.dir().join(file), "").unwrap();
            }
        }
        let mut answer = match argv {
            // A program of the test suite for Open vSwitch's own reader of packets, which no switch has a part in.
            ["ovs-ofctl", "parse-pcap", arguments @ ..] => self.real(
                "ovs-ofctl",
                &[&["parse-pcap"], arguments].concat(),
                stdin,
                step,
            ),
            ["ovs-ofctl", arguments @ ..] if !self.real => {
                self.ofctl.run(arguments, stdin, log.unwrap_or("stderr"))?
            }
            ["ovs-appctl", "-t", target, arguments @ ..]
                if !self.real && (*target == "ovs-ofctl" || target.starts_with("./")) =>
            {
                self.ofctl.control(target, arguments)?
            }
            [program, arguments @ ..] => self.real(program, arguments, stdin, step),
            [] => return Err("no command".to_owned()),
        };
        if let Some(file) = step["redirect"]["out"].as_str()
            && !(self.real && argv[0] == "ovs-ofctl")
        {
            append(
                &self.switch.dir().join(file),
                &std::mem::take(&mut answer.out),
            );
        }
        Ok(answer)
    }

    fn real(&self, program: &str, arguments: &[&str], stdin: &str, step: &Value) -> Answer {
        let mut command = self.switch.command(program);
        command.args(arguments).stdin(Stdio::piped());
        let open = |name: &str| {
            let mut options = std::fs::File::options();
            options.create(true).append(true);
            Stdio::from(options.open(self.switch.dir().join(name)).unwrap())
        };
        // A monitor goes on writing after this command has ended, and must not be ended with it.
        let stays = arguments.contains(&"--detach");
        if stays {
            command.env_remove("OVS_CTL_TIMEOUT");
        }
        let [out, err] = ["out", "err"].map(|stream| {
            let file = step["redirect"][stream].as_str();
            let file = file.or(stays.then_some("stderr"));
            file.filter(|_| program == "ovs-ofctl")
                .map_or_else(Stdio::piped, open)
        });
        let mut child = command.stdout(out).stderr(err).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let _ = pipe.write_all(stdin.as_bytes());
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        Answer {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().unwrap_or(-1),
        }
    }

    /// Compares what a step has said with what it must say.
    fn check(&self, number: usize, answer: &Answer) -> Result<(), String> {
        let step = &self.steps[number];
        let said = format!("said {:?} and {:?}", answer.out, answer.err);
        let agrees = !self.deviates.contains(&number);
        if let Some(status) = step["status"].as_i64()
            && agrees
            && status != i64::from(answer.status)
        {
            return Err(format!(
                "status {} instead of {status}, {said}",
                answer.status
            ));
        }
        for expect in step["expect"].as_array().into_iter().flatten() {
            if expect["oracle_ok"] != Value::Bool(true) {
                continue;
            }
            let have = match expect["stream"].as_str() {
                Some("out") => answer.out.clone(),
                Some("err") => answer.err.clone(),
                _ => format!("{}{}", answer.out, answer.err),
            };
            self.compare(&have, expect)
                .map_err(|why| format!("{why}\n   {said}"))?;
        }
        for (key, label) in [
            ("datapath_actions", "Datapath actions: "),
            ("megaflow", "Megaflow: "),
            ("final_flow", "Final flow: "),
        ] {
            let Some(want) = step[key].as_str().filter(|_| agrees) else {
                continue;
            };
            let mut lines = answer.out.lines().filter_map(|l| l.strip_prefix(label));
            if !lines.any(|have| have == want) {
                return Err(format!("{label}{want} expected; {said}"));
            }
        }
        Ok(())
    }

    fn compare(&self, have: &str, expect: &Value) -> Result<(), String> {
        let want = text_of(&expect["text"]).unwrap_or_default();
        let mut filtered = have.to_owned();
        for filter in expect["filters"].as_array().into_iter().flatten() {
            filtered = self.filter(&strings(filter), &filtered);
        }
        // In other words, but refused by the same side.
        let refuses = |text: &str| text.lines().any(|line| line.starts_with("ovs-ofctl: "));
        if filtered == want || (!self.real && refuses(&filtered) && refuses(&want)) {
            Ok(())
        } else {
            Err(format!(
                "have {filtered}\n   want {want}\n   before filters {have}"
            ))
        }
    }

    /// One filter of text.
    fn filter(&self, argv: &[&str], input: &str) -> String {
        match argv {
            ["uuidfilt"] => uuidfilt(input),
            [program, arguments @ ..] => self.real(program, arguments, input, &Value::Null).out,
            [] => input.to_owned(),
        }
    }

    /// Waits until a file has the content it must have: what a monitor is told takes its time.
    fn await_file(&self, file: &str, step: &Value) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let content = std::fs::read_to_string(self.switch.dir().join(file)).unwrap_or_default();
            let mut result = Ok(());
            for expect in step["expect"].as_array().into_iter().flatten() {
                if expect["oracle_ok"] == Value::Bool(true) {
                    result = result.and_then(|()| self.compare(&content, expect));
                }
            }
            if result.is_ok() || Instant::now() > deadline {
                return result;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A monitor ends only after it has been told what it must write: there the suite waits for the number of lines.
    fn before_exit(&self, number: usize) {
        let after = self.steps.iter().skip(number);
        let next = after
            .take_while(|step| !strings(&step["argv"]).contains(&"monitor"))
            .find(|step| step["file"].is_string());
        if let Some(step) = next {
            // Whether the file has it is judged at its own step.
            let _ = self.await_file(step["file"].as_str().unwrap_or_default(), step);
        }
    }
}

fn append(path: &std::path::Path, text: &str) {
    let mut options = std::fs::File::options();
    let mut file = options.create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// True for commands that change nothing.
fn is_question(argv: &[&str]) -> bool {
    let words: Vec<&str> = argv
        .iter()
        .copied()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let asks = |word: &str| {
        let last = word.rsplit('/').next().unwrap_or_default();
        ["dump", "show", "queue-", "meter-", "get"]
            .iter()
            .any(|start| last.starts_with(start))
            || last.ends_with("show")
    };
    words.iter().skip(1).take(3).any(|word| asks(word))
}

/// Numbers UUIDs in the order in which they come.
fn uuidfilt(input: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut rest = input;
    while !rest.is_empty() {
        let is_uuid = rest.get(..36).is_some_and(|word| {
            word.bytes().enumerate().all(|(i, byte)| match i {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
        });
        if is_uuid {
            let (word, after) = rest.split_at(36);
            let place = seen.iter().position(|known| known == word);
            let place = place.unwrap_or_else(|| {
                seen.push(word.to_owned());
                seen.len() - 1
            });
            out += &format!("<{place}>");
            rest = after;
        } else {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out
}

/// The steps whose answer of Open vSwitch 3.1 is on record because it is another.
fn deviations(record: &Value) -> Vec<usize> {
    let told = text(record, "oracle_text").unwrap_or_default();
    told.lines()
        .filter_map(|line| line.strip_prefix("step ")?.split(':').next()?.parse().ok())
        .collect()
}

/// True if the real `ovs-ofctl` is asked, to judge this harness.
fn is_real() -> bool {
    std::env::var("HEDDLE_OFCTL").is_ok_and(|value| value == "real")
}

fn run(record: &Value) -> Verdict {
    let steps = record["args"]["steps"].as_array().unwrap();
    if steps
        .iter()
        .any(|step| step["dynamic"] == Value::Bool(true))
    {
        return Verdict::Unasked("arguments that only exist at run time");
    }
    let options: Vec<String> = strings(&record["args"]["daemon"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    let switch = PrivateSwitch::start(&options);
    let mut session = Session {
        ofctl: Ofctl::new(switch.dir()),
        switch,
        steps,
        deviates: deviations(record),
        real: is_real(),
    };
    session.run().into()
}

#[test]
fn sessions_of_open_vswitch() {
    let Some(all) = records("openflow-open.jsonl") else {
        return;
    };
    let only = std::env::var("HEDDLE_SESSION").unwrap_or_default();
    let asked: VecDeque<&Value> = all
        .iter()
        .filter(|record| matches!(record["kind"].as_str(), Some("session" | "trace")))
        .filter(|record| {
            ["id", "title"]
                .iter()
                .any(|key| text(record, key).unwrap_or_default().contains(&only))
        })
        .collect();
    let queue = Mutex::new(asked);
    let unpassed = if is_real() {
        ""
    } else {
        include_str!("conformance_openflow.unpassed")
    };
    let account = Mutex::new(Account::new(unpassed));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop_front();
                    let Some(record) = next else { return };
                    let begin = Instant::now();
                    let mut verdict = run(record);
                    let listed = account.lock().unwrap().expects_failure(record);
                    if let (Verdict::Failed(why), false) = (&verdict, listed) {
                        // A few records hang on the order of threads in the switch (flows of one priority that overlap):
                        // what is wrong in heddle fails on the next switch as well.
                        say(&format!(
                            "conformance: once more on another switch: {}: {}",
                            text(record, "id").unwrap_or_default(),
                            why.lines().next().unwrap_or_default()
                        ));
                        verdict = run(record);
                    }
                    if !only.is_empty() || begin.elapsed() > Duration::from_secs(20) {
                        let id = text(record, "id").unwrap_or_default();
                        say(&format!("{id}: {:?}", begin.elapsed()));
                    }
                    account.lock().unwrap().add(record, verdict);
                }
            });
        }
    });
    account.into_inner().unwrap().close();
}
