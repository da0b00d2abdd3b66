-- One more role: whoever looks after accounts, and sees nothing of members and money.
ALTER TABLE staff DROP CONSTRAINT staff_role_check;
ALTER TABLE staff ADD CONSTRAINT staff_role_check
    CHECK (role IN ('support', 'finance', 'ops', 'manager', 'auditor', 'security'));
