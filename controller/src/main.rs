//! `heddle`: the one binary of the product. Every command is a file of `controller::cli`.

fn main() {}
