-- A statement's file between looking at it and importing it. Gone once it is imported, or after a day.
CREATE TABLE statement_upload (
    sha256      bytea PRIMARY KEY,
    file_name   text NOT NULL,
    data        bytea NOT NULL,
    uploaded_by bigint NOT NULL REFERENCES staff,
    uploaded_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, DELETE ON statement_upload TO baraza_app;
