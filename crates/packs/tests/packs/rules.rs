//! Every rule, broken once: what the author sees.

use firstlight_packs::ProblemCode as Code;

use crate::common::{ACME, Folder, changed};

/// Which rules a pack breaks, and what its author sees.
macro_rules! breaks {
    ($($name:ident: $codes:expr, $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let folder = Folder::with($text);
            let found: Vec<Code> = folder.lint().problems().iter().map(|problem| problem.code).collect();
            let expected: &[Code] = &$codes;
            let rendered = folder.rendered();
            assert_eq!(found, expected, "{rendered}");
            insta::assert_snapshot!(rendered);
        }
    )*};
}

/// [`ACME`] with a step more, in the checklist.
fn with_step(step: &str) -> String {
    let name = step.trim().split(':').next().unwrap();
    changed("build, serve] }", &format!("build, {name}, serve] }}"))
        .replace("\npolicy:", &format!("\n{step}\npolicy:"))
}

/// [`ACME`] with a survey.
fn with_survey(fields: &str, questions: &str) -> String {
    let survey = format!("  first: {{ title: First day, audience: The platform team, {fields} }}");
    let questions = format!("    questions:\n{questions}\n");
    changed("\npolicy:", &format!("\nsurveys:\n{}\n{questions}policy:", survey_in_block(&survey)))
}

/// The fields of a survey one a line, so that its questions can follow.
fn survey_in_block(flow: &str) -> String {
    let (name, fields) = flow.trim().trim_end_matches(" }").split_once(": { ").unwrap();
    let fields: Vec<String> = fields.split(", ").map(|field| format!("    {field}")).collect();
    format!("  {name}:\n{}", fields.join("\n"))
}

breaks! {
    survey_asked_at_no_time: [Code::BadValue], with_survey("ask: [first-valeu]", "      q: { kind: csat, text: How was it? }");
    survey_after_no_step: [Code::MissingStep], with_survey("ask: [after srve]", "      q: { kind: csat, text: How was it? }");
    survey_for_no_persona: [Code::BadSurvey], with_survey("ask: [day 7], personas: [backnd]", "      q: { kind: csat, text: How was it? }");
    survey_with_unknown_input: [Code::BadExpression], with_survey("ask: [day 7], if: inputs.workspce == 'a'", "      q: { kind: csat, text: How was it? }");
    survey_sooner_without_a_reason: [Code::MissingField], with_survey("ask: [day 7], even-if-asked-lately: ''", "      q: { kind: csat, text: How was it? }");
    survey_without_audience: [Code::MissingField], with_survey("ask: [day 7]", "      q: { kind: csat, text: How was it? }").replace("    audience: The platform team\n", "");
    question_of_no_kind: [Code::BadValue], with_survey("ask: [day 7]", "      q: { kind: csta, text: How was it? }");
    nps_in_other_words: [Code::MissingField, Code::UnknownField], with_survey("ask: [day 7]", "      q: { kind: nps, text: Like it? }");
    choice_between_nothing: [Code::BadValue], with_survey("ask: [day 7]", "      q: { kind: choice, text: Which?, options: { a: A } }");
    question_by_no_question: [Code::BadSurvey], with_survey("ask: [day 7]", "      q: { kind: csat, text: How? }\n      why: { kind: text, text: Why?, show-if: { question: p, at-most: 2 } }");
    question_by_a_later_one: [Code::BadSurvey], with_survey("ask: [day 7]", "      why: { kind: text, text: Why?, show-if: { question: q, at-most: 2 } }\n      q: { kind: csat, text: How? }");
    questions_by_each_other: [Code::Cycle, Code::Cycle], with_survey("ask: [day 7]", "      a: { kind: csat, text: A?, show-if: { question: b, at-most: 2 } }\n      b: { kind: csat, text: B?, show-if: { question: a, at-most: 2 } }");
    question_by_itself: [Code::Cycle], with_survey("ask: [day 7]", "      a: { kind: csat, text: A?, show-if: { question: a, at-most: 2 } }");
    question_by_an_answer_nobody_gives: [Code::BadSurvey], with_survey("ask: [day 7]", "      q: { kind: csat, text: How? }\n      why: { kind: text, text: Why?, show-if: { question: q, at-least: 6 } }");
    question_by_an_option_that_is_not_there: [Code::BadSurvey], with_survey("ask: [day 7]", "      q: { kind: choice, text: Which?, options: { docs: Docs, people: People } }\n      why: { kind: text, text: Why?, show-if: { question: q, is: [dcs] } }");
    question_by_a_scale_and_a_choice: [Code::BadSurvey], with_survey("ask: [day 7]", "      q: { kind: csat, text: How? }\n      why: { kind: text, text: Why?, show-if: { question: q, is: [docs], at-most: 2 } }");
    question_by_free_words: [Code::BadSurvey], with_survey("ask: [day 7]", "      q: { kind: text, text: How? }\n      why: { kind: text, text: Why?, show-if: { question: q, at-most: 2 } }");
}

breaks! {
    unknown_field_of_the_pack: [Code::UnknownField], changed("\npolicy:", "\npolcy: {}\npolicy:");
    unknown_field_of_a_step: [Code::UnknownField], changed("estimate: 6m", "estmate: 6m");
    unknown_field_as_other_tools_call_it: [Code::UnknownField], changed("needs: [build]", "needs: [build], depends_on: [vpn]");
    unknown_field_with_no_near_name: [Code::UnknownField], changed("owner: platform-team", "colour: blue");
    unknown_field_in_with: [Code::UnknownField], changed("into: ", "intoo: a, into: ");
    unknown_field_deep_in_with: [Code::UnknownField, Code::BadWith], with_step("  site: { title: Site, uses: service, with: { run: [a], ready: { htpp: x, tcp: [b] } } }");
    unknown_kind: [Code::UnknownKind], changed("uses: ssh/key", "uses: ssh-key");
    missing_step_in_needs: [Code::MissingStep], changed("needs: [build]", "needs: [build, git, clon]");
    missing_step_in_a_stage: [Code::MissingStep], changed("build, serve] }", "build, srve, serve] }");
    cycle: [Code::Cycle], changed("uses: ssh/key, with", "needs: [build], uses: ssh/key, with");
    cycle_of_one: [Code::Cycle], changed("needs: [clone]", "needs: [clone, build]");
    duplicate_key: [Code::DuplicateId], changed("  clone:   {", "  git: { title: Again, run: [a] }\n  clone:   {");
    duplicate_step_in_a_checklist: [Code::DuplicateId], changed("build, serve] }", "build, serve] }\n      - { id: day-2, title: Day two, steps: [git] }");
    duplicate_stage: [Code::DuplicateId], changed("build, serve] }", "build] }\n      - { id: day-1, title: Day two, steps: [serve] }");
    expression_with_unknown_input: [Code::BadExpression], changed("into: \"${{ inputs.workspace }}", "into: \"${{ inputs.workspce }}");
    expression_with_unknown_fact: [Code::BadExpression], changed("estimate: 6m", "if: \"facts.oss == 'linux'\"");
    expression_with_unknown_step: [Code::BadExpression], changed("steps.clone.outputs.path", "steps.clon.outputs.path");
    expression_with_unknown_output: [Code::BadExpression], changed("steps.clone.outputs.path", "steps.clone.outputs.pth");
    expression_with_undeclared_output: [Code::BadExpression], changed("uses: service,", "uses: service, why: \"${{ steps.build.outputs.digest }}\",");
    expression_with_output_of_a_step_not_waited_for: [Code::BadExpression], changed("uses: ssh/key, with: { ", "uses: ssh/key, with: { path: \"${{ steps.clone.outputs.path }}/key\", ");
    expression_that_is_never_closed: [Code::BadExpression], changed("${{ inputs.workspace }}/orders", "${{ inputs.workspace }/orders");
    expression_that_cannot_be_read: [Code::BadExpression], changed("estimate: 6m", "if: \"${{ facts.os = 'linux' }}\"");
    expression_with_unknown_root: [Code::BadExpression], changed("estimate: 6m", "if: \"input.workspace == 'a'\"");
    persona_without_checklist: [Code::PersonaWithoutChecklist], changed("checklists:", "  frontend: { title: Frontend engineer }\nchecklists:");
    checklist_without_persona: [Code::PersonaWithoutChecklist, Code::ChecklistWithoutPersona], changed("  backend:\n    stages", "  backnd:\n    stages");
    no_first_value: [Code::NoFirstValue], changed(", first-value: true", "");
    several_first_values: [Code::SeveralFirstValues], changed("timeout: 20m", "timeout: 20m, first-value: true");
    unreachable_first_value: [Code::UnreachableFirstValue, Code::UnusedStep], changed("ssh-key, vpn, clone, build", "ssh-key, vpn, build").replace("steps.clone.outputs.path", "inputs.workspace");
    need_of_another_checklist: [Code::MissingStep, Code::UnusedStep], with_step("  tour: { title: Tour, uses: confirm, needs: [other], with: { text: a } }\n  other: { title: Other, run: [a] }");
    elevation_not_declared: [Code::CapabilityNotDeclared], changed("    elevation: true\n", "");
    elevation_of_a_command_not_declared: [Code::CapabilityNotDeclared], changed("    elevation: true\n", "").replace("apt: git, ", "").replace("timeout: 20m", "elevation: elevated");
    hosts_not_declared: [Code::CapabilityNotDeclared, Code::CapabilityNotDeclared, Code::CapabilityNotDeclared], changed("\"*.acme.test\", 127.0.0.1", "acme.test");
    path_not_declared: [Code::CapabilityNotDeclared], with_step("  rc: { title: Rc, uses: file, with: { path: ~/.bashrc, content: a } }");
    secret_not_declared: [Code::CapabilityNotDeclared], with_step("  token: { title: Token, uses: credential, with: { name: acme-token } }");
    secret_nobody_asks_for: [Code::MissingCredential], changed("    elevation: true\n", "    elevation: true\n    secrets: [acme-token]\n").replace("estimate: 6m", "secrets: { env: { TOKEN: acme-token } }");
    secret_that_may_be_late: [Code::SecretNotNeeded], with_step("  token: { title: Token, uses: credential, with: { name: acme-token } }").replace("    elevation: true\n", "    elevation: true\n    secrets: [acme-token]\n").replace("estimate: 6m", "secrets: { stdin: acme-token }");
    best_effort_that_is_needed: [Code::BestEffortNeeded], changed("uses: ssh/key, with", "uses: ssh/key, best-effort: true, with");
    best_effort_and_critical: [Code::BestEffortNeeded], with_step("  fonts: { title: Fonts, best-effort: true, critical: true, run: [a] }");
    best_effort_and_first_value: [Code::BestEffortNeeded], changed("first-value: true", "first-value: true, best-effort: true");
    follow_up_with_unknown_input: [Code::BadExpression], changed("uses: ssh/key, with", "uses: ssh/key, follow-up: \"Go to ${{ inputs.workspce }}.\", with");
    unused_step: [Code::UnusedStep], changed("\npolicy:", "\n  spare: { title: Spare, run: [a] }\npolicy:");
    sla_in_words_by_which_nothing_is_due: [Code::SlaNeverDue], changed("sla: 4 business hours", "sla: by the end of the day");
    sla_of_a_number_alone: [Code::SlaNeverDue], changed("sla: 4 business hours", "sla: 4");
    bad_duration: [Code::BadValue], changed("timeout: 20m", "timeout: 20");
    bad_id: [Code::BadId], changed("\npolicy:", "\n  Über cool: { title: A, run: [a] }\npolicy:");
    bad_version: [Code::BadValue], changed("3.2.0", "v3.2");
    bad_api_version: [Code::BadValue], changed("firstlight.dev/v1", "firstlight.dev/v2");
    missing_title: [Code::MissingField], changed("title: Build it, ", "");
    empty_title: [Code::MissingField], changed("title: Build it, ", "title: , ");
    missing_what_it_does: [Code::MissingField], changed("uses: ssh/key, with: { type: ed25519 }", "owner: me");
    missing_parameter: [Code::MissingField], changed("url: \"git@git.acme.test:orders.git\", ", "");
    missing_sections: [Code::MissingField, Code::MissingField, Code::MissingField], "apiVersion: firstlight.dev/v1\nkind: Pack\nmetadata: { name: a, version: 1.0.0, title: A }\n";
    run_as_one_text: [Code::BadValue], changed("run: [cargo, build]", "run: cargo build --release");
    run_as_a_script_without_shell: [Code::BadValue], changed("run: [cargo, build]", "run: \"cargo build | tee log\"");
    run_beside_another_kind: [Code::UnknownField], changed("uses: service, first-value: true,", "uses: service, first-value: true, cwd: /tmp,");
    wrong_type_of_a_list: [Code::BadValue], changed("needs: [build]", "needs: build");
    wrong_type_of_a_flag: [Code::BadValue], changed("first-value: true", "first-value: true, critical: yes");
    wrong_type_of_a_step: [Code::BadValue], changed("{ title: Create your SSH key, uses: ssh/key, with: { type: ed25519 } }", "ssh-keygen");
    wrong_type_in_with: [Code::BadWith], changed("into: \"${{ inputs.workspace }}/orders\"", "into: ~");
    wrong_choice_in_with: [Code::BadWith], changed("type: ed25519", "type: rsa");
    what_only_the_kind_knows: [Code::BadWith], with_step("  rc: { title: Rc, uses: file, with: { path: \"${{ inputs.workspace }}/a\", mode: 644 } }");
    probe_in_two_ways: [Code::BadValue], changed("https://vpn.acme.test/ping\" }", "https://vpn.acme.test/ping\", tcp: \"vpn.acme.test:1\" }");
    default_that_is_no_answer: [Code::BadValue], changed("default: ~/src", "enum: [~/code, ~/work], default: ~/src");
    file_that_is_not_there: [Code::MissingFile], with_step("  tour: { title: Tour, uses: read, with: { doc: docs/tour.md } }");
    file_that_leaves_the_pack: [Code::OutsidePack], with_step("  tour: { title: Tour, uses: read, with: { doc: ../tour.md } }");
    severity_that_is_none: [Code::BadValue], changed("\npolicy:", "\npolicy:\n  advisories: { block: medum, accept: 30d }");
    field_of_advisories: [Code::UnknownField, Code::BadValue], changed("\npolicy:", "\npolicy:\n  advisories: { blok: high, accept: 30 }");
    not_yaml: [Code::BadYaml], "apiVersion: firstlight.dev/v1\nkind: [Pack\n";
    two_documents: [Code::BadYaml], "kind: Pack\n---\nkind: Pack\n";
    not_utf8: [Code::BadYaml], b"kind: Pack\ntitle: \xff\xfe\n";
    not_a_pack: [Code::BadValue], "- a\n- b\n";
    nothing_at_all: [Code::BadValue], "";
}

#[test]
fn the_pack_of_the_design_is_without_problems() {
    let folder = Folder::with(ACME);
    assert_eq!(folder.lint().problems(), [], "{}", folder.rendered());
}

#[test]
fn a_near_file_name_is_offered() {
    let folder = Folder::with(with_step("  tour: { title: Tour, uses: read, with: { doc: docs/tuor.md } }"));
    folder.add("docs/tour.md", "# Tour");
    assert_eq!(folder.lint().problems()[0].help.as_deref(), Some("did you mean `docs/tour.md`?"));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_the_pack_is_an_error() {
    let folder = Folder::with(ACME);
    std::os::unix::fs::symlink("/etc/passwd", folder.root().join("notes.md")).unwrap();
    let report = folder.lint();
    assert_eq!(report.problems()[0].code, Code::OutsidePack);
    assert_eq!(report.problems()[0].message, "`notes.md` is not a plain file");
}

#[test]
fn a_problem_says_where_it_is_in_characters() {
    let folder = Folder::with(changed("title: Build it, needs", "title: Büild it, neds"));
    let report = folder.lint();
    let problem = report.errors().next().unwrap();
    assert_eq!((problem.line, problem.column), (19, 31));
    assert_eq!(&report.source_text()[problem.span.clone()], "neds");
    let json = serde_json::to_value(problem).unwrap();
    assert_eq!(json["code"], "unknown-field");
    assert_eq!(json["severity"], "error");
    assert_eq!(json["help"], "did you mean `needs`?");
    assert_eq!(json["line"], 19);
}

/// Merging with a field of this value.
fn merge_of(value: &str) -> String {
    with_step(&format!(
        "  set: {{ title: Set, uses: file, with: {{ path: ~/s.json, merge: {{ a: {{ b: {value} }} }} }} }}"
    ))
}

#[test]
fn where_anything_goes_null_is_a_value_if_it_is_written() {
    let problems = |value: &str| Folder::with(merge_of(value)).lint().problems().to_owned();
    assert!(problems("null").iter().all(|problem| problem.code != Code::BadWith), "{:?}", problems("null"));
    for value in ["", "~"] {
        let found = problems(value);
        let found = found.iter().find(|problem| problem.code == Code::BadWith).unwrap();
        assert!(found.help.as_deref().is_some_and(|help| help.contains("write `null`")), "{found:?}");
    }
}

#[test]
fn advisories_are_records_that_say_something_each_in_one_file() {
    let folder = Folder::with(ACME);
    let record = include_str!("../../../advisories/tests/fixtures/rustsec-time.json");
    folder.add("advisories/time.json", record);
    folder.add("advisories/README.md", "# Not a record");
    assert_eq!(folder.lint().problems(), []);
    assert_eq!(firstlight_packs::advisories(folder.root()).unwrap().len(), 1);
    folder.add("advisories/again/time.json", record);
    folder.add("advisories/other.json", record.replace("crates.io", "Maven").replace("-0071", "-0072"));
    folder.add("advisories/half.json", &record[..200]);
    let report = folder.lint();
    let said: Vec<&str> = report.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert!(report.problems().iter().all(|problem| problem.code == Code::BadAdvisory), "{said:?}");
    assert!(said[0].starts_with("`advisories/half.json`: it is no OSV record: "), "{said:?}");
    assert!(said[1].starts_with("`advisories/other.json`: it is about the ecosystem Maven"), "{said:?}");
    assert_eq!(
        said[2],
        "`advisories/time.json`: `RUSTSEC-2020-0071` is in `advisories/again/time.json` already"
    );
    assert!(firstlight_packs::advisories(folder.root()).is_err());
}

#[test]
fn a_best_effort_step_may_need_another() {
    let steps = "  fonts: { title: Fonts, best-effort: true, run: [a] }
  theme: { title: Theme, best-effort: true, needs: [fonts], run: [a], follow-up: Look at it. }";
    let text = with_step(steps).replace("fonts, serve]", "fonts, theme, serve]");
    let folder = Folder::with(text);
    assert_eq!(folder.lint().problems(), []);
}

#[test]
fn every_problem_of_a_pack_is_found_at_once() {
    let text = changed("estimate: 6m", "estmate: 6m")
        .replace("needs: [build]", "needs: [biuld]")
        .replace("3.2.0", "three")
        .replace("inputs.workspace }}/orders", "inputs.workplace }}/orders");
    let folder = Folder::with(text);
    let codes: Vec<Code> = folder.lint().problems().iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::BadValue, Code::BadExpression, Code::UnknownField, Code::MissingStep]);
}

/// A pack with these documents, and a step whose `why` is this.
fn with_documents(why: &str, documents: &[(&str, &[u8])]) -> Folder {
    let folder = Folder::with(changed("estimate: 6m", &format!("estimate: 6m, why: {why:?}")));
    for (path, content) in documents {
        folder.add(path, content);
    }
    folder
}

fn says(folder: &Folder) -> Vec<(Code, String, Option<String>)> {
    let report = folder.lint();
    assert!(report.is_usable(), "a link that leads nowhere stops nobody");
    report.problems().iter().map(|found| (found.code, found.message.clone(), found.help.clone())).collect()
}

#[test]
fn links_and_pictures_of_documents_are_followed() {
    let gif = b"GIF89a\x01\0\x01\0";
    let good =
        "# A\n\n[b](b.md#the-end) [up](#a) [s](step:git) [o](https://acme.test) ![dot](pictures/dot.gif)\n";
    let folder = with_documents(
        "See [a](docs/a.md).",
        &[("docs/a.md", good.as_bytes()), ("docs/b.md", b"## The end\n"), ("docs/pictures/dot.gif", gif)],
    );
    assert_eq!(says(&folder), []);
}

#[test]
fn a_link_that_leads_nowhere_is_said_with_its_line() {
    let bad = "# A\n\n[b](bb.md)\n[s](step:gti)\n\n[e](b.md#the-edn) [x](javascript:alert(1)) [t](../templates/t/README.md)\n";
    let folder = with_documents(
        "See [a](docs/aa.md) and [b](step:biuld).",
        &[
            ("docs/a.md", bad.as_bytes()),
            ("docs/b.md", b"## The end\n"),
            ("templates/t/README.md", b"[gone](gone.md)"),
        ],
    );
    let found = says(&folder);
    assert!(found.iter().all(|(code, ..)| *code == Code::DeadLink), "{found:?}");
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(_, message, help)| (message.as_str(), help.as_deref().unwrap_or_default()))
        .collect();
    let expected = [
        ("docs/a.md, line 3: the link to `bb.md` leads to no document", "did you mean `docs/b.md`?"),
        ("docs/a.md, line 4: there is no step `gti` for the link to `step:gti`", "did you mean `git`?"),
        ("docs/a.md, line 6: `docs/b.md` has no heading `#the-edn`", "did you mean `the-end`?"),
        (
            "docs/a.md, line 6: the link to `javascript:alert(1)` leads nowhere a reader can go",
            "link to a document of the pack, to `step:ID`, or to an `https:` or `mailto:` address",
        ),
        (
            "docs/a.md, line 6: the link to `../templates/t/README.md` leads to no document",
            "only Markdown files are documents, and none below `templates/`",
        ),
        ("the link to `docs/aa.md` leads to no document", "did you mean `docs/a.md`?"),
        ("there is no step `biuld` for the link to `step:biuld`", "did you mean `build`?"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_picture_that_cannot_be_shown_or_says_nothing_is_said() {
    let text = "![a](https://tracker.test/a.png)\n![](dot.gif)\n![c](drawing.svg)\n![d](gone.png)\n![e](data:image/png;base64,AAAA)\n";
    let folder = with_documents(
        "x",
        &[
            ("docs/a.md", text.as_bytes()),
            ("docs/dot.gif", b"GIF89a\x01\0\x01\0"),
            ("docs/drawing.svg", b"<svg/>"),
        ],
    );
    let found: Vec<(Code, String)> =
        says(&folder).into_iter().map(|(code, message, _)| (code, message)).collect();
    let bad = |line, words: &str| (Code::BadImage, format!("docs/a.md, line {line}: {words}"));
    let expected = [
        bad(1, "the picture `https://tracker.test/a.png` is not in the pack and is never loaded"),
        bad(3, "`docs/drawing.svg` is no PNG, JPEG, GIF or WebP picture"),
        bad(4, "the pack has no picture `docs/gone.png`"),
        bad(5, "the picture `data:image/png;base64,AAAA` is not in the pack and is never loaded"),
        (Code::NoDescription, "docs/a.md, line 2: the picture `dot.gif` has no description".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn e7_a_document_that_names_one_thing_very_often_is_linted_at_once() {
    let many = "[x](#y)![z](dot.gif)\n".repeat(20_000);
    let mut heavy = b"GIF89a\x01\0\x01\0".to_vec();
    heavy.resize(3 * 1024 * 1024, 0);
    let folder = with_documents("x", &[("docs/a.md", many.as_bytes()), ("docs/dot.gif", &heavy)]);
    let said = says(&folder);
    assert_eq!(said.len(), 201);
    let (code, last, _) = said.last().unwrap();
    assert_eq!((*code, last.as_str()), (Code::ManyMore, "19800 more like these are not listed"));
}
