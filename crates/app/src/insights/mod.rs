//! What the platform team looks at.

mod baseline;

pub use baseline::{Columns, ttfv_from_csv};
