//! The pages for people, as responses.

use http::{HeaderMap, HeaderValue, header::CONTENT_SECURITY_POLICY};
use understudy_stats::Baseline;

use super::{fixed::Fixed, response::HttpResponse};
use crate::{
    examples::add_examples,
    model::Model,
    page::{PageFile, docs, form, openapi},
};

/// Scripts and styles are files of this server, and scripts may call only this server. Names in the model cannot add
/// anything: neither an element of the page nor a text of a script can run code.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A page, or something that a page loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The form.
    Form,
    /// The API documentation.
    Docs,
    /// The OpenAPI description.
    OpenApi,
    /// A file that a page loads.
    File(PageFile),
}

/// All pages of a model.
pub struct Pages {
    form: Fixed,
    docs: Fixed,
    openapi: Fixed,
    files: Vec<(PageFile, Fixed)>,
}

impl Pages {
    /// The pages of a model with this baseline.
    #[must_use]
    pub fn new(model: &Model, baseline: Option<&Baseline>) -> Self {
        let html = |html: String| {
            Fixed::new(html, "text/html; charset=utf-8")
                .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        };
        let mut description = openapi(model, baseline);
        add_examples(&mut description, &model.examples);
        let file = |file: PageFile| (file, Fixed::new(file.text(), file.content_type()));
        Self {
            form: html(form(model, baseline)),
            docs: html(docs(model, &description)),
            openapi: Fixed::new(description.to_string(), "application/json"),
            files: PageFile::ALL.into_iter().map(file).collect(),
        }
    }

    /// The response to a request for a page with these headers.
    #[must_use]
    pub fn respond(&self, page: Page, request: &HeaderMap) -> HttpResponse {
        let fixed = match page {
            Page::Form => &self.form,
            Page::Docs => &self.docs,
            Page::OpenApi => &self.openapi,
            Page::File(file) => {
                let found = self.files.iter().find(|(each, _)| *each == file);
                &found.expect("every file of the pages is in the list").1
            }
        };
        fixed.respond(request)
    }
}
