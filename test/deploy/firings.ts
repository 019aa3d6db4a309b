type Series = Readonly<Record<string, string>>

/** What makes an alert fire, in promtool's notation with a value every 15 s; and what is close to that but must not. */
export interface Firing {
  readonly alert: string
  /** Its labels except severity, which the rule has. */
  readonly labels?: Readonly<Record<string, string>>
  readonly summary: string
  readonly fires: Series
  readonly quiet: Series
  /** By when it fires; 30 minutes if not given. */
  readonly at?: string
  /** Whether it is only for a Prometheus that knows nothing at all of tallykeep. */
  readonly alone?: boolean
}

/** The labels of the installation that an alert is about. */
export const of = 'namespace="n", job="j"'
const release = { namespace: "n", job: "j" }
const stream = `${of}, stream="votes"`
const requests = (status: number, route = "/api/vote") =>
  `tallykeep_http_requests_total{${of}, route="${route}", method="POST", status="${status}"}`
const waiting = (lag: string, pending = "0x200"): Series => ({
  [`tallykeep_stream_lag{${stream}, instance="a"}`]: lag,
  [`tallykeep_stream_lag{${stream}, instance="b"}`]: lag,
  [`tallykeep_stream_pending{${stream}, instance="a"}`]: pending,
  [`tallykeep_backlog_limit{${of}, instance="a"}`]: "1000x200",
  [`tallykeep_backlog_limit{${of}, instance="b"}`]: "1000x200"
})
const refusals = (reason: string, instance = "a") =>
  `tallykeep_refusals_total{${of}, reason="${reason}", instance="${instance}"}`
const keys = (bytes: string): Series => ({
  [`tallykeep_idempotency_bytes{${of}, instance="a"}`]: bytes,
  [`tallykeep_idempotency_bytes{${of}, instance="b"}`]: "0x200",
  [`tallykeep_idempotency_limit_bytes{${of}, instance="a"}`]: "268435456x200",
  [`tallykeep_idempotency_limit_bytes{${of}, instance="b"}`]: "268435456x200"
})
const night = (failures: string): Series => ({
  [requests(201)]: "0+1x4 4x196",
  [requests(503)]: failures
})
const answers = (fast: string, slow: string): Series => {
  const bucket = `tallykeep_http_request_duration_seconds_bucket{${of}, route="/api/vote"`
  return { [`${bucket}, le="1"}`]: fast, [`${bucket}, le="5"}`]: slow, [`${bucket}, le="+Inf"}`]: slow }
}

export const firings: ReadonlyArray<Firing> = [
  {
    alert: "TallykeepDown",
    labels: release,
    summary: "No API process of tallykeep is seen, so no votes are taken",
    fires: {
      [`tallykeep_build_info{${of}, role="api"}`]: "1x40 _x160",
      [`tallykeep_build_info{${of}, role="consumer"}`]: "1x200"
    },
    quiet: { [`tallykeep_build_info{${of}, role="all"}`]: "1x200" }
  },
  {
    alert: "TallykeepDown",
    summary: "No API process of tallykeep is seen, so no votes are taken",
    fires: { up: "1x200" },
    quiet: { [`tallykeep_build_info{${of}, role="all"}`]: "1x200" },
    alone: true
  },
  {
    alert: "TallykeepNoConsumer",
    labels: { ...release, stream: "votes" },
    summary: "Nothing reads the stream votes, so votes are taken and not counted",
    fires: {
      [`tallykeep_stream_consumers{${stream}, instance="a"}`]: "0x200",
      [`tallykeep_stream_consumers{${of}, stream="other", instance="a"}`]: "1x200"
    },
    quiet: {
      [`tallykeep_stream_consumers{${stream}, instance="a"}`]: "0x200",
      [`tallykeep_stream_consumers{${stream}, instance="b"}`]: "2x200"
    }
  },
  {
    alert: "TallykeepNoConsumer",
    labels: release,
    summary: "Nothing reads the stream , so votes are taken and not counted",
    fires: { [`tallykeep_build_info{${of}, role="api"}`]: "1x200" },
    quiet: {
      [`tallykeep_build_info{${of}, role="api"}`]: "1x200",
      [`tallykeep_stream_consumers{${stream}, instance="a"}`]: "1x200"
    }
  },
  {
    alert: "TallykeepNotCounting",
    labels: release,
    summary: "Votes are taken, 2 a second, and none is counted",
    fires: {
      [`tallykeep_votes_accepted_total{${of}, poll="a", instance="a"}`]: "0+15x200",
      [`tallykeep_votes_accepted_total{${of}, poll="b", instance="b"}`]: "0+15x200",
      [`tallykeep_batch_votes_sum{${of}, instance="c"}`]: "0+30x40 1200x160"
    },
    // One vote, which the consumer's process tells later, and many.
    quiet: {
      [`tallykeep_votes_accepted_total{${of}, poll="a", instance="a"}`]: "0x116 1x84",
      [`tallykeep_votes_accepted_total{${of}, poll="b", instance="b"}`]: "0x60 0+15x60 900x80",
      [`tallykeep_batch_votes_sum{${of}, instance="c"}`]: "0x62 0+15x60 900x80"
    }
  },
  {
    alert: "TallykeepServerAway",
    labels: { ...release, server: "redis" },
    summary: "A process of tallykeep does not reach its redis, or is refused by it",
    fires: {
      [`tallykeep_server_up{${of}, server="redis", instance="a"}`]: "1x200",
      [`tallykeep_server_up{${of}, server="redis", instance="b"}`]: "0x200",
      [`tallykeep_server_up{${of}, server="database", instance="a"}`]: "1x200"
    },
    // Away for two scrapes, as in a restart.
    quiet: { [`tallykeep_server_up{${of}, server="redis", instance="a"}`]: "1x117 0x1 1x80" }
  },
  {
    alert: "TallykeepClocksApart",
    labels: { ...release, server: "stream" },
    summary: "The stream's clock and that of a process of tallykeep are 1h 0m 0s apart",
    fires: {
      [`tallykeep_clock_skew_seconds{${of}, server="redis", instance="a"}`]: "-1x200",
      [`tallykeep_clock_skew_seconds{${of}, server="stream", instance="a"}`]: "3600x200",
      [`tallykeep_clock_skew_seconds{${of}, server="stream", instance="b"}`]: "3599x200"
    },
    quiet: {
      [`tallykeep_clock_skew_seconds{${of}, server="redis", instance="a"}`]: "-4x200",
      [`tallykeep_clock_skew_seconds{${of}, server="database", instance="a"}`]: "4x200"
    }
  },
  {
    alert: "TallykeepErrors",
    labels: release,
    summary: "5% of the requests of the last hour were answered with 5xx",
    fires: { [requests(201)]: "0+95x200", [requests(503)]: "0+5x200" },
    quiet: { [requests(201)]: "0+999x200", [requests(503)]: "0+1x200", [requests(503, "/ready")]: "0+500x200" }
  },
  {
    alert: "TallykeepErrors",
    labels: release,
    summary: "82.61% of the requests of the last hour were answered with 5xx",
    fires: night("0x100 0+1x40"),
    // Nothing else at all, but no more than a few.
    quiet: night("0x112 4x88")
  },
  {
    alert: "TallykeepErrors",
    labels: release,
    summary: "50% of the requests of the last hour were answered with 5xx",
    fires: { [requests(201)]: "0+5x200", [requests(503)]: "0+5x200" },
    // It is over.
    quiet: { [requests(201)]: "0+5x200", [requests(503)]: "0+5x90 450x110" }
  },
  {
    alert: "TallykeepErrorsPersist",
    labels: release,
    summary: "1% of the requests of the last six hours were answered with 5xx",
    fires: { [requests(201)]: "0+99x200", [requests(503)]: "0+1x200" },
    quiet: { [requests(201)]: "0+998x200", [requests(503)]: "0+5x200" }
  },
  {
    alert: "TallykeepAtCapacity",
    labels: { ...release, reason: "connections" },
    summary: "Processes have no room for more connections, so clients get a 503",
    // Now and then, one at a time.
    fires: { [refusals("connections")]: "0x3 0+0.25x200", [refusals("votes")]: "0x200" },
    // A burst, and what one address does.
    quiet: { [refusals("connections")]: "0x115 999x200", [refusals("client_viewers")]: "0+999x200" }
  },
  {
    alert: "TallykeepRefusals",
    labels: { ...release, reason: "votes" },
    summary: "2 requests a second are refused for votes",
    fires: {
      [refusals("votes", "a")]: "0+15x200",
      [refusals("votes", "b")]: "0+15x200",
      [refusals("tokens")]: "0+1x200"
    },
    // Spread over reasons, a burst, and what TallykeepAtCapacity is for.
    quiet: {
      [refusals("votes")]: "0+14x200",
      [refusals("reads")]: "0+14x200",
      [refusals("guesses")]: "0x60 500x200",
      [refusals("viewers")]: "0+999x200"
    }
  },
  {
    alert: "TallykeepSlow",
    summary: "One vote in a hundred waits for its receipt for more than 3.667s",
    labels: release,
    fires: answers("0+97x200", "0+100x200"),
    quiet: answers("0+100x200", "0+100x200")
  },
  {
    alert: "TallykeepBacklogGrowing",
    labels: release,
    summary: "Votes come faster than they are counted; 480 wait, and within the hour none will be taken",
    fires: waiting("0+4x200"),
    // As many, but not growing.
    quiet: waiting("480x200")
  },
  {
    alert: "TallykeepBacklogFull",
    labels: release,
    summary: "900 votes wait; at MAX_BACKLOG no more are taken",
    fires: waiting("500x200", "400x200"),
    quiet: waiting("500x200", "399x200")
  },
  {
    alert: "TallykeepKeysBrief",
    labels: release,
    summary: "Idempotency keys hold 256MiB of Redis, so new ones are remembered for 15 minutes only",
    fires: keys("268435456x200"),
    quiet: keys("268435455x200")
  },
  {
    alert: "TallykeepKeysRefused",
    labels: release,
    summary: "Idempotency keys hold 512MiB of Redis, so votes with new ones are refused",
    fires: keys("536870912x200"),
    quiet: keys("510027366x200")
  },
  {
    alert: "TallykeepOldestPending",
    labels: { ...release, stream: "votes" },
    summary: "A vote in votes has waited 30m 0s to be counted",
    fires: { [`tallykeep_stream_oldest_pending_seconds{${stream}, instance="a"}`]: "0+15x200" },
    quiet: { [`tallykeep_stream_oldest_pending_seconds{${stream}, instance="a"}`]: "119x200" }
  },
  {
    alert: "TallykeepNotFinal",
    labels: release,
    summary: "A poll has closed 30m 0s ago, and its result is not final",
    fires: {
      [`tallykeep_polls_counting_seconds{${of}, instance="a"}`]: "0+15x200",
      [`tallykeep_polls_counting_seconds{${of}, instance="b"}`]: "0+15x200"
    },
    quiet: { [`tallykeep_polls_counting_seconds{${of}, instance="a"}`]: "299x200" }
  },
  {
    alert: "TallykeepTabulationDue",
    labels: release,
    summary: "The rounds of a ranked poll were due 30m 0s ago, and are not made",
    fires: {
      [`tallykeep_tabulation_due_seconds{${of}, instance="a"}`]: "0+15x200",
      [`tallykeep_tabulation_due_seconds{${of}, instance="b"}`]: "0+15x200"
    },
    quiet: { [`tallykeep_tabulation_due_seconds{${of}, instance="a"}`]: "299x200" }
  },
  {
    alert: "TallykeepDeadLetters",
    labels: release,
    summary: "2 votes could not be counted and wait for a decision",
    fires: {
      [`tallykeep_dead_letters{${of}, instance="a"}`]: "2x200",
      [`tallykeep_dead_letters{${of}, instance="b"}`]: "0x200"
    },
    quiet: { [`tallykeep_dead_letters{${of}, instance="a"}`]: "0x200" }
  },
  {
    alert: "TallykeepVotesLost",
    labels: release,
    summary: "Entries vanished from the stream before they were counted",
    fires: { [`tallykeep_votes_lost_total{${of}, instance="a"}`]: "0x200 1x200" },
    // Long ago.
    quiet: { [`tallykeep_votes_lost_total{${of}, instance="a"}`]: "0x4 3x400" },
    at: "90m"
  },
  {
    alert: "TallykeepVotesLost",
    labels: release,
    summary: "Entries vanished from the stream before they were counted",
    fires: { [`tallykeep_votes_lost_total{${of}, instance="new"}`]: "_x300 1x100" },
    quiet: { [`tallykeep_votes_lost_total{${of}, instance="new"}`]: "_x300 0x100" },
    at: "90m"
  },
  {
    alert: "TallykeepTracesLost",
    labels: release,
    summary: "Traces can't be exported, and are dropped",
    fires: { [`tallykeep_trace_export_failures_total{${of}, instance="a"}`]: "0x40 0+0.25x200" },
    // A collector that was restarted.
    quiet: { [`tallykeep_trace_export_failures_total{${of}, instance="a"}`]: "0x80 4x200" }
  },
  {
    alert: "TallykeepNotDurable",
    labels: { ...release, durability: "everysec" },
    summary: "Redis does not have each vote on disk before it is confirmed (everysec)",
    fires: {
      [`tallykeep_redis_durability{${of}, durability="fsync", instance="a"}`]: "0x200",
      [`tallykeep_redis_durability{${of}, durability="everysec", instance="a"}`]: "1x200",
      [`tallykeep_redis_durability{${of}, durability="memory", instance="a"}`]: "0x200"
    },
    quiet: {
      [`tallykeep_redis_durability{${of}, durability="fsync", instance="a"}`]: "1x200",
      [`tallykeep_redis_durability{${of}, durability="everysec", instance="a"}`]: "0x200",
      // Not asked yet.
      [`tallykeep_redis_durability{${of}, durability="memory", instance="b"}`]: "0x200"
    }
  },
  {
    alert: "TallykeepEviction",
    labels: release,
    summary: "Redis may throw votes away when its memory is full",
    fires: { [`tallykeep_redis_eviction{${of}, instance="a"}`]: "1x200" },
    quiet: { [`tallykeep_redis_eviction{${of}, instance="a"}`]: "0x200" }
  },
  {
    alert: "TallykeepRedisMemory",
    labels: release,
    summary: "Redis uses 90% of its maxmemory; when it is full, votes are refused",
    fires: { [`tallykeep_redis_memory_ratio{${of}, instance="a"}`]: "0.9x200" },
    quiet: { [`tallykeep_redis_memory_ratio{${of}, instance="a"}`]: "0.85x200" }
  },
  {
    alert: "TallykeepRedisDisk",
    labels: { ...release, write: "rdb" },
    summary: "Redis could not write to its disk (rdb)",
    fires: {
      [`tallykeep_redis_disk_ok{${of}, write="rdb", instance="a"}`]: "0x200",
      [`tallykeep_redis_disk_ok{${of}, write="aof", instance="a"}`]: "1x200"
    },
    quiet: { [`tallykeep_redis_disk_ok{${of}, write="rdb", instance="a"}`]: "1x200" }
  },
  {
    alert: "TallykeepLogBehind",
    labels: release,
    summary: "What was counted is not in the signed public logs within 1m 30s",
    fires: {
      [`tallykeep_log_lag_seconds{${of}, instance="a"}`]: "90x200",
      [`tallykeep_log_signing_age_seconds{${of}, instance="a"}`]: "1x200"
    },
    quiet: {
      [`tallykeep_log_lag_seconds{${of}, instance="a"}`]: "60x200",
      // One of the consumers signs.
      [`tallykeep_log_signing_age_seconds{${of}, instance="a"}`]: "600x200",
      [`tallykeep_log_signing_age_seconds{${of}, instance="b"}`]: "1x200"
    }
  },
  {
    alert: "TallykeepLogRefused",
    labels: release,
    summary: "2 public logs are not signed: the database does not lead on from what was signed before",
    fires: { [`tallykeep_log_refused{${of}, instance="a"}`]: "2x200" },
    quiet: { [`tallykeep_log_refused{${of}, instance="a"}`]: "0x200" }
  },
  {
    alert: "TallykeepAuditFailed",
    labels: { namespace: "n", job_name: "tallykeep-audit-29381760" },
    summary: "The audit tallykeep-audit-29381760 has failed, so votes may be missing",
    fires: {
      [`tallykeep_build_info{${of}, role="api"}`]: "1x200",
      'kube_job_failed{namespace="n", job="kube-state-metrics", job_name="tallykeep-audit-29381760", condition="true"}':
        "1x200"
    },
    quiet: {
      [`tallykeep_build_info{${of}, role="api"}`]: "1x200",
      'kube_job_failed{namespace="n", job="kube-state-metrics", job_name="tallykeep-audit-1", condition="true"}':
        "0x200",
      'kube_job_failed{namespace="n", job="kube-state-metrics", job_name="backup-1", condition="true"}': "1x200",
      'kube_job_failed{namespace="elsewhere", job="kube-state-metrics", job_name="books-audit-1", condition="true"}':
        "1x200"
    }
  }
]
