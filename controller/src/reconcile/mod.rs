//! Desired against observed → one transaction for the switch's database, bundles for its flow tables.
//!
//! Pure but for [`database`], which only translates between rows and plain types: no socket, no clock.

mod aside;
mod backlog;
pub mod bindings;
pub mod database;
mod flow_mod;
pub mod layout;
pub mod local_vlans;
mod masks;
mod mentions;
pub mod observation;
pub mod observed;
mod programme;
pub mod reconciler;
mod surroundings;
mod unreachable;

#[cfg(test)]
mod simulated;
