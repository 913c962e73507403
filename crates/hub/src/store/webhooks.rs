//! What other programs are to be told of requests: what happened, each thing once, and what waits to be sent. Several hubs may
//! work on it at once; each thing is passed on by one of them, and each delivery sent by one at a time.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{PersonKey, StoreError, requests::Request};
use crate::webhooks::Happening;

/// How much news is read at once.
pub const MOST_NEWS: u32 = 100;

/// Something that happened and was not passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// To which request, as it is now.
    pub request: Request,
    /// What.
    pub happening: Happening,
    /// When.
    pub at: Timestamp,
}

/// Something to tell somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id: the same however often it is sent.
    pub id: Uuid,
    /// The name of whoever is told.
    pub target: String,
    /// Of which request.
    pub request: Uuid,
    /// Who asks: what is told is about them.
    pub person: PersonKey,
    /// What is told.
    pub body: String,
    /// When it was put into the queue.
    pub made: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// The part of a database that has to do with telling other programs. That a request was opened or answered is written with
/// that, in the same transaction.
#[async_trait]
pub trait Webhooks {
    /// Notes that these were not answered in time; once each.
    async fn note_breaches(&self, requests: &[Uuid], now: Timestamp) -> Result<(), StoreError>;

    /// What was not passed on, the oldest first, [`MOST_NEWS`] at most.
    async fn news(&self) -> Result<Vec<News>, StoreError>;

    /// Takes note that something was passed on, and puts what was made of it into the queue; nothing if another hub did.
    async fn queue_webhooks(
        &self,
        request: Uuid,
        happening: Happening,
        deliveries: Vec<Delivery>,
    ) -> Result<(), StoreError>;

    /// Takes deliveries that are due, `most` of them; nobody else gets them before `until`.
    async fn claim_webhooks(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Takes a delivery out of the queue: it arrived, or is given up.
    async fn webhook_done(&self, id: Uuid) -> Result<(), StoreError>;

    /// Puts off a delivery that did not arrive.
    async fn webhook_again(&self, id: Uuid, at: Timestamp) -> Result<(), StoreError>;
}
