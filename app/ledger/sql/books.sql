-- Money that the SACCO's own books bring in: salaries, counter business, corrections. One person
-- proposes a batch, another one approves it, and only then is it posted.
SET ROLE baraza_ledger;

ALTER TYPE ledger.entry_kind ADD VALUE 'deposit';
ALTER TYPE ledger.entry_kind ADD VALUE 'withdrawal';
ALTER TYPE ledger.entry_kind ADD VALUE 'salary';
ALTER TYPE ledger.entry_kind ADD VALUE 'correction';

INSERT INTO ledger.gl_account (code, name, class) VALUES (1030, 'SACCO cash and bank', 'asset');
INSERT INTO ledger.account (id, gl_code) VALUES (9000000001030, 1030);

RESET ROLE;

CREATE TABLE posting_batch (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_name    text NOT NULL,
    file_sha256  text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    line_count   integer NOT NULL CHECK (line_count > 0),
    in_cents     bigint NOT NULL CHECK (in_cents >= 0),    -- control totals: what comes in, and
    out_cents    bigint NOT NULL CHECK (out_cents >= 0),   -- what goes out, both without a sign
    state        text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'posted', 'rejected')),
    maker_id     bigint NOT NULL REFERENCES staff,
    proposed_at  timestamptz NOT NULL DEFAULT now(),
    checker_id   bigint REFERENCES staff,
    decided_at   timestamptz,
    reason       text CHECK (reason <> ''),
    -- Whoever made a batch may take it back, and never approves it.
    CONSTRAINT posting_batch_two_people CHECK (state <> 'posted' OR checker_id <> maker_id),
    CONSTRAINT posting_batch_decided CHECK ((state = 'proposed') = (checker_id IS NULL)
                                            AND (state = 'proposed') = (decided_at IS NULL)),
    CONSTRAINT posting_batch_rejected_why CHECK (state <> 'rejected' OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX posting_batch_file ON posting_batch (file_sha256) WHERE state <> 'rejected';

-- The id of a line's entry is made with the line, so that approving twice posts once.
CREATE TABLE posting_batch_line (
    batch_id      bigint NOT NULL REFERENCES posting_batch,
    line          integer NOT NULL CHECK (line > 1),       -- of the file, the header being the first
    entry_id      uuid NOT NULL UNIQUE,
    account_id    bigint NOT NULL REFERENCES member_account,
    kind          text NOT NULL CHECK (kind IN ('deposit', 'withdrawal', 'salary', 'correction')),
    effective_on  date NOT NULL,
    cents         bigint NOT NULL,                         -- + to the member, - from her
    reference     text NOT NULL CHECK (reference <> ''),
    narration     text NOT NULL,
    is_void       boolean NOT NULL DEFAULT false,          -- its batch was rejected
    PRIMARY KEY (batch_id, line),
    CONSTRAINT posting_batch_line_sign CHECK (CASE kind WHEN 'withdrawal' THEN cents < 0
                                                        WHEN 'correction' THEN cents <> 0
                                                        ELSE cents > 0 END)
);
CREATE UNIQUE INDEX posting_batch_line_reference ON posting_batch_line (reference) WHERE NOT is_void;

-- A decision is made once, and "posted" is said only of what is in the books.
CREATE FUNCTION posting_batch_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'proposed' THEN
            RAISE EXCEPTION 'a batch begins as a proposal'
                USING ERRCODE = 'BZ021', CONSTRAINT = 'posting_batch_begins_proposed';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'proposed' OR (NEW.id, NEW.file_sha256, NEW.line_count, NEW.in_cents, NEW.out_cents,
                                   NEW.maker_id) IS DISTINCT FROM
                                  (OLD.id, OLD.file_sha256, OLD.line_count, OLD.in_cents, OLD.out_cents,
                                   OLD.maker_id) THEN
        RAISE EXCEPTION 'batch % is % and stays as it is', OLD.id, OLD.state
            USING ERRCODE = 'BZ022', CONSTRAINT = 'posting_batch_decided_once';
    END IF;
    IF NEW.state = 'posted' THEN
        SELECT count(*) AS lines, coalesce(sum(greatest(l.cents, 0)), 0) AS coming,
               coalesce(sum(greatest(-l.cents, 0)), 0) AS going
          INTO found
          FROM posting_batch_line l
          JOIN ledger.journal_entry e
            ON e.id = l.entry_id AND e.posted_on = ledger.id_date(l.entry_id) AND e.kind::text = l.kind
          JOIN ledger.posting p
            ON p.entry_id = e.id AND p.posted_on = e.posted_on AND p.account_id = l.account_id
           AND p.cents = -l.cents
         WHERE l.batch_id = NEW.id;
        IF (found.lines, found.coming, found.going) IS DISTINCT FROM
           (NEW.line_count, NEW.in_cents, NEW.out_cents) THEN
            RAISE EXCEPTION 'batch % is not in the books as it was proposed', NEW.id
                USING ERRCODE = 'BZ023', CONSTRAINT = 'posting_batch_is_in_the_books';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION posting_batch_void() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE posting_batch_line SET is_void = true WHERE batch_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION posting_batch_line_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NOT NEW.is_void
       AND EXISTS (SELECT FROM posting_batch WHERE id = NEW.batch_id AND state = 'proposed') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM posting_batch WHERE id = OLD.batch_id AND state = 'rejected')
       AND to_jsonb(NEW) - 'is_void' = to_jsonb(OLD) - 'is_void' AND NEW.is_void THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the lines of batch % stay as they were proposed', NEW.batch_id
        USING ERRCODE = 'BZ024', CONSTRAINT = 'posting_batch_line_kept';
END $$;

CREATE TRIGGER posting_batch_guard BEFORE INSERT OR UPDATE ON posting_batch
    FOR EACH ROW EXECUTE FUNCTION posting_batch_guard();
CREATE TRIGGER posting_batch_void AFTER UPDATE ON posting_batch
    FOR EACH ROW WHEN (NEW.state = 'rejected') EXECUTE FUNCTION posting_batch_void();
CREATE TRIGGER posting_batch_kept BEFORE DELETE ON posting_batch
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER posting_batch_line_guard BEFORE INSERT OR UPDATE ON posting_batch_line
    FOR EACH ROW EXECUTE FUNCTION posting_batch_line_guard();
CREATE TRIGGER posting_batch_line_kept BEFORE DELETE ON posting_batch_line
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON posting_batch, posting_batch_line TO baraza_app;
GRANT UPDATE (state, checker_id, decided_at, reason) ON posting_batch TO baraza_app;

-- When balances were compared with the core banking system's, and what came of it.
CREATE TABLE balance_comparison (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    compared_at  timestamptz NOT NULL DEFAULT now(),
    compared_by  text NOT NULL,
    file_name    text NOT NULL,
    file_sha256  text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    equal        integer NOT NULL CHECK (equal >= 0),
    different    integer NOT NULL CHECK (different >= 0),
    missing_here   integer NOT NULL CHECK (missing_here >= 0),
    missing_there  integer NOT NULL CHECK (missing_there >= 0),
    difference_cents  numeric NOT NULL CHECK (difference_cents >= 0)  -- of all accounts, signs left out
);
CREATE TRIGGER balance_comparison_kept BEFORE UPDATE OR DELETE ON balance_comparison
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON balance_comparison TO baraza_app;
