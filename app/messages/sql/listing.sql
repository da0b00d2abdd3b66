-- What did not reach its member is looked for often, and is little.
CREATE INDEX message_failed_by_id ON message (id DESC) WHERE state = 'failed';
