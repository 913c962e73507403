//! What this machine needs, what each tool goes by, and what follows from that.

use std::path::{Path, PathBuf};

use firstlight_domain::{facts::Facts, plan::FileChange, state::Failure};
use url::Url;

use super::{
    insert,
    proxy::{self, Proxy},
    tool::{Additions, By, Now, Setting, Tool, Trusts},
    trust::{self, Certificate, Store},
};
use crate::{provider::Context, providers::whole_file};

/// What was found.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The proxy connections should go through, if any.
    pub proxy: Option<Proxy>,
    /// Whom the system trusts.
    pub store: Store,
    /// The authorities that tools should trust besides the public ones.
    pub wanted: Vec<Certificate>,
    /// The tools that are installed, each with how it stands or why that cannot be told.
    pub tools: Vec<(Tool, Result<Standing, Failure>)>,
    bundle: Option<Bundle>,
}

/// How one tool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it uses now.
    pub uses: Uses,
    /// Whether it has to be told the proxy.
    pub needs_proxy: bool,
    /// What it takes for it to trust the right certificates.
    pub needs_ca: Need,
    /// What a person set and is not what this machine needs: sentences.
    pub contradicts: Vec<String>,
}

impl Standing {
    /// Whether something has to be set for it.
    pub fn lacks_something(&self) -> bool {
        self.needs_proxy || self.needs_ca != Need::Nothing
    }
}

/// What it takes for a tool to trust the right certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it does.
    Nothing,
    /// It has to be told a file.
    Setting,
    /// It goes by the file that Firstlight keeps, which lacks some.
    Content,
}

/// What a tool uses, in words. Whatever signs in at a proxy is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    /// `no proxy`, or which.
    pub proxy: String,
    /// Whose certificates.
    pub ca: String,
}

/// The file that holds both what the system trusts and what it should besides.
#[derive(Debug, Clone)]
enum Bundle {
    /// The system's own.
    System(PathBuf),
    /// Ours.
    Own { path: PathBuf, content: String, is_there: bool },
}

impl Bundle {
    fn path(&self) -> &Path {
        match self {
            Self::System(path) | Self::Own { path, .. } => path,
        }
    }
}

/// Where our bundle is. It outlives Firstlight's own data, because tools go by it.
fn own_bundle(facts: &Facts) -> PathBuf {
    Path::new(&facts.home).join(".config/firstlight/certificates.pem")
}

pub(super) async fn survey(
    cx: &Context,
    tools: &[Tool],
    proxy: Option<&Url>,
    ca: Option<Vec<Certificate>>,
) -> Survey {
    let proxy = match proxy {
        Some(address) => {
            Some(Proxy { address: address.clone(), signs_in: false, from: "what was asked for".to_owned() })
        }
        None => proxy::of_this_machine(cx).await,
    };
    let store = trust::store(cx).await;
    let wanted = ca.unwrap_or_else(|| store.private.clone().unwrap_or_default());
    let bundle = (!wanted.is_empty()).then(|| bundle(&store, &wanted, own_bundle(&cx.facts)));
    let here = tools.iter().copied().filter(|tool| tool.is_here());
    let standings = here.map(async |tool| {
        let standing = tool.now(cx).await.map(|now| {
            let mut found = standing(tool, &now, proxy.as_ref(), &store, &wanted, &own_bundle(&cx.facts));
            // A file that cannot be added to, a symbolic link for one.
            if let (true, Err(failure)) =
                (found.lacks_something(), insert::text(&tool.file(&cx.facts), Path::new(&cx.facts.home)))
            {
                found.contradicts.push(failure.cause);
            }
            found
        });
        (tool, standing)
    });
    let tools = futures::future::join_all(standings).await;
    Survey { proxy, store, wanted, tools, bundle }
}

fn bundle(store: &Store, wanted: &[Certificate], own: PathBuf) -> Bundle {
    match &store.file {
        // Once tools go by ours, ours is kept.
        Some(file) if !own.exists() && wanted.iter().all(|one| store.all.contains(one)) => {
            Bundle::System(file.clone())
        }
        Some(_) | None => Bundle::Own {
            content: trust::bundle(store.all.iter().chain(wanted)),
            is_there: trust::holds(&own, wanted),
            path: own,
        },
    }
}

fn standing(
    tool: Tool,
    now: &Now,
    proxy: Option<&Proxy>,
    store: &Store,
    wanted: &[Certificate],
    own_bundle: &Path,
) -> Standing {
    let mut contradicts = Vec::new();
    let needs_proxy = match (proxy, &now.proxy) {
        (None, _) => false,
        (Some(proxy), Some(setting)) if proxy::is_same(&setting.value, &proxy.address) => false,
        (Some(proxy), Some(setting)) if is_kept(&setting.by) => {
            contradicts.push(format!(
                "{} {} to use the proxy {}, not {}",
                told_by(&setting.by),
                tool.name(),
                proxy::shown_setting(&setting.value),
                proxy.shown()
            ));
            false
        }
        (Some(proxy), Some(_) | None) if proxy.signs_in => {
            contradicts.push(format!(
                "the proxy {} has to be told to {}, but its name and password are not written into files",
                proxy.shown(),
                tool.name()
            ));
            false
        }
        (Some(_), Some(_) | None) => true,
    };
    let system_has_them = || wanted.iter().all(|one| store.all.contains(one));
    let needs_ca = match &now.ca {
        _ if wanted.is_empty() => Need::Nothing,
        None if now.trusts == Trusts::System && system_has_them() => Need::Nothing,
        Some(setting) if trust::holds(Path::new(&setting.value), wanted) => Need::Nothing,
        Some(setting) if Path::new(&setting.value) == own_bundle => Need::Content,
        Some(setting) if is_kept(&setting.by) => {
            contradicts.push(format!(
                "{} {} to trust the certificates in {}, which lacks {}",
                told_by(&setting.by),
                tool.name(),
                setting.value,
                names(wanted)
            ));
            Need::Nothing
        }
        None | Some(_) => Need::Setting,
    };
    Standing { uses: uses(now), needs_proxy, needs_ca, contradicts }
}

fn is_kept(by: &By) -> bool {
    match by {
        By::Person | By::Variable(_) => true,
        By::Elsewhere(_) => false,
    }
}

/// Who told a tool something: the beginning of a sentence.
fn told_by(by: &By) -> String {
    match by {
        By::Person => "you set".to_owned(),
        By::Variable(name) | By::Elsewhere(name) => format!("{name} sets"),
    }
}

fn uses(now: &Now) -> Uses {
    let by = |setting: &Setting| match setting.by {
        By::Person => "as you set it".to_owned(),
        By::Variable(name) | By::Elsewhere(name) => format!("by {name}"),
    };
    let proxy =
        |setting: &Setting| format!("the proxy {} ({})", proxy::shown_setting(&setting.value), by(setting));
    let ca = |setting: &Setting| format!("the certificates in {} ({})", setting.value, by(setting));
    let trusted = match now.trusts {
        Trusts::System => "the system's certificates",
        Trusts::OwnList => "its own list of public certificates",
    };
    Uses {
        proxy: now.proxy.as_ref().map_or_else(|| "no proxy".to_owned(), proxy),
        ca: now.ca.as_ref().map_or_else(|| trusted.to_owned(), ca),
    }
}

/// The names of authorities, for people.
pub(super) fn names(certificates: &[Certificate]) -> String {
    let mut names: Vec<String> = certificates.iter().map(|one| format!("“{}”", one.name())).collect();
    names.dedup();
    names.join(", ")
}

impl Survey {
    /// What a person has to see to before the rest can be set, tool by tool: sentences without their full stops.
    pub fn contradictions(&self) -> Vec<String> {
        let of = |standing: &Result<Standing, Failure>| match standing {
            Ok(standing) => standing.contradicts.clone(),
            Err(failure) => vec![failure.cause.clone()],
        };
        self.tools.iter().flat_map(|(_, standing)| of(standing)).collect()
    }

    /// The same as one cause, with what to do; none if nothing is in the way.
    pub(super) fn in_the_way(&self) -> Option<(String, String)> {
        let all = self.contradictions();
        let hint = "what you set yourself is not changed: change or remove it, then try again";
        (!all.is_empty()).then(|| (all.join("; "), hint.to_owned()))
    }

    /// The tools that something has to be set for and nothing is in the way of.
    pub fn can_be_set(&self) -> Vec<Tool> {
        self.standings()
            .filter(|(_, one)| one.contradicts.is_empty() && one.lacks_something())
            .map(|(tool, _)| tool)
            .collect()
    }

    /// The names of the authorities that tools should trust besides the public ones.
    pub fn wanted_names(&self) -> String {
        names(&self.wanted)
    }

    /// What would be done, in words.
    pub(super) fn what(&self) -> String {
        let of = |wanted: fn(&Standing) -> bool| {
            let all: Vec<&str> =
                self.standings().filter(|(_, one)| wanted(one)).map(|(tool, _)| tool.name()).collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let proxy = self.proxy.as_ref().map(Proxy::shown).unwrap_or_default();
        let parts = [
            of(|one| one.needs_proxy).map(|tools| format!("would let {tools} go by the proxy {proxy}")),
            of(|one| one.needs_ca != Need::Nothing)
                .map(|tools| format!("would let {tools} trust {}", self.wanted_names())),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn standings(&self) -> impl Iterator<Item = (Tool, &Standing)> {
        self.tools.iter().filter_map(|(tool, standing)| Some((*tool, standing.as_ref().ok()?)))
    }
}

/// A file that has to be written.
pub(super) enum Change {
    /// Our bundle.
    Bundle { path: PathBuf, content: String, about: String },
    /// A person's file, with lines added.
    Lines { path: PathBuf, wanted: String, added: String },
}

impl Change {
    /// As the plan shows it. Only what is added: beside it people keep tokens.
    pub(super) fn shown(&self) -> FileChange {
        let (path, text, content) = match self {
            Self::Bundle { path, content, about } => (path, about, content),
            Self::Lines { path, wanted, added } => (path, added, wanted),
        };
        FileChange {
            path: path.display().to_string(),
            diff: as_added(path, text),
            digest: whole_file::digest(content.as_bytes()),
        }
    }
}

/// The lines as a diff adds them.
fn as_added(path: &Path, text: &str) -> String {
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| format!("+{line}\n"));
    [format!("+++ {}\n", path.display())].into_iter().chain(lines).collect()
}

/// What has to be written for this to be well. Error: a file of the person's cannot be added to.
pub(super) fn changes(survey: &Survey, facts: &Facts) -> Result<Vec<Change>, Failure> {
    let mut all = Vec::new();
    let home = Path::new(&facts.home);
    let needs_ca = survey.standings().any(|(_, one)| one.needs_ca != Need::Nothing);
    if needs_ca && let Some(Bundle::Own { path, content, is_there: false }) = &survey.bundle {
        let about = format!(
            "What this system trusts ({} certificates), and {}.\n",
            survey.store.all.len(),
            survey.wanted_names()
        );
        all.push(Change::Bundle { path: path.clone(), content: content.clone(), about });
    }
    let proxy = survey.proxy.as_ref().map(Proxy::shown);
    let ca = survey.bundle.as_ref().map(|bundle| bundle.path().display().to_string());
    for (tool, standing) in survey.standings() {
        let path = tool.file(facts);
        let text = insert::text(&path, home)?;
        let now = text.as_deref().unwrap_or_default();
        let additions = Additions {
            proxy: proxy.clone().filter(|_| standing.needs_proxy),
            ca: ca.clone().filter(|_| standing.needs_ca == Need::Setting),
        };
        if additions == Additions::default() {
            continue;
        }
        let wanted = tool.with(now, &additions).map_err(|why| insert::cannot_add(&path, &why))?;
        let added = insert::added(&path, now, &wanted)?;
        all.push(Change::Lines { path, wanted, added });
    }
    Ok(all)
}
