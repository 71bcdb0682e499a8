//! What a test that counts losses must not blame on those it tests: packets that a switch never saw.

use crate::probe::Report;
use crate::{Error, Result, Site};

/// The packets that the switches of a site have not seen since some moment, for the machine did not let them run.
pub struct Unread<'a> {
    site: &'a Site,
    before: u64,
}

impl<'a> Unread<'a> {
    /// From now on.
    ///
    /// # Errors
    /// When a switch can not be asked.
    pub fn since_now(site: &'a Site) -> Result<Self> {
        let before = count(site)?;
        Ok(Self { site, before })
    }

    /// How many it are by now.
    ///
    /// # Errors
    /// When a switch can not be asked.
    pub fn so_far(&self) -> Result<u64> {
        Ok(count(self.site)?.saturating_sub(self.before))
    }

    /// What a stream has lost is among them.
    ///
    /// # Errors
    /// When a packet more is lost, or a switch can not be asked.
    pub fn excuse(&self, report: &Report) -> Result<()> {
        let lost = u64::from(report.unanswered.max(report.lost));
        if lost == 0 {
            return Ok(());
        }
        let unread = self.so_far()?;
        if lost <= unread {
            return Ok(());
        }
        let expected = format!("none lost but the {unread} that a switch has not seen");
        Err(Error::unexpected(
            "a stream",
            format!("{report:?}"),
            expected,
        ))
    }
}

fn count(site: &Site) -> Result<u64> {
    let hosts = site.hosts().iter();
    hosts.map(|host| host.unread_packets()).sum()
}
