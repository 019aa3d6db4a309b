import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment"
import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet"
import type { ICronJob } from "kubernetes-models/batch/v1/CronJob"
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"
import type { IPodTemplateSpec } from "kubernetes-models/v1/PodTemplateSpec"
import type { ISecret } from "kubernetes-models/v1/Secret"
import { parseAllDocuments } from "yaml"
import { helm } from "../../script/helm.mjs"

export const chart = fileURLToPath(new URL("../../deploy/helm/tallykeep", import.meta.url))

/** The kinds that the tests look into; kubernetes.test.ts checks all kinds against Kubernetes' types. */
interface Kinds {
  readonly CronJob: ICronJob
  readonly Deployment: IDeployment
  readonly NetworkPolicy: INetworkPolicy
  readonly Secret: ISecret
  readonly StatefulSet: IStatefulSet
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

/** What a user may hand to Helm. */
export interface Values {
  readonly [name: string]: string | number | boolean | null | Values | ReadonlyArray<string | Values>
}

export type ValuesFile = "values.yaml" | "values-local.yaml" | "values-production.yaml"

/** Runs helm on the chart; `values` override the file. If it fails, rejects with what it says. */
export const runHelm = async (
  command: ReadonlyArray<string>,
  file: ValuesFile,
  values: Values = {}
): Promise<string> => {
  const run = promisify(execFile)(helm, [...command, chart, "-f", `${chart}/${file}`, "-f", "-"], {
    maxBuffer: 2 ** 24
  })
  run.child.stdin?.end(JSON.stringify(values))
  return (await run).stdout
}

/**
 * Renders what Kubernetes would be given, as the release `vote` in the namespace `voting`; with the URL of a cluster, what would be
 * given to that one.
 */
export const render = async (
  file: ValuesFile,
  values?: Values,
  cluster?: string
): Promise<ReadonlyArray<KubernetesObject>> => {
  const server = ["--is-upgrade", "--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", cluster ?? ""]
  const asking = cluster === undefined ? [] : server
  const text = await runHelm(["template", "vote", "--namespace", "voting", ...asking], file, values)
  const documents = parseAllDocuments(text)
  for (const { errors } of documents) if (errors[0] !== undefined) throw errors[0]
  return documents.flatMap((document) => document.toJS() ?? [])
}

export const ofKind = <K extends keyof Kinds>(
  objects: ReadonlyArray<KubernetesObject>,
  kind: K
): ReadonlyArray<Kinds[K]> => objects.filter((object) => object.kind === kind) as unknown as ReadonlyArray<Kinds[K]>

export interface Workload {
  readonly name: string
  readonly template: IPodTemplateSpec
}

/** Returns the objects that run pods. */
export const workloads = (objects: ReadonlyArray<KubernetesObject>): ReadonlyArray<Workload> => {
  const named = (name: string | undefined, template: IPodTemplateSpec | undefined): ReadonlyArray<Workload> =>
    template === undefined ? [] : [{ name: name ?? "", template }]
  return [
    ...[...ofKind(objects, "Deployment"), ...ofKind(objects, "StatefulSet")].flatMap(({ metadata, spec }) =>
      named(metadata?.name, spec?.template)
    ),
    ...ofKind(objects, "CronJob").flatMap(({ metadata, spec }) =>
      named(metadata?.name, spec?.jobTemplate.spec?.template)
    )
  ]
}

/** Returns the environment of a role's Deployment, by its variables' names. */
export const envOf = (objects: ReadonlyArray<KubernetesObject>, part: string) => {
  const found = ofKind(objects, "Deployment").find(({ metadata }) => metadata?.name?.endsWith(part))
  return new Map(found?.spec?.template.spec?.containers[0]?.env?.map((variable) => [variable.name, variable]))
}

/** Returns what Helm says when it refuses to render. */
export const refusalOf = (rendering: Promise<unknown>): Promise<string> =>
  rendering.then(
    () => Promise.reject(new Error("It was rendered")),
    (error: Error) => error.message
  )

/** Returns what it says of values that it does not take. */
export const refusal = (values: Values): Promise<string> => refusalOf(render("values.yaml", values))
