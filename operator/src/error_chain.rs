//! Errors as one line of text, for conditions, events and logs.

use std::{error::Error, fmt::Write as _};

/// The message of an error and of its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = api_message(error);
        let text = message.map_or_else(|| error.to_string(), str::to_owned);
        // The message of some errors already contains that of their cause.
        if !line.contains(&text) {
            let _ = write!(line, "{}{text}", if line.is_empty() { "" } else { ": " });
        }
        next = error.source().filter(|_| message.is_none());
    }
    line
}

/// The message of the API server, if the error is its response. It is complete, and kube would print it three times.
fn api_message<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a str> {
    let error = error
        .downcast_ref::<kube::Error>()
        .or_else(|| error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref));
    match error {
        Some(kube::Error::Api(status)) => Some(&status.message),
        _ => None,
    }
}

/// Whether the API server did not answer the request itself, so that the same request may succeed later: no connection,
/// too many requests, or a failure of the API server.
pub fn is_unanswered(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 401 | 408 | 429 | 500..),
        _ => true,
    }
}

/// Whether the API server refuses new objects because their namespace is being deleted. This is not a fault.
pub fn namespace_is_ending(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read Service fraud")]
    struct Outer(#[source] Box<kube::Error>);

    #[test]
    fn the_message_of_the_api_server_comes_without_the_rest_of_its_response() {
        let answer = Status::failure("services \"fraud\" is forbidden", "Forbidden");
        let error = Outer(Box::new(kube::Error::Api(Box::new(answer))));
        assert_eq!(chain(&error), "failed to read Service fraud: services \"fraud\" is forbidden");
    }
}
