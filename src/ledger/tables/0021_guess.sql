-- Its arguments are others now: the votes are in the ledger by then.
drop function if exists count_ballots(
  uuid[], int[], bytea[], bigint[], bigint[], bigint[], text[], text[], text[], bigint[], bigint[], int8multirange[], uuid, boolean[]
);
