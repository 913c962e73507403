//! What `cargo xtask run` opens: the sample pack in the real window, a developer's way to a service that answers. The
//! pictures in the README come from here.
#![cfg(target_os = "linux")]

use std::time::Duration;

use anyhow::{Result, bail};
use firstlight_tests::{Desktop, Machine, sample};

/// Packages are fetched and TypeScript is compiled on the way: this many times the patience of anything else.
const TIMES: usize = 8;

#[tokio::test]
async fn a_developer_walks_the_sample_to_first_light() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &sample(&machine.home())?).await?;
    app.sees("Your first day").await?;
    for persona in ["Developer", "Data scientist", "DevOps engineer", "QA engineer"] {
        app.sees(persona).await?;
    }
    app.choose("Developer").await?;
    app.picture("40-sample-welcome").await?;
    app.press("See the road").await?;
    app.sees("Will change").await?;
    app.picture("41-sample-road").await?;
    app.press("Start").await?;
    app.sees("Install its packages").await?;
    app.sees("Running").await?;
    // For the picture: by now the machine has something to show.
    tokio::time::sleep(Duration::from_secs(2)).await;
    app.picture("42-sample-today").await?;
    app.press("I have read this").await?;
    first_light(&app).await?;
    app.picture("43-sample-first-light").await?;
    app.close(&machine).await
}

async fn first_light(app: &Desktop) -> Result<()> {
    for _ in 0..TIMES {
        if app.sees("Where the time went").await.is_ok() {
            return Ok(());
        }
    }
    bail!("first value was not reached; on the screen is:\n{}", app.text().await?)
}
