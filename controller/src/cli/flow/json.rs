//! What `heddle flow -o json` writes: objects of `flow.schema.json`. Knows nothing of files.

use flows::ofpkt::{ALL_TABLES, ANY_GROUP, FlowMod, FlowModCommand, Message};
use flows::text::Names;
use flows::{FieldMatch, Port, UnknownField, Version};
use serde_json::{Value, json};

/// A field that has no name, by its numbers.
fn numbers(field: &UnknownField<'_>) -> String {
    let experimenter = field
        .experimenter
        .map_or(String::new(), |id| format!(",experimenter={id:#010x}"));
    let UnknownField { class, number, .. } = field;
    format!("oxm(class={class:#06x}{experimenter},field={number})")
}

fn item(field: &str, value: String, mask: Option<String>) -> Value {
    match mask {
        None => json!({ "field": field, "value": value }),
        Some(mask) => json!({ "field": field, "value": value, "mask": mask }),
    }
}

/// A number of any length.
fn wide(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = if digits.is_empty() { "0" } else { &digits };
    format!("0x{digits}")
}

fn known(found: &FieldMatch<'_>) -> Value {
    let name = found.field.name();
    if found.field.is_tun_metadata() {
        let (value, mask) = found.wide;
        return item(name, wide(value), mask.map(wide));
    }
    let mask = (!found.is_exact()).then(|| format!("{:#x}", found.mask));
    item(name, format!("{:#x}", found.value), mask)
}

/// A change of flows as an object of `flow.schema.json`.
pub(super) fn flow(change: &FlowMod) -> Value {
    let flow = &change.flow;
    let command = match change.command {
        FlowModCommand::Add => "add",
        FlowModCommand::Modify => "modify",
        FlowModCommand::ModifyStrict => "modify_strict",
        FlowModCommand::Delete => "delete",
        FlowModCommand::DeleteStrict => "delete_strict",
    };
    let unknown = flow
        .matches
        .unknown()
        .map(|field| item(&numbers(&field), wide(field.value), field.mask.map(wide)));
    let fields: Vec<Value> = flow
        .matches
        .iter()
        .map(|f| known(&f))
        .chain(unknown)
        .collect();
    let table = Some(flow.table).filter(|table| *table != ALL_TABLES);
    json!({
        "command": command,
        "table": table,
        "priority": flow.priority,
        "cookie": format!("{:#x}", flow.cookie),
        "cookie_mask": format!("{:#x}", change.cookie_mask),
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "importance": flow.importance,
        "flags": flow.flags.0,
        "out_port": Some(change.out_port).filter(|port| *port != Port::ANY).map(|port| port.to_string()),
        "out_group": Some(change.out_group).filter(|group| *group != ANY_GROUP),
        "match": fields,
        "actions": flow.instructions.to_string(),
        "text": change.to_text(&Names::default()),
    })
}

/// A message as an object of `flow.schema.json`.
pub(super) fn message(bytes: &[u8], text: &str) -> Value {
    let version = bytes
        .first()
        .and_then(|v| Version::from_wire(*v))
        .map(|v| format!("1.{}", v.wire() - 1));
    let xid = bytes
        .get(4..8)
        .map(|b| b.iter().fold(0u32, |acc, byte| acc << 8 | u32::from(*byte)));
    let name = text.split(" (").next().filter(|_| text.contains("(xid="));
    let error = Message::decode(bytes).err();
    json!({
        "version": version,
        "xid": xid,
        "type": name,
        "text": text.trim_end(),
        "error": error.map(|e| json!({ "name": e.error.name(), "offset": e.offset })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flows::text::{parse_flow_mod, print_message};

    fn schema() -> Value {
        serde_json::from_str(include_str!("../flow.schema.json")).unwrap()
    }

    fn kind(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// What of a value is not as the schema has it. A word that is not known here is an error: the schema says nothing that
    /// is not tested.
    fn misfit(value: &Value, schema: &Value) -> Option<String> {
        let wrong = |word: &str| Some(format!("{value} is not as {word} says: {schema}"));
        for (word, said) in schema.as_object().unwrap() {
            let fits = match word.as_str() {
                "title" | "description" | "$schema" | "$defs" => true,
                "type" if said.is_array() => {
                    said.as_array().unwrap().iter().any(|k| k == kind(value))
                }
                "type" => said == kind(value),
                "enum" => said.as_array().unwrap().contains(value),
                "minimum" => value.is_null() || value.as_u64() >= said.as_u64(),
                "maximum" => value.is_null() || value.as_u64() <= said.as_u64(),
                "pattern" => {
                    assert_eq!(said, "^0x[0-9a-f]+$");
                    let digits = value.as_str().unwrap().strip_prefix("0x");
                    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(lower))
                }
                "required" => {
                    let names = said.as_array().unwrap();
                    let has = |object: &Value| {
                        names
                            .iter()
                            .all(|n| object.get(n.as_str().unwrap()).is_some())
                    };
                    value.is_null() || has(value)
                }
                "additionalProperties" => {
                    assert_eq!(said, false);
                    let known = schema["properties"].as_object().unwrap();
                    value
                        .as_object()
                        .is_none_or(|o| o.keys().all(|name| known.contains_key(name)))
                }
                "properties" => {
                    let members = value.as_object().into_iter().flatten();
                    for (name, member) in members {
                        if let Some(misfit) = said.get(name).and_then(|said| misfit(member, said)) {
                            return Some(misfit);
                        }
                    }
                    true
                }
                "items" => match value
                    .as_array()
                    .unwrap()
                    .iter()
                    .find_map(|v| misfit(v, said))
                {
                    Some(misfit) => return Some(misfit),
                    None => true,
                },
                other => panic!("{other}: not known to this test"),
            };
            if !fits {
                return wrong(word);
            }
        }
        None
    }

    #[test]
    fn flows_follow_the_schema() {
        let schema = &schema()["$defs"]["flow"];
        for text in [
            "actions=",
            "actions=drop",
            "table=3,ip,nw_src=10.0.0.0/8 actions=drop",
            "table=254,priority=65535,cookie=0xffffffffffffffff,idle_timeout=65535,hard_timeout=1,importance=2,send_flow_rem,\
             check_overlap,reset_counts,no_packet_counts,no_byte_counts,actions=1",
            "delete cookie=1/3",
            "delete_strict table=4,priority=7,out_port=LOCAL,out_group=5,dl_vlan=9",
            "modify tun_metadata0,actions=NORMAL",
            "modify_strict tun_metadata1=0x123456789abcdef0123456789abcdef0123456789abcdef01/0xfff,actions=2",
            "vlan_tci=0x1000/0x1000,ct_state=+trk-new,ct_label=0x1/0x3,actions=drop",
            "ipv6,ipv6_src=fe80::/10,nw_tos=252,nw_ecn=3,nw_frag=not_later,actions=IN_PORT",
            "mpls,mpls_label=7,mpls_tc=1,mpls_bos=1,mpls_ttl=9 actions=pop_mpls:0x0800",
            "tcp,tcp_flags=+syn-ack,tp_dst=0x10/0xfff0,actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])",
            "in_port=controller,xreg0=0x1/0xff,packet_type=(1,0x894f) actions=note:00.01.02,exit",
            "oxm(class=0xffff,experimenter=0x1234,field=3,value=0x00ff,mask=0x0fff) actions=drop",
        ] {
            let change = parse_flow_mod(text, FlowModCommand::Add, &Names::default());
            let change = change.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(misfit(&flow(&change), schema), None, "{text}");
        }
    }

    #[test]
    fn wide_values_lose_nothing() {
        let text = format!("tun_metadata2=0x{} actions=drop", "ab".repeat(40));
        let change = parse_flow_mod(&text, FlowModCommand::Add, &Names::default()).unwrap();
        let value = &flow(&change)["match"][0]["value"];
        assert_eq!(*value, format!("0x{}", "ab".repeat(40)));
    }

    #[test]
    fn messages_follow_the_schema() {
        let schema = &schema()["$defs"]["message"];
        for bytes in [
            &[5, 20, 0, 8, 0, 0, 0, 1][..],
            &[],
            &[5, 2],
            &[5, 77, 0, 8, 0, 0, 0, 1],
            &[99, 0, 0, 8, 0xff, 0xff, 0xff, 0xff],
            &[4, 14, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[6, 0, 0, 8, 0, 0, 0, 1, 2],
        ] {
            let text = print_message(bytes, 1, &Names::default());
            assert_eq!(misfit(&message(bytes, &text), schema), None, "{bytes:?}");
        }
    }

    #[test]
    fn the_test_of_the_schema_can_fail() {
        let schema = &schema()["$defs"]["message"];
        let good = json!({"version": "1.4", "xid": 1, "type": null, "text": "", "error": null});
        assert_eq!(misfit(&good, schema), None);
        for (name, bad) in [
            ("xid", json!(-1)),
            ("xid", json!(1u64 << 32)),
            ("text", json!(null)),
            ("more", json!(1)),
            ("error", json!({"name": "x"})),
        ] {
            let mut object = good.clone();
            object[name] = bad;
            assert!(misfit(&object, schema).is_some(), "{object}");
        }
    }
}
