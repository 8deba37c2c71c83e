//! Enums whose variants are values of a metric's label, or names in records.

/// Declares such an enum once. The variants, the list `ALL` and the names of `as_str` cannot differ.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// All variants, in their order.
            $visibility const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The name of the variant.
            #[must_use]
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

pub(crate) use named_enum;

/// The first names in the rows of the table below this line of docs/operations.md. Tests compare them with an enum.
#[cfg(test)]
pub(crate) fn documented_names(heading: &str) -> Vec<&'static str> {
    let manual = include_str!("../../docs/operations.md");
    let table = manual.lines().skip_while(|line| *line != heading).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    rows.filter_map(|row| row.split('`').nth(1)).collect()
}
