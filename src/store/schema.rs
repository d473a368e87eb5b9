//! The tables as the migrations of both databases create them; knows no statement.

diesel::table! {
    tenants (id) {
        id -> BigInt,
        name -> Text,
        project_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    tenant_states (tenant_id) {
        tenant_id -> BigInt,
        logged_up_to -> Nullable<BigInt>,
        waiting_messages -> BigInt,
        other_events -> BigInt,
        last_change -> BigInt,
        changes_after -> BigInt,
        change_epoch -> BigInt,
    }
}

diesel::table! {
    message_changes (tenant_id, sequence) {
        tenant_id -> BigInt,
        sequence -> BigInt,
        message_id -> BigInt,
        subject_id -> Nullable<BigInt>,
        previous_subject_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    change_marks (tenant_id, marked_at) {
        tenant_id -> BigInt,
        marked_at -> BigInt,
        sequence -> BigInt,
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
    recipients (tenant_id, id) {
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
        source -> Integer,
        received_at -> Nullable<BigInt>,
        item -> Text,
        comment_key -> Nullable<BigInt>,
        undelivered_status -> Nullable<Text>,
        cascade_id -> Nullable<BigInt>,
        broadcast_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_copies (tenant_id, message_id, place) {
        tenant_id -> BigInt,
        message_id -> BigInt,
        place -> Integer,
        item -> Text,
        sent_or_received_at -> BigInt,
        source -> Integer,
        received_at -> Nullable<BigInt>,
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

diesel::table! {
    message_blocks (tenant_id, last_id) {
        tenant_id -> BigInt,
        first_id -> BigInt,
        last_id -> BigInt,
        state -> Integer,
        build_id -> BigInt,
        messages -> BigInt,
        bytes -> BigInt,
        earliest -> BigInt,
        latest -> BigInt,
        kinds -> Binary,
        changes -> BigInt,
        partitions -> Text,
    }
}

diesel::table! {
    message_block_columns (tenant_id, property, last_id) {
        tenant_id -> BigInt,
        property -> Text,
        last_id -> BigInt,
        least -> Nullable<BigInt>,
        greatest -> Nullable<BigInt>,
        data -> Binary,
    }
}

diesel::table! {
    message_block_changes (tenant_id, message_id) {
        tenant_id -> BigInt,
        message_id -> BigInt,
    }
}

diesel::table! {
    whatsapp_logs (tenant_id, id) {
        tenant_id -> BigInt,
        id -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
        to_number -> Text,
        from_number -> Nullable<Text>,
        message_text -> Nullable<Text>,
        status_message -> Nullable<Text>,
        whatsapp_message_id -> Nullable<Text>,
        status -> Text,
        whatsapp_cost_in_usd_cents -> BigInt,
        incident_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        alert_id -> Nullable<Text>,
        monitor_id -> Nullable<Text>,
        scheduled_maintenance_id -> Nullable<Text>,
        status_page_id -> Nullable<Text>,
        status_page_announcement_id -> Nullable<Text>,
        team_id -> Nullable<Text>,
        on_call_duty_policy_id -> Nullable<Text>,
        on_call_duty_policy_escalation_rule_id -> Nullable<Text>,
        on_call_duty_policy_schedule_id -> Nullable<Text>,
        subject_id -> Nullable<BigInt>,
        source -> Integer,
        folded_to_number -> Nullable<Text>,
        folded_from_number -> Nullable<Text>,
        folded_message_text -> Nullable<Text>,
        folded_status_message -> Nullable<Text>,
        folded_whatsapp_message_id -> Nullable<Text>,
        folded_status -> Nullable<Text>,
    }
}

diesel::table! {
    whatsapp_log_copies (tenant_id, id) {
        tenant_id -> BigInt,
        id -> Text,
        log -> Text,
    }
}

diesel::table! {
    whatsapp_log_days (tenant_id, subject_id, status, day) {
        tenant_id -> BigInt,
        subject_id -> BigInt,
        status -> Text,
        day -> BigInt,
        logs -> BigInt,
    }
}

diesel::table! {
    status_events (tenant_id, message_id, digest) {
        tenant_id -> BigInt,
        message_id -> BigInt,
        digest -> Text,
        request_id -> Nullable<Text>,
        subject_id -> Nullable<BigInt>,
        status -> Text,
        status_at -> Nullable<BigInt>,
        status_message -> Nullable<Text>,
        cascade_id -> Nullable<BigInt>,
        cascade_stage_uuid -> Nullable<Text>,
        comment -> Nullable<Text>,
        source -> Integer,
        received_at -> Nullable<BigInt>,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    waiting_messages (tenant_id, subject_id, message_id, digest) {
        tenant_id -> BigInt,
        subject_id -> BigInt,
        message_id -> BigInt,
        digest -> Text,
        item -> Text,
        source -> Integer,
        received_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    other_events (tenant_id, digest) {
        tenant_id -> BigInt,
        digest -> Text,
        received_at -> Nullable<BigInt>,
        body -> Text,
    }
}

diesel::table! {
    pulls (tenant_id, upstream) {
        tenant_id -> BigInt,
        upstream -> Text,
        asked_from -> Nullable<BigInt>,
        asked_to -> Nullable<BigInt>,
        complete_up_to -> Nullable<BigInt>,
        settled_up_to -> Nullable<BigInt>,
        window_from -> Nullable<BigInt>,
        window_to -> Nullable<BigInt>,
        window_since -> Nullable<BigInt>,
        window_offset -> Nullable<BigInt>,
        window_last_id -> Nullable<BigInt>,
        incomplete -> Text,
    }
}

diesel::table! {
    search_states (tenant_id) {
        tenant_id -> BigInt,
        indexed_up_to -> BigInt,
        built_up_to -> Nullable<BigInt>,
        complete_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_terms (tenant_id, message_id) {
        tenant_id -> BigInt,
        message_id -> BigInt,
    }
}

diesel::table! {
    search_ranges (tenant_id, number) {
        tenant_id -> BigInt,
        number -> BigInt,
        first_id -> BigInt,
        last_id -> BigInt,
        messages -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        tenant_id -> BigInt,
        login -> Text,
        role -> Text,
        senders -> Nullable<Text>,
        password_hash -> Text,
        created_at -> BigInt,
        password_set_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (digest) {
        digest -> Binary,
        tenant_id -> BigInt,
        user_id -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    audit_entries (tenant_id, sequence) {
        tenant_id -> BigInt,
        sequence -> BigInt,
        recorded_at -> BigInt,
        user_id -> Nullable<BigInt>,
        records -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    audit_heads (tenant_id) {
        tenant_id -> BigInt,
        sequence -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    reveals (tenant_id, session_digest, recipient_id) {
        session_digest -> Binary,
        tenant_id -> BigInt,
        recipient_id -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    tenants,
    subjects,
    api_keys,
    recipients,
    messages,
    message_copies,
    message_blocks,
    message_days,
    waiting_messages,
    search_states,
    tenant_states,
    users,
    sessions
);
