-- Returns a name for the ledger that lasts as long as revisions only rise: through restarts, and until it is restored or
-- made anew. It is made of the cluster's identity and timeline, which a restored backup and a standby that takes over
-- change, and of those of the database and of the table of polls, which a restored dump changes. Null in a standby, whose
-- timeline is its primary's.
create or replace function ledger_epoch() returns text
language plpgsql stable as $$
declare
  place text;
begin
  if pg_is_in_recovery() then
    return null;
  end if;
  begin
    -- The control file's timeline is as old as the last checkpoint.
    place := concat_ws(' ', (select system_identifier from pg_control_system()),
      left(pg_walfile_name(pg_current_wal_lsn()), 8));
  exception when insufficient_privilege or feature_not_supported then
    -- Some who run PostgreSQL for others keep these back: then a restored backup is not told from what it was made of.
    place := '';
  end;
  return left(md5(concat_ws(' ', place, (select oid from pg_database where datname = current_database()),
    pg_relation_filenode('poll'))), 8);
end
$$;
