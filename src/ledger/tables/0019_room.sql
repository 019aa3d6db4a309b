-- Room on each page for new versions of its rows, which then need no new entries in the indexes: a batch may change all of them. Most
-- rows of choice_tally may be rankings that nobody makes again, so it has less.
alter table poll set (fillfactor = 75);
alter table tally set (fillfactor = 75);
alter table choice_tally set (fillfactor = 90);
