-- It takes the number of the log that is given up now.
drop function if exists restart_log(text, text, bytea, bytea, text, bigint);
