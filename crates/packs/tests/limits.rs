//! Requirement E7: alias bombs and deep nesting are an error within 100 ms and 50 MB. A program of its own, so that
//! the memory measured is that of these texts alone.

use std::{
    fmt::Write as _,
    sync::LazyLock,
    time::{Duration, Instant},
};

use firstlight_packs::{PackError, ProblemCode, lint};

fn alias_bomb() -> String {
    let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let before = level - 1;
        let _ = writeln!(text, "a{level}: &a{level} [{}]", vec![format!("*a{before}"); 9].join(", "));
    }
    text
}

fn quadratic_bomb() -> String {
    format!("a: &a [{}]\nb: [{}]\n", vec!["x"; 10_000].join(", "), vec!["*a"; 10_000].join(", "))
}

fn merge_bomb() -> String {
    let mut text = String::from("a0: &a0 { k: v }\n");
    for level in 1..40 {
        let before = level - 1;
        let _ =
            writeln!(text, "a{level}: &a{level} {{ <<: [*a{before}, *a{before}, *a{before}, *a{before}] }}");
    }
    text
}

fn nested_block() -> String {
    (0..1_000).fold(String::new(), |mut text, depth| {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
        text
    })
}

/// Time this thread was at work, where the system says; other programs' time is not ours.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let at_work = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = at_work.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

#[test]
fn e7_bombs_are_an_error_within_100_ms_and_50_mb() {
    let bombs = [
        ("aliases of aliases", alias_bomb()),
        ("many aliases of one list", quadratic_bomb()),
        ("merges of merges", merge_bomb()),
        ("nested lists", "[".repeat(500_000)),
        ("nested maps", "{a: ".repeat(200_000)),
        ("nested dashes", "- ".repeat(400_000)),
        ("nested keys", nested_block()),
        ("nested questions", "? ".repeat(400_000)),
    ];
    for (name, text) in bombs {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pack.yaml"), &text).unwrap();
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let start = clock();
            let report = lint(folder.path(), &[]).unwrap();
            best = best.min(clock().saturating_sub(start));
            let problem = report.errors().next().unwrap_or_else(|| panic!("{name} is not an error"));
            assert!(
                matches!(problem.code, ProblemCode::TooComplex | ProblemCode::BadYaml),
                "{name}: {problem:?}"
            );
        }
        assert!(best < Duration::from_millis(100), "{name} took {best:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pack.yaml"), "- a\n".repeat(600_000)).unwrap();
    assert!(matches!(lint(folder.path(), &[]), Err(PackError::TooLarge { .. })));
    std::fs::write(folder.path().join("pack.yaml"), "- a\n".repeat(500_000)).unwrap();
    let report = lint(folder.path(), &[]).unwrap();
    assert_eq!(report.problems()[0].code, ProblemCode::TooComplex);
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 50 * 1024, "the peak was {kilobytes} kB");
    }
}
