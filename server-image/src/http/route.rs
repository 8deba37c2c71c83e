//! Finds the route of a request by its method and path.

use std::borrow::Cow;

use http::Method;
use understudy_contract::paths;

use super::pages::Page;
use crate::{error::Refusal, exchange::served, page::PageFile, proto::MODEL_INFER};

/// An endpoint of the inference ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A page for people.
    Page(Page),
    /// Whether the process runs.
    Live,
    /// Whether the model is loaded.
    Ready,
    /// Server metadata.
    Server,
    /// The list of models. It has one model.
    Models,
    /// Model metadata.
    Model,
    /// Whether this model is loaded.
    ModelReady,
    /// Triton's configuration of the model.
    Config,
    /// Triton's index of the model repository.
    Index,
    /// Loading or unloading a model of the repository.
    Repository,
    /// Triton's statistics.
    Statistics,
    /// Inference.
    Infer,
    /// A copy of main's call over gRPC: the message alone, over HTTP/1.1.
    GrpcCopy,
    /// Inference on records of named columns.
    Predict,
    /// The operator's probe.
    Probe,
    /// Outcomes of earlier calls.
    Outcomes,
}

impl Route {
    fn method(self) -> &'static str {
        match self {
            Self::Infer
            | Self::GrpcCopy
            | Self::Predict
            | Self::Outcomes
            | Self::Index
            | Self::Repository => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Finds the route. `model` and `version` are the served ones. Refuses any other model or version as not found, and
    /// a wrong method.
    pub fn find(method: &Method, path: &str, model: &str, version: &str) -> Result<Self, Refusal> {
        let route = Self::of_path(path, model, version)?;
        let allowed = route.method().split(", ").any(|allowed| method.as_str() == allowed);
        if allowed { Ok(route) } else { Err(Refusal::MethodNotAllowed(route.method())) }
    }

    fn of_path(path: &str, model: &str, version: &str) -> Result<Self, Refusal> {
        let nowhere = || Refusal::NotFound(format!("the path {path} does not exist"));
        let inner = path.strip_prefix('/').ok_or_else(nowhere)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        // The longest path is v2/models/{m}/versions/{v}/infer.
        let mut segments = [""; 7];
        let mut count = 0;
        for segment in inner.split('/') {
            *segments.get_mut(count).ok_or_else(nowhere)? = segment;
            count += 1;
        }
        let rest = match &segments[..count] {
            [""] => return Ok(Self::Page(Page::Form)),
            // Links of a page are relative to its path, so that of the documentation has no slash at its end.
            ["docs"] if !path.ends_with('/') => return Ok(Self::Page(Page::Docs)),
            ["openapi.json"] => return Ok(Self::Page(Page::OpenApi)),
            ["files", name] => {
                return PageFile::of_name(name).map(|file| Self::Page(Page::File(file))).ok_or_else(nowhere);
            }
            ["predict"] => return Ok(Self::Predict),
            _ if MODEL_INFER.strip_prefix('/') == Some(inner) => return Ok(Self::GrpcCopy),
            ["v2"] => return Ok(Self::Server),
            ["v2", "health", "live"] => return Ok(Self::Live),
            ["v2", "health", "ready"] => return Ok(Self::Ready),
            ["v2", "models"] => return Ok(Self::Models),
            ["v2", "models", "stats"] => return Ok(Self::Statistics),
            ["v2", "repository", "index"] => return Ok(Self::Index),
            ["v2", "repository", "models", _, "load" | "unload"] => return Ok(Self::Repository),
            ["v2", "models", name, rest @ ..] => {
                served((model, version), (Some(&decoded(name)), None))?;
                rest
            }
            _ if paths::PROBE.strip_prefix('/') == Some(inner) => return Ok(Self::Probe),
            _ if paths::OUTCOMES.strip_prefix('/') == Some(inner) => return Ok(Self::Outcomes),
            _ => return Err(nowhere()),
        };
        let rest = match rest {
            ["versions", other, rest @ ..] => {
                served((model, version), (None, Some(&decoded(other))))?;
                rest
            }
            rest => rest,
        };
        match rest {
            [] => Ok(Self::Model),
            ["infer"] => Ok(Self::Infer),
            ["ready"] => Ok(Self::ModelReady),
            ["config"] => Ok(Self::Config),
            ["stats"] => Ok(Self::Statistics),
            _ => Err(nowhere()),
        }
    }
}

/// A path segment with its percent escapes decoded. A version may have a `+`, which clients escape.
fn decoded(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn find(method: &Method, path: &str) -> Result<Route, u16> {
        Route::find(method, path, "fraud", "1.3.0+7").map_err(|refusal| refusal.status().as_u16())
    }

    #[rstest]
    #[case("/", Route::Page(Page::Form))]
    #[case("/docs", Route::Page(Page::Docs))]
    #[case("/files/page.css", Route::Page(Page::File(PageFile::Style)))]
    #[case("/v2", Route::Server)]
    #[case("/v2/", Route::Server)]
    #[case("/v2/health/live", Route::Live)]
    #[case("/v2/health/ready/", Route::Ready)]
    #[case("/v2/models", Route::Models)]
    #[case("/v2/models/stats", Route::Statistics)]
    #[case("/v2/models/fraud", Route::Model)]
    #[case("/v2/models/fraud/ready", Route::ModelReady)]
    #[case("/v2/models/fraud/stats", Route::Statistics)]
    #[case("/v2/models/fraud/config", Route::Config)]
    #[case("/v2/models/fraud/versions/1.3.0+7/config", Route::Config)]
    #[case("/v2/models/fraud/versions/1.3.0+7", Route::Model)]
    #[case("/v2/models/fraud/versions/1.3.0%2B7", Route::Model)]
    #[case("/v2/models/fraud/versions/1.3.0%2b7/ready", Route::ModelReady)]
    #[case("/v2/models/fraud/versions/1.3.0+7/stats", Route::Statistics)]
    #[case("/openapi.json", Route::Page(Page::OpenApi))]
    #[case("/understudy/v1/probe", Route::Probe)]
    #[case("/understudy/v1/probe/", Route::Probe)]
    fn a_path_has_one_route_and_allows_get_and_head(#[case] path: &str, #[case] route: Route) {
        assert_eq!(find(&Method::GET, path), Ok(route));
        assert_eq!(find(&Method::HEAD, path), Ok(route));
        assert_eq!(find(&Method::POST, path), Err(405));
    }

    #[rstest]
    #[case("/v2/models/fraud/infer", Route::Infer)]
    #[case("/v2/models/fraud/versions/1.3.0+7/infer", Route::Infer)]
    #[case("/predict", Route::Predict)]
    #[case("/understudy/v1/outcomes", Route::Outcomes)]
    #[case("/v2/repository/index", Route::Index)]
    #[case("/v2/repository/models/fraud/load", Route::Repository)]
    fn what_has_a_body_allows_post_only(#[case] path: &str, #[case] route: Route) {
        assert_eq!(find(&Method::POST, path), Ok(route));
        assert_eq!(find(&Method::GET, path), Err(405));
    }

    #[rstest]
    #[case("/v2/models/froud/infer")]
    #[case("/v2/models/fraud/versions/1.3.0/infer")]
    #[case("/v2/models/fraud/versions")]
    #[case("/v2/models/fraud/versions/1.3.0+7/infer/more")]
    #[case("/v2/models//infer")]
    #[case("/v3")]
    #[case("/docs/")]
    #[case("/files/form.html")]
    #[case("/a/b/c/d/e/f/g/h/i")]
    fn another_model_version_or_path_is_not_found(#[case] path: &str) {
        assert_eq!(find(&Method::POST, path), Err(404));
    }
}
