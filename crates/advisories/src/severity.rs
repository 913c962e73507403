//! How bad an advisory says it is.

use firstlight_domain::finding::Severity;

/// The severity of a CVSS vector, of any version of CVSS; none if it is no vector.
pub(crate) fn of_vector(vector: &str) -> Option<Severity> {
    vector.trim().parse::<cvss::Cvss>().ok().and_then(|vector| of_score(vector.score()))
}

/// The severity of a CVSS score, by the qualitative scale that CVSS 3 and 4 share. A score of 0 says that nothing is the
/// matter; whoever reports it all the same thinks otherwise, so it counts as low.
pub(crate) fn of_score(score: f64) -> Option<Severity> {
    match score {
        score if !(0.0..=10.0).contains(&score) => None,
        score if score < 4.0 => Some(Severity::Low),
        score if score < 7.0 => Some(Severity::Moderate),
        score if score < 9.0 => Some(Severity::High),
        _ => Some(Severity::Critical),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores as FIRST's calculators give them: 9.8, 5.3, 9.3 (version 4), 7.5 (version 2).
    #[test]
    fn vectors_are_scored() {
        for (vector, severity) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(Severity::Critical)),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", Some(Severity::Moderate)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(Severity::Critical)),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some(Severity::High)),
            ("CVSS:9.9/AV:N", None),
            ("high", None),
        ] {
            assert_eq!(of_vector(vector), severity, "{vector}");
        }
        assert_eq!(of_score(0.0), Some(Severity::Low));
        assert_eq!(of_score(f64::NAN), None);
        assert_eq!(of_score(11.0), None);
    }
}
