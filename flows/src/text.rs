//! The flow language: the syntax of ovs-ofctl(8), both ways.
