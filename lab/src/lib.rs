//! Simulated hosts and topologies on one machine: real ovsdb-servers and ovs-vswitchds in network namespaces.
