//! What the hub says of many people, for the Insights screen. Who may see it is the hub's business: it is asked with an
//! access token of its own, which is in the keychain, and answers are kept nowhere.

use firstlight_contract::{
    error::Code,
    insights_page::{CurvesBy, InsightsAnswer, InsightsQuestion},
    kpis::{InsightsFilter, TimeScale, ValueEvent},
};
use firstlight_domain::id::CredentialName;
use firstlight_vault::VaultError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::{client::Client, no_hub};
use crate::{
    error::{AppError, Result},
    journal_commands,
    session::Firstlight,
};

/// The access token in the keychain.
const ACCESS: &str = "firstlight-hub-access";

pub(crate) fn access_name() -> Result<CredentialName> {
    journal_commands::name(ACCESS)
}

impl Firstlight {
    /// Asks the hub with this access token from now on.
    pub async fn set_hub_access(&self, token: &SecretString) -> Result<()> {
        let token = token.expose_secret().trim();
        if token.is_empty() {
            return Err(AppError::new(Code::CredentialInvalid, "The access token is empty.")
                .hint("Ask whoever runs the hub for one."));
        }
        let token = SecretString::from(token.to_owned());
        Ok(self.inner.surroundings.keychain.set(&access_name()?, &token).await?)
    }

    /// Forgets the access token.
    pub async fn forget_hub_access(&self) -> Result<()> {
        match self.inner.surroundings.keychain.delete(&access_name()?).await {
            Ok(()) | Err(VaultError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the hub answers.
    pub async fn insights(&self, question: &InsightsQuestion) -> Result<InsightsAnswer> {
        let (client, access) = self.hub_with_access().await?;
        let body = client.figures(&access, &Address::of(question)).await?;
        let read = |answer: serde_json::Result<InsightsAnswer>| {
            answer.map_err(|error| client.not_understood(&error.to_string()).into())
        };
        match question {
            InsightsQuestion::Filters => read(parsed(&body).map(InsightsAnswer::Filters)),
            InsightsQuestion::Summary { .. } => {
                read(parsed(&body).map(Box::new).map(InsightsAnswer::Summary))
            }
            InsightsQuestion::Ttfv { .. } => read(parsed(&body).map(InsightsAnswer::Ttfv)),
            InsightsQuestion::Retrospective { .. } => {
                read(parsed(&body).map(Box::new).map(InsightsAnswer::Retrospective))
            }
            InsightsQuestion::Steps { .. } => read(parsed(&body).map(InsightsAnswer::Steps)),
            InsightsQuestion::Funnel { .. } => read(parsed(&body).map(InsightsAnswer::Funnel)),
            InsightsQuestion::Activity { .. } => read(parsed(&body).map(InsightsAnswer::Activity)),
            InsightsQuestion::Services { .. } => read(parsed(&body).map(InsightsAnswer::Services)),
            InsightsQuestion::Scores => read(parsed(&body).map(InsightsAnswer::Scores)),
            InsightsQuestion::Surveys { .. } => read(parsed(&body).map(InsightsAnswer::Surveys)),
            InsightsQuestion::Sla { .. } => read(parsed(&body).map(InsightsAnswer::Sla)),
            InsightsQuestion::Completeness => read(parsed(&body).map(InsightsAnswer::Completeness)),
        }
    }

    /// The same as a table: the hub's own CSV.
    pub async fn insights_table(&self, question: &InsightsQuestion) -> Result<Vec<u8>> {
        let (client, access) = self.hub_with_access().await?;
        Ok(client.figures(&access, &Address::of(question).into_table()).await?)
    }

    async fn hub_with_access(&self) -> Result<(Client, SecretString)> {
        let joined = self.joined()?.ok_or_else(no_hub)?;
        let access = self.inner.surroundings.keychain.get(&access_name()?).await?.ok_or_else(|| {
            AppError::new(Code::HubNoAccess, "This machine has no access token for the hub's figures.")
                .hint("Ask whoever runs the hub for one, then run `firstlight hub access`.")
        })?;
        Ok((Client::new(&joined.address)?, access))
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body)
}

/// Where a question is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) path: &'static str,
    pub(super) query: Vec<(&'static str, String)>,
}

impl Address {
    fn of(question: &InsightsQuestion) -> Self {
        let at = |path, query| Self { path, query };
        match question {
            InsightsQuestion::Filters => at("v1/insights/filters", Vec::new()),
            InsightsQuestion::Summary { filter } => at("v1/insights/summary", about(filter)),
            InsightsQuestion::Ttfv { filter, by, value, time } => {
                let value = value.map(|value| match value {
                    ValueEvent::FirstValue => ("value", "first_value".to_owned()),
                    ValueEvent::Merged => ("value", "merged".to_owned()),
                });
                let by = by.map(|by| match by {
                    CurvesBy::Persona => ("by", "persona".to_owned()),
                    CurvesBy::Release => ("by", "release".to_owned()),
                    CurvesBy::Team => ("by", "team".to_owned()),
                });
                let time = time.map(|time| match time {
                    TimeScale::Elapsed => ("time", "elapsed".to_owned()),
                    TimeScale::Business => ("time", "business".to_owned()),
                });
                let asked = about(filter).into_iter().chain(by).chain(value).chain(time);
                at("v1/insights/ttfv", asked.collect())
            }
            InsightsQuestion::Retrospective { pack, release, before, persona } => {
                let of = [("pack", pack), ("release", release), ("before", before)];
                let persona = persona.iter().map(|persona| ("persona", persona.clone()));
                let of = of.map(|(name, value)| (name, value.clone())).into_iter().chain(persona);
                at("v1/insights/retrospective", of.collect())
            }
            InsightsQuestion::Steps { filter } => at("v1/insights/steps", about(filter)),
            InsightsQuestion::Funnel { filter } => at("v1/insights/funnel", about(filter)),
            InsightsQuestion::Activity { filter } => at("v1/insights/activity", about(filter)),
            InsightsQuestion::Services { filter } => at("v1/insights/services", about(filter)),
            InsightsQuestion::Scores => at("v1/insights/surveys", Vec::new()),
            InsightsQuestion::Surveys { quarter } => {
                at("v1/surveys/results", quarter.iter().map(|quarter| ("quarter", quarter.clone())).collect())
            }
            InsightsQuestion::Sla { filter } => at("v1/insights/sla", about(filter)),
            InsightsQuestion::Completeness => at("v1/insights/completeness", Vec::new()),
        }
    }

    fn into_table(mut self) -> Self {
        self.query.push(("format", "csv".to_owned()));
        self
    }
}

fn about(filter: &InsightsFilter) -> Vec<(&'static str, String)> {
    let InsightsFilter { persona, release, period, team } = filter;
    [("persona", persona), ("release", release), ("period", period), ("team", team)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_an_address_of_the_hub_and_nothing_else() {
        let filter = InsightsFilter {
            persona: Some("../../v1/devices?x=&y".to_owned()),
            release: Some("acme@3.2.0".to_owned()),
            ..InsightsFilter::default()
        };
        let (by, time) = (Some(CurvesBy::Release), Some(TimeScale::Business));
        let question = InsightsQuestion::Ttfv { filter, by, value: None, time };
        let address = Address::of(&question).into_table();
        assert_eq!(address.path, "v1/insights/ttfv");
        let query = [
            ("persona", "../../v1/devices?x=&y"),
            ("release", "acme@3.2.0"),
            ("by", "release"),
            ("time", "business"),
            ("format", "csv"),
        ];
        assert_eq!(address.query, query.map(|(name, value)| (name, value.to_owned())));
    }
}
