-- Its arguments are others now: it looks at the batch's votes first.
drop function if exists settle_moved(text[], text[], bigint[], bigint[], int8multirange[]);
