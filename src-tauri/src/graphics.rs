//! How the window is drawn on Linux: by a graphics card, or without one.
//!
//! Without a card, Mesa emulates one: some 100 MB of libraries and memory, and a fifth of every start, for a window that
//! shows text and stands still. There the webview and GTK draw by themselves instead.

/// Chooses how. Called before anything else: GTK and the webview read these variables when they start, and until then
/// there is no other thread that could read them. What steps start inherits them, which is meant: the machine is one
/// without a card for those programs, too.
pub(crate) fn choose() {
    #[cfg(target_os = "linux")]
    if !has_card(std::path::Path::new("/dev/dri")) {
        for (variable, value) in [("WEBKIT_DISABLE_COMPOSITING_MODE", "1"), ("GDK_GL", "disable")] {
            // What the person set is theirs. If it cannot be set, the window is only slower.
            let _ = glib::setenv(variable, value, false);
        }
    }
}

/// Whether there is a card that can draw: the kernel offers each as a render node.
#[cfg(target_os = "linux")]
fn has_card(devices: &std::path::Path) -> bool {
    let mut nodes = std::fs::read_dir(devices).into_iter().flatten().flatten();
    nodes.any(|node| node.file_name().to_string_lossy().starts_with("renderD"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_one_that_can_draw_not_one_that_only_shows() {
        let devices = std::env::temp_dir().join(format!("firstlight-devices-{}", std::process::id()));
        assert!(!has_card(&devices), "a machine without devices");
        std::fs::create_dir_all(&devices).unwrap();
        std::fs::write(devices.join("card0"), "").unwrap();
        assert!(!has_card(&devices));
        std::fs::write(devices.join("renderD128"), "").unwrap();
        assert!(has_card(&devices));
        std::fs::remove_dir_all(&devices).unwrap();
    }
}
