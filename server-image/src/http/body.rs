//! Reads request bodies, bounded in size, in time, and in memory over all requests together.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Refusal;

/// Time for a body to arrive. A slower one holds memory that other requests need.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bodies up to this size in bytes are not counted: all connections together cannot fill much memory with them.
const UNCOUNTED: usize = 64 << 10;
/// The budget in bodies of the largest size.
const LARGEST_BODIES: usize = 4;
/// The unit of the budget in bytes. A semaphore counts at most to 2^32.
const UNIT: usize = 1 << 10;

/// The memory for all bodies together.
#[derive(Debug)]
pub struct BodyBudget {
    units: Arc<Semaphore>,
    largest: usize,
}

impl BodyBudget {
    /// A budget for four bodies of the `largest` size in bytes, or many smaller ones.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        Self { units: Arc::new(Semaphore::new(LARGEST_BODIES * largest.div_ceil(UNIT))), largest }
    }

    /// Reads `body`. Returns it with its reservation; a small body needs none.
    ///
    /// Refuses bodies that are too large or too slow, and large ones while the budget is used up.
    pub async fn read(&self, body: Incoming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        match tokio::time::timeout(TIMEOUT, self.collect(body)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::TooSlow(TIMEOUT.as_secs())),
        }
    }

    async fn collect(&self, mut body: Incoming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        let declared = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        if declared.is_some_and(|declared| declared > self.largest) {
            return Err(Refusal::TooLarge(self.largest));
        }
        let mut reservation = self.reserve(declared.unwrap_or_default())?;
        let Some(first) = data(&mut body).await? else { return Ok((Bytes::new(), reservation)) };
        if first.len() > self.largest {
            return Err(Refusal::TooLarge(self.largest));
        }
        if body.is_end_stream() || declared == Some(first.len()) {
            return Ok((first, reservation));
        }
        // The reservation of a body with unknown length grows with the body.
        let mut all = BytesMut::with_capacity(declared.unwrap_or(UNCOUNTED).max(first.len()));
        all.extend_from_slice(&first);
        drop(first);
        let mut reserved = declared.unwrap_or_default();
        while let Some(more) = data(&mut body).await? {
            let length = all.len() + more.len();
            if length > self.largest {
                return Err(Refusal::TooLarge(self.largest));
            }
            if length > reserved.max(UNCOUNTED) {
                reserved = (length * 2).min(self.largest);
                reservation = self.reserve(reserved)?;
            }
            all.extend_from_slice(&more);
        }
        Ok((all.freeze(), reservation))
    }

    fn reserve(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if bytes <= UNCOUNTED {
            return Ok(None);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_| Refusal::TooLarge(self.largest))?;
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units);
        permit.map(Some).map_err(|_| Refusal::Busy("too many large bodies at the same time"))
    }
}

/// The next part of the body. `None` at its end.
async fn data(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad(format!("failed to read the body: {error}")))?;
        // Frames without data are trailers. No trailer has a meaning here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
