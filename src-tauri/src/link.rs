//! `firstlight://open?pack=<folder>`: shows a pack of this machine. It runs nothing: whoever sends a link can at most
//! show a plan.

use std::path::{Component, Path, PathBuf, Prefix};

use firstlight_contract::{
    commands::Notice,
    error::{Code, ErrorBody},
};
use tauri::{AppHandle, Manager, Url};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::{
    args::Args,
    shell::{Answer, Shell, body},
    window,
};

/// Hears the links the system hands to the running app: macOS as events, the others through a second instance.
pub(crate) fn listen(app: &AppHandle) {
    // On Linux and Windows they come with the words of that instance; heard here too, each would open twice.
    if cfg!(target_os = "macos") {
        let handle = app.clone();
        app.deep_link().on_open_url(move |event| {
            window::focus(&handle);
            for link in event.urls() {
                open(&handle, &Args { pack: None, link: Some(link) });
            }
        });
    }
}

/// Opens what the words of an instance ask for, and tells the window.
pub(crate) fn open(app: &AppHandle, args: &Args) {
    let asked = match (&args.link, &args.pack) {
        (Some(link), _) => pack_of(link),
        (None, Some(pack)) => Ok(pack.clone()),
        (None, None) => return,
    };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let notice = match show(&shell, asked).await {
            Ok(notice) => notice,
            Err(error) => Notice::Problem { error },
        };
        shell.notices.tell(notice);
    });
}

async fn show(shell: &Shell, asked: Answer<PathBuf>) -> Answer<Notice> {
    let pack = shell.app().await?.open_pack(&asked?).map_err(body)?;
    Ok(Notice::Pack { pack })
}

/// The folder a link names.
fn pack_of(link: &Url) -> Answer<PathBuf> {
    let refused = |message: &str| ErrorBody {
        hint: Some("A link looks like firstlight://open?pack=/folder/of/the/pack.".to_owned()),
        ..ErrorBody::new(Code::Usage, format!("The link {link} cannot be opened: {message}."))
    };
    if link.scheme() != "firstlight" || link.host_str() != Some("open") || !matches!(link.path(), "" | "/") {
        return Err(refused("it asks for something Firstlight does not know"));
    }
    let mut asked = link.query_pairs();
    let (Some((name, folder)), None) = (asked.next(), asked.next()) else {
        return Err(refused("it has to name one pack"));
    };
    if name != "pack" {
        return Err(refused("it has to name one pack"));
    }
    let folder = PathBuf::from(&*folder);
    if is_local(&folder) { Ok(folder) } else { Err(refused("the pack is not a folder of this machine")) }
}

/// A full path, and not one that Windows would fetch from another machine.
fn is_local(folder: &Path) -> bool {
    let remote = folder.components().any(|part| match part {
        Component::Prefix(prefix) => !matches!(prefix.kind(), Prefix::Disk(_)),
        _ => false,
    });
    folder.is_absolute() && !remote
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(link: &str) -> Result<PathBuf, Code> {
        pack_of(&link.parse().unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn a_link_names_one_folder_of_this_machine() {
        let folder = std::env::temp_dir().join("a pack");
        let mut link: Url = "firstlight://open".parse().unwrap();
        link.query_pairs_mut().append_pair("pack", &folder.display().to_string());
        assert_eq!(read(link.as_str()), Ok(folder));
    }

    #[test]
    fn anything_else_is_refused() {
        for link in [
            "firstlight://open",
            "firstlight://open?pack=",
            "firstlight://open?pack=relative/pack",
            "firstlight://open?pack=https://example.org/pack",
            "firstlight://open?pack=file:///etc",
            "firstlight://open?other=/pack",
            "firstlight://open?pack=/a&pack=/b",
            "firstlight://open?pack=/a&run=1",
            "firstlight://open/more?pack=/a",
            "firstlight://run?pack=/a",
            "https://open?pack=/a",
        ] {
            assert_eq!(read(link), Err(Code::Usage), "{link}");
        }
    }
}
