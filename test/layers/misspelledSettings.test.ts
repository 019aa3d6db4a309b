import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { misspelledSettings } from "../../src/layers/MisspelledSettings.ts"
import { definitions } from "../../src/layers/Settings.ts"

const named = (...names: ReadonlyArray<string>) =>
  misspelledSettings(Object.fromEntries(names.map((name) => [name, "a-value-that-must-not-be-shown"])))

/** What shells, package managers, containers, clusters and other servers' images put into the environment. */
const common = `
  HOME PATH PWD OLDPWD USER LOGNAME SHELL SHLVL TERM LANG LC_ALL TZ TMPDIR EDITOR PAGER DISPLAY HOSTNAME HOSTTYPE
  MAIL COLORTERM LS_COLORS XDG_DATA_DIRS XDG_DATA_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR SSH_AUTH_SOCK SSH_CONNECTION
  CI DEBUG POST PORTS HOSTS COST SORT NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_COMPILE_CACHE
  NODE_VERSION YARN_VERSION npm_config_cache npm_package_name npm_lifecycle_event http_proxy HTTPS_PROXY NO_PROXY
  POSTGRES_USER POSTGRES_DB POSTGRES_PASSWORD POSTGRES_HOST POSTGRES_PORT PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE
  REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_TLS_URL REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT_6379_TCP
  REDIS_PORT_6379_TCP_ADDR TALLYKEEP_SERVICE_HOST TALLYKEEP_SERVICE_PORT TALLYKEEP_PORT TALLYKEEP_API_SERVICE_PORT_HTTP
  KUBERNETES_SERVICE_HOST KUBERNETES_PORT KUBERNETES_PORT_443_TCP_PROTO API_PORT VOTES_PORT HOST_PORT DATABASE_PORT
  DATABASE_HOST DATABASE_NAME DATABASE_USER DB_URL BASE_URL SECRET_KEY JWT_SECRET LOG_FORMAT RACK_ENV RAILS_ENV
  OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  OTEL_TRACES_SAMPLER OTEL_TRACES_EXPORTER OTEL_RESOURCE_ATTRIBUTES GF_SECURITY_ADMIN_PASSWORD__FILE
  DYNO WEB_CONCURRENCY MEMORY_AVAILABLE INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID container FAILPOINT _
`

describe("misspelledSettings", () => {
  it.effect.each([
    ["ADMIN_TOKN", "ADMIN_TOKEN"],
    ["ADMIN_TOKAN", "ADMIN_TOKEN"],
    ["ADMNI_TOEKN", "ADMIN_TOKEN"],
    ["ADMINTOKEN", "ADMIN_TOKEN"],
    ["DATABASE_URI", "DATABASE_URL"],
    ["DATABASE_REED_URL", "DATABASE_READ_URL"],
    ["REDIS_UR", "REDIS_URL"],
    ["CORS_ORIGIN", "CORS_ORIGINS"],
    ["ENVIROMENT", "ENVIRONMENT"],
    ["SHUTDOWN_DEALY", "SHUTDOWN_DELAY"],
    ["RATE_LIMITS", "RATE_LIMIT"],
    ["LOGLEVEL", "LOG_LEVEL"],
    ["DATABASE_URL_FIEL", "DATABASE_URL_FILE"],
    ["PROT", "PORT"],
    ["HOSST", "HOST"]
  ] as const)("takes %s for %s", ([name, meant]) =>
    Effect.sync(() => {
      assert.deepStrictEqual(named(name), [`${name} is set, and is no setting; did you mean ${meant}?`])
    })
  )

  it.effect("says nothing of other names, nor of settings, nor of what is empty", () =>
    Effect.sync(() => {
      assert.deepStrictEqual(named(...common.split(/\s+/)), [])
      assert.deepStrictEqual(
        named(...Object.values(definitions).flatMap(({ fileName = [], name }) => [name, fileName].flat())),
        []
      )
      assert.deepStrictEqual(misspelledSettings({ ADMIN_TOKN: "" }), [])
    })
  )

  it.effect("names them all, also where the right one is set too", () =>
    Effect.sync(() => {
      assert.lengthOf(named("PORT", "PROT", "ADMIN_TOKN"), 2)
    })
  )
})
