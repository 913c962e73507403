//! Somebody's step fails and they ask for help: what they would hand over is on the screen first, and nothing in it is
//! theirs alone.
#![cfg(target_os = "linux")]

use anyhow::Result;
use firstlight_tests::{Desktop, Machine, fixture, free_port};

#[tokio::test]
async fn c5_help_is_read_in_the_window_before_anybody_gets_it() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.sees("A day at the harbour").await?;
    app.choose("Lighthouse keeper").await?;
    app.fill("The port of your service", &free_port()?.to_string()).await?;
    app.press("See the road").await?;
    app.sees("Will change").await?;
    app.press("Start").await?;
    app.sees("Finished. 1 step failed.").await?;

    app.press("Find your licence").await?;
    app.sees("No licence here.").await?;
    app.press("Get help").await?;
    app.sees("For Harbour team, who answers for this step.").await?;
    app.sees("`licence` failed").await?;
    app.picture("30-help").await?;
    let text = app.text().await?;
    let bundle = text.split_once("# Help for Firstlight").map(|(_, bundle)| bundle).unwrap_or_default();
    assert!(bundle.contains("“Find your licence” (`licence`) needs help."), "{text}");
    assert!(bundle.contains("No licence here."), "{text}");
    assert!(!bundle.contains(&machine.home().display().to_string()), "the home folder is in it: {text}");

    app.press("Close").await?;
    app.sees("Try again").await?;
    app.close(&machine).await
}
