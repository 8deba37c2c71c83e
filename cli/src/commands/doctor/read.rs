//! Reads from the API server. Every request has a deadline, and every failure says which right is missing or what failed.

use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use kube::{Client, client::Body};
use serde_json::Value;

use super::seen::{Blind, Seen};
use crate::output;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one page of a list may take.
const PAGE_PATIENCE: Duration = Duration::from_mins(1);
/// Objects in one page of a list.
const PAGE: usize = 500;
/// Objects between two lines of progress.
const PROGRESS: usize = 2000;
/// Bytes of one response. A page of versions with long documentation has about 40 MB.
const LIMIT: usize = 256 << 20;
/// Asks for names, labels and owners only.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A kind of the API: its path before the namespace, and its plural name.
#[derive(Clone, Copy, Debug)]
pub struct Kind(pub &'static str, pub &'static str);

impl Kind {
    /// The path of this kind in a namespace, or in all of them.
    #[must_use]
    pub fn path(self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => format!("/{}/namespaces/{namespace}/{}", self.0, self.1),
            None => format!("/{}/{}", self.0, self.1),
        }
    }

    /// The right to do this, for example `list pods in namespace risk`.
    #[must_use]
    pub fn right(self, verb: &str, namespace: Option<&str>) -> String {
        let group = self.0.strip_prefix("apis/").and_then(|rest| rest.split('/').next());
        let group = group.map(|group| format!(".{group}")).unwrap_or_default();
        let place = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        format!("{verb} {}{group}{place}", self.1)
    }
}

/// A response of any status.
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message of a `Status` object, or the beginning of the body.
    #[must_use]
    pub fn message(&self) -> String {
        let status: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = status.as_ref().and_then(|s| s["message"].as_str()).map(str::to_owned);
        message.unwrap_or_else(|| self.text().chars().take(200).collect())
    }

    /// Whether the API server itself wrote this, and not a pod behind its proxy.
    #[must_use]
    pub fn is_api_status(&self) -> bool {
        serde_json::from_slice::<Value>(&self.body).is_ok_and(|body| body["kind"] == "Status")
    }
}

/// Reads with the rights of the person who runs the plugin.
#[derive(Clone)]
pub struct Reader(Client);

impl Reader {
    /// Reads through this client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    /// Sends one request. An error says what failed.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
        patience: Duration,
    ) -> Result<Answer, String> {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        let request = match body {
            Some((kind, body)) => {
                request.header(header::CONTENT_TYPE, kind).body(Body::from(body.to_string().into_bytes()))
            }
            None => request.body(Body::empty()),
        };
        let request = request.map_err(|error| format!("{path} is not a valid path: {error}"))?;
        let exchange = async {
            let response = self.0.send(request).await.map_err(|error| crate::refusal::causes(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LIMIT)
                .collect()
                .await
                .map_err(|error| format!("failed to read the response: {error}"))?;
            Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().to_vec() })
        };
        match tokio::time::timeout(patience, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => Err(format!("no answer within {} s", patience.as_secs())),
        }
    }

    async fn get_answer(
        &self,
        path: &str,
        accept: &str,
        right: &str,
        patience: Duration,
    ) -> Seen<Option<Answer>> {
        let answer = self.send(Method::GET, path, accept, None, patience).await.map_err(Blind::Failed)?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::FORBIDDEN => Err(Blind::Denied(right.to_owned())),
            status => {
                let path = path.split('?').next().unwrap_or(path);
                Err(Blind::Failed(format!("{path} answers {status}: {}", answer.message())))
            }
        }
    }

    /// One object; `None` if it does not exist.
    pub async fn get(&self, kind: Kind, namespace: Option<&str>, name: &str) -> Seen<Option<Value>> {
        let right = kind.right("get", namespace);
        let path = format!("{}/{name}", kind.path(namespace));
        let Some(answer) = self.get_answer(&path, "application/json", &right, PATIENCE).await? else {
            return Ok(None);
        };
        parse(&answer.body).map(Some)
    }

    /// A text, for example a log.
    pub async fn text(&self, path: &str, right: &str) -> Seen<String> {
        match self.get_answer(path, "*/*", right, PAGE_PATIENCE).await? {
            Some(answer) => Ok(answer.text()),
            None => Err(Blind::Failed("it does not exist".to_owned())),
        }
    }

    /// Calls `each` with every object of a list, page by page, and returns their number. `metadata`: the objects have
    /// nothing but their metadata.
    pub async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
        metadata: bool,
        mut each: impl FnMut(Value),
    ) -> Seen<usize> {
        let right = kind.right("list", namespace);
        let accept = if metadata { METADATA } else { "application/json" };
        let (mut count, mut token) = (0, String::new());
        loop {
            let mut path = format!("{}?limit={PAGE}", kind.path(namespace));
            for (key, value) in [("labelSelector", selector), ("continue", &token)] {
                if !value.is_empty() {
                    path = format!("{path}&{key}={value}");
                }
            }
            let Some(answer) = self.get_answer(&path, accept, &right, PAGE_PATIENCE).await? else {
                return Err(Blind::Failed(format!("the API server does not serve {}", kind.1)));
            };
            let mut page: Value = parse(&answer.body)?;
            drop(answer);
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
            let kind_of_list = page["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
            if let Value::Array(items) = page["items"].take() {
                for mut item in items {
                    // The API server leaves them out of the items of its own kinds.
                    if item["kind"].is_null() {
                        item["kind"] = kind_of_list.clone().into();
                        item["apiVersion"] = page["apiVersion"].clone();
                    }
                    count += 1;
                    each(item);
                    if count % PROGRESS == 0 {
                        output::note(&format!("reading {}: {count} so far", kind.1));
                    }
                }
            }
            if token.is_empty() {
                return Ok(count);
            }
        }
    }

    /// A list that is small.
    pub async fn collect(&self, kind: Kind, namespace: Option<&str>, selector: &str) -> Seen<Vec<Value>> {
        let mut items = vec![];
        self.list(kind, namespace, selector, false, |item| items.push(item)).await?;
        Ok(items)
    }

    /// Creates a review and returns it with its status.
    pub async fn review(&self, kind: Kind, review: &Value) -> Seen<Value> {
        let path = kind.path(None);
        let answer = self
            .send(Method::POST, &path, "application/json", Some(("application/json", review)), PATIENCE)
            .await
            .map_err(Blind::Failed)?;
        match answer.status {
            status if status.is_success() => parse(&answer.body),
            StatusCode::FORBIDDEN => Err(Blind::Denied(kind.right("create", None))),
            status => Err(Blind::Failed(format!("{path} answers {status}: {}", answer.message()))),
        }
    }

    /// A page of a pod, through the API server's proxy: status code and text.
    pub async fn page(&self, namespace: &str, pod: &str, port: u64, path: &str) -> Seen<(u16, String)> {
        let url = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
        let answer = self.send(Method::GET, &url, "*/*", None, PATIENCE).await.map_err(Blind::Failed)?;
        match answer.status {
            StatusCode::FORBIDDEN if answer.is_api_status() => {
                Err(Blind::Denied(format!("get pods/proxy in namespace {namespace}")))
            }
            _ if answer.is_api_status() => {
                Err(Blind::Failed(format!("the API server does not reach it: {}", answer.message())))
            }
            status => Ok((status.as_u16(), answer.text())),
        }
    }

    /// The version of the API server, and its time. An error says why it does not answer.
    pub async fn server(&self) -> Result<(String, Timestamp), String> {
        let answer = self.send(Method::GET, "/version", "application/json", None, PATIENCE).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err("the credentials of this kubeconfig are missing, wrong or expired".to_owned());
        }
        if !answer.status.is_success() {
            return Err(format!("/version answers {}: {}", answer.status, answer.message()));
        }
        let version: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| format!("/version answers {}: {}", answer.status, answer.message()))?;
        let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let now = date
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
            .map_or_else(Timestamp::now, |date| date.timestamp());
        Ok((version["gitVersion"].as_str().unwrap_or("of unknown version").to_owned(), now))
    }
}

fn parse(body: &[u8]) -> Seen<Value> {
    serde_json::from_slice(body).map_err(|error| Blind::Failed(format!("the response is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_named_as_kubectl_auth_can_i_takes_it() {
        assert_eq!(Kind("api/v1", "pods").right("list", Some("risk")), "list pods in namespace risk");
        assert_eq!(Kind("apis/apps/v1", "deployments").right("get", None), "get deployments.apps");
    }
}
