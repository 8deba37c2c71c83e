//! The JSON of a baseline, before it is checked.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::{
    column::{ColumnKind, ColumnRole, ValueType},
    season::Season,
};

#[derive(Deserialize)]
pub(crate) struct Head {
    pub(crate) version: u64,
}

#[derive(Deserialize)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) seasons: Option<Season>,
    #[serde(default)]
    pub(crate) chunks: Vec<Vec<u64>>,
    pub(crate) columns: RawColumns,
}

pub(crate) struct RawColumns(pub(crate) Vec<RawColumn>);

#[derive(Deserialize)]
pub(crate) struct RawColumn {
    pub(crate) role: ColumnRole,
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    pub(crate) edges: Option<Vec<f64>>,
    pub(crate) counts: Counts,
    #[serde(default)]
    pub(crate) other: u64,
    #[serde(default)]
    pub(crate) missing: u64,
    #[serde(default, rename = "type")]
    pub(crate) value_type: Option<ValueType>,
    #[serde(default)]
    pub(crate) mean: Option<f64>,
    #[serde(default)]
    pub(crate) deviation: Option<f64>,
    #[serde(default)]
    pub(crate) chunks: Vec<Vec<u64>>,
    #[serde(default)]
    pub(crate) seasons: Vec<Vec<u64>>,
}

pub(crate) enum Counts {
    Bins(Vec<u64>),
    Names(Vec<(String, u64)>),
}

impl<'de> Deserialize<'de> for RawColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = RawColumns;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of columns")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawColumns, A::Error> {
                let mut columns: Vec<RawColumn> = Vec::new();
                loop {
                    // An unreadable column has no name yet. The message has its position and the name before it.
                    let place = columns.len() + 1;
                    match list.next_element() {
                        Ok(Some(column)) => columns.push(column),
                        Ok(None) => return Ok(RawColumns(columns)),
                        Err(error) => {
                            let after = columns.last().map_or_else(String::new, |column| {
                                format!(", after the {} `{}`", column.role, column.name)
                            });
                            return Err(A::Error::custom(format!(
                                "column {place} of the list{after}: {error}"
                            )));
                        }
                    }
                }
            }
        }
        deserializer.deserialize_seq(Columns)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Counts;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("whole numbers, in a list by bin or in an object by category")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
                let mut counts = Vec::new();
                while let Some(count) = list.next_element()? {
                    counts.push(count);
                }
                Ok(Counts::Bins(counts))
            }

            // Not a map: it would silently drop one of two categories with the same name.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    counts.push(entry);
                }
                Ok(Counts::Names(counts))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
