//! Bodies, within bounds of size and time, and of memory over all requests together.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Refusal;

/// A body that takes longer holds memory that others need.
const LONGEST: Duration = Duration::from_secs(30);
/// Bodies up to this size are not counted: all connections together cannot fill much with them.
const FREE: usize = 64 << 10;
/// Bodies of the largest size that may be held at the same time.
const LARGEST_AT_ONCE: usize = 4;
/// The unit in which room is counted, since a semaphore counts to 2^32 at most.
const UNIT: usize = 1 << 10;

/// The room for all bodies together.
#[derive(Debug)]
pub struct BodyBudget {
    units: Arc<Semaphore>,
    largest: usize,
}

impl BodyBudget {
    /// BodyBudget for a few bodies of the `largest` size, or many smaller ones.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        Self { units: Arc::new(Semaphore::new(LARGEST_AT_ONCE * largest.div_ceil(UNIT))), largest }
    }

    /// Reads `body`. The permit is the room it takes, if it is worth counting.
    pub async fn read(&self, body: Incoming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        match tokio::time::timeout(LONGEST, self.collect(body)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::TooSlow(LONGEST.as_secs())),
        }
    }

    async fn collect(&self, mut body: Incoming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        let promised = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        if promised.is_some_and(|promised| promised > self.largest) {
            return Err(Refusal::TooLarge(self.largest));
        }
        let mut reservation = self.reserve(promised.unwrap_or_default())?;
        let Some(first) = data(&mut body).await? else { return Ok((Bytes::new(), reservation)) };
        if first.len() > self.largest {
            return Err(Refusal::TooLarge(self.largest));
        }
        if body.is_end_stream() || promised == Some(first.len()) {
            return Ok((first, reservation));
        }
        // A body of unknown length takes room as it grows.
        let mut all = BytesMut::with_capacity(promised.unwrap_or(FREE).max(first.len()));
        all.extend_from_slice(&first);
        drop(first);
        let mut taken = promised.unwrap_or_default();
        while let Some(more) = data(&mut body).await? {
            let length = all.len() + more.len();
            if length > self.largest {
                return Err(Refusal::TooLarge(self.largest));
            }
            if length > taken.max(FREE) {
                taken = (length * 2).min(self.largest);
                reservation = self.reserve(taken)?;
            }
            all.extend_from_slice(&more);
        }
        Ok((all.freeze(), reservation))
    }

    fn reserve(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if bytes <= FREE {
            return Ok(None);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_| Refusal::TooLarge(self.largest))?;
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units);
        permit.map(Some).map_err(|_| Refusal::Busy("too many large bodies at the same time"))
    }
}

async fn data(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad(format!("failed to read the body: {error}")))?;
        // Trailers say nothing that is needed here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
