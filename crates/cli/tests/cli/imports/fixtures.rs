//! Files as teams have them, written anew with the constructs of public ones; which, each says.

/// Constructs of `.config/configuration.winget` in microsoft/winget-cli and `software.user.dsc` in
/// martincostello/bootstrap: settings and components by other resources, ids that others depend on, directives.
pub(super) const WINGET: &str = r"# yaml-language-server: $schema=https://aka.ms/configuration-dsc-schema/0.2
properties:
  assertions:
    - resource: Microsoft.Windows.Developer/OsVersion
      directives: { description: Windows 11 is wanted }
      settings: { MinVersion: '10.0.22000' }
  resources:
    - resource: Microsoft.Windows.Settings/WindowsSettings
      id: devMode
      directives: { description: Turn developer mode on, securityContext: elevated, allowPrerelease: true }
      settings: { DeveloperMode: true }
    - resource: Microsoft.WinGet.DSC/WinGetPackage
      id: git
      directives:
        description: Install Git
      settings:
        id: Git.Git
        source: winget
    - resource: Microsoft.WinGet.DSC/WinGetPackage
      dependsOn: [git, devMode]
      settings: { id: Acme.Desktop, source: winget, version: '4.2', useLatest: false }
    - resource: Microsoft.WinGet.DSC/WinGetPackage
      settings: { id: 9NBLGGH4NNS1, source: msstore }
    - resource: Microsoft.WinGet.DSC/WinGetPackage
      settings: { id: Acme.Old, ensure: Absent }
  configurationVersion: 0.2.0
";

/// Constructs of the reference “WinGet Configuration file v3” (learn.microsoft.com) and of the documents of
/// Ansible roles and installers that hold `Microsoft.WinGet/Package`: no `properties:` around it, a processor named in the
/// metadata, names that others wait for by `resourceId`, groups.
pub(super) const DSC_3: &str = r#"$schema: https://aka.ms/dsc/schemas/v3/bundled/config/document.json
metadata:
  winget: { processor: { identifier: dscv3 } }
parameters:
  where: { type: string }
resources:
  - name: Editor
    type: Microsoft.WinGet/Package
    properties: { id: Acme.Editor, source: winget, useLatest: true }
    metadata: { description: Install the editor }
  - name: Tools
    type: Microsoft.DSC/Group
    properties:
      resources:
        - name: Shell
          type: Microsoft.WinGet/Package
          properties: { id: Acme.Shell }
          dependsOn: ["[resourceId('Microsoft.WinGet/Package', 'Editor')]"]
  - name: Maybe
    type: Microsoft.WinGet/Package
    condition: "[equals(parameters('where'), 'here')]"
    properties: { id: Acme.Maybe }
  - name: Long paths
    type: Microsoft.Windows/Registry
    properties: { keyPath: 'HKLM\SYSTEM', valueName: LongPathsEnabled }
"#;

/// Constructs of the Brewfiles that begin with `cask_args appdir:` on GitHub: both quotes, versions, taps, options over
/// several lines, services, App Store, editor extensions, conditions behind and around, loops, documentation.
pub(super) const BREWFILE: &str = r##"# What we all need
cask_args appdir: "/Applications"
tap "acme/tools", "https://git.acme.test/tap.git"
brew "git"
brew 'jq' # for JSON
brew "acme/tools/acme-cli"
brew "postgresql@16", restart_service: :changed,
  link: true
cask "kitty"
cask "firefox" unless File.directory?("/Applications/Firefox.app")
if OS.mac?
  brew "mas"
  mas "Xcode", id: 497799835
end
brew "nested" if ENV["MORE"]
%w[one two].each do |name|
  brew name
end
=begin
brew "commented-out"
=end
vscode "rust-lang.rust-analyzer"
brew "#{prefix}-tool"
whalebrew "whalebrew/wget"
brew "after-all"
"##;

/// Constructs of `mise.toml` in jdx/mise: settings on top, tools of other backends, tables, several versions, paths and
/// templates in the environment, tasks.
pub(super) const MISE: &str = r#"#:schema ./schema/mise.json
min_version = "2026.1.0"

[env]
_.path = ["./bin"]
RUST_LOG = "info"
JOBS = 4
WHERE = "{{ config_root }}/here"

[tools]
node = "24"
python = ["3.12", "3.11"]
"npm:prettier" = { version = "3.9", postinstall = "true" }
java = { os = ["linux"] }

[tasks.perf]
run = ["cargo build --release"]

[settings]
experimental = true
"#;

/// Constructs of `.devcontainer/devcontainer.json` in microsoft/vscode and github/codespaces-rails: comments, trailing
/// commas, features, mounts, what editors heed, what nobody but one host knows.
pub(super) const DEVCONTAINER: &str = r#"{
  // As in the editor.
  "name": "Orders",
  "build": { "dockerfile": "Dockerfile" },
  "features": { "ghcr.io/devcontainers/features/node:1": {} },
  "mounts": [{ "source": "cache", "target": "/cache", "type": "volume" }],
  "postCreateCommand": "./setup.sh", /* once */
  "customizations": { "vscode": { "extensions": ["a.b"] } },
  "forwardPorts": [3000],
  "hostRequirements": { "memory": "9gb" },
  "codespaces": { "zero": true },
}
"#;

/// Constructs of `package.json` in vuejs/core, and of `volta` and `devEngines` by their references.
pub(super) const PACKAGE_JSON: &str = r#"{
  "private": true,
  "packageManager": "pnpm@10.30.2+sha512.abcdef",
  "scripts": { "postinstall": "true" },
  "engines": { "node": ">=20.0.0", "vscode": "^1.90.0", "npm": "please-use-pnpm" },
  "volta": { "yarn": "4.1.0" },
  "devEngines": { "runtime": { "name": "node" } },
  "devDependencies": { "typescript": "~5.6.2" }
}
"#;

/// Constructs of `workspaces/quickstart/app-config.yaml` in redhat-developer/rhdh-plugins: translations, icons, roles,
/// addresses elsewhere and on the hub itself; the rest of an app-config around it.
pub(super) const RHDH: &str = r#"app:
  title: Acme Hub
  baseUrl: https://hub.acme.test/
  quickstart:
    - title: Sign in once
      titleKey: steps.signIn.title
      icon: Admin
      roles:
        - admin
        - developer
      description: So that the hub knows you.
      cta:
        text: Learn more
        textKey: steps.signIn.cta
        link: https://docs.acme.test/sign-in
    - title: "Learn about the catalog: services, and who owns them"
      description: Everything we run, in one list.
      cta: { text: View the catalog, link: /catalog }
    - title: Know whom to ask
      description: The platform team is in the channel platform-help.
backend:
  baseUrl: http://localhost:7007
"#;
