-- How members use the menus is read by the hour and the day. Rows of these tables come in the order of their time, so a
-- summary of each stretch of the table is enough.
CREATE INDEX ussd_session_started ON ussd_session (started_at DESC, session_id);
CREATE INDEX ussd_hop_at ON ussd_hop USING brin (at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX pin_attempt_at ON pin_attempt USING brin (at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX quote_shown ON quote USING brin (shown_at) WITH (autosummarize = on, pages_per_range = 16);

-- What M-PESA sent is read by its kind, and for what came twice.
CREATE INDEX inbox_kind ON inbox (kind, id DESC);
CREATE INDEX inbox_doubled ON inbox (id DESC) WHERE copies > 1;
