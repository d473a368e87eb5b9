//! The tables, as both kinds of migration describe them.

diesel::table! {
    tenants (id) {
        id -> BigInt,
        name -> Text,
        project_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    subjects (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        name -> Nullable<Text>,
        channel_type -> Text,
        learned_from -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        tenant_id -> BigInt,
        digest -> Binary,
        name -> Text,
        kind -> Text,
        method_groups -> Nullable<Text>,
        senders -> Nullable<Text>,
        permissions -> Nullable<Text>,
        oneuptime_profile -> Nullable<Text>,
        valid_until -> Nullable<Text>,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    recipients (id) {
        id -> BigInt,
        tenant_id -> BigInt,
        address -> Text,
        folded_address -> Text,
        channel_class -> Integer,
        subscriber_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    messages (tenant_id, message_id) {
        tenant_id -> BigInt,
        message_id -> BigInt,
        sent_or_received_at -> BigInt,
        recipient_id -> BigInt,
        subject_id -> Nullable<BigInt>,
        channel_type -> Text,
        direction -> Text,
        traffic_type -> Nullable<Text>,
        address -> Text,
        delivery_status -> Nullable<Text>,
        delivery_status_at -> Nullable<BigInt>,
        delivery_status_message -> Nullable<Text>,
        subject_name -> Nullable<Text>,
        cascade_id -> Nullable<BigInt>,
        cascade_name -> Nullable<Text>,
        matcher_id -> Nullable<BigInt>,
        matcher_name -> Nullable<Text>,
        cascade_stage_uuid -> Nullable<Text>,
        broadcast_id -> Nullable<BigInt>,
        broadcast_name -> Nullable<Text>,
        segments -> Nullable<BigInt>,
        subscriber_id -> Nullable<BigInt>,
        comment -> Nullable<Text>,
        reply_in_message_id -> Nullable<BigInt>,
        reply_out_message_id -> Nullable<BigInt>,
        reply_out_message_external_request_id -> Nullable<Text>,
        item -> Text,
    }
}

diesel::table! {
    message_copies (tenant_id, message_id, place) {
        tenant_id -> BigInt,
        message_id -> BigInt,
        place -> Integer,
        item -> Text,
        sent_or_received_at -> BigInt,
    }
}

diesel::table! {
    message_days (tenant_id, channel_type, direction, traffic_type, day) {
        tenant_id -> BigInt,
        channel_type -> Text,
        direction -> Text,
        traffic_type -> Text,
        day -> BigInt,
        messages -> BigInt,
        least_message_id -> BigInt,
        greatest_message_id -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    tenants,
    subjects,
    api_keys,
    recipients,
    messages,
    message_copies,
    message_days
);
