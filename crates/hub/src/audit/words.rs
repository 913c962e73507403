//! Acts in words, as `firstlight-hub audit list` prints them.

use std::fmt::{Display, Formatter, Result};

use super::{Act, Actor, Named};

impl Display for Named {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Person { key } => write!(out, "person {}", key.0),
            Self::Device { id, key } => write!(out, "device {id} of person {}", key.0),
            Self::Erased => out.write_str("somebody who was erased"),
        }
    }
}

impl Display for Actor {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Account { account } => write!(out, "{account} at the hub's machine"),
            Self::Person { person } => person.fmt(out),
            Self::Hub => out.write_str("the hub"),
        }
    }
}

impl Display for Act {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::CodeMade { person, expires_at } => {
                write!(out, "made an enrolment code for {person}, until {expires_at:.0}")
            }
            Self::DeviceRevoked { device } => write!(out, "shut out {device}"),
            Self::IntegrationMade { name } => write!(out, "let in the integration {name}"),
            Self::IntegrationRevoked { name } => write!(out, "shut out the integration {name}"),
            Self::AliasAdded { person } => write!(out, "gave {person} another name"),
            Self::TeamSaid { person } => write!(out, "said which team {person} is of"),
            Self::RoleGranted { person, role } => write!(out, "gave {person} the role {role}"),
            Self::RoleRevoked { person, role } => write!(out, "took the role {role} from {person}"),
            Self::TokenMade { person, token, expires_at } => {
                write!(out, "made access token {token} for {person}, until {expires_at:.0}")
            }
            Self::BackupMade => out.write_str("set out to copy the whole database"),
            Self::BackupRestored => out.write_str("put a backup in the place of the database"),
            Self::SettingsChanged { settings } => {
                out.write_str("began to serve with these settings:")?;
                settings.iter().try_for_each(|(key, text)| write!(out, " {key}=\"{text}\""))
            }
            Self::PersonExported { person } => {
                write!(out, "handed over everything that is known of {person}")
            }
            Self::PeopleErased { people } => write!(out, "erased people: {people}"),
            Self::Forgotten { forgotten } => write!(out, "forgot what is too old: {forgotten}"),
            Self::SignedOut { person, sessions } => {
                write!(out, "signed {person} out wherever they were signed in: {sessions}")
            }
            Self::RequestAnswered { request, owner, reply } => {
                write!(out, "answered the request {request} to {owner}: {}", reply.name())
            }
            Self::TokenRevoked { person, token } => write!(out, "shut out access token {token} of {person}"),
        }
    }
}
