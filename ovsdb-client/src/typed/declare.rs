//! The macros that declare tables and enumerations.

/// Declares a struct that mirrors a table, and implements [`TableRow`](crate::typed::TableRow) for it.
///
/// A field's name is its column's, or `field = "column": Type` names another. A field's type implements
/// [`Column`](crate::typed::Column): `String`, `i64`, `f64`, `bool`, `Uuid`, [`Ranged`](crate::typed::Ranged), enumerations,
/// [`Strong`](crate::typed::Strong) and [`Weak`](crate::typed::Weak) references for exactly one; `Option`, `BTreeSet` and
/// `BTreeMap` of them; [`Maybe`](crate::typed::Maybe) of any for a column that the server may lack.
#[macro_export]
macro_rules! table {
    ($(#[$meta:meta])* $vis:vis struct $name:ident in $table:literal {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident $(= $column:literal)? : $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
        }

        impl $crate::typed::TableRow for $name {
            const TABLE: &'static str = $table;

            fn monitor() -> $crate::MonitorTable {
                // Without any field the table is still replicated, with no columns.
                let table = $crate::MonitorTable::new($table).columns([]);
                $(
                    let name = $crate::table!(@name $field $($column)?);
                    let table = if <$type as $crate::typed::Column>::MAY_LACK {
                        table.optional_columns([name])
                    } else {
                        table.columns([name])
                    };
                    let table = table.expect(name, <$type as $crate::typed::Column>::check);
                )*
                table
            }

            fn read(row: &$crate::Row) -> ::core::result::Result<Self, $crate::ColumnError> {
                Ok(Self {
                    $($field: $crate::typed::read_column(row, $crate::table!(@name $field $($column)?))?,)*
                })
            }

            fn columns(&self) -> $crate::Columns {
                let columns = $crate::Columns::new();
                $(
                    let columns = match $crate::typed::Column::write(&self.$field) {
                        Some(value) => columns.set($crate::table!(@name $field $($column)?), value),
                        None => columns,
                    };
                )*
                columns
            }
        }
    };
    (@name $field:ident) => { ::core::stringify!($field) };
    (@name $field:ident $column:literal) => { $column };
}

/// Declares an enum of strings for columns of [`table!`](crate::table). A server whose schema allows a string that is not
/// among them is refused.
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $(#[doc = $text] $(#[$variant_meta])* $variant,)+
        }

        impl $crate::typed::Scalar for $name {
            const ATOM: $crate::value::AtomType = $crate::value::AtomType::String;

            fn check(base: &$crate::schema::BaseType) -> ::core::result::Result<(), ::std::string::String> {
                $crate::typed::check_enumeration(base, &[$($text),+])
            }

            fn read(atom: &$crate::Atom) -> ::core::option::Option<Self> {
                match atom.as_str()? {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn write(&self) -> $crate::Atom {
                match self {
                    $(Self::$variant => $text.into(),)+
                }
            }
        }

        $crate::scalar_column!($name);
    };
}

/// Makes a [`Scalar`](crate::typed::Scalar) a [`Column`](crate::typed::Column) of exactly one.
#[macro_export]
macro_rules! scalar_column {
    ($type:ty $(, $($generics:tt)+)?) => {
        impl $(<$($generics)+>)? $crate::typed::Column for $type {
            fn check(column_type: &$crate::schema::ColumnType) -> ::core::result::Result<(), ::std::string::String> {
                $crate::typed::check_scalar::<Self>(column_type)
            }

            fn read(datum: &$crate::Datum) -> ::core::option::Option<Self> {
                datum.as_scalar().and_then(<Self as $crate::typed::Scalar>::read)
            }

            fn write(&self) -> ::core::option::Option<$crate::Operand> {
                Some($crate::typed::Scalar::write(self).into())
            }
        }
    };
}
