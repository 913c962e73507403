//! What people think: NPS, CSAT, CES, and how many answer. Of nothing but what [`crate::surveys`] lets out, so that whoever has
//! these figures knows no more than whoever has the counts there.

use firstlight_contract::kpis::{
    Kpi, KpiAnswer, KpiCounts, QuestionKpi, QuestionScale, SurveyKpi, SurveyKpis, SurveyQuarter,
};
use firstlight_domain::survey::{Ending, Scale};
use firstlight_metrics::{
    Level,
    proportion::Proportion,
    survey::{Nps, ces, csat},
};
use jiff::civil::Date;

use super::{Alike, Filter, FilterError, Insights, Period, ends, whole};
use crate::surveys::{LetOut, Out};

/// How many quarters are told of if no period is asked for.
const QUARTERS: usize = 4;

/// The quarters a filter asks for, the latest first: those of the period that have begun by a day, or the last ones.
pub fn quarters(filter: &Filter, today: Date) -> Result<Vec<Period>, FilterError> {
    let quarter_of = |month: Period| month.wider();
    match filter.period {
        Some(Period::Month(..)) => Err(FilterError::NoQuarter),
        Some(quarter @ Period::Quarter(..)) => Ok(vec![quarter]),
        Some(year @ Period::Year(_)) => {
            let begun = year.months().take_while(|month| *month <= Period::month_of(today));
            let mut quarters: Vec<Period> = begun.filter_map(quarter_of).collect();
            quarters.dedup();
            quarters.reverse();
            Ok(quarters)
        }
        None => {
            let months = std::iter::successors(Some(Period::month_of(today)), |month| month.month_before());
            let mut quarters: Vec<Period> = months.take(3 * QUARTERS).filter_map(quarter_of).collect();
            quarters.dedup();
            quarters.truncate(QUARTERS);
            Ok(quarters)
        }
    }
}

impl Insights {
    /// Each of these quarters.
    pub fn surveys<'a>(&self, quarters: impl IntoIterator<Item = (Period, &'a LetOut)>) -> SurveyKpis {
        let quarters = quarters.into_iter().map(|(quarter, out)| self.quarter(quarter, out));
        SurveyKpis { quarters: quarters.collect() }
    }

    fn quarter(&self, quarter: Period, out: &LetOut) -> SurveyQuarter {
        let of = |wanted: Scale| {
            let mut all = Out::default();
            for (_, scores) in out
                .surveys
                .values()
                .flat_map(|survey| &survey.scores)
                .filter(|((_, scale), _)| *scale == wanted)
            {
                all.add(scores);
            }
            self.scores(wanted, &all)
        };
        let mut endings = Out::default();
        for survey in out.surveys.values() {
            endings.add(&survey.endings);
        }
        let surveys = out.surveys.iter().map(|(id, survey)| SurveyKpi {
            survey: id.clone(),
            response: self.response(&survey.endings),
            questions: survey
                .scores
                .iter()
                .map(|((question, scale), scores)| QuestionKpi {
                    question: question.clone(),
                    scale: match scale {
                        Scale::Nps => QuestionScale::Nps,
                        Scale::Csat => QuestionScale::Csat,
                        Scale::Ces => QuestionScale::Ces,
                    },
                    answers: whole(scores.shown.len() as u64),
                    figure: self.scores(*scale, scores),
                })
                .collect(),
        });
        SurveyQuarter {
            quarter: quarter.to_string(),
            nps: of(Scale::Nps),
            csat: of(Scale::Csat),
            ces: of(Scale::Ces),
            response: self.response(&endings),
            surveys: surveys.collect(),
        }
    }

    fn response(&self, endings: &Out<Ending>) -> Kpi {
        let sent = endings.shown.iter().filter(|ending| **ending == Ending::Sent).count();
        let share = Proportion { part: sent as u64, whole: endings.shown.len() as u64 };
        self.out(endings, || Some(self.share(share, Alike::IsFine).answer))
    }

    fn scores(&self, scale: Scale, scores: &Out<u8>) -> Kpi {
        let n = whole(scores.shown.len() as u64);
        let known = |value: f64, ci, n_events| {
            let counts = KpiCounts { n, n_at_risk: n, n_events, n_censored: 0 };
            KpiAnswer::Known { value, ci, counts }
        };
        let each = scores.shown.iter().copied();
        self.out(scores, || match scale {
            Scale::Nps => {
                let nps = Nps::of(each);
                let interval = nps.interval(Level::USUAL).filter(|_| nps.is_enough(Level::USUAL))?;
                Some(known(nps.value()?, ends(interval), whole(nps.promoters)))
            }
            Scale::Csat => Some(self.share(csat(each), Alike::IsFine).answer),
            Scale::Ces => {
                let effort = ces(each, Level::USUAL)?;
                Some(known(effort.mean, effort.interval.map_or([None, None], ends), n))
            }
        })
    }

    /// A figure of what was let out; that there is more, and none of it was, is another answer than that there is nothing.
    fn out<T>(&self, out: &Out<T>, figure: impl FnOnce() -> Option<KpiAnswer>) -> Kpi {
        self.kpi(match figure().filter(|_| !out.shown.is_empty()) {
            Some(answer) => answer,
            None if out.shown.is_empty() && out.kept > 0 => KpiAnswer::Suppressed,
            None => KpiAnswer::NotEnough,
        })
    }
}
