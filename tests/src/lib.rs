//! Suites that need more than one crate or a real Open vSwitch live in `tests/tests/`.
