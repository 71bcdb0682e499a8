//! `heddle flow` as a program: what it does with inputs that people should not give it, and with readers that go away.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails with what is missing"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

fn heddle(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_heddle"))
        .arg("flow")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Exit code, standard output and standard error for an input.
fn run(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = heddle(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The most memory that a process has had, in bytes.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[test]
fn bad_lines_are_told_with_their_place_and_the_rest_comes_out() {
    let input = b"# flows\r\nactions=drop\r\n\nnonsense\ntable=1,ip,nw_src=10.0.0.256,actions=1\n\
        in_port=1\0,actions=2\nin_port=2 # \xff\n\xc3\x28,actions=3\nmodify tcp,actions=4\ndelete_strict ip";
    let (code, out, err) = run(&["parse"], input);
    assert_eq!(
        out,
        "actions=drop\nmodify tcp actions=output:4\ndelete_strict ip\n"
    );
    let places: Vec<&str> = err.lines().map(|l| l.split(": ").next().unwrap()).collect();
    let expected = [
        "<stdin>:4:1",
        "<stdin>:5:19",
        "<stdin>:6:9",
        "<stdin>:7:10",
        "<stdin>:8:1",
        "heddle",
    ];
    assert_eq!(places, expected, "{err}");
    assert!(
        err.ends_with("heddle: 5 of 8 lines are not flows\n"),
        "{err}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn inputs_of_other_editors_and_other_hands_are_read_or_told_why_not() {
    // A byte order mark, ends of lines of another system, tabs, and zeros that mean nothing.
    let input = b"\xef\xbb\xbfin_port=1,actions=2\r\n\r\n\tip,\tnw_src=010.0.0.1\tactions=drop\r\n";
    let (code, out, err) = run(&["parse"], input);
    assert_eq!(
        out,
        "in_port=1 actions=output:2\nip,nw_src=10.0.0.1 actions=drop\n"
    );
    assert_eq!((code, err), (Some(0), String::new()));
    let (_, out, err) = run(&["parse"], b"actions=1\n\xef\xbb\xbfactions=2\n");
    assert_eq!(out, "actions=output:1\n");
    assert!(err.starts_with("<stdin>:2:1: unknown keyword"), "{err}");
    let told = |line: &str, why: &str| {
        let (code, out, err) = run(&["parse"], line.as_bytes());
        assert_eq!((code, out.as_str()), (Some(1), ""), "{line}");
        assert!(
            err.starts_with(&format!("<stdin>:1:{why}\n")),
            "{line}: {err}"
        );
    };
    told(
        "ip,nw_src=10.0.0.1/33,actions=2",
        "20: \"33\": invalid mask: expected a prefix length of 0 to 32 or an address",
    );
    told(
        "ip,nw_src=10.0.0.1/,actions=2",
        "20: \"\": invalid mask: expected a prefix length of 0 to 32 or an address",
    );
    told(
        "ipv6,ipv6_src=::/129,actions=2",
        "18: \"129\": invalid mask: expected a prefix length of 0 to 128 or an address",
    );
    told(
        "ipv6,ipv6_src=1::2::3,actions=2",
        "15: 1::2::3: invalid IPv6 address: expected x:x:x:x:x:x:x:x",
    );
    let (code, out, err) = run(&["parse"], b"");
    assert_eq!((code, out, err), (Some(0), String::new(), String::new()));
    for (file, why) in [("/", "Is a directory"), ("/no/such/file", "No such file")] {
        let (code, out, err) = run(&["parse", file], b"");
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.starts_with(&format!("heddle: {file}: {why}")), "{err}");
    }
}

#[test]
fn what_packets_need_not_have_is_left_out_with_a_warning() {
    let input = b"nw_src=1.2.3.4,actions=drop\n\tdelete reg0=1, tcp_dst=80,udp # all\nip,nw_src=1.2.3.4 actions=1\n\
        tp_src=1,tp_src=2,nd_target=::1,icmp6,actions=2";
    let (code, out, err) = run(&["parse"], input);
    assert_eq!(
        out,
        "actions=drop\ndelete udp,reg0=0x1,tp_dst=80\nip,nw_src=1.2.3.4 actions=output:1\n\
         icmp6,icmp_type=2 actions=output:2\n"
    );
    let theirs = "is not matched, because packets of this match need not have it: expected";
    assert_eq!(
        err,
        format!(
            "<stdin>:1:1: warning: nw_src {theirs} ip beside it\n\
             <stdin>:4:19: warning: nd_target {theirs} icmp6,icmp_type=135 or icmp6,icmp_type=136 beside it\n"
        )
    );
    assert_eq!(code, Some(0));
    // The priority of a tag that need not be there has no words in OpenFlow 1.2 and up.
    let priority = b"vlan_tci=0x6000/0xe000,actions=drop\n";
    for (version, warnings) in [("OpenFlow10", 0), ("OpenFlow13", 1)] {
        let (code, out, err) = run(&["parse", "-o", "ofctl", "-O", version], priority);
        assert_eq!(
            (code, out.contains("vlan_tci")),
            (Some(0), warnings == 0),
            "{out}"
        );
        assert_eq!(
            err.matches(":1:1: warning: vlan_tci: the priority").count(),
            warnings,
            "{err}"
        );
    }
    // The message is the same in every form.
    let (_, hex, err) = run(&["parse", "-o", "hex", "-O", "OpenFlow13"], input);
    assert_eq!(err.lines().count(), 2, "{err}");
    let (_, without, err) = run(&["parse", "-o", "hex", "-O", "OpenFlow13"], out.as_bytes());
    assert_eq!((hex, err), (without, String::new()));
    let (_, json, _) = run(&["parse", "-o", "json"], b"nw_dst=1.2.3.4,actions=drop");
    assert!(!json.contains("1.2.3.4"), "{json}");
}

#[test]
fn ports_and_tables_may_have_names() {
    let input = b" cookie=0x0, table=classify, in_port=eth0 actions=resubmit(eth1,forward),output:\"eth 2\"\n";
    let (code, out, err) = run(
        &[
            "parse",
            "--ports",
            "eth0=1,eth1=2,\"eth 2\"=3",
            "--tables",
            "classify=0,forward=60",
        ],
        input,
    );
    assert_eq!(
        err,
        "heddle: \"\\\"eth 2\\\"=3\" is no name, expected NAME=NUMBER\n"
    );
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let named = [
        "parse",
        "--ports",
        "eth0=1,eth1=2",
        "--tables",
        "classify=0,forward=60",
    ];
    let (code, out, err) = run(
        &named,
        b" cookie=0x0, table=classify, in_port=eth0 actions=resubmit(eth1,forward),output:eth1\n",
    );
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, "in_port=1 actions=resubmit(2,60),output:2\n");
    let (code, _, err) = run(&["parse"], b"in_port=eth0 actions=drop\n");
    assert_eq!(code, Some(1));
    assert!(err.starts_with("<stdin>:1:9: eth0: "), "{err}");
}

#[test]
fn hexadecimal_is_the_message_with_transaction_id_0() {
    let (code, out, _) = run(
        &["parse", "-O", "OpenFlow14", "-o", "hex"],
        b"table=3,actions=goto_table:4",
    );
    assert_eq!(code, Some(0));
    assert!(out.starts_with("050e004000000000"), "{out}");
    let (code, text, _) = run(&["decode"], out.as_bytes());
    assert_eq!(code, Some(0));
    assert_eq!(
        text,
        "OFPT_FLOW_MOD (OF1.4) (xid=0x0): ADD table:3 actions=goto_table:4\n"
    );
    let (code, text, err) = run(&["decode"], b"050e0048\n05zz\n050\n0502000800000001");
    assert_eq!(code, Some(1));
    assert!(
        text.ends_with("OFPT_ECHO_REQUEST (OF1.4) (xid=0x1): 0 bytes of payload\n"),
        "{text}"
    );
    assert!(
        err.starts_with("<stdin>:2:3: 'z' is no digit, expected"),
        "{err}"
    );
    assert!(err.contains("<stdin>:3:4: half a byte, expected"), "{err}");
}

#[test]
fn without_a_protocol_it_is_that_of_ovs_ofctl() {
    // All flows of a file take the form that the most demanding of them needs.
    let (_, out, _) = run(&["parse", "-o", "ofctl"], b"actions=drop");
    assert_eq!(out, "OFPT_FLOW_MOD (xid=0x1): ADD actions=drop\n");
    let (_, out, _) = run(
        &["parse", "-o", "ofctl"],
        b"actions=drop\ntable=1,reg0=5,actions=2",
    );
    assert_eq!(
        out,
        "NXT_FLOW_MOD (xid=0x1): ADD table:255 actions=drop\n\
         NXT_FLOW_MOD (xid=0x2): ADD table:1 reg0=0x5 actions=output:2\n"
    );
}

#[test]
fn an_endless_line_is_passed_over_in_bounded_memory() {
    let mut child = heddle(&["parse"]);
    let mut stdin = child.stdin.take().unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        stdin.write_all(&piece).unwrap();
    }
    assert!(peak(&child) < 40 << 20, "{}", peak(&child));
    stdin.write_all(b"\nactions=drop\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"actions=drop\n");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("<stdin>:1:1048577: "), "{err}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_endless_input_is_read_in_bounded_memory_until_the_reader_goes() {
    let mut child = heddle(&["parse", "-o", "json"]);
    let mut stdin = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let lines = "table=20,priority=100,dl_vlan=7,actions=pop_vlan,output:3\n".repeat(1000);
        // Until nobody reads it any more.
        while stdin.write_all(lines.as_bytes()).is_ok() {}
    });
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..20_000 {
        line.clear();
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with('{') && line.ends_with("}\n"), "{line}");
    }
    assert!(peak(&child) < 100 << 20, "{}", peak(&child));
    drop(out);
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(err, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    feeder.join().unwrap();
}

#[test]
fn what_comes_slowly_is_answered_at_once() {
    let mut child = heddle(&["parse"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for n in 1..4 {
        // The end of the next line is there, but not its beginning's sense.
        write!(stdin, "in_port={n},actions=drop\nin_port={n}").unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, format!("in_port={n} actions=drop\n"));
        writeln!(stdin, ",actions=2").unwrap();
        line.clear();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, format!("in_port={n} actions=output:2\n"));
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
