import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { DCLinter } from "dclint"
import { parse } from "yaml"
import { nodeFlags } from "../support/nodeFlags.ts"
import { root } from "./image.ts"

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
  readonly volumes?: ReadonlyArray<string | { readonly source: string; readonly read_only?: boolean }>
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

describe("the secrets of compose.yaml", () => {
  it("are in none of its files", () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/SECRET|TOKEN|PASSWORD/.test(variable)) assert.match(value, /^\/secrets\//, `${variable} of ${name}`)
        assert.notMatch(value, /:\/\/[^/]*:[^/]*@/, `${variable} of ${name}`)
      }
    }
  })

  it("are made once, long enough, and in a form that the program is started with", () => {
    const folder = mkdtempSync(join(tmpdir(), "tallykeep-secrets-"))
    try {
      const make = () => {
        execFileSync(process.execPath, [join(deploy, "compose/secrets.mjs"), folder])
        return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]))
      }
      const made = make()
      assert.hasAllKeys(made, ["postgres-password", "grafana-password", "tallykeep.env"])
      assert.deepStrictEqual(make(), made, "a second start finds them")
      assert.strictEqual(statSync(join(folder, "tallykeep.env")).mode & 0o777, 0o444)

      const envFile = "--env-file=/secrets/tallykeep.env"
      for (const role of ["api", "consumer"]) {
        assert.deepStrictEqual(service(role).entrypoint, ["/nodejs/bin/node", ...nodeFlags, envFile, "dist/main.js"])
      }
      const option = envFile.replace("/secrets", folder)
      const read = execFileSync(process.execPath, [option, "-p", "JSON.stringify(process.env)"], { env: {} })
      const env: Readonly<Record<string, string>> = JSON.parse(read.toString())
      const password = made["postgres-password"] ?? ""
      assert.strictEqual(env.DATABASE_URL, `postgres://tallykeep:${password}@postgres:5432/tallykeep`)
      for (const secret of [password, env.ADMIN_TOKEN, env.VOTER_SECRET]) assert.match(secret ?? "", /^[\w-]{43}$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
