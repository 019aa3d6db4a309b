import { assert, describe, it } from "@effect/vitest"
import { render, type Values, type ValuesFile, workloads } from "./chart.ts"
import { type End, network } from "./policies.ts"
import { scenarios } from "./scenarios.ts"

/** Makes the network of a scenario, and finds its pods by their part. */
const renderNetwork = async (file: ValuesFile, values: Values = {}) => {
  const objects = await render(file, values)
  const pod = (part: string): End => {
    const labels = workloads(objects).find(({ name }) => name.endsWith(`-${part}`))?.template.metadata?.labels
    if (labels === undefined) throw new Error(`There is no ${part}`)
    return { namespace: "voting", labels }
  }
  return { ...network(objects, "voting"), pod }
}

const other: End = { namespace: "voting", labels: { app: "other" } }
const prometheus: End = { namespace: "monitoring", labels: { app: "prometheus" } }
const dns: End = { namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }
const internet: End = { address: "198.51.100.7" }

describe("the network policies", () => {
  it("let only the program reach the chart's servers, and these nobody", async () => {
    const { allows, pod } = await renderNetwork("values-local.yaml", { audit: { enabled: true } })
    for (const [server, port] of [
      ["redis", 6379],
      ["postgresql", 5432]
    ] as const) {
      for (const part of ["api", "consumer", "audit"]) assert.isTrue(allows(pod(part), pod(server), port), part)
      for (const end of [other, prometheus, internet, pod("redis"), pod("postgresql")]) {
        assert.isFalse(allows(end, pod(server), port))
      }
      for (const end of [internet, dns, pod("api")]) assert.isFalse(allows(pod(server), end, 53))
    }
  })

  it("let anyone vote, and nobody but the monitoring reach anything else", async () => {
    const { allows, pod } = await renderNetwork("values-local.yaml")
    for (const end of [other, internet, prometheus]) {
      assert.isTrue(allows(end, pod("api"), 8000))
      assert.isFalse(allows(end, pod("consumer"), 8000))
    }
    for (const part of ["api", "consumer"]) {
      assert.isTrue(allows(prometheus, pod(part), 9000))
      for (const end of [other, internet]) assert.isFalse(allows(end, pod(part), 9000))
      assert.isTrue(allows(pod(part), dns, 53))
      assert.isFalse(allows(pod(part), dns, 443))
      for (const port of [53, 80, 443, 4318, 6379]) assert.isFalse(allows(pod(part), internet, port), `${port}`)
    }
  })

  it("can be narrowed to where the servers are, and widened by the settings that need it", async () => {
    const narrow = scenarios.find(({ name }) => name === "narrow network policies")
    const { allows, pod } = await renderNetwork("values.yaml", narrow?.values)
    const proxy: End = { namespace: "edge", labels: { app: "proxy" } }
    assert.isTrue(allows(proxy, pod("api"), 8000))
    assert.isTrue(allows({ address: "192.0.2.9" }, pod("api"), 8000))
    for (const end of [other, internet, { namespace: "edge", labels: {} }])
      assert.isFalse(allows(end, pod("api"), 8000))
    for (const part of ["api", "consumer"]) {
      assert.isTrue(allows(pod(part), { address: "10.0.10.7" }, 6379))
      assert.isFalse(allows(pod(part), { address: "10.0.20.7" }, 6379))
      assert.isTrue(allows(pod(part), { address: "10.0.20.7" }, 5432))
      assert.isTrue(allows(pod(part), { namespace: "tracing" }, 4318))
      assert.isFalse(allows(pod(part), internet, 4318))
      assert.isTrue(allows(pod(part), internet, 443), "an identity provider's keys")
      assert.isTrue(allows(pod(part), { address: "169.254.20.10" }, 53))
    }
  })

  it("let KEDA ask the chart's Redis, where it scales by that", async () => {
    const keda: End = { namespace: "keda", labels: { app: "keda-operator" } }
    const without = await renderNetwork("values-local.yaml")
    assert.isFalse(without.allows(keda, without.pod("redis"), 6379))
    const { allows, pod } = await renderNetwork("values-local.yaml", { consumer: { autoscaling: { by: "keda" } } })
    assert.isTrue(allows(keda, pod("redis"), 6379))
    assert.isFalse(allows(keda, pod("postgresql"), 5432))
  })
})
