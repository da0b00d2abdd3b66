-- The record of what people did, sealed: a chain of hashes over its rows, in order, with no gap. Rows are refused any
-- change by a trigger; whoever gets past that, as the owner of the database can, breaks the chain.

CREATE TABLE staff_action_block (
    block_no   bigint PRIMARY KEY,
    from_id    bigint NOT NULL,                -- exclusive
    to_id      bigint NOT NULL,                -- inclusive
    acts       integer NOT NULL,
    prev_hash  bytea NOT NULL,
    hash       bytea NOT NULL,
    sealed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (to_id > from_id)
);
CREATE TRIGGER staff_action_block_kept BEFORE UPDATE OR DELETE ON staff_action_block
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Everything that the rows of a range say, in one hash. Numbers stand for times, so that no session setting can change
-- a byte.
CREATE FUNCTION staff_action_contents(after_id bigint, up_to_id bigint, previous bytea, OUT acts integer, OUT hash bytea)
LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer,
           sha256(previous || coalesce(string_agg(sha256(convert_to(jsonb_build_array(
               a.id, a.staff_id, a.action, a.detail, a.source, extract(epoch FROM a.at))::text, 'UTF8')),
               ''::bytea ORDER BY a.id), ''::bytea))
      FROM staff_action a WHERE a.id > after_id AND a.id <= up_to_id
$$;

-- Seals what is not sealed yet, up to acts_max rows. Returns their number; 0 when there is nothing to seal, when
-- another sealer is at work, or when somebody writes a row this very moment: then the next try does it.
CREATE FUNCTION seal_staff_actions(acts_max integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last staff_action_block;
    up_to bigint;
BEGIN
    BEGIN
        -- A row gets its number once its writer holds the table, so with nobody writing no lower number can appear any
        -- more. Nobody ever waits for this: it is had at once or not at all.
        LOCK TABLE staff_action IN SHARE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        RETURN 0;
    END;
    LOCK TABLE staff_action_block IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO last FROM staff_action_block ORDER BY block_no DESC LIMIT 1;
    SELECT max(id) INTO up_to FROM (
        SELECT id FROM staff_action WHERE id > coalesce(last.to_id, 0) ORDER BY id LIMIT acts_max) unsealed;
    IF up_to IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO staff_action_block (block_no, from_id, to_id, acts, prev_hash, hash)
    SELECT coalesce(last.block_no, 0) + 1, coalesce(last.to_id, 0), up_to, c.acts, p.hash, c.hash
      FROM (SELECT coalesce(last.hash, sha256('baraza')) AS hash) p,
           staff_action_contents(coalesce(last.to_id, 0), up_to, p.hash) c;
    RETURN (SELECT acts FROM staff_action_block WHERE to_id = up_to);
END $$;
REVOKE ALL ON FUNCTION seal_staff_actions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_staff_actions TO baraza_app;
GRANT SELECT ON staff_action_block TO baraza_app;
CREATE INDEX staff_action_block_sealed ON staff_action_block (sealed_at);

-- When a row was written says the database, not the application.
REVOKE INSERT ON staff_action FROM baraza_app;
GRANT INSERT (staff_id, action, detail, source) ON staff_action TO baraza_app;
