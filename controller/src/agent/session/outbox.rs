//! Messages for the switch, encoded one behind the other, each with a transaction id of its own.

use flows::ofpkt::{Body, Message};

use super::VERSION;

pub(super) struct Outbox {
    pub(super) bytes: Vec<u8>,
    next_xid: u32,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            next_xid: 1,
        }
    }
}

impl Outbox {
    /// Appends a message and returns its transaction id.
    pub(super) fn send(&mut self, body: Body) -> u32 {
        let xid = self.xid();
        self.answer(xid, body);
        xid
    }

    /// Appends a message with the transaction id of what it answers.
    pub(super) fn answer(&mut self, xid: u32, body: Body) {
        Message::new(VERSION, xid, body).encode_into(&mut self.bytes);
    }

    /// A transaction id that no message has yet.
    pub(super) fn xid(&mut self) -> u32 {
        let xid = self.next_xid;
        self.next_xid = xid.wrapping_add(1);
        xid
    }

    /// What [`Outbox::rewind`] needs to take back all that is sent from now on.
    pub(super) fn mark(&self) -> (usize, u32) {
        (self.bytes.len(), self.next_xid)
    }

    /// Takes back all that was sent since the mark. Nothing may have been taken away meanwhile.
    pub(super) fn rewind(&mut self, mark: (usize, u32)) {
        self.bytes.truncate(mark.0);
        self.next_xid = mark.1;
    }
}
