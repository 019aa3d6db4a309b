-- It has no key: where a publication has all tables, as when a server is replaced by way of logical replication, no poll could be deleted.
set local lock_timeout = '2s';
alter table ledger_archive replica identity full;
