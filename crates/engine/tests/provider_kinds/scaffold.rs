use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use firstlight_domain::id::CredentialName;
use firstlight_engine::provider::Check;
use serde_json::{Value, json};

use crate::{Machine, blocked, satisfied};

const SERVICE: &str = r#"
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: service
  title: A service
  annotations: { backstage.io/template-version: "1.4.0" }
spec:
  owner: platform
  type: service
  parameters:
    - title: About it
      required: [name, owner]
      properties:
        name: { type: string, title: Name, pattern: "^[a-z-]+$", ui:autofocus: true }
        owner: { type: string, title: Owner, ui:field: OwnerPicker }
        port: { type: number, default: 8080 }
        docs: { type: boolean, default: false }
        environments: { type: array, items: { type: string }, default: [test, live] }
    - title: Where to
      properties:
        repoUrl: { type: string, ui:field: RepoUrlPicker }
  steps:
    - id: skeleton
      name: Make the skeleton
      action: fetch:template
      input:
        url: ./skeleton
        copyWithoutTemplating: [.github/workflows/]
        values:
          name: ${{ parameters.name }}
          owner: ${{ parameters.owner }}
          port: ${{ parameters.port }}
          environments: ${{ parameters.environments }}
          destination: ${{ parameters.repoUrl | parseRepoUrl if parameters.repoUrl }}
    - id: docs
      name: Add the documents
      if: ${{ parameters.docs === true }}
      action: fetch:plain
      input: { url: ../shared/docs, targetPath: docs }
    - id: environments
      name: Name the environments
      each: ${{ parameters.environments }}
      action: fetch:template:file
      input: { url: ./environment.txt, targetPath: "environments/${{ each.value }}.txt", values: { name: "${{ each.value }}", index: "${{ each.key }}" } }
    - id: tidy
      name: Tidy up
      action: fs:delete
      input: { files: [scratch, "*.tmp"] }
    - id: rename
      name: Rename
      action: fs:rename
      input: { files: [{ from: gitignore, to: .gitignore }] }
    - id: list
      name: Look
      action: fs:readdir
      input: { paths: [environments] }
    - id: say
      name: Say
      action: debug:log
      input: { message: "Made ${{ parameters.name }} for ${{ steps.list.output.files.length }} environments" }
    - id: catalog
      name: Describe it
      action: catalog:write
      input:
        entity:
          apiVersion: backstage.io/v1alpha1
          kind: Component
          metadata: { name: "${{ parameters.name }}", annotations: { port: "${{ parameters.port | dump }}" } }
          spec: { type: service, lifecycle: experimental, owner: "${{ parameters.owner }}" }
    - id: publish
      name: Publish it
      action: publish:github
      input: { repoUrl: "${{ parameters.repoUrl }}", token: "${{ secrets.USER_OAUTH_TOKEN }}", defaultBranch: trunk, gitCommitMessage: "First: ${{ parameters.name }}" }
    - id: register
      name: Register it
      action: catalog:register
      input: { repoContentsUrl: "${{ steps.publish.output.repoContentsUrl }}", catalogInfoPath: /catalog-info.yaml }
  output:
    remote: ${{ steps.publish.output.remoteUrl }}
    entity: ${{ steps.register.output.entityRef }}
    links:
      - { title: Repository, url: "${{ steps.publish.output.remoteUrl }}" }
      - { title: Never, if: "${{ parameters.docs }}", url: "https://docs.acme.test" }
    text:
      - { title: Next, content: "Ask ${{ parameters.owner }} for review" }
"#;

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// What a person does to a result.
type Touch = fn(&Path);

/// A pack with a template of every kind of content.
fn service(machine: &Machine) -> PathBuf {
    let templates = machine.pack.path().join("templates");
    let service = templates.join("service");
    write(&service.join("template.yaml"), SERVICE);
    write(&templates.join("shared/docs/index.md"), "# ${{ stays }}\n");
    write(&service.join("environment.txt"), "${{ values.index }}: ${{ values.name }}\n");
    let skeleton = service.join("skeleton");
    write(
        &skeleton.join("src/${{ values.name }}.txt"),
        "${{ values.name | upper }} of ${{ values.owner }} on ${{ values.port }}\n\
         {%- for environment in values.environments %}\n* ${{ environment }}\n{%- endfor %}\n",
    );
    write(&skeleton.join("${{ 'LICENSE' if values.port > 9000 }}"), "only for some\n");
    write(&skeleton.join(".github/workflows/${{ values.name }}.yaml"), "run: ${{ github.sha }}\n");
    write(&skeleton.join("gitignore"), "build/\n");
    write(&skeleton.join("build/kept"), "made, and ignored by git\n");
    write(&skeleton.join("scratch/a"), "");
    write(&skeleton.join("b.tmp"), "");
    fs::create_dir_all(skeleton.join("empty")).unwrap();
    fs::write(skeleton.join("picture.bin"), [0, 159, b'$', b'{', b'{']).unwrap();
    write(&skeleton.join("run.sh"), "#!/bin/sh\necho ${{ values.name }}\n");
    fs::set_permissions(skeleton.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    service
}

fn with(values: &Value) -> Value {
    json!({ "template": "templates/service", "into": "~/src/orders", "values": values, "skip": ["publish"] })
}

fn orders() -> Value {
    json!({ "name": "orders", "owner": "team-a", "port": "9090" })
}

/// A pack with one template of these steps.
fn template(machine: &Machine, steps: &str) {
    let text = format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {{ name: t }}\nspec:\n  parameters: {{ properties: {{ x: {{ type: string }} }} }}\n  steps:\n{steps}\n"
    );
    write(&machine.pack.path().join("t/template.yaml"), &text);
}

fn small(values: &Value) -> Value {
    json!({ "template": "t", "into": "~/made", "values": values })
}

fn git(folder: &Path, args: &[&str]) -> String {
    let run = Command::new("git").args(args).current_dir(folder).output().unwrap();
    assert!(run.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

fn identity(machine: &Machine) {
    fs::write(machine.home().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.test\n")
        .unwrap();
}

fn read(machine: &Machine, path: &str) -> String {
    fs::read_to_string(machine.home().join(path)).unwrap()
}

#[tokio::test]
async fn a_template_becomes_a_folder_and_goes_again() {
    let machine = Machine::new();
    service(&machine);
    let before = machine.snapshot();
    let operation = machine.operation("scaffold", with(&orders()));
    let Check::Needed { what, files } = operation.check(&machine.context()).await.unwrap() else { panic!() };
    assert!(what.contains("the template `service` 1.4.0"), "{what}");
    assert!(what.contains("Make the skeleton (fetch:template), then Name the environments"), "{what}");
    assert!(what.contains("Publish it is left out, as the pack says"), "{what}");
    assert!(!what.contains("Add the documents"), "its condition does not hold: {what}");
    let home = machine.home().display().to_string();
    let listed: Vec<&str> = files.iter().map(|file| file.path.strip_prefix(&home).unwrap()).collect();
    assert_eq!(
        listed,
        [
            "/src/orders/.github/workflows/orders.yaml",
            "/src/orders/.gitignore",
            "/src/orders/LICENSE",
            "/src/orders/build/kept",
            "/src/orders/catalog-info.yaml",
            "/src/orders/environments/live.txt",
            "/src/orders/environments/test.txt",
            "/src/orders/picture.bin",
            "/src/orders/run.sh",
            "/src/orders/src/orders.txt",
        ]
    );
    assert!(files[9].diff.contains("+ORDERS of team-a on 9090"), "{}", files[9].diff);

    let outputs = machine.bring_about(&*operation).await;
    assert_eq!(read(&machine, "src/orders/src/orders.txt"), "ORDERS of team-a on 9090\n* test\n* live\n");
    assert_eq!(read(&machine, "src/orders/.github/workflows/orders.yaml"), "run: ${{ github.sha }}\n");
    assert_eq!(read(&machine, "src/orders/environments/live.txt"), "1: live\n");
    let catalog = read(&machine, "src/orders/catalog-info.yaml");
    assert!(catalog.contains("kind: Component") && catalog.contains("name: orders"), "{catalog}");
    assert_eq!(fs::read(machine.home().join("src/orders/picture.bin")).unwrap(), [0, 159, b'$', b'{', b'{']);
    let mode = fs::metadata(machine.home().join("src/orders/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    assert!(machine.home().join("src/orders/empty").is_dir());
    assert!(!machine.home().join("src/orders/scratch").exists());
    assert_eq!(outputs["path"], format!("{home}/src/orders"));
    assert_eq!((outputs["template"].as_str(), outputs["version"].as_str()), ("service", "1.4.0"));
    assert_eq!(outputs["entity"], "component:default/orders");
    assert!(!outputs.contains_key("remote"), "what was left out gave nothing: {outputs:?}");
    assert_eq!(outputs["links"], "");
    assert!(outputs["follow_ups"].contains("Ask team-a for review"), "{outputs:?}");
    assert!(outputs["follow_ups"].contains("Register `catalog-info.yaml`"), "{outputs:?}");

    let record: Value =
        serde_json::from_str(&read(&machine, "src/orders/.firstlight/scaffold.json")).unwrap();
    assert_eq!(record["template"]["name"], "service");
    assert_eq!(record["values"]["port"], 9090);
    assert_eq!(record["files"].as_object().unwrap().len(), 10);
    let names: Vec<_> = fs::read_dir(machine.home().join("src")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");

    machine.undo(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
    machine.undo(&*operation).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_or_does_not_fit_is_said_and_nothing_is_made() {
    let machine = Machine::new();
    service(&machine);
    for (values, said) in [
        (json!({}), "`name` (Name) is missing; `owner` (Owner) is missing"),
        (json!({ "name": "Orders", "owner": "a" }), "does not fit the pattern"),
        (json!({ "name": "orders", "owner": "a", "port": "high" }), "`port` should be a number"),
        (json!({ "name": "orders", "ownr": "a" }), "does not ask for `ownr`"),
        (json!({ "name": "orders", "owner": "a", "repoUrl": "nonsense" }), "host?owner="),
    ] {
        let operation = machine.operation("scaffold", with(&values));
        let why = blocked(&*operation, &machine.context()).await;
        assert!(why.contains(said), "{why}");
        assert!(operation.apply(&machine.context()).await.is_err());
        assert!(!machine.home().join("src").exists());
    }
}

#[tokio::test]
async fn what_is_there_is_never_overwritten() {
    let machine = Machine::new();
    service(&machine);
    let into = machine.home().join("src/orders");
    let operation = machine.operation("scaffold", with(&orders()));
    write(&into.join("mine"), "x");
    let why = blocked(&*operation, &machine.context()).await;
    assert!(why.contains("with something else in it"), "{why}");
    assert!(operation.apply(&machine.context()).await.is_err());
    write(
        &into.join(".firstlight/scaffold.json"),
        r#"{"template":{"name":"other","version":"1","path":"","digest":""},"values":{},"files":{}}"#,
    );
    let why = blocked(&*operation, &machine.context()).await;
    assert!(why.contains("another template, `other`"), "{why}");
    fs::remove_dir_all(&into).unwrap();
    write(&into, "a file");
    assert!(blocked(&*operation, &machine.context()).await.contains("not a folder"));
    fs::remove_file(&into).unwrap();
    // An empty folder is filled, and is there again afterwards.
    fs::create_dir(&into).unwrap();
    machine.bring_about(&*operation).await;
    machine.undo(&*operation).await.unwrap();
    assert_eq!(fs::read_dir(&into).unwrap().count(), 0);
}

#[tokio::test]
async fn once_made_it_is_the_persons() {
    let machine = Machine::new();
    let folder = service(&machine);
    let operation = machine.operation("scaffold", with(&orders()));
    machine.bring_about(&*operation).await;
    let made = machine.home().join("src/orders");
    fs::write(made.join("src/orders.txt"), "mine now").unwrap();
    write(&folder.join("template.yaml"), &SERVICE.replace("1.4.0", "2.0.0"));
    let newer = machine.operation("scaffold", with(&json!({ "name": "other", "owner": "b" })));
    let outputs = satisfied(&*newer, &machine.context()).await;
    assert_eq!(outputs["version"], "1.4.0", "it says what it was made by");
    newer.apply(&machine.context()).await.unwrap();
    assert_eq!(fs::read_to_string(made.join("src/orders.txt")).unwrap(), "mine now");
}

#[tokio::test]
async fn undo_takes_nothing_that_was_touched() {
    let machine = Machine::new();
    service(&machine);
    let operation = machine.operation("scaffold", with(&orders()));
    let made = machine.home().join("src/orders");
    let touches: [(&str, Touch); 5] = [
        ("`run.sh` was changed", |made| fs::write(made.join("run.sh"), "x").unwrap()),
        ("`notes` was added", |made| fs::write(made.join("notes"), "x").unwrap()),
        ("`target` was added", |made| write(&made.join("target/out"), "x")),
        ("`run.sh` was removed", |made| fs::remove_file(made.join("run.sh")).unwrap()),
        ("`run.sh` was added", |made| {
            fs::remove_file(made.join("run.sh")).unwrap();
            symlink("/etc/hostname", made.join("run.sh")).unwrap();
        }),
    ];
    for (said, touch) in touches {
        machine.bring_about(&*operation).await;
        touch(&made);
        let before = machine.snapshot();
        let failure = machine.undo(&*operation).await.unwrap_err();
        assert!(failure.cause.contains(said), "{failure}");
        assert_eq!(machine.snapshot(), before, "{said}");
        fs::remove_dir_all(&made).unwrap();
    }
}

#[tokio::test]
async fn a_publishing_step_pushes_to_a_repository_of_this_machine() {
    let machine = Machine::new();
    service(&machine);
    let mut with = with(&orders());
    with["skip"] = json!([]);
    with["publish"] = json!({ "publish": "~/repositories/orders.git" });
    let operation = machine.operation("scaffold", with);
    let why = blocked(&*operation, &machine.context()).await;
    assert!(why.contains("does not know your name"), "{why}");
    identity(&machine);
    let before = machine.snapshot();
    let resolved = operation.resolved();
    let bare = machine.home().join("repositories/orders.git");
    assert!(resolved.commands[0].argv.contains(&"push".to_owned()), "{resolved:?}");
    assert!(resolved.commands[0].argv.contains(&bare.display().to_string()), "{resolved:?}");

    let outputs = machine.bring_about(&*operation).await;
    let made = machine.home().join("src/orders");
    assert_eq!(git(&bare, &["log", "--format=%an %s", "trunk"]), "Ada First: orders");
    assert_eq!(git(&made, &["status", "--porcelain"]), "", "the folder is a clone of it");
    assert_eq!(git(&made, &["rev-parse", "HEAD"]), git(&bare, &["rev-parse", "trunk"]));
    assert_eq!(git(&made, &["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/trunk");
    assert_eq!(outputs["remote"], "~/repositories/orders.git");
    assert!(outputs["links"].contains("Repository: ~/repositories/orders.git"), "{outputs:?}");
    assert!(
        outputs["follow_ups"].contains("Register ~/repositories/orders.git/catalog-info.yaml"),
        "{outputs:?}"
    );

    // A commit of the person's own keeps it.
    git(
        &made,
        &["-c", "user.name=A", "-c", "user.email=a@b.test", "commit", "-q", "--allow-empty", "-m", "mine"],
    );
    assert!(machine.undo(&*operation).await.unwrap_err().cause.contains("not pushed"));
    git(&made, &["push", "-q"]);
    assert!(machine.undo(&*operation).await.unwrap_err().cause.contains("2 commits"));
    git(&made, &["reset", "-q", "--hard", "HEAD~1"]);
    git(&made, &["push", "-q", "--force"]);
    machine.undo(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
}

#[tokio::test]
async fn a_repository_with_something_in_it_is_left_as_it_is() {
    let machine = Machine::new();
    service(&machine);
    fs::create_dir_all(machine.home()).unwrap();
    identity(&machine);
    let bare = machine.pack.path().join("other.git");
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["init", "-q", "-b", "trunk"]);
    git(
        work.path(),
        &["-c", "user.name=A", "-c", "user.email=a@b.test", "commit", "-q", "--allow-empty", "-m", "theirs"],
    );
    git(work.path(), &["clone", "-q", "--bare", ".", &bare.display().to_string()]);
    let theirs = git(&bare, &["rev-parse", "trunk"]);
    let mut with = with(&orders());
    with["skip"] = json!([]);
    with["publish"] = json!({ "publish": bare.display().to_string() });
    let operation = machine.operation("scaffold", with);
    let failure = operation.apply(&machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("nothing is overwritten"), "{failure}");
    assert_eq!(git(&bare, &["rev-parse", "trunk"]), theirs);
    let left: Vec<_> = machine
        .snapshot()
        .into_iter()
        .filter(|(path, _)| path.is_file() && !path.ends_with(".gitconfig"))
        .collect();
    assert_eq!(left, [], "nothing is made");

    // What a run that was cut off pushed before is taken over.
    git(&bare, &["update-ref", "-d", "refs/heads/trunk"]);
    operation.apply(&machine.context()).await.unwrap();
    let pushed = git(&bare, &["rev-parse", "trunk"]);
    fs::remove_dir_all(machine.home().join("src/orders")).unwrap();
    operation.apply(&machine.context()).await.unwrap();
    assert_eq!(git(&bare, &["rev-parse", "trunk"]), pushed);
    assert_eq!(git(&machine.home().join("src/orders"), &["rev-parse", "HEAD"]), pushed);
    assert_eq!(
        git(&machine.home().join("src/orders"), &["status", "--porcelain", "--branch"]),
        "## trunk...origin/trunk"
    );
}

#[tokio::test]
async fn a_step_nobody_can_do_here_is_refused_by_name() {
    let machine = Machine::new();
    for (steps, said) in [
        ("    - { id: a, action: fetch:templat, input: { url: . } }", "step `a` (`fetch:templat`)"),
        ("    - { id: a, action: \"publish:github:pull-request\" }", "pull request"),
        ("    - { id: a, action: publish:gitlab }", "not available on one's own machine"),
        (
            "    - { id: a, action: debug:log, input: { message: \"${{ secrets.TOKEN }}\" } }",
            "`secrets.TOKEN` does not exist here",
        ),
        (
            "    - { id: a, action: debug:log, input: { message: \"${{ user.entity.metadata.name }}\" } }",
            "`user.entity.metadata.name`",
        ),
        ("    - { id: a, action: debug:log, if: \"parameters.x\" }", "always holds"),
        (
            "    - { id: a, action: debug:log, input: { message: \"${{ parameters.x | }}\" } }",
            "cannot be used",
        ),
        (
            "    - { id: a, action: \"fetch:template\", input: { url: \"https://git.acme.test/skeleton\" } }",
            "templates are local",
        ),
        ("    - { id: a, action: \"fetch:template\", input: { url: ./nowhere } }", "no folder `t/nowhere`"),
        (
            "    - { id: a, action: \"fetch:template\", input: { url: ., cookiecutterCompat: true } }",
            "cookiecutterCompat",
        ),
        ("    - { id: a, action: \"debug:wait\", input: { minutes: 11 } }", "more than 10 minutes"),
    ] {
        template(&machine, steps);
        let operation = machine.operation("scaffold", small(&json!({})));
        let why = blocked(&*operation, &machine.context()).await;
        assert!(why.contains(said), "{why}");
    }
    template(
        &machine,
        "    - { id: a, action: roadiehq:utils:merge }\n    - { id: b, action: debug:log, input: { message: hello } }",
    );
    let mut with = small(&json!({}));
    with["skip"] = json!(["a"]);
    let operation = machine.operation("scaffold", with.clone());
    let outputs = machine.bring_about(&*operation).await;
    assert!(outputs["follow_ups"].contains("`roadiehq:utils:merge`"), "{outputs:?}");
    with["skip"] = json!(["c"]);
    with["into"] = json!("~/other");
    let why = blocked(&*machine.operation("scaffold", with), &machine.context()).await;
    assert!(why.contains("no step `c`"), "{why}");
}

#[tokio::test]
async fn e6_no_template_leads_out_of_its_place() {
    let machine = Machine::new();
    let file = |target: &str| {
        format!(
            "    - {{ id: a, action: \"fetch:plain:file\", input: {{ url: ./template.yaml, targetPath: \"{target}\" }} }}"
        )
    };
    let fetch =
        |url: &str| format!("    - {{ id: a, action: \"fetch:plain\", input: {{ url: \"{url}\" }} }}");
    fs::create_dir_all(machine.home()).unwrap();
    fs::write(machine.home().join("outside"), "x").unwrap();
    for (steps, value) in [
        (file("../escaped"), "x"),
        (file("/tmp/escaped"), "x"),
        (file("~/escaped"), "x"),
        (file("a/../../escaped"), "x"),
        (file("${{ parameters.x }}"), "../escaped"),
        (file("${{ parameters.x }}"), "/escaped"),
        (file("${{ parameters.x }}"), ".git/hooks/pre-commit"),
        (file(".firstlight/scaffold.json"), "x"),
        (fetch("../../.."), "x"),
        (fetch("/etc"), "x"),
        (fetch("${{ parameters.x }}"), "../../../"),
        (fetch("${{ parameters.x }}"), "https://git.acme.test/x"),
        (
            "    - { id: a, action: \"fs:rename\", input: { files: [{ from: a, to: ../escaped }] } }"
                .to_owned(),
            "x",
        ),
        ("    - { id: a, action: \"fs:delete\", input: { files: [../outside] } }".to_owned(), "x"),
        ("    - { id: a, action: \"fs:delete\", input: { files: [.] } }".to_owned(), "x"),
        (
            "    - { id: a, action: \"catalog:write\", input: { filePath: ../escaped, entity: {} } }"
                .to_owned(),
            "x",
        ),
    ] {
        template(&machine, &steps);
        let before = machine.snapshot();
        let operation = machine.operation("scaffold", small(&json!({ "x": value })));
        blocked(&*operation, &machine.context()).await;
        assert!(operation.apply(&machine.context()).await.is_err(), "{steps}");
        assert_eq!(machine.snapshot(), before, "{steps} {value}");
    }
}

#[tokio::test]
async fn e6_a_name_made_of_a_value_stays_inside() {
    let machine = Machine::new();
    template(
        &machine,
        "    - { id: a, action: \"fetch:template\", input: { url: ./s, values: { x: \"${{ parameters.x }}\" } } }",
    );
    write(&machine.pack.path().join("t/s/${{ values.x }}"), "x");
    for bad in ["../escaped", "a/../../b", ".git/config", "a\\b", "a\nb"] {
        let operation = machine.operation("scaffold", small(&json!({ "x": bad })));
        let why = blocked(&*operation, &machine.context()).await;
        assert!(why.contains("the path"), "{bad}: {why}");
    }
    // A name that begins with nothing leaves its file out, as for Backstage.
    let operation = machine.operation("scaffold", small(&json!({ "x": "/escaped" })));
    let Check::Needed { files, .. } = operation.check(&machine.context()).await.unwrap() else { panic!() };
    assert_eq!(files, []);
    machine.bring_about(&*machine.operation("scaffold", small(&json!({ "x": "fine/deep" })))).await;
    assert!(machine.home().join("made/fine/deep").is_file());
}

#[tokio::test]
async fn e6_links_are_not_followed() {
    let machine = Machine::new();
    fs::create_dir_all(machine.home()).unwrap();
    fs::write(machine.home().join("secret"), "hidden").unwrap();
    template(&machine, "    - { id: a, action: \"fetch:plain\", input: { url: ./s } }");
    let skeleton = machine.pack.path().join("t/s");
    write(&skeleton.join("a"), "x");
    let operation = || machine.operation("scaffold", small(&json!({})));
    symlink(machine.home().join("secret"), skeleton.join("link")).unwrap();
    assert!(blocked(&*operation(), &machine.context()).await.contains("not a plain file"));
    fs::remove_file(skeleton.join("link")).unwrap();
    symlink(machine.home(), skeleton.join("folder")).unwrap();
    assert!(blocked(&*operation(), &machine.context()).await.contains("not a plain file"));
    fs::remove_file(skeleton.join("folder")).unwrap();
    fs::rename(&skeleton, machine.pack.path().join("t/real")).unwrap();
    symlink("real", &skeleton).unwrap();
    assert!(blocked(&*operation(), &machine.context()).await.contains("not a plain file"));
    fs::remove_file(&skeleton).unwrap();
    fs::rename(machine.pack.path().join("t/real"), &skeleton).unwrap();
    // Nor on the way to the result.
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), machine.home().join("made")).unwrap();
    assert!(blocked(&*operation(), &machine.context()).await.contains("symbolic link"));
    assert!(operation().apply(&machine.context()).await.is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn e6_what_a_cut_off_run_left_is_cleared() {
    let machine = Machine::new();
    service(&machine);
    let leftover = machine.home().join("src/.orders.firstlight-scaffold");
    write(&leftover.join("half"), "x");
    machine.bring_about(&*machine.operation("scaffold", with(&orders()))).await;
    assert!(!leftover.exists());
    assert!(!machine.home().join("src/orders/half").exists());
}

#[tokio::test]
async fn e2_a_value_is_never_read_as_a_template() {
    let machine = Machine::new();
    template(
        &machine,
        "    - { id: a, action: \"catalog:write\", input: { filePath: out, entity: { x: \"${{ parameters.x }}\" } } }\n    - { id: b, action: \"fetch:template\", input: { url: ./s, values: { x: \"${{ parameters.x }}\" } } }",
    );
    write(&machine.pack.path().join("t/s/f"), "${{ values.x }}");
    let hostile = "{% for a in range(9) %}${{ 7 * 7 }}{% endfor %}";
    machine.bring_about(&*machine.operation("scaffold", small(&json!({ "x": hostile })))).await;
    assert_eq!(read(&machine, "made/f"), hostile);
    assert!(read(&machine, "made/out").contains(hostile));
}

#[tokio::test]
async fn c5_a_stored_secret_never_ends_up_in_a_file() {
    let machine = Machine::new();
    service(&machine);
    let name = CredentialName::new("token").unwrap();
    machine.host.put_secret(&name, "hunter2hunter2");
    let mut values = orders();
    values["owner"] = json!("hunter2hunter2");
    let operation = machine.operation("scaffold", with(&values));
    let failure = operation.apply(&machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("stored credential"), "{failure}");
    assert!(!machine.home().join("src").exists());
    assert_eq!(machine.receipts(), 0);
}

#[tokio::test]
async fn a_long_list_is_bounded_and_its_rest_is_agreed_to_as_well() {
    let machine = Machine::new();
    template(&machine, "    - { id: a, action: \"fetch:plain\", input: { url: ./s } }");
    for index in 0..230 {
        write(&machine.pack.path().join(format!("t/s/{index:03}")), "x\n");
    }
    let operation = machine.operation("scaffold", small(&json!({})));
    let files = async || match operation.check(&machine.context()).await.unwrap() {
        Check::Needed { files, .. } => files,
        other => panic!("{other:?}"),
    };
    let before = files().await;
    assert_eq!(before.len(), 201);
    assert!(before[200].path.starts_with("30 more files"), "{}", before[200].path);
    write(&machine.pack.path().join("t/s/229"), "y\n");
    assert_ne!(files().await[200].digest, before[200].digest);
}
