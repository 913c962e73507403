//! Programs that stand in for those that change the whole machine. They keep their state in files beside themselves, so
//! that it is compared as files are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::tree::put;

/// Every package manager there is. A package is a file; what is a package is told by its name.
const PACKAGES: &str = r#"#!/bin/sh
packages="$(dirname "$0")/../state/packages"
does=$1
for word in "$@"; do
    case "$word" in fl-*) ;; *) continue ;; esac
    case "$does" in
    -W) test -e "$packages/$word" || exit 1; echo 'install ok installed' ;;
    -q | list) test -e "$packages/$word" || exit 1 ;;
    show) echo "Package: $word" ;;
    install) echo "by $0" >"$packages/$word" ;;
    remove | uninstall) rm "$packages/$word" ;;
    *) exit 2 ;;
    esac
done
"#;

/// podman. A container is a file: the value of its label, its service, and whether it runs.
const PODMAN: &str = r#"#!/bin/sh
state="$(dirname "$0")/../state"
does=$1
shift
case "$does" in
ps)
    for word in "$@"; do case "$word" in label=*) wanted=${word##*=} ;; esac; done
    for file in "$state"/containers/*; do
        test -e "$file" || continue
        read -r label service stands <"$file"
        test "$label" = "$wanted" || continue
        printf '{"Id":"%s","State":"%s","Status":"","Labels":{"com.docker.compose.service":"%s"}}\n' \
            "${file##*/}" "$stands" "$service"
    done
    ;;
volume)
    test "$1" = rm || exec ls "$state/volumes"
    shift
    cd "$state/volumes" && rm "$@"
    ;;
rm)
    shift
    cd "$state/containers" && rm "$@"
    ;;
stop)
    for id in "$@"; do
        read -r label service stands <"$state/containers/$id"
        echo "$label $service exited" >"$state/containers/$id"
    done
    ;;
*) exit 2 ;;
esac
"#;

/// podman-compose, called as `--file FILE --project-name PROJECT …`: two services, `db` with a volume, and `web`.
const COMPOSE: &str = r#"#!/bin/sh
state="$(dirname "$0")/../state"
project=$4
does=$5
shift 5
case "$does" in
config) printf 'db\nweb\n' ;;
up)
    for service in db web; do echo "$project $service running" >"$state/containers/$project-$service"; done
    test -e "$state/volumes/$project-data" || echo new >"$state/volumes/$project-data"
    ;;
down) rm "$state/containers/$project-"* ;;
*) exit 2 ;;
esac
"#;

/// The Dev Container CLI: one container for a folder, started again if it is there.
const DEVCONTAINER: &str = r#"#!/bin/sh
state="$(dirname "$0")/../state"
case "$1" in
read-configuration) echo '{"workspace":{"workspaceFolder":"/workspaces/shop"}}' ;;
up)
    while test "$1" != --workspace-folder; do shift; done
    echo "$2 - running" >"$state/containers/dev"
    ;;
*) exit 2 ;;
esac
"#;

/// npm, which knows what its file says.
const NPM: &str = r#"#!/bin/sh
printf 'cafile=null\nhttps-proxy=null\nproxy=null\n'
test ! -e "$HOME/.npmrc" || cat "$HOME/.npmrc"
"#;

/// pip, which knows what its file says, and trusts whom the system trusts.
const PIP: &str = r#"#!/bin/sh
test "$1" = config || exec echo 'pip 25.0 from /x (python 3.13)'
file="$HOME/.config/pip/pip.conf"
test ! -e "$file" || sed -n "s/^\(proxy\|cert\) *= *\(.*\)/global.\1='\2'/p" "$file"
"#;

const PROGRAMS: [(&[&str], &str); 7] = [
    (&["apt-get", "apt-cache", "dpkg-query", "dnf", "rpm", "brew", "winget"], PACKAGES),
    (&["podman"], PODMAN),
    (&["podman-compose"], COMPOSE),
    (&["devcontainer"], DEVCONTAINER),
    (&["npm"], NPM),
    (&["pip"], PIP),
    (&["cargo"], "#!/bin/sh\n"),
];

/// A folder with the programs in `bin` and what they know in `state`.
pub(crate) struct Fakes(PathBuf);

impl Fakes {
    /// Writes the programs.
    pub(crate) fn install(folder: &Path) {
        for (names, program) in PROGRAMS {
            for name in names {
                put(&folder.join("bin").join(name), 0o755, program);
            }
        }
    }

    /// Those of a folder, knowing nothing.
    pub(crate) fn blank(folder: PathBuf) -> Self {
        let fakes = Self(folder);
        let _ = fs::remove_dir_all(fakes.state());
        for kind in ["packages", "containers", "volumes"] {
            fs::create_dir_all(fakes.state().join(kind)).unwrap();
        }
        fakes
    }

    /// What they know.
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Something that was there before: `packages/fl-git`.
    pub(crate) fn know(&self, what: &str, content: &str) {
        put(&self.state().join(what), 0o644, content);
    }
}
