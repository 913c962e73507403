//! Packs as their authors meet them: read, refused with reasons, described for editors, begun.

mod common;
mod describe;
mod load;
mod robust;
mod rules;
mod start;
