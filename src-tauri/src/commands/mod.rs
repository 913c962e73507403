//! The window's commands, one file per kin. Each unpacks its argument, calls one use-case and maps the error.

mod advisories;
mod app_update;
mod credential;
mod docs;
mod doctor;
mod help;
mod insights;
mod launch;
mod pack;
mod plan;
mod privacy;
mod run;
mod save;
mod settings;
mod step;
mod surveys;
mod templates;

use tauri::ipc::Invoke;

/// From one list: the handler, and the names it answers to.
macro_rules! commands {
    ($($kin:ident: $($name:ident)+;)+) => {
        /// Answers the window.
        pub(crate) fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($($kin::$name),+),+]
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($(stringify!($name)),+),+];
    };
}

commands! {
    launch: launch subscribe;
    pack: choose_pack use_sample use_release;
    plan: make_plan;
    run: start_run cancel_run journey leave_journey report;
    step: step step_log retry_step complete_action follow_up_done open_link undo_step;
    credential: credentials store_credential generate_credential test_credential remove_credential;
    privacy: privacy set_sharing join_hub leave_hub ask_as send_events export_data delete_data verify_journal;
    doctor: doctor choose_certificates plan_fix fix undo_fix;
    help: help_bundle save_help_bundle;
    advisories: scan accept_finding open_advisory;
    docs: docs doc search_docs open_doc_link;
    templates: templates;
    surveys: surveys show_survey survey_questions answer_survey put_survey_away give_feedback;
    insights: insights save_insights;
    settings: save_settings;
    app_update: app_update check_app_update install_app_update;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use firstlight_contract::commands::Commands;
    use serde_json::Value;
    use tauri::{
        Url,
        ipc::{Origin, RuntimeAuthority},
    };

    use super::NAMES;
    use crate::{images::SCHEME, window::LABEL};

    fn contract() -> BTreeSet<&'static str> {
        Commands::NAMES.iter().copied().chain(["subscribe"]).collect()
    }

    fn allows(authority: &RuntimeAuthority, command: &str, window: &str, origin: &Origin) -> bool {
        authority.resolve_access(command, window, window, origin).is_some()
    }

    #[test]
    fn d1_the_handlers_are_the_contract() {
        assert_eq!(NAMES.iter().copied().collect::<BTreeSet<_>>(), contract());
        assert_eq!(NAMES.len(), contract().len(), "a name stands twice");
    }

    /// What was compiled in, asked as Tauri asks it at each call.
    #[test]
    fn d1_only_our_window_may_call_and_only_our_commands() {
        let mut context = crate::context();
        let authority = context.runtime_authority_mut();
        let elsewhere = Origin::Remote { url: "https://example.org/".parse::<Url>().unwrap() };
        for name in contract() {
            assert!(allows(authority, name, LABEL, &Origin::Local), "{name}");
            assert!(!allows(authority, name, "another", &Origin::Local), "{name} from another window");
            assert!(!allows(authority, name, LABEL, &elsewhere), "{name} from another page");
        }
        for plugin in [
            "plugin:dialog|open",
            "plugin:dialog|save",
            "plugin:opener|open_url",
            "plugin:opener|open_path",
            "plugin:opener|reveal_item_in_dir",
            "plugin:deep-link|get_current",
            "plugin:deep-link|register",
            "plugin:window-state|save_window_state",
            "plugin:updater|check",
            "plugin:updater|download_and_install",
            "plugin:fs|read_file",
            "plugin:shell|execute",
            "plugin:http|fetch",
            "plugin:webview|create_webview_window",
            "plugin:window|close",
            "plugin:event|listen",
            "plugin:event|emit",
            "plugin:path|resolve",
            "plugin:resources|close",
        ] {
            assert!(!allows(authority, plugin, LABEL, &Origin::Local), "{plugin}");
        }
    }

    /// The capabilities as Tauri put them together, plugins' included.
    #[test]
    fn d2_the_generated_capabilities_are_these() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/gen/schemas/capabilities.json");
        let text = std::fs::read_to_string(file).unwrap();
        insta::assert_json_snapshot!(serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn d2_the_configuration_lets_nothing_in() {
        let context = crate::context();
        let app = &context.config().app;
        assert!(!app.with_global_tauri);
        assert!(app.security.freeze_prototype);
        assert!(!app.security.asset_protocol.enable);
        let text = serde_json::to_value(&app.security).unwrap();
        assert_eq!(text["dangerousDisableAssetCspModification"], false);
        assert_eq!(text["capabilities"], serde_json::json!([LABEL]));
        let csp = app.security.csp.clone().unwrap().to_string();
        assert!(csp.contains("default-src 'none'"), "{csp}");
        for open in ["data:", "blob:", "unsafe-", "https:", "*", "ws:"] {
            assert!(!csp.contains(open), "{open} in {csp}");
        }
        // Not hosts: the names under which Windows reaches our own commands and the pack's pictures.
        let own =
            ["http://ipc.localhost", "http://pack-image.localhost"].map(|name| csp.matches(name).count());
        assert_eq!(csp.matches("http:").count(), own.iter().sum::<usize>(), "{csp}");
        // Pictures come from there, and nothing but pictures.
        let policy = serde_json::to_value(app.security.csp.clone().unwrap()).unwrap();
        assert_eq!(policy["img-src"], format!("'self' {SCHEME}: http://{SCHEME}.localhost"));
        assert_eq!(csp.matches(SCHEME).count(), 2, "{csp}");
    }
}
