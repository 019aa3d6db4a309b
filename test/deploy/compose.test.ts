import { execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { DCLinter } from "dclint"
import { parse } from "yaml"
import { nodeFlags } from "../support/nodeFlags.ts"
import { root } from "./image.ts"

interface Mount {
  readonly source: string
  readonly target: string
  readonly read_only?: boolean
  readonly volume?: { readonly subpath?: string }
}

interface Service {
  readonly image: string
  readonly command?: ReadonlyArray<string>
  readonly entrypoint?: ReadonlyArray<string>
  readonly read_only?: boolean
  readonly cap_drop?: ReadonlyArray<string>
  readonly security_opt?: ReadonlyArray<string>
  readonly privileged?: boolean
  readonly healthcheck?: { readonly test?: ReadonlyArray<string>; readonly disable?: boolean }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: ReadonlyArray<string>
  readonly networks?: ReadonlyArray<string>
  readonly network_mode?: string
  readonly volumes?: ReadonlyArray<string | Mount>
  readonly deploy?: { readonly replicas?: number }
  readonly stop_grace_period?: string
}

const deploy = join(root, "deploy")
const file = join(deploy, "compose.yaml")
const text = readFileSync(file, "utf8")
const compose: {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
} = parse(text, { merge: true })
const services = Object.entries(compose.services)
const service = (name: string): Service => compose.services[name] ?? assert.fail(`There is no ${name}`)

/** The linter's rules about order, and its rule that an image which is built has no name. */
const ofTaste = [
  "services-alphabetical-order",
  "service-keys-order",
  "top-level-properties-order",
  "service-dependencies-alphabetical-order",
  "service-ports-alphabetical-order",
  "no-build-and-image"
]

describe("compose.yaml", () => {
  it("is what Compose's schema says, and has nothing that a linter minds", () => {
    const rules: ConstructorParameters<typeof DCLinter>[0]["rules"] = {
      "require-quotes-in-ports": [2, { quoteType: "double" }]
    }
    for (const rule of ofTaste) rules[rule] = 0
    const found = new DCLinter({ rules, quiet: false, debug: false, exclude: [] }).lintFiles([file], false)
    assert.lengthOf(found, 1)
    assert.deepStrictEqual(
      found.flatMap(({ messages }) => messages.map(({ line, message }) => `${line}: ${message}`)),
      []
    )
  })

  it("is the whole system: api, two consumers, their servers, Prometheus and Grafana", () => {
    assert.sameMembers(Object.keys(compose.services), [
      "secrets",
      "redis",
      "postgres",
      "api",
      "consumer",
      "prometheus",
      "grafana"
    ])
    assert.deepStrictEqual(service("api").command, ["--role=api"])
    assert.deepStrictEqual(service("consumer").command, ["--role=consumer"])
    assert.strictEqual(service("consumer").deploy?.replicas, 2)
    for (const role of ["api", "consumer"]) {
      assert.deepStrictEqual(service(role).depends_on, {
        redis: { condition: "service_healthy" },
        postgres: { condition: "service_healthy" }
      })
      assert.strictEqual(service(role).environment?.SHUTDOWN_TIMEOUT, "25s")
      assert.isAbove(Number.parseInt(service(role).stop_grace_period ?? "", 10), 25)
    }
  })

  it("keeps votes on disk, with none thrown away", () => {
    const command = (service("redis").command ?? []).join(" ")
    for (const setting of ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"]) {
      assert.include(command, setting)
    }
  })

  it.each(services)("confines %s", (_name, { cap_drop, image, ports = [], privileged, read_only, security_opt }) => {
    assert.isTrue(read_only)
    assert.deepStrictEqual(cap_drop, ["ALL"])
    assert.deepStrictEqual(security_opt, ["no-new-privileges:true"])
    assert.isUndefined(privileged)
    assert.match(image, /:[^:/]+$/)
    assert.notMatch(image, /:latest$/)
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/)
  })

  it("checks the health of all that keeps running", () => {
    for (const [name, { healthcheck }] of services) {
      // The image of both roles has a check of its own.
      const own = name === "api" || name === "consumer"
      if (name === "secrets") assert.isTrue(healthcheck?.disable)
      else if (own) assert.isUndefined(healthcheck)
      else assert.strictEqual(healthcheck?.test?.[0], "CMD", name)
    }
  })

  it("lets only the program reach the servers, and these nothing", () => {
    assert.isTrue(compose.networks.servers?.internal)
    for (const [name, { network_mode, networks = ["default"] }] of services) {
      if (name === "secrets") assert.strictEqual(network_mode, "none")
      else if (name === "redis" || name === "postgres") assert.deepStrictEqual(networks, ["servers"])
      else assert.strictEqual(networks.includes("servers"), name === "api" || name === "consumer", name)
    }
  })

  it("names no file that is not there, no volume that is not declared, and needs no variable", () => {
    for (const [, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = "", , mode] = typeof volume === "string" ? volume.split(":") : [volume.source]
        if (source.startsWith("./")) {
          assert.isTrue(existsSync(join(deploy, source)), source)
          assert.strictEqual(mode, "ro", source)
        } else assert.property(compose.volumes, source)
      }
    }
    for (const [variable] of text.matchAll(/\$\{[^}]*\}/g)) assert.match(variable, /^\$\{[A-Z_]+:-[^}]+\}$/)
  })

  it("has a configuration that Prometheus takes", () => {
    const config = join(deploy, "prometheus/prometheus.yml")
    execFileSync("promtool", ["check", "config", "--syntax-only", config])
    const [{ dns_sd_configs: found }] = parse(readFileSync(config, "utf8")).scrape_configs
    assert.deepInclude(found[0], { names: ["api", "consumer"], port: 9000 })
  })
})

/** The folder of the secrets that a service sees; undefined where it sees none. */
const secretsOf = ({ volumes = [] }: Service): string | undefined => {
  const mounts = volumes.filter(
    (volume) => (typeof volume === "string" ? volume.split(":")[0] : volume.source) === "secrets"
  )
  assert.isAtMost(mounts.length, 1)
  const [mount] = mounts
  if (mount === undefined) return undefined
  // Whoever gets the whole volume sees all of them.
  if (typeof mount === "string") return "."
  assert.deepInclude(mount, { target: "/secrets", read_only: true })
  return mount.volume?.subpath ?? "."
}

/** Makes the secrets in a folder of their own; runs `body` with it. */
const withSecrets = async (body: (folder: string, make: () => void) => void | Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), "tallykeep-secrets-"))
  const make = () => execFileSync(process.execPath, [join(deploy, "compose/secrets.mjs"), folder])
  try {
    make()
    await body(folder, make)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const readAll = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
      .map((path) => [relative(folder, path), readFileSync(path, "utf8")])
  )

/** What a service reads from its file of settings. */
const readEnv = (folder: string, role: "api" | "consumer"): Readonly<Record<string, string>> => {
  const option = `--env-file=${join(folder, role, "tallykeep.env")}`
  return JSON.parse(
    execFileSync(process.execPath, [option, "-p", "JSON.stringify(process.env)"], { env: {} }).toString()
  )
}

describe("the secrets of compose.yaml", () => {
  it("are in none of its files", () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/SECRET|TOKEN|PASSWORD|^(REDIS|DATABASE)/.test(variable)) {
          assert.match(value, /^\/secrets\//, `${variable} of ${name}`)
        }
        assert.notMatch(value, /:\/\/[^/]*:[^/]*@/, `${variable} of ${name}`)
      }
    }
  })

  it("are made once, long enough, and in a form that the program is started with", () =>
    withSecrets((folder, make) => {
      const made = readAll(folder)
      make()
      assert.deepStrictEqual(readAll(folder), made, "a second start finds them")
      for (const path of Object.keys(made)) assert.strictEqual(statSync(join(folder, path)).mode & 0o777, 0o444, path)

      const envFile = "--env-file=/secrets/tallykeep.env"
      for (const role of ["api", "consumer"] as const) {
        assert.deepStrictEqual(service(role).entrypoint, ["/nodejs/bin/node", ...nodeFlags, envFile, "dist/main.js"])
        const env = readEnv(folder, role)
        assert.strictEqual(
          env.DATABASE_URL,
          `postgres://tallykeep:${made["postgres/password"]}@postgres:5432/tallykeep`
        )
        assert.strictEqual(env.REDIS_URL, `redis://:${made["redis/password"]}@redis:6379`)
      }
      const { ADMIN_TOKEN, VOTER_SECRET } = readEnv(folder, "api")
      const { LOG_KEY } = readEnv(folder, "consumer")
      const passwords = ["postgres", "redis", "grafana"].map((name) => made[`${name}/password`])
      const all = [...passwords, ADMIN_TOKEN, VOTER_SECRET, LOG_KEY]
      for (const secret of all) assert.match(secret ?? "", /^[\w-]{43}$/)
      assert.strictEqual(new Set(all).size, all.length)
    }))

  it("are seen by those only who need them", () =>
    withSecrets((folder) => {
      const made = readAll(folder)
      const { ADMIN_TOKEN = "", VOTER_SECRET = "" } = readEnv(folder, "api")
      const { LOG_KEY = "" } = readEnv(folder, "consumer")
      const secrets: Readonly<Record<string, string>> = {
        postgres: made["postgres/password"] ?? "",
        redis: made["redis/password"] ?? "",
        grafana: made["grafana/password"] ?? "",
        admin: ADMIN_TOKEN,
        voters: VOTER_SECRET,
        log: LOG_KEY
      }
      const needed: Readonly<Record<string, ReadonlyArray<string>>> = {
        secrets: Object.keys(secrets),
        postgres: ["postgres"],
        redis: ["redis"],
        grafana: ["grafana"],
        api: ["postgres", "redis", "admin", "voters"],
        consumer: ["postgres", "redis", "log"]
      }
      for (const [name, definition] of services) {
        const seen = secretsOf(definition)
        const text = seen === undefined ? "" : Object.values(readAll(join(folder, seen))).join("\n")
        const found = Object.keys(secrets).filter((secret) => text.includes(secrets[secret] ?? ""))
        assert.sameMembers(found, [...(needed[name] ?? [])], name)
        if (name === "secrets" || seen === undefined) continue
        const { depends_on = {} } = definition
        const direct = depends_on.secrets?.condition === "service_completed_successfully"
        assert.isTrue(direct || depends_on.postgres?.condition === "service_healthy", `${name} waits for its secrets`)
      }
    }))

  it("keep Redis from whoever has no password, and its health check has it", async () =>
    withSecrets(async (folder) => {
      const inContainer = (text: string) =>
        text.replaceAll("/secrets/", `${join(folder, "redis")}/`).replaceAll("$$", "$")
      const [program = "", ...options] = (service("redis").command ?? []).map(inContainer)
      const socket = join(folder, "redis.sock")
      const server = spawn(program, [...options, "--port", "0", "--unixsocket", socket, "--dir", folder])
      try {
        const [, ...check] = (service("redis").healthcheck?.test ?? []).map((text) =>
          inContainer(text).replace("redis-cli", `redis-cli -s ${socket}`)
        )
        const [shell = "", ...command] = check
        const ask = (file: string, parameters: ReadonlyArray<string>) =>
          spawnSync(file, parameters, { encoding: "utf8" })
        for (let tries = 0; ask(shell, command).status !== 0; tries++) {
          assert.isNull(server.exitCode)
          assert.isBelow(tries, 200)
          await sleep(20)
        }
        assert.strictEqual(ask(shell, command).stdout.trim(), "PONG")
        const stranger = ask("redis-cli", ["-s", socket, "-e", "ping"])
        assert.notStrictEqual(stranger.status, 0)
        assert.include(stranger.stdout + stranger.stderr, "NOAUTH")
        const { REDIS_URL = "" } = readEnv(folder, "api")
        const password = new URL(REDIS_URL).password
        assert.strictEqual(
          ask("redis-cli", ["-s", socket, "--no-auth-warning", "-a", password, "ping"]).stdout.trim(),
          "PONG"
        )
      } finally {
        server.kill("SIGKILL")
        await new Promise((resolve) => server.on("close", resolve))
      }
    }))
})
