//! The files that form and documentation load: a stylesheet, and the scripts of the form.

use crate::named_enum::named_enum;

named_enum! {
    /// A file that the pages load, by its name below `/files/`.
    pub enum PageFile {
        /// The style of both pages.
        Style = "page.css",
        /// Sends what is in the form.
        Form = "form.js",
        /// Reads the fields.
        Fields = "fields.js",
        /// Shows a prediction.
        Prediction = "prediction.js",
        /// Writes the same call for a shell and for Python.
        Calls = "calls.js",
        /// Copies a text to the clipboard.
        Copy = "copy.js",
    }
}

impl PageFile {
    /// The file with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.as_str() == name)
    }

    /// Its content.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Style => include_str!("files/page.css"),
            Self::Form => include_str!("files/form.js"),
            Self::Fields => include_str!("files/fields.js"),
            Self::Prediction => include_str!("files/prediction.js"),
            Self::Calls => include_str!("files/calls.js"),
            Self::Copy => include_str!("files/copy.js"),
        }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        }
    }
}
