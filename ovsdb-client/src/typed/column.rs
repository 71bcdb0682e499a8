//! The Rust types that columns have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use uuid::Uuid;

use super::TableRow;
use crate::operation::Operand;
use crate::replica::{ColumnError, Row};
use crate::schema::{BaseType, ColumnType, Constraint, Strength};
use crate::value::{Atom, AtomType, Datum, Real};

/// A type of atoms.
pub trait Scalar: Sized {
    /// The type on the wire.
    const ATOM: AtomType;

    /// Whether every value of a column's key or value type can be read.
    ///
    /// # Errors
    /// What was expected and found.
    fn check(base: &BaseType) -> Result<(), String> {
        check_atom(base, Self::ATOM)
    }

    /// The value of an atom; `None`: it is of another type.
    fn read(atom: &Atom) -> Option<Self>;

    /// The atom of a value.
    fn write(&self) -> Atom;
}

/// A type of columns.
pub trait Column: Sized {
    /// True when the server may lack the column.
    const MAY_LACK: bool = false;

    /// Whether every value of a column of this type can be read.
    ///
    /// # Errors
    /// What was expected and found.
    fn check(column_type: &ColumnType) -> Result<(), String>;

    /// The value of a datum; `None`: it is of another type.
    fn read(datum: &Datum) -> Option<Self>;

    /// The value of a column that the server lacks.
    #[must_use]
    fn lacking() -> Option<Self> {
        None
    }

    /// What to write; `None`: leave the column as it is.
    fn write(&self) -> Option<Operand>;
}

/// Reads a column of a row.
///
/// # Errors
/// The column is not monitored or of another type.
pub fn read_column<C: Column>(row: &Row, column: &str) -> Result<C, ColumnError> {
    let value = match row.get(column) {
        Some(datum) => C::read(datum),
        None => C::lacking(),
    };
    value.ok_or_else(|| row.fault(column, std::any::type_name::<C>()))
}

fn check_atom(base: &BaseType, expected: AtomType) -> Result<(), String> {
    if base.atom == expected {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {}", base.atom))
    }
}

/// Checks a column of exactly one.
///
/// # Errors
/// What was expected and found.
pub fn check_scalar<S: Scalar>(column_type: &ColumnType) -> Result<(), String> {
    if !column_type.is_scalar() {
        return Err(format!("expected {}, found {column_type}", S::ATOM));
    }
    S::check(&column_type.key)
}

/// Checks that a string can be only one of `known`, or anything.
///
/// # Errors
/// What is allowed but not known.
pub fn check_enumeration(base: &BaseType, known: &[&str]) -> Result<(), String> {
    check_atom(base, AtomType::String)?;
    let Constraint::Enum(allowed) = &base.constraint else {
        return Ok(());
    };
    let allowed = allowed
        .as_set()
        .unwrap_or_default()
        .iter()
        .filter_map(Atom::as_str);
    let unknown: Vec<&str> = allowed.filter(|text| !known.contains(text)).collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "allows {}, which this program does not know",
            unknown.join(", ")
        ))
    }
}

impl Scalar for String {
    const ATOM: AtomType = AtomType::String;

    fn read(atom: &Atom) -> Option<Self> {
        atom.as_str().map(str::to_owned)
    }

    fn write(&self) -> Atom {
        self.into()
    }
}

impl Scalar for i64 {
    const ATOM: AtomType = AtomType::Integer;

    fn read(atom: &Atom) -> Option<Self> {
        atom.as_integer()
    }

    fn write(&self) -> Atom {
        (*self).into()
    }
}

impl Scalar for Real {
    const ATOM: AtomType = AtomType::Real;

    fn read(atom: &Atom) -> Option<Self> {
        match atom {
            Atom::Real(number) => Some(*number),
            _ => None,
        }
    }

    fn write(&self) -> Atom {
        (*self).into()
    }
}

impl Scalar for bool {
    const ATOM: AtomType = AtomType::Boolean;

    fn read(atom: &Atom) -> Option<Self> {
        atom.as_boolean()
    }

    fn write(&self) -> Atom {
        (*self).into()
    }
}

impl Scalar for Uuid {
    const ATOM: AtomType = AtomType::Uuid;

    fn read(atom: &Atom) -> Option<Self> {
        atom.as_uuid()
    }

    fn write(&self) -> Atom {
        (*self).into()
    }
}

/// An integer from `MIN` to `MAX`; the server's schema must allow no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ranged<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Ranged<MIN, MAX> {
    /// The number, if it is in the range.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Scalar for Ranged<MIN, MAX> {
    const ATOM: AtomType = AtomType::Integer;

    fn check(base: &BaseType) -> Result<(), String> {
        check_atom(base, AtomType::Integer)?;
        let within = match &base.constraint {
            Constraint::Integer(min, max) => {
                min.unwrap_or(i64::MIN) >= MIN && max.unwrap_or(i64::MAX) <= MAX
            }
            Constraint::Enum(allowed) => allowed
                .as_set()
                .unwrap_or_default()
                .iter()
                .all(|atom| <Self as Scalar>::read(atom).is_some()),
            _ => false,
        };
        if within {
            Ok(())
        } else {
            Err(format!("allows integers that are not from {MIN} to {MAX}"))
        }
    }

    fn read(atom: &Atom) -> Option<Self> {
        atom.as_integer().and_then(Self::new)
    }

    fn write(&self) -> Atom {
        self.0.into()
    }
}

macro_rules! reference {
    ($(#[$meta:meta])* $name:ident, $strength:ident) => {
        $(#[$meta])*
        pub struct $name<T>(Uuid, PhantomData<fn() -> T>);

        impl<T> $name<T> {
            /// A reference to the row with this `_uuid`.
            #[must_use]
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid, PhantomData)
            }

            /// The row's `_uuid`.
            #[must_use]
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<T> Eq for $name<T> {}

        impl<T> PartialOrd for $name<T> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl<T> Ord for $name<T> {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.cmp(&other.0)
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }

        impl<T: TableRow> Scalar for $name<T> {
            const ATOM: AtomType = AtomType::Uuid;

            fn check(base: &BaseType) -> Result<(), String> {
                check_atom(base, AtomType::Uuid)?;
                match &base.constraint {
                    Constraint::Reference { table, strength: Strength::$strength } if table == T::TABLE => Ok(()),
                    Constraint::Reference { table, strength } => Err(format!(
                        "expected a {} reference to {}, found a {strength} one to {table}", Strength::$strength, T::TABLE
                    )),
                    _ => Err(format!("expected a {} reference to {}, found none", Strength::$strength, T::TABLE)),
                }
            }

            fn read(atom: &Atom) -> Option<Self> {
                atom.as_uuid().map(Self::new)
            }

            fn write(&self) -> Atom {
                self.0.into()
            }
        }

        crate::scalar_column!($name<T>, T: TableRow);
    };
}

reference! {
    /// A strong reference to a row of the table that `T` mirrors: the row exists as long as the reference.
    Strong, Strong
}

reference! {
    /// A weak reference to a row of the table that `T` mirrors: it goes when the row goes.
    Weak, Weak
}

crate::scalar_column!(String);
crate::scalar_column!(i64);
crate::scalar_column!(Real);
crate::scalar_column!(bool);
crate::scalar_column!(Uuid);
crate::scalar_column!(Ranged<MIN, MAX>, const MIN: i64, const MAX: i64);

impl<S: Scalar> Column for Option<S> {
    fn check(column_type: &ColumnType) -> Result<(), String> {
        if !column_type.is_single() || column_type.is_scalar() {
            return Err(format!(
                "expected optional {}, found {column_type}",
                S::ATOM
            ));
        }
        S::check(&column_type.key)
    }

    fn read(datum: &Datum) -> Option<Self> {
        match datum.as_set()? {
            [] => Some(None),
            [atom] => S::read(atom).map(Some),
            _ => None,
        }
    }

    fn write(&self) -> Option<Operand> {
        Some(Operand::set(self.as_ref().map(Scalar::write)))
    }
}

impl<S: Scalar + Ord> Column for BTreeSet<S> {
    fn check(column_type: &ColumnType) -> Result<(), String> {
        if column_type.value.is_some() {
            return Err(format!("expected set of {}, found {column_type}", S::ATOM));
        }
        S::check(&column_type.key)
    }

    fn read(datum: &Datum) -> Option<Self> {
        datum.as_set()?.iter().map(S::read).collect()
    }

    fn write(&self) -> Option<Operand> {
        Some(Operand::set(self.iter().map(Scalar::write)))
    }
}

impl<K: Scalar + Ord, V: Scalar> Column for BTreeMap<K, V> {
    fn check(column_type: &ColumnType) -> Result<(), String> {
        let Some(value) = &column_type.value else {
            return Err(format!(
                "expected map of {} to {}, found {column_type}",
                K::ATOM,
                V::ATOM
            ));
        };
        K::check(&column_type.key)?;
        V::check(value)
    }

    fn read(datum: &Datum) -> Option<Self> {
        datum
            .as_map()?
            .iter()
            .map(|(key, value)| Some((K::read(key)?, V::read(value)?)))
            .collect()
    }

    fn write(&self) -> Option<Operand> {
        Some(Operand::map(
            self.iter().map(|(key, value)| (key.write(), value.write())),
        ))
    }
}

/// A column that the server may lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Maybe<C>(
    /// The value; `None`: the server has no such column.
    pub Option<C>,
);

impl<C: Column> Column for Maybe<C> {
    const MAY_LACK: bool = true;

    fn check(column_type: &ColumnType) -> Result<(), String> {
        C::check(column_type)
    }

    fn read(datum: &Datum) -> Option<Self> {
        C::read(datum).map(|value| Self(Some(value)))
    }

    fn lacking() -> Option<Self> {
        Some(Self(None))
    }

    fn write(&self) -> Option<Operand> {
        self.0.as_ref().and_then(Column::write)
    }
}
