import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { definitions } from "../../src/layers/Settings.ts"
import {
  chart,
  envOf,
  type KubernetesObject,
  ofKind,
  refusal,
  render,
  runHelm,
  type Values,
  workloads
} from "./chart.ts"
import { ownServers } from "./scenarios.ts"

const named = (objects: ReadonlyArray<KubernetesObject>, kind: string, part: string) =>
  objects.find(({ kind: of, metadata }) => of === kind && metadata.name.endsWith(part))

describe("the chart", () => {
  it.each(["values.yaml", "values-local.yaml", "values-production.yaml"] as const)(
    "passes helm lint with %s",
    async (file) => {
      const said = await runHelm(["lint", "--strict"], file, file === "values.yaml" ? ownServers : {})
      assert.include(said, "0 chart(s) failed")
    }
  )

  it("says what is missing", async () => {
    assert.include(await refusal({}), "REDIS_URL is needed: set secrets.redisUrl.name")
    assert.include(await refusal({ redis: { enabled: true } }), "DATABASE_URL is needed: set secrets.databaseUrl.name")
    assert.include(await refusal({ ...ownServers, ingress: { enabled: true } }), "ingress.hosts is needed")
    assert.include(await refusal({ ...ownServers, httpRoute: { enabled: true } }), "httpRoute.parentRefs is needed")
    const keda = { ...ownServers, consumer: { autoscaling: { by: "keda" } } }
    assert.include(await refusal(keda), "consumer.autoscaling.keda.addresses is needed")
  })

  it.each<readonly [string, Values]>([
    ["replica", { api: { replica: 3 } }],
    ["replicaz", { replicaz: 3 }],
    ["DATABASE_URL", { settings: { DATABASE_URL: "postgres://in.values" } }],
    ["memory", { api: { resources: { limits: { memory: "512MB" } } } }],
    ["MANAGEMENT_PORT", { consumer: { settings: { MANAGEMENT_PORT: 9001 } } }],
    ["commonLabels", { commonLabels: { "app.kubernetes.io/instance": "other" } }],
    ["runAsUser", { podSecurityContext: { runAsUser: 0 } }],
    ["SHUTDOWN_DELAY", { settings: { SHUTDOWN_DELAY: 5 } }],
    ["cidr", { networkPolicy: { redis: { to: [{ cidr: "everywhere" }] } } }]
  ])("refuses values that it does not know: %s", async (name, values) => {
    assert.include(await refusal({ ...ownServers, ...values }), name)
  })

  it("knows every object's fields, all the way down", () => {
    const open: Array<string> = []
    const look = (at: string, schema: unknown): void => {
      if (typeof schema !== "object" || schema === null) return
      if ("type" in schema && schema.type === "object") {
        if (!("additionalProperties" in schema) || schema.additionalProperties === true) open.push(at)
      }
      for (const [name, inner] of Object.entries(schema)) look(`${at}/${name}`, inner)
    }
    look("", JSON.parse(readFileSync(`${chart}/values.schema.json`, "utf8")))
    // Helm's own, and what is passed on to Kubernetes as it is.
    assert.deepStrictEqual(open, ["/properties/global", "/definitions/kubernetesObject"])
  })

  it("gives every setting that the program knows to both roles, or to one", async () => {
    const secrets = {
      REDIS_URL: "redisUrl",
      DATABASE_URL: "databaseUrl",
      DATABASE_READ_URL: "databaseReadUrl",
      ADMIN_TOKEN: "adminToken",
      VOTER_SECRET: "voterSecret",
      LOG_KEY: "logKey"
    } as const
    const all = Object.values(secrets).map((secret) => [secret, { name: "all", key: secret }])
    const schema = JSON.parse(readFileSync(`${chart}/values.schema.json`, "utf8"))
    const example = (name: string) => {
      const { enum: choices, pattern, type } = schema.definitions.settings.properties[name] ?? {}
      if (name.endsWith("PORT")) return name === "PORT" ? 8001 : 9001
      if (name.endsWith("_LIMIT")) return "20/1s"
      if (pattern !== undefined) return "https://example.com"
      return choices?.[0] ?? (type === "integer" ? 100 : type === "string" ? "text" : "30s")
    }
    const names = Object.keys(schema.definitions.settings.properties)
    const values = Object.fromEntries(names.map((name) => [name, example(name)]))
    values.TRUST_PROXY = 2
    values.STREAM_SHARDS = 4
    values.APPEND_REPLICAS = 1
    values.STREAM_RETENTION = "24h"
    values.CONSUMER_FIBERS = 3
    values.DATABASE_POOL = 7
    values.MAX_BACKLOG = 12_345_678
    values.IDEMPOTENCY_MEMORY = 4_294_967_296
    const authorities = { redis: { configMap: "authorities" } }
    const given = { secrets: Object.fromEntries(all), authorities }
    const objects = await render("values.yaml", { ...given, settings: values })
    const [api, consumer] = [envOf(objects, "-api"), envOf(objects, "-consumer")]
    for (const env of [api, consumer]) {
      for (const [name, value] of Object.entries(values)) assert.strictEqual(env.get(name)?.value, String(value))
      assert.strictEqual(env.get("CONSUMER_NAME")?.valueFrom?.fieldRef?.fieldPath, "metadata.name")
    }
    for (const { name } of Object.values(definitions)) assert.isDefined(api.get(name) ?? consumer.get(name), name)

    const { PORT, MANAGEMENT_PORT, ...own } = values
    const ofOne = { settings: { PORT, MANAGEMENT_PORT }, api: { settings: own }, consumer: { settings: own } }
    const apart = await render("values.yaml", { ...given, ...ofOne })
    for (const part of ["-api", "-consumer"]) assert.deepStrictEqual(envOf(apart, part), envOf(objects, part))
  })

  it("puts secrets into files that can change, of every pod that runs the program", async () => {
    const secrets = {
      asFiles: true,
      redisUrl: { name: "servers", key: "redis" },
      databaseUrl: { name: "servers", key: "database" },
      adminToken: { name: "program" },
      voterSecret: { name: "program" },
      logKey: { name: "program" },
      otlpHeaders: { name: "program" }
    }
    const objects = await render("values.yaml", { secrets, audit: { enabled: true } })
    const ofAll = ["REDIS_URL", "DATABASE_URL"]
    const ofApi = [...ofAll, "ADMIN_TOKEN", "VOTER_SECRET"]
    for (const [part, names] of [
      ["-api", ofApi],
      ["-consumer", [...ofAll, "LOG_KEY"]],
      ["-audit", ofAll]
    ] as const) {
      const pod = workloads(objects).find(({ name }) => name.endsWith(part))?.template.spec
      const [container] = pod?.containers ?? []
      const env = new Map(container?.env?.map((variable) => [variable.name, variable]))
      const folder = container?.volumeMounts?.find(({ name }) => name === "secrets")
      assert.isTrue(folder?.readOnly)
      assert.isUndefined(folder?.subPath, "such a file would never change")
      const sources = pod?.volumes?.find(({ name }) => name === "secrets")?.projected?.sources ?? []
      const files = sources.flatMap(({ secret }) =>
        (secret?.items ?? []).map(({ key, path }) => `${folder?.mountPath}/${path} from ${secret?.name}/${key}`)
      )
      const from: Readonly<Record<string, string>> = {
        REDIS_URL: "servers/redis",
        DATABASE_URL: "servers/database",
        ADMIN_TOKEN: "program/admin-token",
        VOTER_SECRET: "program/voter-secret",
        LOG_KEY: "program/log-key"
      }
      assert.deepStrictEqual(
        files,
        names.map((name) => `${env.get(`${name}_FILE`)?.value} from ${from[name]}`)
      )
      for (const name of names) assert.isUndefined(env.get(name), name)
      // The exporter takes them from the environment alone.
      assert.strictEqual(env.get("OTEL_EXPORTER_OTLP_HEADERS")?.valueFrom?.secretKeyRef?.name, "program")
      const known = Object.values(definitions).flatMap(({ fileName }) => fileName ?? [])
      assert.includeMembers(
        known,
        names.map((name) => `${name}_FILE`)
      )
    }
  })

  it("mounts bundles of authorities", async () => {
    const authorities = { redis: { configMap: "ours" }, postgresql: { secret: "theirs", key: "root.crt" } }
    const objects = await render("values.yaml", { ...ownServers, authorities, audit: { enabled: true } })
    for (const { name, template } of workloads(objects)) {
      const [container] = template.spec?.containers ?? []
      const volume = (variable: string) => {
        const file = container?.env?.find((each) => each.name === variable)?.value ?? ""
        const mount = container?.volumeMounts?.find(({ mountPath }) => file.startsWith(`${mountPath}/`))
        return { file, volume: template.spec?.volumes?.find((each) => each.name === mount?.name) }
      }
      const [redis, postgresql] = [volume("REDIS_CA_FILE"), volume("PGSSLROOTCERT")]
      assert.deepInclude(redis.volume?.configMap, { name: "ours", items: [{ key: "ca.crt", path: "ca.crt" }] }, name)
      assert.deepInclude(postgresql.volume?.secret, {
        secretName: "theirs",
        items: [{ key: "root.crt", path: "ca.crt" }]
      })
      for (const { file } of [redis, postgresql]) assert.match(file, /\/ca\.crt$/)
    }
    const both = { redis: { configMap: "ours", secret: "ours" } }
    assert.include(
      await refusal({ ...ownServers, authorities: both }),
      "authorities.redis names a ConfigMap and a Secret"
    )
  })

  it("takes a bare 0 for a delay, and leaves no time for it", async () => {
    const settings = { SHUTDOWN_DELAY: "0", SHUTDOWN_TIMEOUT: "25s" }
    const objects = await render("values.yaml", { ...ownServers, preStopSeconds: 1, settings })
    assert.strictEqual(envOf(objects, "-api").get("SHUTDOWN_DELAY")?.value, "0")
    const [api] = ofKind(objects, "Deployment").filter(({ metadata }) => metadata?.name?.endsWith("-api"))
    assert.strictEqual(api?.spec?.template?.spec?.terminationGracePeriodSeconds, 31)
  })

  it("lets a role's settings come before all others'", async () => {
    const values = { ...ownServers, settings: { LOG_LEVEL: "WARN" }, consumer: { settings: { LOG_LEVEL: "DEBUG" } } }
    const objects = await render("values.yaml", values)
    assert.strictEqual(envOf(objects, "-api").get("LOG_LEVEL")?.value, "WARN")
    assert.strictEqual(envOf(objects, "-consumer").get("LOG_LEVEL")?.value, "DEBUG")
  })

  it("runs one consumer unless told otherwise, and leaves the number to what scales", async () => {
    const replicas = async (values: Values) => {
      const objects = ofKind(await render("values.yaml", { ...ownServers, ...values }), "Deployment")
      return Object.fromEntries(objects.map(({ metadata, spec }) => [metadata?.name, spec?.replicas]))
    }
    assert.deepStrictEqual(await replicas({}), { "vote-tallykeep-api": 2, "vote-tallykeep-consumer": 1 })
    const scaled = { api: { autoscaling: { enabled: true } }, consumer: { autoscaling: { by: "cpu" } } }
    assert.deepStrictEqual(await replicas(scaled), {
      "vote-tallykeep-api": undefined,
      "vote-tallykeep-consumer": undefined
    })
  })

  it("tells KEDA of each stream, and where Redis is", async () => {
    const values = { settings: { STREAM_SHARDS: 2 }, consumer: { autoscaling: { by: "keda" } } }
    const scaled = named(await render("values-local.yaml", values), "ScaledObject", "-consumer")
    const trigger = (stream: string) => ({
      type: "redis-streams",
      metadata: {
        address: "vote-tallykeep-redis.voting.svc:6379",
        stream,
        consumerGroup: "vote-processors",
        lagCount: "20000",
        enableTLS: "false",
        databaseIndex: "0"
      },
      authenticationRef: { name: "vote-tallykeep-consumer" }
    })
    assert.deepNestedInclude(scaled, { "spec.triggers": [trigger("votes:{0}"), trigger("votes:{1}")] })
  })

  it("tells KEDA of sentinels, and who signs in", async () => {
    const keda = {
      addresses: ["a:26379", "b:26379"],
      sentinelMaster: "mymaster",
      username: { name: "servers" },
      password: { name: "servers" },
      sentinelUsername: { name: "servers" },
      sentinelPassword: { name: "servers" }
    }
    const values = (more: Values) => ({
      ...ownServers,
      consumer: { autoscaling: { by: "keda", keda: { ...keda, ...more } } }
    })
    const objects = await render("values.yaml", values({}))
    assert.deepNestedInclude(named(objects, "ScaledObject", "-consumer"), {
      "spec.triggers[0].type": "redis-sentinel-streams",
      "spec.triggers[0].metadata.addresses": "a:26379,b:26379",
      "spec.triggers[0].metadata.sentinelMaster": "mymaster"
    })
    assert.deepNestedInclude(named(objects, "TriggerAuthentication", "-consumer"), {
      "spec.secretTargetRef": [
        { parameter: "password", name: "servers", key: "redis-password" },
        { parameter: "sentinelPassword", name: "servers", key: "sentinel-password" },
        { parameter: "sentinelUsername", name: "servers", key: "sentinel-username" },
        { parameter: "username", name: "servers", key: "redis-username" }
      ]
    })
    assert.include(await refusal(values({ cluster: true })), "names a cluster and sentinels")
  })

  it("keeps votes on disk in its own Redis, with none thrown away", async () => {
    const redis = named(await render("values-local.yaml"), "StatefulSet", "-redis")
    const [container] =
      ofKind(redis === undefined ? [] : [redis], "StatefulSet")[0]?.spec?.template?.spec?.containers ?? []
    const args = (container?.args ?? []).join(" ")
    for (const setting of ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"]) {
      assert.include(args, setting)
    }
    assert.include(args, "--maxmemory 768mb", "of 1 GiB")
  })
})
