import { assert, describe, it } from "@effect/vitest"
import type { ITopologySpreadConstraint } from "kubernetes-models/v1/TopologySpreadConstraint"
import { envOf, ofKind, refusal, render, type Values, workloads } from "./chart.ts"
import { ownServers } from "./scenarios.ts"

describe("the chart's pods", () => {
  it("has labels of yours on everything, and on the pods", async () => {
    const objects = await render("values-local.yaml", {
      commonLabels: { team: "votes", release: "common" },
      api: { podLabels: { team: "polls" } },
      audit: { enabled: true },
      monitoring: { serviceMonitor: { enabled: true, labels: { release: "prometheus" } } }
    })
    for (const { kind, metadata } of objects) {
      const labels = { team: "votes", release: kind === "ServiceMonitor" ? "prometheus" : "common" }
      assert.deepInclude(metadata.labels, labels, `${kind} ${metadata.name}`)
    }
    const teams = workloads(objects).map(({ name, template }) => [name, template.metadata?.labels?.team])
    assert.deepStrictEqual(Object.fromEntries(teams), {
      "vote-tallykeep-api": "polls",
      "vote-tallykeep-consumer": "votes",
      "vote-tallykeep-audit": "votes",
      "vote-tallykeep-redis": "votes",
      "vote-tallykeep-postgresql": "votes"
    })
  })

  it("takes variables and files of yours, in each pod that runs the program", async () => {
    const variable = { name: "HTTPS_PROXY", value: "http://proxy:3128" }
    const [volume, mount] = [
      { name: "more", emptyDir: {} },
      { name: "more", mountPath: "/more" }
    ]
    const values = { ...ownServers, audit: { enabled: true }, extraVolumes: [volume], extraVolumeMounts: [mount] }
    for (const { name, template } of workloads(await render("values.yaml", { ...values, extraEnv: [variable] }))) {
      const [container] = template.spec?.containers ?? []
      assert.deepInclude(container?.env ?? [], variable, name)
      assert.deepInclude(container?.volumeMounts ?? [], mount, name)
      assert.deepInclude(template.spec?.volumes ?? [], volume, name)
    }
    for (const taken of ["PORT", "REDIS_URL", "NODE_OPTIONS"]) {
      assert.include(await refusal({ ...values, extraEnv: [{ name: taken, value: "1" }] }), `extraEnv has ${taken}`)
    }
  })

  it("spreads pods evenly, or as you say", async () => {
    const spread = async (values: Values) => {
      const [api] = ofKind(await render("values.yaml", { ...ownServers, api: values }), "Deployment")
      return api?.spec?.template.spec?.topologySpreadConstraints
    }
    const matchLabels = {
      "app.kubernetes.io/name": "tallykeep",
      "app.kubernetes.io/instance": "vote",
      "app.kubernetes.io/component": "api"
    }
    const evenly: Omit<ITopologySpreadConstraint, "topologyKey"> = {
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels }
    }
    assert.deepStrictEqual(await spread({}), [
      { ...evenly, topologyKey: "kubernetes.io/hostname" },
      { ...evenly, topologyKey: "topology.kubernetes.io/zone" }
    ])
    const byRack: ITopologySpreadConstraint & Values = {
      maxSkew: 2,
      topologyKey: "rack",
      whenUnsatisfiable: "DoNotSchedule"
    }
    const selected = { ...byRack, labelSelector: { matchLabels: { team: "votes" } } }
    assert.deepStrictEqual(await spread({ topologySpreadConstraints: [byRack, selected] }), [
      { ...byRack, labelSelector: { matchLabels } },
      selected
    ])
  })

  it("leaves users to the cluster where it is told to, and probes as they are but for what is said", async () => {
    const ids = { runAsUser: null, runAsGroup: 7, fsGroup: null }
    const probes = { readiness: { timeoutSeconds: 10 } }
    const [api] = workloads(await render("values.yaml", { ...ownServers, podSecurityContext: ids, probes }))
    const context = api?.template.spec?.securityContext
    assert.deepInclude(context, { runAsNonRoot: true, runAsGroup: 7 })
    assert.doesNotHaveAnyKeys(context, ["runAsUser", "fsGroup"])
    const [container] = api?.template.spec?.containers ?? []
    assert.deepInclude(container?.readinessProbe, { periodSeconds: 5, timeoutSeconds: 10, failureThreshold: 2 })
  })

  it.each<readonly [string | number, number]>([
    ["1G", 714],
    ["1.5Gi", 1152],
    ["1000000Ki", 732],
    [1_073_741_824, 768],
    ["2Ti", 1_572_864]
  ])("gives V8 three quarters of %s", async (memory, heap) => {
    const resources = { limits: { memory } }
    const objects = await render("values.yaml", { ...ownServers, api: { resources } })
    assert.strictEqual(envOf(objects, "-api").get("NODE_OPTIONS")?.value, `--max-old-space-size=${heap}`)
  })

  it("takes a memory limit without its unit for the mistake that it is", async () => {
    const values = { ...ownServers, api: { resources: { limits: { memory: 512 } } } }
    assert.include(await refusal(values), "A memory limit of 512 is too little; is its unit missing, as in 512Mi?")
  })
})
