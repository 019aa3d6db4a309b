-- Their arguments are others now: places of votes among the arrays say what became of them.
drop function if exists count_ballots(
  uuid[], int[], bytea[], bigint[], bigint[], bigint[], text[], text[], text[], bigint[], bigint[], int8multirange[], uuid
);
drop function if exists log_votes(uuid[], int[], text[], text[], uuid[], boolean);
