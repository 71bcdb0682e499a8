//! OVSDB (RFC 7047) as Open vSwitch speaks it: protocol, schema, replica, transactions, connection.
