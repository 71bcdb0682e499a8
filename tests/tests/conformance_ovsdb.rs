//! The OVSDB vectors of Open vSwitch's own test suite: every record is run and counted by kind. What the client has no part
//! in (the server evaluates conditions and mutations and keeps the log; tools read values from command lines) is counted too. Records that do not pass must be
//! listed, with a reason, in `conformance_ovsdb.unpassed`; a listed record that passes is an error too.
//!
//! The vectors are not part of the repository: `HEDDLE_VECTORS` says where they are; where they are absent, the test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb_client::replica::Layout;
use ovsdb_client::schema::{BaseType, ColumnSchema, ColumnType, Schema, TableSchema};
use ovsdb_client::value::decode::DatumSeed;
use ovsdb_client::value::{Datum, difference};
use ovsdb_client::{Client, Condition, Event, MonitorTable, Options, Remote, Row, RowChange};
use serde::de::DeserializeSeed;
use serde_json::{Value, json};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn vectors() -> Option<PathBuf> {
    let dir = std::env::var_os("HEDDLE_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
        PathBuf::from,
    );
    Some(dir.join("ovsdb-open.jsonl")).filter(|file| file.exists())
}

/// What a record is to the client.
enum Verdict {
    Passed,
    Failed(String),
    /// Only servers and other tools do it.
    Elsewhere,
}

fn parse(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// JSON as ovsdb-server writes it: whole numbers without a point.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                json!(float as i64)
            }
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        other => other.clone(),
    }
}

/// The lines of the record's answer for what these functions accept; refusals are lines of words.
struct Record<'r>(&'r Value);

impl Record<'_> {
    fn operands(&self) -> Vec<&str> {
        let operands = self.0["args"]["operands"].as_array();
        operands
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|operand| *operand != "--")
            .collect()
    }

    /// Compares an answer with the record's: text where it was accepted, only the fact where it was refused.
    fn judge(&self, answer: Result<String, String>) -> Verdict {
        let accepted = self.0["status"] == 0;
        let expected = self.0["expected_text"].as_str().unwrap_or_default();
        match answer {
            Ok(text) if accepted && text.trim_end() == expected.trim_end() => Verdict::Passed,
            Err(_) if !accepted => Verdict::Passed,
            other => Verdict::Failed(format!("{other:?}, expected {expected:?}")),
        }
    }

    fn json(&self) -> Verdict {
        let text = self.0["text"].as_str().unwrap_or_default();
        let multiple = self.0["args"]["options"]
            .as_array()
            .is_some_and(|o| o.contains(&json!("--multiple")));
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text)
            .into_iter()
            .collect();
        let values = match values {
            // A message is an object, and what ovsdb-server reads at least an array.
            Ok(values)
                if values
                    .iter()
                    .all(|value| value.is_array() || value.is_object()) =>
            {
                values
            }
            Ok(_) => return self.judge(Err("neither an object nor an array".to_owned())),
            Err(error) => return self.judge(Err(error.to_string())),
        };
        if !multiple && values.len() != 1 {
            return self.judge(Err("not just one".to_owned()));
        }
        let text: String = values
            .iter()
            .map(|value| plain(value).to_string() + "\n")
            .collect();
        let expected = self.0["expected_text"].as_str().unwrap_or_default();
        let expected: Result<Vec<Value>, _> = expected.lines().map(serde_json::from_str).collect();
        match expected {
            Ok(expected) if self.0["status"] == 0 && same(&json!(values), &json!(expected)) => {
                Verdict::Passed
            }
            _ => self.judge(Ok(text)),
        }
    }

    fn type_of(&self, parse_type: impl Fn(&Value) -> Result<Value, String>) -> Verdict {
        let json = parse(self.operands()[0]).map(|json| match json {
            Value::Array(mut one) => one.remove(0),
            other => other,
        });
        self.judge(
            json.and_then(|json| parse_type(&json))
                .map(|json| json.to_string()),
        )
    }

    fn column_type(&self) -> ColumnType {
        let json = match parse(self.operands()[0]).unwrap() {
            Value::Array(mut one) => one.remove(0),
            other => other,
        };
        ColumnType::from_json("type", &json).unwrap()
    }

    fn data(&self) -> Verdict {
        let column = self.column_type();
        let mut text = String::new();
        for operand in &self.operands()[1..] {
            match parse(operand).and_then(|json| decode(&column, &alone(json).to_string())) {
                Ok(datum) => text += &(plain(&json!(datum)).to_string() + "\n"),
                Err(error) => return self.judge(Err(error)),
            }
        }
        self.judge(Ok(text))
    }

    /// Atoms one by one: each is printed, or refused in a line of words.
    fn atoms(&self) -> Verdict {
        let base = match parse(self.operands()[0]).unwrap() {
            Value::Array(mut one) => one.remove(0),
            other => other,
        };
        let base = BaseType::from_json("type", &base).unwrap();
        let column = ColumnType::scalar(base.clone());
        let expected: Vec<&str> = self.0["expected_text"]
            .as_str()
            .unwrap_or_default()
            .lines()
            .collect();
        for (at, operand) in self.operands()[1..].iter().enumerate() {
            let json = match parse(operand) {
                Ok(Value::Array(mut one)) if one.len() == 1 => one.remove(0),
                Ok(other) => other,
                Err(error) => return self.judge(Err(error)),
            };
            let datum = decode(&column, &json.to_string());
            let line = expected.get(at).copied().unwrap_or("nothing");
            let refused = line.starts_with("constraint violation") || line.starts_with("syntax");
            match datum {
                Ok(datum) if !refused && base.allows(datum.as_scalar().unwrap()) => {
                    let found = plain(&json!(datum)).to_string();
                    if found != line {
                        return Verdict::Failed(format!("{found}, expected {line}"));
                    }
                }
                Ok(datum) if refused && !base.allows(datum.as_scalar().unwrap()) => {}
                Err(_) if refused => {}
                other => return Verdict::Failed(format!("{other:?}, expected {line}")),
            }
        }
        Verdict::Passed
    }

    fn sort(&self) -> Verdict {
        let column = self.column_type();
        let atoms = parse(self.operands()[1]).unwrap();
        let set = ColumnType::set(column.key);
        let sorted = decode(&set, &json!(["set", atoms]).to_string());
        self.judge(sorted.map(|datum| plain(&json!(datum.as_set().unwrap())).to_string()))
    }

    fn differences(&self) -> Verdict {
        let column = self.column_type();
        let mut text = String::new();
        for pair in self.operands()[1..].chunks(2) {
            let [old, new] = [pair[0], pair[1]].map(|operand| match parse(operand).unwrap() {
                // A scalar stands in an array of its own.
                Value::Array(mut one) if one.len() == 1 => {
                    decode(&column, &one.remove(0).to_string())
                }
                other => {
                    let counted = ColumnType {
                        max: None,
                        min: 0,
                        ..column.clone()
                    };
                    decode(&counted, &other.to_string())
                }
            });
            let (old, new) = (old.unwrap(), new.unwrap());
            let difference = if column.is_single() {
                new.clone()
            } else {
                difference::between(&old, &new).unwrap()
            };
            let applied = if column.is_single() {
                difference.clone()
            } else {
                difference::apply(&old, &difference).unwrap()
            };
            if !column.allows_count(applied.len()) {
                return self.judge(Err("too many elements".to_owned()));
            }
            assert_eq!(applied, new);
            let json = |datum: &Datum| plain(&json!(datum)).to_string();
            text += &format!(
                "diff: {}\napply diff: {}\napply diff in place: {}\nOK\n",
                json(&difference),
                json(&applied),
                json(&applied)
            );
        }
        self.judge(Ok(text))
    }

    /// The default of each type, beside what RFC 7047 §5.2.1 says it is.
    fn defaults(&self) -> Verdict {
        let types = [
            ("integer", json!(0)),
            ("real", json!(0)),
            ("boolean", json!(false)),
            ("string", json!("")),
            (
                "uuid",
                json!(["uuid", "00000000-0000-0000-0000-000000000000"]),
            ),
        ];
        let mut text = String::new();
        for min in [0, 1] {
            for (key, key_default) in &types {
                let void = ("void", Value::Null);
                for (value, value_default) in std::iter::once(&void).chain(&types) {
                    let mut json = json!({"key": key, "min": min, "max": 1});
                    let expected = match (*value, min) {
                        ("void", 0) => json!(["set", []]),
                        ("void", _) => key_default.clone(),
                        (_, 0) => json!(["map", []]),
                        _ => json!(["map", [[key_default, value_default]]]),
                    };
                    if *value != "void" {
                        json["value"] = json!(value);
                    }
                    let column = ColumnType::from_json("type", &json).unwrap();
                    let found = plain(&json!(column.default_datum()));
                    let verdict = if found == expected { "OK" } else { "wrong" };
                    text += &format!("key {key}, value {value}, n_min {min}: {verdict}\n");
                }
            }
        }
        self.judge(Ok(text))
    }

    /// Which of the named rows are equal.
    fn equal_rows(&self) -> Verdict {
        let table = TableSchema::from_json("t", &parse(self.operands()[0]).unwrap()).unwrap();
        let types = table.columns.iter();
        let types = types.map(|(name, column)| (name.clone(), column.column_type.clone()));
        let layout = std::sync::Arc::new(Layout::new("t", types.collect()));
        let mut rows: Vec<(String, Row)> = Vec::new();
        let mut found = Vec::new();
        for operand in &self.operands()[1..] {
            let pair = parse(operand).unwrap();
            let data = layout
                .columns()
                .map(|(name, column)| match pair[1].get(name) {
                    Some(json) => decode(column, &json.to_string()).unwrap(),
                    None => column.default_datum(),
                });
            let row = Row::new(uuid::Uuid::nil(), layout.clone(), data.collect()).unwrap();
            let name = pair[0].as_str().unwrap().to_owned();
            let equal = rows.iter().filter(|(_, other)| *other == row);
            found.extend(equal.map(|(other, _)| format!("{other} == {name}")));
            rows.push((name, row));
        }
        found.sort();
        let expected = self.0["expected_text"].as_str().unwrap_or_default();
        let mut expected: Vec<&str> = expected.lines().filter(|line| !line.is_empty()).collect();
        expected.sort_unstable();
        match found == expected {
            true => Verdict::Passed,
            false => Verdict::Failed(format!("{found:?}, expected {expected:?}")),
        }
    }

    /// Rows and the columns that are not at their default.
    fn rows(&self) -> Verdict {
        let table = TableSchema::from_json("t", &parse(self.operands()[0]).unwrap()).unwrap();
        let zero = json!(["uuid", "00000000-0000-0000-0000-000000000000"]);
        let mut text = String::new();
        for operand in &self.operands()[1..] {
            let given = parse(operand).unwrap();
            let mut row = serde_json::Map::from_iter([
                ("_uuid".to_owned(), zero.clone()),
                ("_version".to_owned(), zero.clone()),
            ]);
            let mut named: Vec<&str> = Vec::new();
            for (name, column) in &table.columns {
                let mut datum = column.column_type.default_datum();
                if let Some(json) = given.get(name) {
                    datum = match decode(&column.column_type, &json.to_string()) {
                        Ok(datum) => datum,
                        Err(error) => return self.judge(Err(error)),
                    };
                    named.push(name);
                }
                row.insert(name.clone(), plain(&json!(datum)));
            }
            let named = if named.is_empty() {
                "<none>".to_owned()
            } else {
                named.join(", ")
            };
            text += &format!("{}\n{named}\n", Value::Object(row));
        }
        self.judge(Ok(text))
    }

    /// Transactions on a real server, through the client.
    fn execute(&self) -> Verdict {
        let schema = &self.0["args"]["schema"];
        let server = match self.0["args"]["command"] == "execute-readonly" {
            // A backup whose source is not there takes no writes.
            true => Server::start_with(schema, &["--sync-from=unix:/nowhere"]),
            false => Server::start(schema),
        };
        let name = schema["name"].as_str().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let text = runtime.block_on(async {
            let mut client = Client::connect(Options::new(vec![server.remote()], name));
            client.synced(PATIENCE).await.unwrap();
            let mut text = String::new();
            for transaction in self.0["args"]["transactions"].as_array().unwrap() {
                // The text goes as it is: a name that stands twice is the server's to judge.
                let params = parse(transaction.as_str().unwrap()).unwrap();
                let result = client.call("transact", &params).await;
                text += &match result {
                    Ok(result) => format!("{result}\n"),
                    Err(error) => format!("{error}\n"),
                };
            }
            text
        });
        let found = without_uuids(&text);
        // What the newest release says, or the one that was asked: either may be installed here.
        let expected: Vec<String> = ["expected_text", "oracle_text"]
            .iter()
            .filter_map(|name| self.0[name].as_str())
            .map(without_uuids)
            .collect();
        if expected
            .iter()
            .any(|expected| found.trim_end() == expected.trim_end())
        {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("{found}\nexpected\n{}", expected.join("\nor\n")))
        }
    }

    /// A monitor on a real server: what the client tells, beside what `ovsdb-client monitor` prints.
    fn monitor(&self) -> Verdict {
        let args = &self.0["args"];
        let conditional = args["command"] == "monitor-cond";
        let table = args["table"].as_str().unwrap();
        let schema = Schema::from_json(&args["schema"]).unwrap();
        let server = Server::start(&args["schema"]);
        let options = || Options::new(vec![server.remote()], &schema.name);
        let words = args["columns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let (unwanted, columns): (Vec<&str>, Vec<&str>) = words
            .flat_map(|words| words.split(','))
            .partition(|word| word.starts_with('!'));
        let mut monitor = MonitorTable::new(table);
        if !columns.is_empty() {
            monitor = monitor.columns(columns);
        }
        let conditions = args["condition"].as_str().map_or(Vec::new(), |text| {
            let conditions: Vec<(String, String, Value)> = serde_json::from_str(text).unwrap();
            conditions
        });
        for (column, function, value) in conditions {
            assert_eq!(function, "==", "the only one in use");
            let column_type = &schema.tables[table].columns[&column].column_type;
            monitor = monitor.condition(Condition::equal(
                &column,
                decode(column_type, &value.to_string()).unwrap(),
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let blocks = runtime.block_on(async {
            let transactions = |name: &str| {
                let texts = args[name].as_array().into_iter().flatten();
                texts
                    .map(|text| parse(text.as_str().unwrap()).unwrap())
                    .collect::<Vec<_>>()
            };
            let mut writer = Client::connect(options());
            writer.synced(PATIENCE).await.unwrap();
            for transaction in transactions("before") {
                writer.call("transact", &transaction).await.unwrap();
            }
            let mut client = Client::connect(options().table(monitor));
            client.synced(PATIENCE).await.unwrap();
            let mut blocks = Vec::new();
            for transaction in
                std::iter::once(None).chain(transactions("transactions").into_iter().map(Some))
            {
                if let Some(transaction) = transaction {
                    // Its changes are told before its reply.
                    client.call("transact", &transaction).await.unwrap();
                }
                while let Ok(event) = tokio::time::timeout(Duration::ZERO, client.next()).await {
                    let (changes, inserted) = match event {
                        Event::Synced(changes) => (changes, "initial"),
                        Event::Changed(changes) => (changes, "insert"),
                        _ => continue,
                    };
                    let lines = changes
                        .iter()
                        .flat_map(|change| monitor_lines(change, inserted, conditional));
                    let wanted =
                        lines.filter(|(kind, _)| !unwanted.contains(&format!("!{kind}").as_str()));
                    let mut block: Vec<String> = wanted.map(|(_, line)| line).collect();
                    block.sort();
                    blocks.push(block);
                }
            }
            blocks
        });
        let found: Vec<Vec<String>> = blocks
            .into_iter()
            .filter(|block| !block.is_empty())
            .collect();
        let expected: Vec<Vec<String>> = self.0["expected_text"]
            .as_str()
            .unwrap()
            .split("\n\n")
            .map(|block| {
                let header: Vec<String> = csv(block.lines().next().unwrap());
                let mut lines: Vec<String> = block
                    .lines()
                    .skip(1)
                    .map(|line| {
                        let cells = header
                            .iter()
                            .zip(csv(line))
                            .filter(|(name, _)| *name != "row" && *name != "_version");
                        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
                    })
                    .collect();
                lines.sort();
                lines
            })
            .collect();
        if found == expected {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("{found:?}, expected {expected:?}"))
        }
    }

    fn run(&self) -> Verdict {
        let json_error = |error: ovsdb_client::schema::SchemaError| error.to_string();
        let kind = self.0["kind"].as_str().unwrap();
        let command = self.0["args"]["command"].as_str().unwrap_or_default();
        match (kind, command) {
            ("ovsdb-json", _) => self.json(),
            (_, "parse-atomic-type" | "parse-base-type") => self.type_of(|json| {
                BaseType::from_json("type", json)
                    .map(|base| base.to_json())
                    .map_err(json_error)
            }),
            (_, "parse-type") => self.type_of(|json| {
                ColumnType::from_json("type", json)
                    .map(|t| t.to_json())
                    .map_err(json_error)
            }),
            (_, "parse-atoms") => self.atoms(),
            (_, "parse-data") => self.data(),
            (_, "sort-atoms") => self.sort(),
            (_, "diff-data") => self.differences(),
            (_, "parse-rows") => self.rows(),
            (_, "parse-column") => {
                let json = parse(self.operands()[1]).unwrap();
                self.judge(
                    ColumnSchema::from_json("c", &json)
                        .map(|c| c.to_json().to_string())
                        .map_err(json_error),
                )
            }
            (_, "parse-table") => {
                let operands = self.operands();
                let json = parse(operands[1]).unwrap();
                let root_by_default = operands.get(2) == Some(&"true");
                let table = TableSchema::from_json(operands[0], &json);
                self.judge(
                    table
                        .map(|t| t.to_json(root_by_default).to_string())
                        .map_err(json_error),
                )
            }
            (_, "parse-schema") => {
                let schema = Schema::from_json(&parse(self.operands()[0]).unwrap());
                self.judge(
                    schema
                        .map(|schema| schema.to_json().to_string())
                        .map_err(json_error),
                )
            }
            (_, "execute" | "execute-readonly") => self.execute(),
            (_, "default-data") => self.defaults(),
            (_, "compare-rows") => self.equal_rows(),
            (_, "monitor" | "monitor-cond") => self.monitor(),
            _ => Verdict::Elsewhere,
        }
    }
}

/// One change as `ovsdb-client monitor` prints it, without the row's UUIDs: the kind that may be left out, and the line.
fn monitor_lines(
    change: &RowChange,
    inserted: &'static str,
    conditional: bool,
) -> Vec<(&'static str, String)> {
    let cells = |row: &Row, blank: &dyn Fn(&str, &Datum) -> bool| {
        let cells = row.columns().map(|(name, datum)| {
            if blank(name, datum) {
                String::new()
            } else {
                json!(datum).to_string()
            }
        });
        cells.collect::<Vec<_>>().join(",")
    };
    let default = |row: &Row, name: &str, datum: &Datum| {
        let layout = row.layout();
        layout
            .position(name)
            .and_then(|at| layout.column_type(at))
            .is_some_and(|t| t.default_datum() == *datum)
    };
    match change {
        // A conditional monitor leaves defaults out, and tells nothing of what a deleted row was.
        RowChange::Inserted { new } => {
            let cells = cells(new, &|name, datum| conditional && default(new, name, datum));
            vec![(inserted, format!("{inserted},{cells}"))]
        }
        RowChange::Deleted { old } => vec![(
            "delete",
            format!("delete,{}", cells(old, &|_, _| conditional)),
        )],
        RowChange::Modified { old, new } => {
            let unchanged = |name: &str, datum: &Datum| new.get(name) == Some(datum);
            vec![
                ("modify", format!("old,{}", cells(old, &unchanged))),
                ("modify", format!("new,{}", cells(new, &|_, _| false))),
            ]
        }
    }
}

/// The cells of a line of RFC 4180.
fn csv(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cells.last_mut().unwrap().push(chars.next().unwrap())
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// What stands in an array of its own.
fn alone(json: Value) -> Value {
    match json {
        Value::Array(mut one) if one.len() == 1 => one.remove(0),
        other => other,
    }
}

/// Equal but for the last digits of numbers, of which ovsdb-server writes 15.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a != b => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-14
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

fn decode(column: &ColumnType, json: &str) -> Result<Datum, String> {
    let json = parse(json)?;
    DatumSeed::whole(column)
        .deserialize(&json)
        .map_err(|error| error.to_string())
}

/// Every UUID, and every `<number>` that stands for one, by the order of their appearance. The two rows of an index that
/// collide are told in any order.
fn without_uuids(text: &str) -> String {
    let mut known = Vec::<&str>::new();
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let uuid = rest.get(..36).filter(|word| {
            word.matches('-').count() == 4
                && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        });
        let placeholder = rest
            .starts_with('<')
            .then(|| rest.find('>').and_then(|end| rest.get(..=end)))
            .flatten();
        let Some(word) = uuid.or(placeholder) else {
            result.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[word.len()..];
        if result.ends_with("with UUID ") {
            result += "<?>";
            continue;
        }
        let at = known
            .iter()
            .position(|known| *known == word)
            .unwrap_or_else(|| {
                known.push(word);
                known.len() - 1
            });
        result += &format!("<{at}>");
    }
    result
}

/// A private ovsdb-server, ended with its owner.
struct Server {
    dir: tempfile::TempDir,
    process: Child,
}

impl Server {
    fn start(schema: &Value) -> Self {
        Self::start_with(schema, &[])
    }

    fn start_with(schema: &Value, args: &[&str]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("conformance-")
            .tempdir()
            .unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("schema"), schema.to_string()).unwrap();
        let created = Command::new("ovsdb-tool")
            .arg("create")
            .args([file("db"), file("schema")])
            .status();
        assert!(created.expect("Open vSwitch is installed").success());
        let process = Command::new("ovsdb-server")
            .args(["--no-chdir", "--log-file=/dev/null"])
            .arg(format!("--remote=punix:{}", file("sock").display()))
            .arg(format!("--unixctl={}", file("ctl").display()))
            .args(args)
            .arg(file("db"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { dir, process };
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(server.dir.path().join("sock")).is_err() {
            assert!(Instant::now() < deadline, "ovsdb-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn remote(&self) -> Remote {
        Remote::Unix(self.dir.path().join("sock"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn records_of_the_suite() {
    let Some(file) = vectors() else {
        println!("no vectors here: HEDDLE_VECTORS names their directory");
        return;
    };
    let unpassed: BTreeMap<&str, &str> = include_str!("conformance_ovsdb.unpassed")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(' ').expect("an id and a reason"))
        .collect();
    let mut counts = BTreeMap::<String, [usize; 3]>::new();
    let mut wrong = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let id = record["id"].as_str().unwrap();
        let counts = counts
            .entry(record["kind"].as_str().unwrap().to_owned())
            .or_default();
        match (Record(&record).run(), unpassed.contains_key(id)) {
            (Verdict::Passed, false) => counts[0] += 1,
            (Verdict::Passed, true) => wrong.push(format!("{id} passes, but is listed")),
            (Verdict::Failed(_), true) => counts[1] += 1,
            (Verdict::Failed(why), false) => wrong.push(format!("{id}: {why}")),
            (Verdict::Elsewhere, _) => counts[2] += 1,
        }
    }
    for (kind, [passed, listed, of_servers]) in &counts {
        println!(
            "{kind}: {passed} passed, {listed} listed as not passing, {of_servers} not of the client"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
