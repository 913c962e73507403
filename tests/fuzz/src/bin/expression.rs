//! `cargo xtask fuzz expression`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| firstlight_fuzz::expression(bytes));
