//! What cannot be tested in a throwaway home, and why: rights we do not ask for, things that are no file of a home.

use firstlight_domain::{
    kind::Class,
    pack::{Elevation, Step},
    plan::{Outcome, PlannedStep},
};

/// Why a step is not tested, from what the plan says of it. What holds already, or is not for this machine, always is.
pub(super) fn reason(step: &Step, planned: &PlannedStep) -> Option<&'static str> {
    if matches!(planned.outcome, Outcome::Ok | Outcome::NotNeeded(_)) || planned.class == Class::Action {
        return None;
    }
    match step.uses.as_str() {
        "package" => Some("it installs packages of the system, which cannot go into a throwaway folder"),
        "container" | "devcontainer" => Some("a container engine works outside of the throwaway folder"),
        "posture" => Some("it looks at the machine itself, which is the person's to change"),
        _ if step.elevation == Elevation::Elevated || planned.resolved.elevated => {
            Some("it needs administrator rights")
        }
        _ if planned.class == Class::Credential && step.with.get("generate").is_none() => {
            Some("nobody is here to type the value")
        }
        _ => None,
    }
}
