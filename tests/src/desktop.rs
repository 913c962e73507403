//! The real window, pressed and read by the words on it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use thirtyfour::{By, Capabilities, WebDriver, WebElement};

use crate::{
    Machine, PATIENCE,
    programs::{binary, screenshots},
};

/// Draws frames for a second. Without a graphics card the driver takes its picture with the next frame, and a page that
/// stands still has none.
const STIR: &str = "
    const end = performance.now() + 1000;
    const stir = (now) => {
      document.documentElement.style.opacity = now < end && document.documentElement.style.opacity === '' ? '0.999' : '';
      if (now < end) requestAnimationFrame(stir);
    };
    requestAnimationFrame(stir);
    return null";

/// The window, open.
#[derive(Debug)]
pub struct Desktop {
    driver: WebDriver,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // The machine ends the window. Left to itself, the session would be ended over a connection that this very
        // thread would have to serve. It fails when it was ended before.
        let _ = self.driver.clone().leak();
    }
}

impl Desktop {
    /// Starts the app on `pack` and waits for its first screen.
    pub async fn start(machine: &Machine, pack: &Path) -> Result<Self> {
        Self::start_with(machine, &["--pack", &pack.display().to_string()]).await
    }

    /// Starts the app with these words.
    pub async fn start_with(machine: &Machine, words: &[&str]) -> Result<Self> {
        let mut wanted = Capabilities::new();
        let options = json!({ "application": binary("firstlight-desktop")?, "args": words });
        wanted.set("tauri:options", options).context("the WebDriver's options cannot be written")?;
        let driver = WebDriver::new(machine.driver(), wanted).await.context("the window did not open")?;
        let desktop = Self { driver };
        desktop.wait("the first screen", || async {
            Ok(desktop.run("return document.querySelector('main h1') !== null && performance.getEntriesByName('interactive').length > 0").await? == true)
        })
        .await?;
        Ok(desktop)
    }

    /// Closes the window.
    pub async fn close(self, machine: &Machine) -> Result<()> {
        machine.end_app()?;
        // The session lost its window; only its driver is left to be told.
        let _ = self.driver.clone().quit().await;
        Ok(())
    }

    /// Waits until these words stand somewhere on the screen.
    pub async fn sees(&self, words: &str) -> Result<()> {
        self.wait(&format!("“{words}” on the screen"), || async {
            Ok(self.text().await?.contains(words))
        })
        .await
    }

    /// Everything that can be read on the screen now.
    pub async fn text(&self) -> Result<String> {
        let text = self.run("return document.body.innerText").await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Presses the button, link or summary with these words, alone or among others, once it can be pressed.
    pub async fn press(&self, words: &str) -> Result<()> {
        let by = format!(
            r#"//*[self::button or self::a or self::summary][.//text()[normalize-space()="{words}"]]"#
        );
        self.click(&by, words).await
    }

    /// Presses what carries these words, whatever it is: a card, a label.
    pub async fn choose(&self, words: &str) -> Result<()> {
        self.click(&format!(r#"//label[contains(normalize-space(), "{words}")]"#), words).await
    }

    /// Empties the field with this label and types.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let by = format!(r#"//input[@id=//label[normalize-space()="{label}"]/@for]"#);
        let field = self.find(&by, label).await?;
        field.clear().await.with_context(|| format!("“{label}” cannot be emptied"))?;
        field.send_keys(text).await.with_context(|| format!("nothing can be typed into “{label}”"))
    }

    /// Light or dark, as the person chooses it in Settings.
    pub async fn theme(&self, theme: &str) -> Result<()> {
        self.press("Settings").await?;
        self.sees("Look and language").await?;
        self.choose(theme).await
    }

    /// Keeps a picture of the window.
    pub async fn picture(&self, name: &str) -> Result<()> {
        // Motion has ended by then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.run(STIR).await?;
        let folder = screenshots();
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let file = folder.join(format!("{name}.png"));
        self.driver.screenshot(&file).await.with_context(|| format!("no picture {}", file.display()))
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Result<Value> {
        let answer = self.driver.execute(script, Vec::new()).await;
        Ok(answer.with_context(|| format!("the page does not run `{script}`"))?.json().clone())
    }

    /// Runs a script in the page that calls its last argument when it is done.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        let answer = self.driver.execute_async(script, Vec::new()).await;
        Ok(answer.with_context(|| format!("the page does not run `{script}`"))?.json().clone())
    }

    /// Calls a command of the core as any script in the page could: what it answered, or how it was refused.
    pub async fn invoke(&self, command: &str, args: &Value) -> Result<std::result::Result<Value, Value>> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             window.__TAURI_INTERNALS__.invoke({}, {args}).then((ok) => done({{ ok: ok ?? null }}), (error) => done({{ error }}));",
            json!(command)
        );
        let answer = self.run_async(&script).await?;
        Ok(match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["ok"].clone()),
        })
    }

    /// The WebDriver, for what no other story needs.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    async fn click(&self, by: &str, words: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let element = self.find(by, words).await?;
            match element.click().await {
                Ok(()) => return Ok(()),
                // It was drawn anew between being found and being pressed.
                Err(error) if start.elapsed() > PATIENCE => {
                    return Err(error).with_context(|| format!("“{words}” cannot be pressed"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn find(&self, by: &str, words: &str) -> Result<WebElement> {
        let start = Instant::now();
        loop {
            for element in self.driver.find_all(By::XPath(by)).await.unwrap_or_default() {
                let can = element.is_displayed().await.unwrap_or(false)
                    && element.is_enabled().await.unwrap_or(false)
                    && element.attr("aria-disabled").await.ok().flatten().is_none();
                if can {
                    return Ok(element);
                }
            }
            if start.elapsed() > PATIENCE {
                bail!("there is no “{words}” to press; on the screen is:\n{}", self.text().await?);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait<F>(&self, what: &str, done: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<bool>>,
    {
        let start = Instant::now();
        while !done().await? {
            if start.elapsed() > PATIENCE {
                bail!(
                    "{} s passed without {what}; on the screen is:\n{}",
                    PATIENCE.as_secs(),
                    self.text().await?
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
