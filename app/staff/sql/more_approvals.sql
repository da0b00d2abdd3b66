-- More of what one person may not do alone: accounts of staff, limits, tariffs, M-PESA's pauses.
ALTER TABLE approval DROP CONSTRAINT approval_kind_check;
ALTER TABLE approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (
    'resume_withdrawals', 'unlock_member', 'reset_pin', 'change_number',
    'hire', 'dismiss', 'change_role', 'renew_access', 'set_limits', 'set_tariff', 'resume_provider'));
