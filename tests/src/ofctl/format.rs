//! Flow formats, as `ovs-ofctl` calls the versions of OpenFlow and the two forms of 1.0, each with and without tables.

use std::fmt;

use flows::Version;

/// A set of flow formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Formats(u16);

const NAMES: [&str; 9] = [
    "OpenFlow10-table_id",
    "OpenFlow10+table_id",
    "NXM-table_id",
    "NXM+table_id",
    "OpenFlow11",
    "OXM-OpenFlow12",
    "OXM-OpenFlow13",
    "OXM-OpenFlow14",
    "OXM-OpenFlow15",
];

/// What stands for several formats.
const GROUPS: [(u16, &str); 4] = [
    (0x1ff, "any"),
    (0x003, "OpenFlow10"),
    (0x00c, "NXM"),
    (0x1e0, "OXM"),
];

impl Formats {
    /// All there are.
    pub(super) const ANY: Self = Self(0x1ff);
    /// Those that have bundles and meters.
    pub(super) const V13_UP: Self = Self(0x1c0);

    pub(super) fn of_versions(versions: &[Version]) -> Self {
        Self(
            versions
                .iter()
                .map(|version| match version {
                    Version::V10 => 0x00f,
                    newer => 1 << (newer.wire() + 2),
                })
                .fold(0, |all, bits| all | bits),
        )
    }

    /// The format in which a connection of this version begins.
    pub(super) fn first_of(version: Version) -> Self {
        let all = Self::of_versions(&[version]).0;
        Self(all & all.wrapping_neg())
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut found = 0;
        for name in text.split(',').filter(|name| !name.is_empty()) {
            let single = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name));
            let group = GROUPS.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
            found |= match (single, group) {
                (Some(bit), _) => 1 << bit,
                (None, Some((bits, _))) => *bits,
                (None, None) => return Err(format!("{name}: unknown flow protocol")),
            };
        }
        Ok(Self(found))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// One by one, the oldest first.
    pub(super) fn each(self) -> impl DoubleEndedIterator<Item = Self> {
        (0..NAMES.len())
            .map(|bit| Self(1 << bit))
            .filter(move |one| self.contains(*one))
    }

    /// The version of a single format, or the newest of several.
    pub(super) fn version(self) -> Version {
        match 15 - self.0.leading_zeros() {
            bit @ 4.. => u8::try_from(bit - 2)
                .ok()
                .and_then(Version::from_wire)
                .unwrap_or(Version::V15),
            _ => Version::V10,
        }
    }

    pub(super) fn newest_version(self) -> Version {
        self.version()
    }

    /// The format in which flows are best listed: the newest, without tables in Nicira's forms, which need none for that.
    pub(super) fn best_for_dumps(self) -> Option<Self> {
        let order = [8, 7, 6, 5, 4, 2, 0].map(|bit| Self(1 << bit));
        order.into_iter().find(|format| self.contains(*format))
    }

    /// True if it is one of Nicira's forms of OpenFlow 1.0.
    pub(super) fn is_nxm(self) -> bool {
        self.0 & 0x00c == self.0
    }

    /// True if a change can name its table.
    pub(super) fn has_table(self) -> bool {
        self.0 & 0x005 == 0
    }
}

impl std::iter::Sum for Formats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0, |bits, one| bits | one.0))
    }
}

impl fmt::Display for Formats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return out.write_str("none");
        }
        let mut names = Vec::new();
        for (bits, name) in GROUPS {
            if rest & bits == bits {
                names.push(name);
                rest &= !bits;
            }
        }
        names.extend(Self(rest).each().filter_map(|one| {
            let bit = usize::try_from(one.0.trailing_zeros()).ok()?;
            NAMES.get(bit).copied()
        }));
        out.write_str(&names.join(","))
    }
}
