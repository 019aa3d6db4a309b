import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { parse } from "yaml"
import { makeProvider } from "../support/identityProvider.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import type { Watched } from "./watch.ts"

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export const adminToken = "the-admin-of-this-fuzz"
const issuer = "https://id.example"
const audience = "tallykeep"

/** Returns the memory limit of a quantity as Kubernetes writes it, in MiB. */
const mebibytes = (quantity: string): number => {
  const [, number = "", unit = ""] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  if (number === "") throw new Error(`not a memory limit that is understood here: ${quantity}`)
  return Number(number) * (unit === "Gi" ? 1024 : 1)
}

/** The memory that the chart lets an API have, in MiB. */
export const memoryLimit = mebibytes(
  parse(readFileSync(file("../../deploy/helm/tallykeep/values.yaml"), "utf8")).api.resources.limits.memory
)

export interface SiteOptions {
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly stream: string
  /** The file for what loop.cjs measures. */
  readonly loopFile: string
}

/** Starts an API, a consumer and an identity provider as an operator does in production, with the program's own bounds. */
export const openSite = Effect.fnUntraced(function* ({ databaseUrl, loopFile, redisUrl, stream }: SiteOptions) {
  const provider = yield* makeProvider
  const env = {
    ENVIRONMENT: "production",
    REDIS_URL: redisUrl,
    DATABASE_URL: databaseUrl,
    STREAM_NAME: stream,
    MANAGEMENT_PORT: "0",
    ADMIN_TOKEN: adminToken,
    VOTER_SECRET: "what-signs-the-voters-of-this-fuzz",
    JWKS_URL: provider.url,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    TRUST_PROXY: "1",
    SHUTDOWN_DELAY: "0s",
    // As the chart has it: the rest is for what is not on the heap.
    NODE_OPTIONS: `--max-old-space-size=${Math.floor((memoryLimit * 3) / 4)}`
  }
  const consumer = yield* startConsumer({ env })
  const loop = `${env.NODE_OPTIONS} --require "${file("loop.cjs")}"`
  const api = yield* startApi("api", { env: { ...env, NODE_OPTIONS: loop, FUZZ_LOOP: loopFile } })
  const watched = (name: string, program: typeof consumer) =>
    Effect.map(
      program.says(/Health and metrics at (http:\/\/[^\s"]+)/),
      ([, management = ""]): Watched => ({ name, pid: program.pid, management })
    )
  return {
    api,
    consumer,
    env,
    watched: [yield* watched("API", api), yield* watched("consumer", consumer)] as const,
    /** Makes a token of the provider's for a user. */
    userToken: (sub: string) => provider.token({ iss: issuer, aud: audience, sub }, "ES256")
  }
})

export type Site = Effect.Success<ReturnType<typeof openSite>>
