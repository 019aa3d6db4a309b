import { type KubernetesObject, render, type Values, type ValuesFile } from "./chart.ts"

/** A way to install the chart. */
export interface Scenario {
  readonly name: string
  readonly file: ValuesFile
  readonly values?: Values
}

/** The values that values.yaml leaves to the user. */
export const ownServers = {
  secrets: { redisUrl: { name: "servers", key: "redis" }, databaseUrl: { name: "servers", key: "database" } }
} satisfies Values

const custom = (name: string, values: Values): Scenario => ({
  name,
  file: "values.yaml",
  values: { ...ownServers, ...values }
})

const localWith = (name: string, values: Values): Scenario => ({ name, file: "values-local.yaml", values })

const role = {
  podAnnotations: { "example.com/a": "b" },
  podLabels: { team: "votes" },
  nodeSelector: { disk: "ssd" },
  tolerations: [{ key: "votes", operator: "Exists", effect: "NoSchedule" }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "arch", operator: "In", values: ["amd64"] }] }]
      }
    }
  },
  topologySpreadConstraints: [{ maxSkew: 2, topologyKey: "rack", whenUnsatisfiable: "DoNotSchedule" }],
  priorityClassName: "high",
  settings: { LOG_LEVEL: "DEBUG", SHUTDOWN_TIMEOUT: "2m" }
} satisfies Values

/** Leaves the choice to the cluster. */
const theClusters = { runAsUser: null, runAsGroup: null, fsGroup: null } satisfies Values

const placed = {
  nodeSelector: role.nodeSelector,
  tolerations: role.tolerations,
  affinity: role.affinity
} satisfies Values

export const scenarios: ReadonlyArray<Scenario> = [
  { name: "values.yaml", file: "values.yaml", values: ownServers },
  { name: "values-local.yaml", file: "values-local.yaml" },
  { name: "values-production.yaml", file: "values-production.yaml" },
  custom("names", { nameOverride: "polls", fullnameOverride: "our-polls" }),
  custom("an image by digest", {
    image: { repository: "registry.example.com/t", digest: `sha256:${"a".repeat(64)}` },
    imagePullSecrets: [{ name: "registry" }]
  }),
  custom("every secret", {
    secrets: {
      ...ownServers.secrets,
      databaseReadUrl: { name: "servers" },
      adminToken: { name: "program" },
      voterSecret: { name: "program" },
      logKey: { name: "program" },
      otlpHeaders: { name: "program" }
    }
  }),
  custom("secrets as files", {
    secrets: {
      ...ownServers.secrets,
      asFiles: true,
      databaseReadUrl: { name: "servers" },
      adminToken: { name: "program" },
      voterSecret: { name: "program" },
      logKey: { name: "program" },
      otlpHeaders: { name: "program" }
    },
    authorities: { redis: { configMap: "authorities" }, postgresql: { secret: "authorities", key: "postgresql.crt" } },
    audit: { enabled: true }
  }),
  localWith("secrets of the chart as files", { secrets: { asFiles: true } }),
  custom("other roles", { api: role, consumer: role }),
  localWith("labels, users and nodes of the cluster's", {
    commonLabels: { team: "votes", "example.com/cost": "7" },
    podSecurityContext: theClusters,
    redis: { podSecurityContext: theClusters, ...placed },
    postgresql: { podSecurityContext: theClusters, ...placed },
    api: { podLabels: { team: "polls" } }
  }),
  custom("more variables and files", {
    extraEnv: [
      { name: "HTTPS_PROXY", value: "http://proxy:3128" },
      { name: "NODE_EXTRA_CA_CERTS", value: "/etc/more/ca.crt" },
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }
    ],
    extraVolumes: [{ name: "more", configMap: { name: "authorities" } }],
    extraVolumeMounts: [{ name: "more", mountPath: "/etc/more", readOnly: true }],
    secrets: { ...ownServers.secrets, asFiles: true },
    audit: { enabled: true }
  }),
  custom("other probes", { probes: { startup: { failureThreshold: 300 }, readiness: { timeoutSeconds: 10 } } }),
  custom("memory in other units", {
    api: { resources: { requests: { cpu: 1, memory: 268435456 }, limits: { memory: "1.5Gi" } } },
    consumer: { resources: { requests: { cpu: "0.5", memory: "500M" }, limits: { memory: 1073741824 } } }
  }),
  custom("the api scaled", { api: { autoscaling: { enabled: true } } }),
  custom("consumers scaled by CPU", { consumer: { autoscaling: { by: "cpu" } } }),
  custom("consumers scaled by KEDA", {
    settings: { STREAM_NAME: "ballots", CONSUMER_GROUP: "counters" },
    consumer: {
      autoscaling: {
        by: "keda",
        keda: { addresses: ["redis.example.com:6379"], username: { name: "servers" }, password: { name: "servers" } }
      }
    }
  }),
  custom("consumers scaled by KEDA on a cluster", {
    settings: { STREAM_SHARDS: 4 },
    consumer: { autoscaling: { by: "keda", keda: { cluster: true, tls: true, addresses: ["a:6379", "b:6379"] } } }
  }),
  custom("consumers scaled by KEDA on a Redis with sentinels", {
    consumer: {
      autoscaling: {
        by: "keda",
        keda: {
          addresses: ["a:26379", "b:26379"],
          sentinelMaster: "mymaster",
          password: { name: "servers" },
          sentinelPassword: { name: "servers" }
        }
      }
    }
  }),
  localWith("consumers scaled by KEDA on the chart's Redis", { consumer: { autoscaling: { by: "keda" } } }),
  custom("no disruption budgets", {
    api: { podDisruptionBudget: { enabled: false } },
    consumer: { podDisruptionBudget: { enabled: false } }
  }),
  custom("audits", { audit: { enabled: true } }),
  custom("a service account of yours", { serviceAccount: { create: false, name: "ours" } }),
  custom("a load balancer", { service: { type: "LoadBalancer", port: 8080, annotations: { "example.com/lb": "1" } } }),
  custom("an ingress", { ingress: { enabled: true, hosts: ["a.example.com", "b.example.com"] } }),
  custom("a Gateway's route", {
    httpRoute: {
      enabled: true,
      parentRefs: [{ name: "edge", namespace: "gateways", sectionName: "https" }],
      hostnames: ["vote.example.com"],
      annotations: { "example.com/a": "b" }
    }
  }),
  custom("all of monitoring", {
    monitoring: {
      serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
      prometheusRule: { enabled: true, labels: { release: "prometheus" }, runbooks: "https://wiki.example.com/t" },
      dashboard: { enabled: true }
    }
  }),
  custom("no network policies", { networkPolicy: { enabled: false } }),
  custom("narrow network policies", {
    settings: { JWKS_URL: "https://id.example.com/jwks", OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel.tracing:4318" },
    networkPolicy: {
      apiFrom: [{ namespace: "edge", podLabels: { app: "proxy" } }, { cidr: "192.0.2.0/24" }],
      redis: { to: [{ cidr: "10.0.10.0/24" }] },
      postgresql: { to: [{ cidr: "10.0.20.0/24" }] },
      otlp: { to: [{ namespace: "tracing" }] },
      dns: { cidrs: ["169.254.20.10/32"] }
    }
  }),
  custom("the chart's Redis alone", { secrets: { databaseUrl: { name: "servers" } }, redis: { enabled: true } }),
  custom("the chart's PostgreSQL alone", {
    secrets: { redisUrl: { name: "servers" } },
    postgresql: { enabled: true, storage: { size: "20Gi", className: "fast" } }
  })
]

/** Renders each scenario; two at a time, since there may be only two cores. */
export const renderAll = async (): Promise<ReadonlyMap<string, ReadonlyArray<KubernetesObject>>> => {
  const rendered = new Map<string, ReadonlyArray<KubernetesObject>>()
  const rest = [...scenarios]
  const work = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      rendered.set(next.name, await render(next.file, next.values))
    }
  }
  await Promise.all([work(), work()])
  return rendered
}
