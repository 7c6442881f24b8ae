//! Archives by the real formats: clean ones are green, every tampering is red by its name.
#![allow(clippy::unwrap_used)]

mod clean;
mod command;
mod folders;
mod hubs;
mod reports;
mod swap;
mod tampered;
mod thinned;
mod timeline;
mod world;
