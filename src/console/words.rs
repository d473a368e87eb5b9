//! Words of messages in the language of the page: channels, statuses, and why a delivery failed; knows no page.
//!
//! The reasons are those that edna documents (<https://docs.edna.io/kb/available-status-codes/>); any other is shown as it is.

use super::texts::Localized;

/// The text of a status word; the word itself if it is none of edna's.
pub fn status(texts: Localized<'_>, word: &str) -> String {
    texts.text(match word {
        "ACCEPTED" => "status-accepted",
        "ENQUEUED" => "status-enqueued",
        "DELAYED" => "status-delayed",
        "SENT" => "status-sent",
        "DELIVERED" => "status-delivered",
        "READ" => "status-read",
        "UNDELIVERED" => "status-undelivered",
        "FAILED" => "status-failed",
        "CANCELLED" => "status-cancelled",
        "EXPIRED" => "status-expired",
        "INVALID" => "status-invalid",
        other => return other.to_owned(),
    })
}

/// The name of a channel.
pub fn channel(word: &str) -> &str {
    match word {
        "WHATSAPP" => "WhatsApp",
        "VIBER" => "Viber",
        "PUSH" => "Push",
        "VK_NOTIFY" => "VK",
        "OK_NOTIFY" => "OK",
        "TELEGRAM" => "Telegram",
        other => other,
    }
}

/// Why a delivery failed, in words; as it is if the reason is none of edna's.
pub fn reason_or_word(texts: Localized<'_>, word: &str) -> String {
    reason(texts, word).unwrap_or_else(|| word.to_owned())
}

/// Why a delivery failed, in words; `None` if the reason is none of edna's.
pub fn reason(texts: Localized<'_>, word: &str) -> Option<String> {
    let id = match word {
        "not-whatsapp-user" => "reason-not-whatsapp-user",
        "not-viber-user" => "reason-not-viber-user",
        "user-blocked" => "reason-user-blocked",
        "error-address-unknown" => "reason-address-unknown",
        "error-address-format" => "reason-address-format",
        "error-address-not-specified" => "reason-address-not-specified",
        "error-subject-unknown" => "reason-subject-unknown",
        "error-subject-format" => "reason-subject-format",
        "error-content-format" => "reason-content-format",
        "error-content-type-format" | "error-content-type-not-specified" => "reason-content-type",
        "not-template-match" | "error-not-template-match" | "no-match-template" => "reason-template",
        "error-attachment-url-not-specified" => "reason-attachment",
        "error-insufficient-balance" => "reason-balance",
        "error-validity-period-seconds-format" | "error-start-time-format" | "error-priority-format" => {
            "reason-parameters"
        }
        "error-im-type-not-specified" => "reason-channel-not-specified",
        "error-system" | "error-system-blocked" => "reason-system",
        "error-unauthorized" => "reason-unauthorized",
        _ => return None,
    };
    Some(texts.text(id))
}
