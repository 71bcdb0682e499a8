//! heddle: a network controller for Open vSwitch.
//!
//! Data moves one way, from the northbound database to the switch:
//! [`northbound`] replicates the intent as a [`model::Site`], [`compile`] turns it into what this host
//! must look like, [`reconcile`] finds the smallest change that gets it there, [`agent`] runs them.
//! [`cli`] holds the commands.

pub mod agent;
pub mod cli;
pub mod compile;
pub mod model;
pub mod northbound;
pub mod reconcile;
