//! Reading what tables can do, as `ovs-ofctl dump-table-features` prints it: a table that is like the one before it is told as
//! such, so each is read with the one before it at hand.

use super::dump::{DumpError, actions, lines, placed};
use super::{Fault, Parsed, value};
use crate::Version;
use crate::field::Field;
use crate::ofpkt::{TableFeatures, oxm};
use crate::text::message::table_features::{Actions, Features, Fields, INSTRUCTIONS, Instructions};

/// Reads what `ovs-ofctl dump-table-features` prints in this version, whose numbers the properties get.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_table_features_dump(
    text: &str,
    version: Version,
) -> Result<Vec<TableFeatures>, DumpError> {
    tables(text, version)
        .map(|tables| tables.iter().map(|table| table.to_wire(version)).collect())
        .map_err(|fault| placed(fault, text))
}

/// Which packets the lines at hand are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Nothing,
    All,
    Matched,
    Missed,
    Matching,
}

/// Which actions the lines at hand are about: those of the action set, those done at once.
type Kinds = (bool, bool);

fn tables(text: &str, version: Version) -> Parsed<'_, Vec<Features>> {
    let mut found: Vec<Features> = Vec::new();
    let (mut about, mut kinds) = (About::Nothing, (true, true));
    for line in lines(text) {
        let said = line.trim();
        if let Some(head) = said
            .strip_prefix("tables ")
            .or_else(|| said.strip_prefix("table "))
        {
            begin(head, &mut found)?;
            (about, kinds) = (About::Nothing, (true, true));
            continue;
        }
        let (last, before) = match found.as_mut_slice() {
            [.., before, last] => (last, Some(&*before)),
            [last] => (last, None),
            [] => return Err(Fault::new(said, format!("{said}: expected table N:"))),
        };
        if !last.property(said)? && !last.block(said, before, &mut about)? {
            last.ability(said, before, about, &mut kinds, version)?;
        }
    }
    for table in &mut found {
        table.matches.extend(&table.masks);
    }
    Ok(found)
}

/// Begins a table, or several that are like the one before.
fn begin<'a>(head: &'a str, found: &mut Vec<Features>) -> Parsed<'a, ()> {
    let wrong = || {
        Fault::new(
            head,
            format!("{head}: expected N:, N: ditto or N...M: ditto"),
        )
    };
    let (which, rest) = head.rsplit_once(':').ok_or_else(wrong)?;
    let (numbers, name) = match which.split_once(" (\"") {
        Some((numbers, name)) => (numbers, name.strip_suffix("\")").ok_or_else(wrong)?),
        None => (which, ""),
    };
    let (first, last) = numbers.split_once("...").unwrap_or((numbers, numbers));
    let (first, last) = (value::u8(first, "table")?, value::u8(last, "table")?);
    let ditto = rest.trim() == "ditto";
    if first > last || (first != last && !ditto) {
        return Err(wrong());
    }
    if let Some(before) = found.last().filter(|before| before.table >= first) {
        let what = format!(
            "table {first} after table {}: tables count upwards",
            before.table
        );
        return Err(Fault::new(head, what));
    }
    for table in first..=last {
        let mut features = match found.last() {
            Some(before) if ditto => before.clone(),
            None if ditto => return Err(Fault::new(head, format!("{head}: like what?"))),
            _ => Features::default(),
        };
        (features.table, features.name) = (table, name.to_owned());
        features.matched.next.remove(&table);
        features.missed.next.remove(&table);
        found.push(features);
    }
    Ok(())
}

impl Features {
    /// Lines about the table as a whole.
    fn property<'a>(&mut self, said: &'a str) -> Parsed<'a, bool> {
        if let Some(rest) = said.strip_prefix("metadata: match=") {
            let (readable, writable) = rest.split_once(" write=").unwrap_or((rest, "0"));
            self.metadata = (value::u64(readable)?, value::u64(writable)?);
        } else if let Some(max) = said.strip_prefix("max_entries=") {
            self.max_entries = value::u32(max)?;
        } else if let Some(able) = said.strip_prefix("eviction: ") {
            self.eviction = Some(able == "supported");
        } else if let Some(able) = said.strip_prefix("vacancy events: ") {
            self.vacancy = Some(able == "supported");
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Lines that begin a part, or say that a whole part is like the one of the table before.
    fn block<'a>(
        &mut self,
        said: &'a str,
        before: Option<&Self>,
        about: &mut About,
    ) -> Parsed<'a, bool> {
        let like = || before.ok_or_else(|| Fault::new(said, format!("{said}: as which?")));
        match said {
            "instructions (table miss and others):" => *about = About::All,
            "instructions (other than table miss):" => *about = About::Matched,
            "instructions (table miss):" => *about = About::Missed,
            "matching:" => *about = About::Matching,
            // Within a part this is about the list of instructions alone.
            "(same instructions)" if *about == About::Nothing => self.do_as(like()?),
            "(same matching)" => self.match_as(like()?),
            "(same features)" => {
                let before = like()?;
                self.do_as(before);
                self.match_as(before);
                self.metadata = before.metadata;
                self.max_entries = before.max_entries;
                (self.eviction, self.vacancy) = (before.eviction, before.vacancy);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn do_as(&mut self, before: &Self) {
        self.matched.clone_from(&before.matched);
        self.missed.clone_from(&before.missed);
        // Packets only go to later tables.
        self.matched.next.remove(&self.table);
        self.missed.next.remove(&self.table);
    }

    fn match_as(&mut self, before: &Self) {
        self.matches.clone_from(&before.matches);
        self.masks.clone_from(&before.masks);
        self.wildcards.clone_from(&before.wildcards);
    }

    /// Lines about what can be done or matched.
    fn ability<'a>(
        &mut self,
        said: &'a str,
        before: Option<&Self>,
        about: About,
        kinds: &mut Kinds,
        version: Version,
    ) -> Parsed<'a, ()> {
        if about == About::Matching {
            return self.matching(said);
        }
        for missed in [false, true] {
            let chosen = match about {
                About::All => true,
                About::Matched => !missed,
                About::Missed => missed,
                About::Nothing | About::Matching => false,
            };
            if chosen {
                let (part, other) = if missed {
                    (&mut self.missed, before.map(|before| &before.missed))
                } else {
                    (&mut self.matched, before.map(|before| &before.matched))
                };
                part.read(said, other, kinds, version)?;
            }
        }
        if about == About::Nothing {
            let what = format!(
                "{said}: expected metadata, eviction, vacancy events, max_entries, instructions or matching"
            );
            return Err(Fault::new(said, what));
        }
        Ok(())
    }

    fn matching<'a>(&mut self, said: &'a str) -> Parsed<'a, ()> {
        if let Some(list) = said.strip_prefix("arbitrary mask:") {
            let fields = fields(list)?;
            self.wildcards.extend(&fields);
            self.masks.extend(&fields);
        } else if let Some(list) = said.strip_prefix("exact match or wildcard:") {
            let fields = fields(list)?;
            self.wildcards.extend(&fields);
            self.matches.extend(&fields);
        } else if let Some(list) = said.strip_prefix("must exact match:") {
            self.matches.extend(&fields(list)?);
        } else {
            let what = format!(
                "{said}: expected arbitrary mask, exact match or wildcard, or must exact match"
            );
            return Err(Fault::new(said, what));
        }
        Ok(())
    }

    fn to_wire(&self, version: Version) -> TableFeatures {
        let capabilities = if version >= Version::V14 {
            u32::from(self.eviction == Some(true)) << 2 | u32::from(self.vacancy == Some(true)) << 3
        } else {
            0
        };
        let mut properties = Vec::new();
        let mut both = |kind: u16, put: &dyn Fn(&Instructions) -> Vec<u8>| {
            properties.push((kind, put(&self.matched)));
            properties.push((kind + 1, put(&self.missed)));
        };
        both(0, &|part| numbers(part.instructions));
        both(2, &|part| part.next.iter().copied().collect());
        both(4, &|part| numbers(part.write.actions));
        both(6, &|part| numbers(part.apply.actions));
        both(12, &|part| headers(&part.write.fields, None, version));
        both(14, &|part| headers(&part.apply.fields, None, version));
        properties.push((8, headers(&self.matches, Some(&self.masks), version)));
        properties.push((10, headers(&self.wildcards, None, version)));
        properties.sort_by_key(|(kind, _)| *kind);
        TableFeatures {
            table: self.table,
            command: 0,
            flags: 0,
            name: self.name.clone(),
            metadata_match: self.metadata.0,
            metadata_write: self.metadata.1,
            capabilities,
            max_entries: self.max_entries,
            properties,
        }
    }
}

impl Instructions {
    fn read<'a>(
        &mut self,
        said: &'a str,
        before: Option<&Self>,
        kinds: &mut Kinds,
        version: Version,
    ) -> Parsed<'a, ()> {
        let like = || before.ok_or_else(|| Fault::new(said, format!("{said}: as which?")));
        let both = |kinds: &Kinds, part: &mut Self, change: &dyn Fn(&mut Actions)| {
            if kinds.0 {
                change(&mut part.write);
            }
            if kinds.1 {
                change(&mut part.apply);
            }
        };
        match said {
            "(same instructions)" => self.instructions = like()?.instructions,
            "(same actions)" => {
                let before = like()?;
                self.write.clone_from(&before.write);
                self.apply.clone_from(&before.apply);
            }
            "Write-Actions and Apply-Actions features:" => *kinds = (true, true),
            "Write-Actions features:" => *kinds = (true, false),
            "Apply-Actions features:" => *kinds = (false, true),
            _ => {
                if let Some(list) = said.strip_prefix("next tables:") {
                    self.next = next_tables(list.trim())?;
                } else if let Some(list) = said.strip_prefix("instructions:") {
                    self.instructions = instructions(list)?;
                } else if let Some(list) = said.strip_prefix("actions:") {
                    let bits = actions(list, version)?;
                    both(kinds, self, &|actions| actions.actions = bits);
                } else if let Some(list) = said.strip_prefix("supported on Set-Field:") {
                    let fields = fields(list)?;
                    both(kinds, self, &|actions| actions.fields.clone_from(&fields));
                } else {
                    let what = format!(
                        "{said}: expected next tables, instructions, actions or supported on Set-Field"
                    );
                    return Err(Fault::new(said, what));
                }
            }
        }
        Ok(())
    }
}

/// `1-253,255`.
fn next_tables(text: &str) -> Parsed<'_, std::collections::BTreeSet<u8>> {
    let mut found = std::collections::BTreeSet::new();
    for part in text.split(',').filter(|part| *part != "none") {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        found.extend(value::u8(first, "table")?..=value::u8(last, "table")?);
    }
    Ok(found)
}

fn instructions(text: &str) -> Parsed<'_, u32> {
    let mut bits = 0u32;
    for word in text.split_whitespace() {
        let known = INSTRUCTIONS.iter().find(|(_, name)| *name == word);
        let (number, _) =
            known.ok_or_else(|| Fault::new(word, format!("{word}: no instruction")))?;
        bits |= 1u32.checked_shl(*number).unwrap_or(0);
    }
    Ok(bits)
}

/// Numbers of instructions or actions, each with its length.
fn numbers(bits: u32) -> Vec<u8> {
    (0u16..32)
        .filter(|number| bits >> number & 1 == 1)
        .flat_map(|number| [number.to_be_bytes(), [0, 4]].concat())
        .collect()
}

/// Headers of fields; those in `masked` say that there may be a mask.
fn headers(fields: &Fields, masked: Option<&Fields>, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        if let Some(id) = field.wire_id(version) {
            let masked = masked.is_some_and(|masked| masked.contains(field));
            oxm::put_header(&mut out, id, masked, usize::from(field.info().bytes));
        }
    }
    out
}

/// How deep names share what they begin with.
const MAX_DEPTH: u8 = 8;

/// Fields in a list such as `reg0...reg31 eth_{src,dst} tun_{id,gbp_{id,flags}}`.
fn fields(text: &str) -> Parsed<'_, Fields> {
    let mut found = Fields::new();
    let rest = expand(text, "", &mut found, 0)?;
    if rest.is_empty() {
        Ok(found)
    } else {
        Err(Fault::new(
            rest,
            format!("{rest}: a brace that was never opened"),
        ))
    }
}

/// Reads names that begin with `prefix` up to the end or a closing brace; what is behind it.
fn expand<'a>(text: &'a str, prefix: &str, found: &mut Fields, depth: u8) -> Parsed<'a, &'a str> {
    if depth > MAX_DEPTH {
        return Err(Fault::new(text, "names are nested too deep"));
    }
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let end = rest.find([' ', ',', '{', '}']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match after.as_bytes().first() {
            Some(b'{') => {
                let inner = after.split_at(1).1;
                let behind = expand(inner, &format!("{prefix}{word}"), found, depth + 1)?;
                rest = behind
                    .strip_prefix('}')
                    .ok_or_else(|| Fault::new(inner, "expected a closing brace"))?;
            }
            _ if word.is_empty() => return Ok(after),
            _ => {
                add(word, prefix, found)?;
                rest = after;
            }
        }
    }
}

/// Adds a field, or several whose names count up.
fn add<'a>(word: &'a str, prefix: &str, found: &mut Fields) -> Parsed<'a, ()> {
    let known = |name: &str| {
        Field::from_name(&format!("{prefix}{name}"))
            .ok_or_else(|| Fault::new(word, format!("unknown field {prefix}{name}")))
    };
    let Some((first, last)) = word.split_once("...") else {
        found.insert(known(word)?);
        return Ok(());
    };
    let stem = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = |text: &'a str| text.strip_prefix(stem).and_then(|n| n.parse::<u8>().ok());
    let (Some(from), Some(to)) = (number(first), number(last)) else {
        let what = format!("{word}: expected names that end in numbers");
        return Err(Fault::new(word, what));
    };
    for n in from..=to {
        found.insert(known(&format!("{stem}{n}"))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::format_table_features;

    #[test]
    fn lists_of_fields() {
        let names = |text| -> Vec<&str> {
            fields(text)
                .unwrap()
                .iter()
                .map(|field| field.name())
                .collect()
        };
        assert_eq!(
            names(" eth_{src,dst} reg2...reg4"),
            ["reg2", "reg3", "reg4", "eth_src", "eth_dst"]
        );
        assert_eq!(
            names(" tun_{id,gbp_{id,flags},metadata1...metadata3}"),
            [
                "tun_id",
                "tun_gbp_id",
                "tun_gbp_flags",
                "tun_metadata1",
                "tun_metadata2",
                "tun_metadata3"
            ]
        );
        for wrong in [
            " eth_{src",
            " eth_src}",
            " flub",
            " reg30...reg40",
            " a...b",
            &"{".repeat(50),
        ] {
            assert!(fields(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_are_printed_as_they_were_read() {
        let text = "  table 0 (\"main\"):
    metadata: match=0xffffffffffffffff write=0xff
    eviction: supported
    vacancy events: not supported
    max_entries=1000000
    instructions (table miss and others):
      next tables: 1-3,7
      instructions: meter apply_actions goto_table
      Write-Actions features:
        actions: output group
      Apply-Actions features:
        actions: output
        supported on Set-Field: reg0...reg15 eth_{src,dst}
    matching:
      arbitrary mask: metadata eth_{src,dst}
      exact match or wildcard: nw_proto
      must exact match: eth_type

  table 1: ditto

  tables 2...3: ditto

  table 7:
    metadata: match=0xffffffffffffffff write=0xff
    eviction: not supported
    vacancy events: not supported
    max_entries=5
    instructions (other than table miss):
      instructions: apply_actions
      Write-Actions and Apply-Actions features:
        actions: output
    instructions (table miss):
      instructions: apply_actions clear_actions
    (same matching)
";
        let tables = parse_table_features_dump(text, Version::V14).unwrap();
        assert_eq!(tables.len(), 5);
        let again = format_table_features(&tables, Version::V14).unwrap();
        // Alike neighbours are told together.
        let want = text.replace(
            "  table 1: ditto\n\n  tables 2...3: ditto",
            "  tables 1...3: ditto",
        );
        assert_eq!(again, format!("{want}\n"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, line, column) in [
            ("max_entries=5", 1, 1),
            ("table x:", 1, 7),
            ("table 0: ditto", 1, 7),
            ("table 0:\n  flub", 2, 3),
            ("table 0:\n  (same matching)", 2, 3),
            ("table 0:\n matching:\n  arbitrary mask: flub", 3, 19),
            (
                "table 0:\n instructions (table miss):\n  instructions: flub",
                3,
                17,
            ),
            ("tables 3...2: ditto", 1, 8),
            ("table 3:\ntable 3:", 2, 7),
        ] {
            let error = parse_table_features_dump(text, Version::V13).unwrap_err();
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{text}: {error}"
            );
        }
    }
}
