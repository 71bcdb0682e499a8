//! Probes: packets that say where they come from and where they should go, and ears that note where each one arrives. A delivery
//! to the wrong station is seen and attributed, which no count of replies could do when two tenants use the same addresses.

mod ear;
mod matrix;
mod payload;
mod stream;
mod talk;
mod transfer;
mod watch;

pub use matrix::{Expect, Matrix, Outcome, Verdict, all_pairs, ping};
pub use stream::{Report, Stream};
pub use transfer::{Transfer, transfer};
pub use watch::{Heard, Watch};
