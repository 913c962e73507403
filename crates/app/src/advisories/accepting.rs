//! Living with a finding for a while, as far as the pack's policy lets a person.

use firstlight_contract::{advisories::AcceptFinding, error::Code, journey::JourneyView};
use firstlight_domain::{
    event::Event,
    finding::{Accepted, FindingId},
    pack::AdvisoryPolicy,
};
use jiff::{Span, civil::Date};

use crate::{
    error::{AppError, Result},
    session::Firstlight,
};

/// Characters of a reason.
const MAX_REASON: usize = 500;

/// The last day until which a finding may be accepted today; none if the policy does not let it be.
pub(super) fn acceptable_until(policy: &AdvisoryPolicy, today: Date) -> Option<Date> {
    let days = policy.accept?.as_secs() / 86_400;
    let days = Span::new().try_days(i64::try_from(days).ok()?).ok()?;
    today.checked_add(days).ok()
}

impl Firstlight {
    /// Notes that the person lives with everything an advisory is about, until a day, and why.
    pub fn accept_finding(&self, wanted: &AcceptFinding) -> Result<JourneyView> {
        let (journey, advising, today) = (self.current_journey()?, self.advising()?, self.today());
        let ids: Vec<FindingId> =
            journey.findings.keys().filter(|id| id.advisory == wanted.advisory).cloned().collect();
        if ids.is_empty() {
            return Err(AppError::new(
                Code::InputInvalid,
                format!("Nothing here is known to be affected by `{}`.", wanted.advisory),
            )
            .hint("`firstlight status` lists what is; `firstlight scan` looks again."));
        }
        let latest = acceptable_until(advising.policy(), today).ok_or_else(|| {
            AppError::new(Code::InputInvalid, "This pack does not let findings be accepted.")
                .hint("Mend it, or ask the pack's owner to add `accept` to `policy.advisories`.")
        })?;
        let until: Date = wanted.until.parse().map_err(|_| {
            AppError::new(Code::InputInvalid, format!("`{}` is not a date.", wanted.until))
                .hint(format!("Write the last day like {latest}."))
        })?;
        if until < today || until > latest {
            return Err(AppError::new(
                Code::InputInvalid,
                format!("Until {until} is not possible: the pack lets it be until {latest} at most."),
            )
            .hint(format!("Name a day from {today} to {latest}.")));
        }
        let because = wanted.because.trim();
        if because.is_empty() || because.chars().count() > MAX_REASON {
            return Err(AppError::new(
                Code::InputInvalid,
                format!("A reason has 1 to {MAX_REASON} characters."),
            )
            .hint("Say in a sentence why it can wait."));
        }
        let accepted = Accepted { until, because: because.to_owned() };
        let events: Vec<Event> = ids
            .into_iter()
            .map(|finding| Event::FindingAccepted { finding, accepted: accepted.clone() })
            .collect();
        self.append(&events)?;
        self.bar(&advising)?;
        self.journey()
    }
}
