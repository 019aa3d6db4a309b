// What the dashboard shows.
import { each, ofStreams, type Query, quantile, type Row, rate, series, total } from "./query.ts"

const votes = "tallykeep_votes_"
const requests = "tallykeep_http_requests_total"

const unprobed = 'route!~"/health|/ready|/metrics"'
const votingRoutes = 'route=~"/api/vote|/vote|/api/polls/:slug/votes"'
/** The share of answers with 5xx; none where nobody asks. */
const failures = `(${total(requests, `status=~"5..", ${unprobed}`)} / (${total(requests, unprobed)} > 0) or vector(0))`

export const rows: ReadonlyArray<Row> = [
  [
    "Objectives",
    [
      {
        title: "Good answers",
        about:
          "Share of requests that were not answered with 5xx, without probes; 99.9 % in a month is what alerts go by.",
        unit: "percentunit",
        queries: [["good", `1 - ${failures}`]]
      },
      {
        title: "Votes' receipts, 99 %",
        about: "Until the answer to a vote begins.",
        unit: "s",
        queries: [["votes", quantile(0.99, "tallykeep_http_request_duration_seconds", "", votingRoutes)]]
      },
      {
        title: "Accepted to counted, 99 %",
        about: "How old votes are when they are counted.",
        unit: "s",
        queries: [["votes", quantile(0.99, "tallykeep_vote_age_seconds")]]
      }
    ]
  ],
  [
    "Votes",
    [
      {
        title: "Accepted and counted",
        about: "The lines part while a backlog builds up or is worked off.",
        unit: "ops",
        queries: [
          ["accepted", total(`${votes}accepted_total`)],
          ["counted", total(`${votes}counted_total`)]
        ]
      },
      {
        title: "Not counted",
        about:
          "What else became of votes: against the ballot rule, replaced, known already, dead, or gone from the stream.",
        unit: "ops",
        queries: ["rejected", "superseded", "duplicate", "dead", "lost"].map(
          (what): Query => [what, total(`${votes}${what}_total`)]
        )
      },
      {
        title: "Waiting to be counted",
        about: "At the limit, MAX_BACKLOG, no more votes are accepted.",
        unit: "short",
        queries: [
          ["not read", ofStreams("lag")],
          ["in hand", ofStreams("pending")],
          ["limit", `max(${series("tallykeep_backlog_limit")})`]
        ]
      },
      {
        title: "From acceptance to commit",
        about: "How old votes are when they are counted.",
        unit: "s",
        queries: [
          ["median", quantile(0.5, "tallykeep_vote_age_seconds")],
          ["99 %", quantile(0.99, "tallykeep_vote_age_seconds")],
          ["oldest waiting", `max(${series("tallykeep_stream_oldest_pending_seconds")})`]
        ]
      },
      {
        title: "Busiest polls",
        about: "A process tells the first hundred polls apart.",
        unit: "ops",
        queries: [["{{poll}}", `topk(10, sum by (poll) (${rate(`${votes}accepted_total`)}))`]]
      },
      {
        title: "Results not final",
        about: "How long ago the first of the polls has closed that are counting; a second or two unless votes wait.",
        unit: "s",
        queries: [["counting", `max(${series("tallykeep_polls_counting_seconds")})`]]
      },
      {
        title: "Tabulations of ranked polls",
        about: "How long they take a second, and how long ago the first was due that is yet to be made.",
        unit: "s",
        queries: [
          ["spent a second", total("tallykeep_tabulation_seconds_sum")],
          ["due", `max(${series("tallykeep_tabulation_due_seconds")})`]
        ]
      },
      {
        title: "Public logs",
        about:
          "How long what was counted waits to enter them, and how long ago all were signed that had to be: a second or two.",
        unit: "s",
        queries: [
          ["waiting", `max(${series("tallykeep_log_lag_seconds")})`],
          ["signed", `min(${series("tallykeep_log_signing_age_seconds")})`],
          ["not signed any more (logs)", `max(${series("tallykeep_log_refused")})`]
        ]
      },
      {
        title: "Dead letters",
        about: "Votes that could not be counted and wait for a decision.",
        unit: "short",
        queries: [["kept", `max(${series("tallykeep_dead_letters")})`]]
      }
    ]
  ],
  [
    "HTTP",
    [
      {
        title: "Requests",
        about: "By status.",
        unit: "reqps",
        queries: [["{{status}}", `sum by (status) (${rate(requests)})`]]
      },
      {
        title: "Server errors",
        about: "Share of requests answered with 5xx, without probes.",
        unit: "percentunit",
        queries: [["5xx", failures]]
      },
      {
        title: "Refused by a bound",
        about: "By reason; the log has a line for each.",
        unit: "reqps",
        queries: [["{{reason}}", `sum by (reason) (${rate("tallykeep_refusals_total")})`]]
      },
      {
        title: "Time to answer, 99 %",
        about: "Until the answer begins, by route.",
        unit: "s",
        queries: [["{{route}}", quantile(0.99, "tallykeep_http_request_duration_seconds", ", route")]]
      },
      {
        title: "Viewers",
        about: "Open streams of live results.",
        unit: "short",
        queries: [["{{instance}}", series("tallykeep_viewers")]]
      }
    ]
  ],
  [
    "Counting",
    [
      {
        title: "Batch",
        about: "Votes in one round trip to the ledger, on average.",
        unit: "short",
        queries: [["votes", `${total("tallykeep_batch_votes_sum")} / ${total("tallykeep_batch_votes_count")}`]]
      },
      {
        title: "Round trip",
        about: "How long the ledger takes for a batch.",
        unit: "s",
        queries: [
          ["median", quantile(0.5, "tallykeep_count_duration_seconds")],
          ["99 %", quantile(0.99, "tallykeep_count_duration_seconds")]
        ]
      },
      {
        title: "Consumers",
        about: "Fibers heard of lately, of all processes.",
        unit: "short",
        queries: [["{{stream}}", `max by (stream) (${series("tallykeep_stream_consumers")})`]]
      },
      {
        title: "Delivered again",
        about: "After a consumer failed or vanished; none is counted twice for it.",
        unit: "ops",
        queries: [["votes", total(`${votes}redelivered_total`)]]
      },
      {
        title: "Plain reads",
        about: "Reads that did not take the fast path and cost more CPU time; hardly any, but after a reconnect.",
        unit: "ops",
        queries: [["{{instance}}", rate("tallykeep_plain_reads_total")]]
      }
    ]
  ],
  [
    "Redis and PostgreSQL",
    [
      {
        title: "Reached",
        about: "1 while it answers, as each process sees it.",
        unit: "short",
        queries: [["{{server}} from {{instance}}", series("tallykeep_server_up")]]
      },
      {
        title: "Clocks",
        about:
          "How far they are ahead of each process's: Redis's, the stream's, whose ids may be ahead of it, and the database's.",
        unit: "s",
        queries: [["{{server}} from {{instance}}", series("tallykeep_clock_skew_seconds")]]
      },
      {
        title: "Durability of a vote",
        about: "What a vote that was accepted survives; only fsync survives a power cut.",
        unit: "short",
        queries: [
          ["{{durability}}", `max by (durability) (${series("tallykeep_redis_durability")})`],
          ["may evict", `max(${series("tallykeep_redis_eviction")})`]
        ]
      },
      {
        title: "Redis's memory",
        about: "The part of maxmemory in use; when it is full, votes are refused.",
        unit: "percentunit",
        queries: [["used", `max(${series("tallykeep_redis_memory_ratio")})`]]
      },
      {
        title: "Redis's disk",
        about: "1 where Redis could write to it the last time.",
        unit: "short",
        queries: [["{{write}}", `min by (write) (${series("tallykeep_redis_disk_ok")})`]]
      },
      {
        title: "Stream",
        about: "Entries that Redis holds, counted ones that are not trimmed yet too.",
        unit: "short",
        queries: [["{{stream}}", `max by (stream) (${series("tallykeep_stream_length")})`]]
      },
      {
        title: "Idempotency keys",
        about:
          "What they hold of Redis's memory. Over the limit new ones live 15 minutes, over twice that they are refused.",
        unit: "bytes",
        queries: [
          ["held", `max(${series("tallykeep_idempotency_bytes")})`],
          ["limit", `max(${series("tallykeep_idempotency_limit_bytes")})`]
        ]
      },
      {
        title: "Questions to PostgreSQL",
        about: "Under way, and the most connections that there may be for them.",
        unit: "short",
        queries: [
          ["{{instance}}", series("tallykeep_database_questions")],
          ["connections of {{instance}}", series("tallykeep_database_connections_limit")]
        ]
      },
      {
        title: "Reconnects",
        about: "Times that a server answered again, in the last hour.",
        unit: "short",
        queries: [["{{server}}", `sum by (server) (increase(${series("tallykeep_reconnects_total")}[1h]))`]]
      }
    ]
  ],
  [
    "Processes",
    [
      { title: "CPU", about: "Cores.", unit: "short", queries: [["{{instance}}", rate("process_cpu_seconds_total")]] },
      { title: "Memory", about: "Resident.", unit: "bytes", queries: [each("process_resident_memory_bytes")] },
      { title: "Heap", about: "V8's, used.", unit: "bytes", queries: [each("nodejs_heap_size_used_bytes")] },
      {
        title: "Event loop's delay, 99 %",
        about: "How late it was in the last seconds.",
        unit: "s",
        queries: [each("nodejs_eventloop_lag_p99_seconds")]
      },
      {
        title: "Slowest loop",
        about: "For how long it has been in its present step, of each consumer.",
        unit: "s",
        queries: [each("tallykeep_loop_age_seconds")]
      },
      {
        title: "Traces not exported",
        about: "Tries that failed, in the last hour; there is nothing where traces are off.",
        unit: "short",
        queries: [["{{instance}}", `increase(${series("tallykeep_trace_export_failures_total")}[1h])`]]
      },
      {
        title: "Running",
        about: "Processes by role and version.",
        unit: "short",
        queries: [["{{role}} {{version}}", `count by (role, version) (${series("tallykeep_build_info")})`]]
      }
    ]
  ]
]

/** Every query, as Prometheus is asked it. */
export const queries = rows.flatMap(([, panels]) => panels.flatMap((panel) => panel.queries.map(([, expr]) => expr)))
