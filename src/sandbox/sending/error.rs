//! The errors of a schedule request, with edna's titles; knows no request.

/// Why a request is not scheduled: a title of edna's, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError {
    pub title: &'static str,
    pub detail: String,
}

impl ScheduleError {
    /// An error whose title says everything.
    pub fn of(title: &'static str) -> Self {
        let words = title.replace('-', " ");
        Self { title, detail: format!("The request cannot be scheduled: {words}.") }
    }

    pub fn field(path: &str, wanted: &str) -> Self {
        let detail = format!("The field '{path}' must be {wanted}.");
        Self { title: "cascade-scheduling-request-not-valid", detail }
    }
}
