//! Has the hub built anew when its page was.

fn main() {
    // The folder with the page's source in it, and the built page once there is one. It is always there: watching one that
    // is not would build the hub anew each time.
    println!("cargo::rerun-if-changed=../../ui/hub");
}
