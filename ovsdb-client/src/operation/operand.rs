//! Values inside a transaction: as a [`Datum`](crate::value::Datum), but atoms may refer to rows that the same
//! transaction inserts.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};
use uuid::Uuid;

use crate::value::{Atom, Datum};

/// A row that a transaction inserts, as a reference within that transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewRow(pub(super) u32);

impl NewRow {
    pub(super) fn name(self) -> String {
        format!("row{}", self.0)
    }
}

/// An atom, or a reference to a row of the same transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// An atom.
    Atom(Atom),
    /// `["named-uuid", ...]`.
    New(NewRow),
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Atom(atom) => atom.serialize(serializer),
            Self::New(row) => {
                let mut pair = serializer.serialize_tuple(2)?;
                pair.serialize_element("named-uuid")?;
                pair.serialize_element(&row.name())?;
                pair.end()
            }
        }
    }
}

impl<A: Into<Atom>> From<A> for Term {
    fn from(atom: A) -> Self {
        Self::Atom(atom.into())
    }
}

impl From<NewRow> for Term {
    fn from(row: NewRow) -> Self {
        Self::New(row)
    }
}

/// A value in a transaction. Made by `into()` from atoms, handles of new rows, `Option`, `Vec`, `BTreeSet`,
/// `BTreeMap` and `Datum`.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A set; of one: a scalar.
    Set(Vec<Term>),
    /// A map.
    Map(Vec<(Term, Term)>),
}

impl Operand {
    /// A set of anything that makes terms.
    #[must_use]
    pub fn set<T: Into<Term>>(terms: impl IntoIterator<Item = T>) -> Self {
        Self::Set(terms.into_iter().map(Into::into).collect())
    }

    /// A map of anything that makes pairs of terms.
    #[must_use]
    pub fn map<K: Into<Term>, V: Into<Term>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Serialize for Operand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Set(terms) = self
            && let [only] = terms.as_slice()
        {
            return only.serialize(serializer);
        }
        let mut pair = serializer.serialize_tuple(2)?;
        match self {
            Self::Set(terms) => {
                pair.serialize_element("set")?;
                pair.serialize_element(terms)?;
            }
            Self::Map(pairs) => {
                pair.serialize_element("map")?;
                pair.serialize_element(pairs)?;
            }
        }
        pair.end()
    }
}

impl<T: Into<Term>> From<T> for Operand {
    fn from(term: T) -> Self {
        Self::Set(vec![term.into()])
    }
}

impl<T: Into<Term>> From<Option<T>> for Operand {
    fn from(term: Option<T>) -> Self {
        Self::set(term)
    }
}

impl<T: Into<Term>> From<Vec<T>> for Operand {
    fn from(terms: Vec<T>) -> Self {
        Self::set(terms)
    }
}

impl<T: Into<Term>, const N: usize> From<[T; N]> for Operand {
    fn from(terms: [T; N]) -> Self {
        Self::set(terms)
    }
}

impl<T: Into<Term>> From<BTreeSet<T>> for Operand {
    fn from(terms: BTreeSet<T>) -> Self {
        Self::set(terms)
    }
}

impl<K: Into<Term>, V: Into<Term>> From<BTreeMap<K, V>> for Operand {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        Self::map(pairs)
    }
}

impl From<Datum> for Operand {
    fn from(datum: Datum) -> Self {
        match datum.as_map() {
            Some(pairs) => Self::map(pairs.iter().cloned()),
            None => Self::set(datum.as_set().unwrap_or_default().iter().cloned()),
        }
    }
}

/// Columns with their values, for `insert`, `update` and `wait`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(BTreeMap<String, Operand>);

impl Columns {
    /// No column.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column.
    #[must_use]
    pub fn set(mut self, column: &str, value: impl Into<Operand>) -> Self {
        self.0.insert(column.to_owned(), value.into());
        self
    }

    /// True when there is no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Operand)> {
        self.0
            .iter()
            .map(|(column, value)| (column.as_str(), value))
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (column, value) in &self.0 {
            map.serialize_entry(column, value)?;
        }
        map.end()
    }
}

/// Changes to columns for `mutate`, applied in order (RFC 7047 §5.1 `<mutation>`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mutations(pub(super) Vec<(String, Mutator, Operand)>);

/// The verb of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutator {
    /// `+=`
    Add,
    /// `-=`
    Subtract,
    /// `insert`
    Insert,
    /// `delete`
    Delete,
}

impl Mutator {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Subtract => "-=",
            Self::Insert => "insert",
            Self::Delete => "delete",
        }
    }
}

impl Mutations {
    /// No mutation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `number` to an integer or real, or to each of a set of them.
    #[must_use]
    pub fn add(self, column: &str, number: impl Into<Term>) -> Self {
        self.push(column, Mutator::Add, Operand::Set(vec![number.into()]))
    }

    /// Subtracts `number` from an integer or real, or from each of a set of them.
    #[must_use]
    pub fn subtract(self, column: &str, number: impl Into<Term>) -> Self {
        self.push(column, Mutator::Subtract, Operand::Set(vec![number.into()]))
    }

    /// Inserts elements into a set, or pairs into a map where the key is not there yet: to replace the value of a key,
    /// [`delete`](Self::delete) the key first.
    #[must_use]
    pub fn insert(self, column: &str, elements: impl Into<Operand>) -> Self {
        self.push(column, Mutator::Insert, elements.into())
    }

    /// Deletes elements from a set; from a map the keys of a set or the exact pairs of a map.
    #[must_use]
    pub fn delete(self, column: &str, elements: impl Into<Operand>) -> Self {
        self.push(column, Mutator::Delete, elements.into())
    }

    /// Sets some keys of a map, whatever values they had.
    #[must_use]
    pub fn set_keys<K: Into<Term> + Clone, V: Into<Term>>(
        self,
        column: &str,
        pairs: Vec<(K, V)>,
    ) -> Self {
        let keys = Operand::set(pairs.iter().map(|(key, _)| key.clone()));
        self.delete(column, keys)
            .insert(column, Operand::map(pairs))
    }

    /// True when there is no mutation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(column, _, _)| column.as_str())
    }

    fn push(mut self, column: &str, mutator: Mutator, value: Operand) -> Self {
        self.0.push((column.to_owned(), mutator, value));
        self
    }
}

impl Serialize for Mutations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|(column, mutator, value)| (column, mutator.name(), value)),
        )
    }
}

/// What an operand is once the uuids of new rows are known.
pub(super) fn resolve(
    operand: &Operand,
    uuid_of: &impl Fn(NewRow) -> Option<Uuid>,
) -> Option<Datum> {
    let atom = |term: &Term| match term {
        Term::Atom(atom) => Some(atom.clone()),
        Term::New(row) => uuid_of(*row).map(Atom::Uuid),
    };
    Some(match operand {
        Operand::Set(terms) => Datum::set(terms.iter().map(atom).collect::<Option<_>>()?),
        Operand::Map(pairs) => Datum::map(
            pairs
                .iter()
                .map(|(k, v)| Some((atom(k)?, atom(v)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
