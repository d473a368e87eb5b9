//! The life of a simulated message: which statuses it takes, and when; knows no clock.

use serde::Deserialize;

use crate::sandbox::duration::Duration;
use crate::sandbox::error::ControlError;

/// How many steps a life has at most, and how often a callback is delivered at most.
const MAX_STEPS: usize = 100;
const MAX_REPEAT: u32 = 100;

/// The longest status and error, in bytes.
const MAX_WORD: usize = 1000;

/// A step, counted from the sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub after: Duration,
    pub status: String,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Life {
    /// `None` for the default life, which depends on the channel.
    pub steps: Option<Vec<Step>>,
    /// The only address that it is for.
    address: Option<String>,
    /// How often each callback is delivered.
    pub repeat: u32,
    /// Whether callbacks are held until the last step, and delivered in another order.
    pub shuffle: bool,
}

impl Default for Life {
    fn default() -> Self {
        Self { steps: None, address: None, repeat: 1, shuffle: false }
    }
}

/// A life as its request writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLife {
    steps: Vec<NewStep>,
    r#match: Option<LifeMatch>,
    repeat: Option<u32>,
    #[serde(default)]
    shuffle: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStep {
    after: String,
    status: String,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LifeMatch {
    address: String,
}

impl NewLife {
    pub fn check(self) -> Result<Life, ControlError> {
        if self.steps.len() > MAX_STEPS {
            return Err(ControlError::field("steps", &format!("a list of at most {MAX_STEPS} steps")));
        }
        let step = |(place, NewStep { after, status, error }): (usize, NewStep)| {
            let path = |field: &str| format!("steps[{place}].{field}");
            let after = Duration::parse(&after)
                .ok_or_else(|| ControlError::field(&path("after"), "an ISO 8601 duration such as PT10S or P1DT2H"))?;
            if status.trim().is_empty() || status.len() > MAX_WORD {
                return Err(ControlError::field(&path("status"), "a word such as DELIVERED"));
            }
            if error.as_ref().is_some_and(|error| error.len() > MAX_WORD) {
                return Err(ControlError::field(&path("error"), &format!("at most {MAX_WORD} bytes long")));
            }
            Ok(Step { after, status, error })
        };
        let steps = self.steps.into_iter().enumerate().map(step).collect::<Result<Vec<_>, _>>()?;
        let repeat = self.repeat.unwrap_or(1);
        if !(1..=MAX_REPEAT).contains(&repeat) {
            return Err(ControlError::field("repeat", &format!("an integer from 1 to {MAX_REPEAT}")));
        }
        let address = self.r#match.map(|found| crate::model::subscriber::stored_form(&found.address));
        Ok(Life { steps: Some(steps), address, repeat, shuffle: self.shuffle })
    }
}

impl Life {
    pub fn fits(&self, address: &str) -> bool {
        self.address.as_deref().is_none_or(|own| own == address)
    }

    /// The steps of a message on a channel.
    pub fn steps(&self, channel: &str) -> Vec<Step> {
        let default = || {
            let step = |(seconds, status): (i64, &str)| Step {
                after: Duration::of_seconds(seconds),
                status: status.into(),
                error: None,
            };
            let is_read = matches!(channel, "WHATSAPP" | "VIBER");
            let read = is_read.then_some((30, "READ"));
            [(1, "ENQUEUED"), (2, "SENT"), (5, "DELIVERED")].into_iter().chain(read).map(step).collect()
        };
        self.steps.clone().unwrap_or_else(default)
    }
}
