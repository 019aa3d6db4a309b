-- The long part of making the ledger partitioned; votes are counted meanwhile, but for those in polls with a ballot rule.

perform 1 from poll where ballot <> 'open' order by slug for update;
update ballot b set option = v.option from vote_event v where v.vote_id = b.vote_id;

if exists (select from pg_constraint where conname = 'vote_event_bound' and conrelid = 'vote_event'::regclass) then
  alter table vote_event validate constraint vote_event_bound;
end if;
