//! `cargo xtask fuzz pack`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| firstlight_fuzz::pack(bytes));
