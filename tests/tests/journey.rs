//! The whole story: Welcome, the road, Start, a step that fails and is mended, a credential, first light; then the
//! window is closed and opened again, and everything is where it was. Pictures of every screen are kept on the way.
#![cfg(target_os = "linux")]

use std::fs;

use anyhow::Result;
use firstlight_tests::{Desktop, Machine, fixture, free_port};

/// Known to the fixture by its hash only.
const KEY: &str = "the-east-pier-4711";

#[tokio::test]
async fn a_first_day_in_the_window() -> Result<()> {
    let machine = Machine::start()?;
    let harbour = machine.home().join("harbour");
    let port = free_port()?.to_string();
    let app = Desktop::start(&machine, &fixture("journey")).await?;

    // Welcome.
    app.sees("A day at the harbour").await?;
    app.sees("First value: See the lamp answer").await?;
    app.picture("01-welcome").await?;
    app.theme("Dark").await?;
    app.picture("02-settings-dark").await?;
    escape(&app).await?;
    app.choose("Lighthouse keeper").await?;
    app.fill("The port of your service", &port).await?;
    app.picture("03-welcome-dark").await?;
    app.press("See the road").await?;

    // The road: three honest groups, nothing touched.
    app.sees("Will change").await?;
    app.sees("Already fine").await?;
    app.sees("Can’t know yet").await?;
    app.sees("1 credential").await?;
    assert!(!harbour.exists(), "a plan changes nothing");
    app.picture("04-road-dark").await?;
    app.press("Write the lamp's settings").await?;
    app.sees("+greeting=Ahoy").await?;
    app.picture("05-road-open-dark").await?;
    app.press("Start").await?;

    // Today: the machine works, and the licence is missing.
    app.sees("On your machine").await?;
    app.picture("06-today-running-dark").await?;
    app.sees("Failed").await?;
    app.press("Find your licence").await?;
    app.sees("No licence here.").await?;
    app.picture("07-step-failed-dark").await?;
    assert_eq!(fs::read_to_string(harbour.join("lamp.conf"))?, "greeting=Ahoy\n");

    // The machine went on with all the rest meanwhile.
    app.sees("Finished. 1 step failed.").await?;

    // Mended as a person would, and tried again in the window.
    fs::write(harbour.join("licence.txt"), "granted")?;
    app.press("Try again").await?;
    app.press("Draw the chart").await?;
    app.sees("Sounding 40:").await?;
    app.picture("08-step-log-dark").await?;

    // To read, and a key: the wrong one is refused, the right one kept.
    app.press("Read about the harbour").await?;
    app.sees("east pier").await?;
    app.picture("09-step-read-dark").await?;
    app.press("I have read this").await?;
    app.press("Enter the lamp's key").await?;
    app.fill("Lamp key", "not-the-key-at-all").await?;
    app.press("Store").await?;
    app.sees("was not accepted").await?;
    app.picture("10-credential-refused-dark").await?;
    app.fill("Lamp key", KEY).await?;
    app.press("Store").await?;

    // First light.
    app.sees("to first value").await?;
    app.sees("Where the time went").await?;
    app.picture("11-first-light-dark").await?;
    let answer = fetch(&port)?;
    assert!(answer.ends_with("greeting=Ahoy\n"), "{answer}");
    let reached = first_value_line(&app).await?;

    // The other places, dark and light.
    for theme in ["Dark", "Light"] {
        app.theme(theme).await?;
        let suffix = theme.to_lowercase();
        app.sees("This machine").await?;
        app.picture(&format!("12-settings-{suffix}")).await?;
        app.press("Credentials").await?;
        app.sees("In your keychain").await?;
        app.picture(&format!("13-credentials-{suffix}")).await?;
        app.press("Privacy").await?;
        app.sees("What an event may hold").await?;
        app.picture(&format!("14-privacy-{suffix}")).await?;
        app.press("Today").await?;
        app.sees("First value reached").await?;
        app.picture(&format!("15-today-after-{suffix}")).await?;
        app.press("See where the time went").await?;
        app.sees("Where the time went").await?;
        app.picture(&format!("16-first-light-{suffix}")).await?;
    }
    app.press("Day one").await?;
    app.press("See the lamp answer").await?;
    app.sees("The lamp is lit").await?;
    let text = app.text().await?;
    assert!(!text.contains(KEY), "a secret stands in a log");
    app.picture("17-step-lamp-light").await?;
    app.close(&machine).await?;

    // Opened again: on where it was, and the service kept running.
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.sees("First value reached").await?;
    app.sees("Walk around the harbour").await?;
    app.picture("18-reopened-light").await?;
    app.press("See where the time went").await?;
    assert_eq!(first_value_line(&app).await?, reached, "the clock stopped once");
    assert!(fetch(&port)?.ends_with("greeting=Ahoy\n"));
    app.close(&machine).await?;

    // Invariant 3: nothing we keep holds the value.
    assert_eq!(holding(machine.state(), KEY)?, Vec::<std::path::PathBuf>::new());
    Ok(())
}

/// The sentence that says how long it took.
async fn first_value_line(app: &Desktop) -> Result<String> {
    app.sees("to first value").await?;
    let text = app.text().await?;
    Ok(text.lines().find(|line| line.contains("to first value")).unwrap_or_default().to_owned())
}

async fn escape(app: &Desktop) -> Result<()> {
    app.run("window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', cancelable: true }))")
        .await?;
    Ok(())
}

fn fetch(port: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}"))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The files below `folder` that hold `secret`, as bytes.
fn holding(folder: &std::path::Path, secret: &str) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(holding(&entry.path(), secret)?);
        } else if entry.file_type()?.is_file()
            && fs::read(entry.path())?.windows(secret.len()).any(|part| part == secret.as_bytes())
        {
            found.push(entry.path());
        }
    }
    Ok(found)
}
