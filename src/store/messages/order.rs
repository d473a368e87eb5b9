//! Turns a sort into an `ORDER BY` clause; knows no filter.

use crate::model::Property;
use crate::model::history::Sort;
#[cfg(feature = "postgres")]
use crate::model::property::ValueType;
use crate::store::db::pinned::{Hidden, IndexHint, Syntax};

/// `key NULLS LAST, …, message_id`: a missing value comes last in both directions (docs/edna.md 4.2).
///
/// `hint` names the index that has this order. If none has it, the database must not scan another index, and with it the
/// whole tenant, just for the order.
pub fn write(sort: &Sort, hint: IndexHint, syntax: Syntax, mut push: impl FnMut(&str)) {
    let hidden = Hidden { hint, syntax };
    for (index, key) in sort.keys().iter().enumerate() {
        if index > 0 {
            push(", ");
        }
        push_value(key.property, hidden, &mut push);
        push(if key.descending { " DESC" } else { " ASC" });
        // For required properties, this would keep an index from giving the order.
        if !key.property.is_required() {
            push(" NULLS LAST");
        }
    }
}

/// Whether a statement with this sort is worth keeping prepared. Callers choose their sorts, so keeping each would fill
/// the memory of the gateway and of the database.
pub fn is_common(sort: &Sort) -> bool {
    let common = [Property::MessageId, Property::SentOrReceivedAt];
    sort.keys().iter().all(|key| common.contains(&key.property))
}

/// Pushes the expression by which a property is sorted, hidden from an index that does not give the order.
fn push_value(property: Property, hidden: Hidden, push: &mut impl FnMut(&str)) {
    let (column, sum) = match property {
        Property::MessageId => ("message_id", hidden.message_id()),
        Property::SentOrReceivedAt => ("sent_or_received_at", hidden.sent_at()),
        Property::SubjectId => ("subject_id", " + 0"),
        Property::TenantId => ("tenant_id", ""),
        Property::ChannelType => ("channel_type", ""),
        Property::Direction => ("direction", ""),
        Property::TrafficType => ("traffic_type", ""),
        // Only the item contains the others. Times in text have the order of times.
        _ => return push_field(property, hidden.syntax, push),
    };
    push(column);
    push(sum);
}

/// Pushes an expression for a field of the item.
fn push_field(property: Property, syntax: Syntax, push: &mut impl FnMut(&str)) {
    match syntax {
        Syntax::File => {
            push("json_extract(item, '$.");
            push(property.name());
            push("')");
        }
        #[cfg(feature = "postgres")]
        Syntax::Server => {
            push("message_value(item, '");
            push(property.name());
            push(if property.kind() == ValueType::Integer { "')::bigint" } else { "') COLLATE \"C\"" });
        }
    }
}
