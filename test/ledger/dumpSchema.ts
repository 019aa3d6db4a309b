import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** What the ledger's database holds, read from PostgreSQL's catalogue and written as SQL for people. */
export const dumpSchema = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tables = yield* sql<{ text: string }>`
    select format(E'create table %I (\n%s\n)%s%s;%s', c.relname, lines.text, ' partition by ' || pg_get_partkeydef(c.oid),
      ' with (' || array_to_string(c.reloptions, ', ') || ')',
      (
        select string_agg(E'\n' || replace(pg_get_indexdef(i.indexrelid), 'public.', '') || ';', '' order by i.indexrelid::regclass::text)
        from pg_index i where i.indrelid = c.oid and not i.indisunique
      )
    ) as text
    from pg_class c
    cross join lateral (
      select string_agg('  ' || line.text, E',\n' order by line.place, line.text) as text
      from (
        select a.attnum, format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
          || case when a.attcollation = '"C"'::regcollation then ' collate "C"' else '' end
          || case when a.attnotnull then ' not null' else '' end
          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        union all
        select 10000, format('constraint %I %s', conname, pg_get_constraintdef(oid))
        from pg_constraint where conrelid = c.oid and contype <> 'n'
      ) as line (place, text)
    ) lines
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`
  // The first partition's bound is of the day on which the database was made.
  const partitions = yield* sql<{ text: string }>`
    select format('create table %I partition of %I %s;', c.relname, i.inhparent::regclass,
      regexp_replace(pg_get_expr(c.relpartbound, c.oid), '''[0-9a-f-]{36}''', '<a day>')
    ) as text
    from pg_class c join pg_inherits i on i.inhrelid = c.oid
    where c.relispartition and c.relkind = 'r'
    order by c.relname`
  const views = yield* sql<{ text: string }>`
    select format('view %I(%s)', c.relname, (
      select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0
    )) as text
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
    order by 1`
  const functions = yield* sql<{ text: string }>`
    select format('function %s(%s) returns %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)) as text
    from pg_proc where pronamespace = 'public'::regnamespace
    order by 1`
  // PostgreSQL writes its keywords in capitals.
  const texts = (rows: ReadonlyArray<{ text: string }>) =>
    rows.map(({ text }) => text.replace(/\b[A-Z]{2,}\b/g, (keyword) => keyword.toLowerCase()))
  return { tables: texts(tables), partitions: texts(partitions), views: texts(views), functions: texts(functions) }
})
