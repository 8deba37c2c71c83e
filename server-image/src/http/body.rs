//! Reads request bodies, bounded in size, in time, and in memory over all requests together.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::request_body::RequestBody;
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

    /// Reads `body`, the only one of its connection at this time. Returns it with its reservation; a small body needs none.
    ///
    /// Refuses bodies that are too large or too slow, and large ones while the budget is used up.
    pub async fn read(&self, body: RequestBody) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        self.in_time(body, UNCOUNTED).await
    }

    /// Reads `body`, which is one of many on its connection: a small one needs a reservation, too.
    pub async fn read_counted(
        &self,
        body: RequestBody,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        self.in_time(body, 0).await
    }

    async fn in_time(
        &self,
        body: RequestBody,
        uncounted: usize,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        match tokio::time::timeout(TIMEOUT, self.collect(body, uncounted)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::TooSlow(TIMEOUT.as_secs())),
        }
    }

    /// Memory is reserved for what has arrived, not for what a caller declares: a few callers that declare much and send
    /// little would block all others.
    async fn collect(
        &self,
        mut body: RequestBody,
        uncounted: usize,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        let declared = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        if declared.is_some_and(|declared| declared > self.largest) {
            return Err(Refusal::TooLarge(self.largest));
        }
        let mut reservation = None;
        let Some(first) = data(&mut body).await? else { return Ok((Bytes::new(), None)) };
        self.reserve(&mut reservation, first.len(), uncounted)?;
        if body.is_end_stream() || declared == Some(first.len()) {
            return Ok((first, reservation));
        }
        // Space for what is declared would count against the memory limit of the process, which a few callers could use up.
        let mut all = BytesMut::from(first.as_ref());
        drop(first);
        while let Some(more) = data(&mut body).await? {
            self.reserve(&mut reservation, all.len() + more.len(), uncounted)?;
            all.extend_from_slice(&more);
        }
        Ok((all.freeze(), reservation))
    }

    /// Makes the reservation large enough for `bytes`, if they are more than `uncounted`.
    fn reserve(
        &self,
        reservation: &mut Option<OwnedSemaphorePermit>,
        bytes: usize,
        uncounted: usize,
    ) -> Result<(), Refusal> {
        if bytes > self.largest {
            return Err(Refusal::TooLarge(self.largest));
        }
        let held = reservation.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if bytes <= uncounted.max(held * UNIT) {
            return Ok(());
        }
        // Twice as much as needed, so that a long body does not reserve often.
        let units = (2 * bytes).min(self.largest).div_ceil(UNIT) - held;
        let more = u32::try_from(units)
            .ok()
            .and_then(|units| Arc::clone(&self.units).try_acquire_many_owned(units).ok());
        let more = more.ok_or(Refusal::Busy("too many large bodies at the same time"))?;
        match reservation {
            Some(reservation) => reservation.merge(more),
            None => *reservation = Some(more),
        }
        Ok(())
    }
}

/// The next part of the body. `None` at its end.
async fn data(body: &mut RequestBody) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad(format!("failed to read the body: {error}")))?;
        // Frames without data are trailers. No trailer has a meaning here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
