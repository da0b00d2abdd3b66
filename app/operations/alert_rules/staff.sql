-- What is wrong with staff accounts and the record of what people did.

--: sign_ins_refused
--: severity warn
--: means: Ten or more wrong passwords, codes, passkeys or joining codes within 15 minutes. Somebody may try to get into the console.
--: do: look at /staff/record for the acts "sign in refused" and "code refused": whose account, from where; end that account's sessions on the page People
SELECT 'console', format('%s in 15 minutes, from %s addresses', count(*), count(DISTINCT source))
  FROM staff_action
 WHERE action IN ('sign_in_refused', 'code_refused', 'passkey_refused') AND at > now() - interval '15 minutes'
HAVING count(*) >= 10;

--: record_unsealed
--: severity warn
--: means: Acts of staff have not been sealed for ten minutes, so a change to them would not be found.
--: do: see that `baraza clock` runs; /staff/health says more
SELECT 'record', format('the oldest since %s', to_char(min(at) AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM staff_action
 WHERE id > coalesce((SELECT max(to_id) FROM staff_action_block), 0)
HAVING min(at) < now() - interval '10 minutes';
