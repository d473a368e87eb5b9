//! The columns of the WhatsApp log by name, in the order of a row's keys (docs/oneuptime.md §2); knows no row.

use crate::model::whatsapp_log::{Column, ColumnType, Relation};

/// What a key of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Column(Column),
    /// Null in every row.
    DeletedAt,
    ProjectId,
    Project,
    Related(Relation),
    /// No key may read it.
    Hidden,
}

/// What a condition on a field applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionTarget {
    Column(Column),
    Never(ColumnType),
    Project,
    Hidden,
}

impl Field {
    /// What a condition on this field applies to. The name of a relation means its id.
    pub fn condition_target(self) -> ConditionTarget {
        match self {
            Self::Column(column) => ConditionTarget::Column(column),
            Self::Related(relation) => ConditionTarget::Column(Column::Related(relation)),
            Self::DeletedAt => ConditionTarget::Never(ColumnType::Instant),
            Self::Project | Self::ProjectId => ConditionTarget::Project,
            Self::Hidden => ConditionTarget::Hidden,
        }
    }

    /// For a relation, the name of the related model in error texts, and its readable columns besides `_id`.
    pub fn related(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Project => {
                Some(("Project", &["name", "planName", "resellerId", "resellerPlanId", "resellerLicenseId"]))
            }
            Self::Related(relation) => Some(readable(relation)),
            _ => None,
        }
    }
}

const fn related_id(relation: Relation) -> Field {
    Field::Column(Column::Related(relation))
}

/// Every key, in the order of a response.
pub const FIELDS: [(&str, Field); 38] = [
    ("_id", Field::Column(Column::Id)),
    ("createdAt", Field::Column(Column::CreatedAt)),
    ("updatedAt", Field::Column(Column::UpdatedAt)),
    ("deletedAt", Field::DeletedAt),
    ("version", Field::Column(Column::Version)),
    ("project", Field::Project),
    ("projectId", Field::ProjectId),
    ("toNumber", Field::Column(Column::ToNumber)),
    ("fromNumber", Field::Column(Column::FromNumber)),
    ("messageText", Field::Column(Column::MessageText)),
    ("statusMessage", Field::Column(Column::StatusMessage)),
    ("whatsAppMessageId", Field::Column(Column::WhatsAppMessageId)),
    ("status", Field::Column(Column::Status)),
    ("whatsAppCostInUSDCents", Field::Column(Column::Cost)),
    ("incident", Field::Related(Relation::Incident)),
    ("incidentId", related_id(Relation::Incident)),
    ("user", Field::Related(Relation::User)),
    ("userId", related_id(Relation::User)),
    ("alert", Field::Related(Relation::Alert)),
    ("alertId", related_id(Relation::Alert)),
    ("monitor", Field::Related(Relation::Monitor)),
    ("monitorId", related_id(Relation::Monitor)),
    ("scheduledMaintenance", Field::Related(Relation::ScheduledMaintenance)),
    ("scheduledMaintenanceId", related_id(Relation::ScheduledMaintenance)),
    ("statusPage", Field::Related(Relation::StatusPage)),
    ("statusPageId", related_id(Relation::StatusPage)),
    ("statusPageAnnouncement", Field::Related(Relation::StatusPageAnnouncement)),
    ("statusPageAnnouncementId", related_id(Relation::StatusPageAnnouncement)),
    ("team", Field::Related(Relation::Team)),
    ("teamId", related_id(Relation::Team)),
    ("onCallDutyPolicy", Field::Related(Relation::OnCallDutyPolicy)),
    ("onCallDutyPolicyId", related_id(Relation::OnCallDutyPolicy)),
    ("onCallDutyPolicyEscalationRule", Field::Related(Relation::OnCallDutyPolicyEscalationRule)),
    ("onCallDutyPolicyEscalationRuleId", related_id(Relation::OnCallDutyPolicyEscalationRule)),
    ("onCallDutyPolicySchedule", Field::Related(Relation::OnCallDutyPolicySchedule)),
    ("onCallDutyPolicyScheduleId", related_id(Relation::OnCallDutyPolicySchedule)),
    ("deletedByUser", Field::Hidden),
    ("deletedByUserId", Field::Hidden),
];

/// The index of a key in `FIELDS`.
pub fn index(name: &str) -> Option<usize> {
    FIELDS.iter().position(|(known, _)| *known == name)
}

pub fn field(name: &str) -> Option<Field> {
    index(name).map(|index| FIELDS[index].1)
}

fn readable(relation: Relation) -> (&'static str, &'static [&'static str]) {
    match relation {
        Relation::Incident => (
            "Incident",
            &[
                "projectId",
                "title",
                "currentIncidentStateId",
                "createdByProbeId",
                "incidentNumber",
                "incidentNumberWithPrefix",
            ],
        ),
        Relation::User => ("User", &["name", "email", "profilePictureId", "twoFactorAuthEnabled"]),
        Relation::Alert => (
            "Alert",
            &["projectId", "title", "currentAlertStateId", "createdByProbeId", "alertNumber", "alertNumberWithPrefix"],
        ),
        Relation::Monitor => (
            "Monitor",
            &["projectId", "name", "monitorTemplateId", "monitorType", "currentMonitorStatusId", "monitorSteps"],
        ),
        Relation::ScheduledMaintenance => ("Scheduled Maintenance Event", &["projectId", "title"]),
        Relation::StatusPage => ("Status Page", &["projectId", "name"]),
        Relation::StatusPageAnnouncement => ("Status Page Announcement", &["projectId"]),
        Relation::Team => ("Team", &["projectId", "name"]),
        Relation::OnCallDutyPolicy => ("On-Call Policy", &["projectId", "name"]),
        Relation::OnCallDutyPolicyEscalationRule => {
            ("Escalation Rule", &["projectId", "onCallDutyPolicyId", "name", "escalateAfterInMinutes"])
        }
        Relation::OnCallDutyPolicySchedule => {
            ("On-Call Policy Schedule", &["projectId", "name", "currentUserIdOnRoster"])
        }
    }
}
