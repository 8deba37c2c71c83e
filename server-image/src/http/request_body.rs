//! The body of a request, while it arrives.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::connections::Ticket;

/// The body of a request. Until it is dropped, the place of its connection may go to another one: callers that promise bodies
/// and send nothing must not hold all places.
pub struct RequestBody {
    incoming: Incoming,
    /// None if there is nothing to wait for.
    waiting: Option<Arc<Ticket>>,
}

impl RequestBody {
    /// The body of a request on the connection of this ticket.
    #[must_use]
    pub fn new(incoming: Incoming, ticket: &Arc<Ticket>) -> Self {
        let waiting = (!incoming.is_end_stream()).then(|| Arc::clone(ticket));
        if let Some(ticket) = &waiting {
            ticket.awaits_body();
        }
        Self { incoming, waiting }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(ticket) = &self.waiting {
            ticket.has_body();
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
