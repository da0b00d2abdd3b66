-- One more role: whoever looks after accounts, and sees nothing of members and money.
ALTER TABLE staff DROP CONSTRAINT staff_role_check;
ALTER TABLE staff ADD CONSTRAINT staff_role_check
    CHECK (role IN ('support', 'finance', 'ops', 'manager', 'auditor', 'security'));

-- What is on record about one payout, member or colleague.
CREATE INDEX staff_action_colleague ON staff_action ((detail ->> 'colleague'), id DESC) WHERE detail ? 'colleague';
CREATE INDEX staff_action_reference ON staff_action ((detail ->> 'reference'), id DESC) WHERE detail ? 'reference';
