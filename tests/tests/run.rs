//! What happens while something runs: the window is closed in the middle, or drowned in output.
#![cfg(target_os = "linux")]

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use firstlight_tests::{Desktop, Machine, fixture};

#[tokio::test]
async fn closed_in_the_middle_it_leaves_nothing_and_goes_on() -> Result<()> {
    let machine = Machine::start()?;
    let pack = fixture("journey");
    let app = Desktop::start(&machine, &pack).await?;
    begin(&app, "Ferryman").await?;
    app.press("Wait for the tide").await?;
    app.sees("Waiting for the tide.").await?;
    // The step and the child it put into a session of its own.
    assert_eq!((machine.running("sleep"), waiting(&machine, &pack)), (1, 1));
    app.close(&machine).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (machine.running("sleep"), waiting(&machine, &pack)),
        (0, 0),
        "E3: nothing is left a second later"
    );

    // Opened again: what was done is done, and the rest goes on from there.
    let app = Desktop::start(&machine, &pack).await?;
    app.sees("1 of 2 steps done").await?;
    app.picture("30-reopened-after-closing-mid-run").await?;
    fs::write(machine.home().join("harbour").join("tide.txt"), "high")?;
    app.press("Go on").await?;
    app.sees("Already fine").await?;
    app.press("Go on").await?;
    app.sees("Where the time went").await?;
    app.close(&machine).await
}

/// 10,000 lines a second for five seconds. Smoothness is reported; only a window that stood still fails.
#[tokio::test]
async fn a_flood_of_output_does_not_stop_the_window() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    begin(&app, "Signaller").await?;
    app.press("Read the flood").await?;
    app.sees("of the flood").await?;
    app.run(WATCH).await?;
    // Nobody asks the page anything meanwhile: reading a screen takes its time, too.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let flooded = Gaps::read(&app).await?;
    app.sees("line 49999 of the flood").await?;
    app.picture("31-flood").await?;
    app.run(WATCH).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = Gaps::read(&app).await?;
    println!("frames: in the flood {flooded}; afterwards {idle}");
    // A person notices a second; a slow machine under test gets three.
    assert!(flooded.worst < 3_000.0, "the window stood still: {flooded}");
    app.sees("50,000 lines").await?;
    Ok(())
}

/// Notes the time between frames from now on.
const WATCH: &str = "
    window.gaps = [];
    const mine = window.gaps;
    let last = performance.now();
    const frame = (now) => {
      mine.push(now - last);
      last = now;
      if (window.gaps === mine) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    return null";

/// The time between frames, in milliseconds.
struct Gaps {
    frames: usize,
    median: f64,
    late: f64,
    worst: f64,
}

impl Gaps {
    async fn read(app: &Desktop) -> Result<Self> {
        let mut gaps: Vec<f64> = serde_json::from_value(app.run("return window.gaps").await?)?;
        gaps.sort_by(f64::total_cmp);
        let worst = *gaps.last().context("no frame was drawn")?;
        let at = |share: usize| gaps[gaps.len() * share / 100];
        Ok(Self { frames: gaps.len(), median: at(50), late: at(95), worst })
    }
}

impl std::fmt::Display for Gaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { frames, median, late, worst } = self;
        write!(f, "{frames} frames, gap median {median:.0} ms, 95 % below {late:.0} ms, worst {worst:.0} ms")
    }
}

async fn begin(app: &Desktop, persona: &str) -> Result<()> {
    app.choose(persona).await?;
    app.press("See the road").await?;
    app.press("Start").await
}

fn waiting(machine: &Machine, pack: &std::path::Path) -> usize {
    machine.running(&pack.join("tools").join("wait.mjs").display().to_string())
}
