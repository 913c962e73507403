//! The journal as the application, a tamperer, a failing disk and a sudden death meet it.

mod basics;
mod common;
mod damage;
mod durability;
mod merkle;
mod outbox;
mod tamper;
