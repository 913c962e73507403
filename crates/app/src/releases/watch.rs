//! Receiving in the background, while the window is open: seldom, at no moment that many machines share, and without a
//! word as long as there is nothing to say.

use std::time::Duration;

use firstlight_contract::error::Code;

use crate::session::Firstlight;

/// Not while the window is still being drawn.
const FIRST: Duration = Duration::from_secs(20);
/// Between two looks, give or take a quarter.
const BETWEEN: Duration = Duration::from_secs(60 * 60);

impl Firstlight {
    /// Looks for releases as long as this is open. Ends at once on a machine that has not enrolled.
    pub async fn watch_releases(&self) {
        tokio::time::sleep(FIRST).await;
        while self.releases().enrolled.is_some() {
            self.look_for_release().await;
            tokio::time::sleep(spread(BETWEEN)).await;
        }
    }

    /// One look: says what was received, and what has come to be refused or fine. Being offline is nothing to say.
    pub async fn look_for_release(&self) {
        let before = self.releases().refused;
        match self.update(&|_, _| {}).await {
            Ok(update) if update.taken || update.refused != before => self.tell_releases(update),
            Ok(_) => {}
            Err(error) if error.code() == Code::Network => {
                tracing::debug!(message = error.0.message, "no release looked for");
            }
            Err(error) => {
                let update = self.releases();
                if update.refused == before {
                    tracing::debug!(code = ?error.code(), "still refused");
                } else {
                    self.tell_releases(update);
                }
            }
        }
    }
}

/// A while that is a little different on each machine and each time.
pub(crate) fn spread(around: Duration) -> Duration {
    let random = uuid::Uuid::now_v7().as_u128() & 0xffff;
    let part = u32::try_from(random).unwrap_or(0x8000);
    around * 3 / 4 + around * part / 0x2_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_do_not_ask_in_step() {
        let times: std::collections::BTreeSet<Duration> = (0..50).map(|_| spread(BETWEEN)).collect();
        assert!(times.len() > 40, "{}", times.len());
        assert!(times.iter().all(|time| *time >= BETWEEN * 3 / 4 && *time <= BETWEEN * 5 / 4));
    }
}
