/** A server, and what a connection to it needs. */
export interface RedisServer {
  readonly host: string
  readonly port: number
  /** Empty where there is none. */
  readonly username: string
  readonly password: string
  readonly db: number
  readonly tls: boolean
  /** 4 or 6 for names that must lead to such an address. */
  readonly family: number
}

/** Where a server is. */
export type RedisHost = Pick<RedisServer, "host" | "port">

/** What is the same at all servers that can become the master. */
export type RedisLogin = Omit<RedisServer, keyof RedisHost>

/** What `REDIS_URL` says. */
export type RedisAddress =
  | { readonly kind: "single"; readonly server: RedisServer }
  /** Some of a cluster's nodes. */
  | { readonly kind: "cluster"; readonly nodes: readonly [RedisServer, ...ReadonlyArray<RedisServer>] }
  /** Those who know where the master of that name is, and what to say to it. */
  | {
      readonly kind: "sentinels"
      readonly sentinels: readonly [RedisServer, ...ReadonlyArray<RedisServer>]
      readonly masterName: string
      readonly login: RedisLogin
    }

export type RedisAddressOf<K extends RedisAddress["kind"]> = Extract<RedisAddress, { readonly kind: K }>

export const nameOf = ({ host, port }: RedisHost): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Whether any of its connections is encrypted. */
export const usesTls = (address: RedisAddress): boolean => {
  switch (address.kind) {
    case "single":
      return address.server.tls
    case "cluster":
      return address.nodes.some(({ tls }) => tls)
    case "sentinels":
      return address.login.tls
  }
}
